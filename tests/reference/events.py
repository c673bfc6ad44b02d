"""Events by docs/charging.md §7: charged at once where they can be paid in full, and remembered for their repeats."""

from dataclasses import dataclass, field, replace
from typing import Final

from charging.batch import KIND_USAGE
from charging.tariff_tables import Control
from tests.reference.account import Account
from tests.reference.journal import Books, RequestRow
from tests.reference.payers import charge_allowances, pay
from tests.reference.requests import Answer, CreditControl, Mscc, MsccAnswer
from tests.reference.services import (
    REFUSALS,
    Turn,
    charge_report,
    givers_of,
    note_refused,
    note_undecided,
    note_unpriced,
    reported,
)
from tests.reference.tariffs import Catalogue, Price
from vocabulary.instants import NS_PER_S
from vocabulary.limits import ANSWERED_EVENT_KEPT_S, CHARGED_MICROS_MAX, MICROS_MAX
from vocabulary.outcomes import Outcome
from vocabulary.units import Unit

CC_REQUEST_NUMBER: Final = 415
DIRECT_DEBITING: Final = 0
REQUESTED_ACTION: Final = 436
REQUESTED_SERVICE_UNIT: Final = 437


EventKey = tuple[int, tuple[int, int], str, int]
"""(tenant, session key, what tells events of a session apart: its "number" or its "body", and that)"""


def event_key(request: CreditControl) -> EventKey:
    """The key under which the answer of an event is kept."""
    if request.never_counts:
        return request.tenant, request.session, "body", request.body_hash
    return request.tenant, request.session, "number", request.number


@dataclass(frozen=True, slots=True)
class Kept:
    """The answer of a decided event."""

    outcome: Outcome
    body_hash: int
    until_ns: int
    msccs: tuple[MsccAnswer, ...]


@dataclass(slots=True)
class KeptAnswers:
    """Answers of events, each with a life."""

    answers: dict[EventKey, Kept] = field(default_factory=dict)

    def forget(self, now_ns: int) -> None:
        """Drop those whose life is over."""
        self.answers = {key: kept for key, kept in self.answers.items() if now_ns < kept.until_ns}

    def find(self, request: CreditControl) -> Kept | None:
        """The answer that is kept for the request's session and number."""
        return self.answers.get(event_key(request))

    def keep(self, request: CreditControl, outcome: Outcome, msccs: list[MsccAnswer], now_ns: int) -> None:
        """Keep an answer for the repeats of its request."""
        until_ns = now_ns + ANSWERED_EVENT_KEPT_S * NS_PER_S
        self.answers[event_key(request)] = Kept(outcome, request.body_hash, until_ns, tuple(msccs))


def decide_event(
    catalogue: Catalogue, kept_answers: KeptAnswers, account: Account, request: CreditControl, now_ns: int, books: Books
) -> Answer:
    """Answer an event; it leaves no session."""
    kept = kept_answers.find(request)
    if kept is not None and kept.body_hash == request.body_hash:
        return Answer(kept.outcome, is_duplicate=True, msccs=[_copy(mscc) for mscc in kept.msccs])
    row = RequestRow(
        account.account_id,
        request.tenant,
        request.session,
        KIND_USAGE,
        type=request.type,
        number=request.number,
        is_uncounted=request.never_counts,
        currency=account.currency,
    )
    at = books.add_request(row)
    turn = Turn(catalogue, account, request, now_ns, books, at)
    outcome, failed_code = _refusal(kept, turn)
    if outcome != Outcome.GRANTED:
        row.outcome, row.denied_status = outcome, account.denied_status(outcome, now_ns)
        note_refused(turn, outcome)
        return Answer(outcome, failed_code=failed_code, msccs=[MsccAnswer(Outcome.UNDECIDED) for _ in request.msccs])
    answer = Answer(Outcome.GRANTED, msccs=[_debit(turn, mscc) for mscc in request.msccs])
    outcomes = {mscc.outcome for mscc in answer.msccs} - {Outcome.UNDECIDED}
    if request.command_level_limit and outcomes == {Outcome.CREDIT_LIMIT_REACHED}:
        answer.outcome = Outcome.CREDIT_LIMIT_REACHED
    row.outcome = answer.outcome
    answer.keeps_answer = True
    kept_answers.keep(request, answer.outcome, [_copy(mscc) for mscc in answer.msccs], now_ns)
    return answer


def _refusal(kept: Kept | None, turn: Turn) -> tuple[Outcome, int]:
    """(outcome, AVP at fault) of an event that is not charged; GRANTED where it is."""
    request = turn.request
    if kept is not None:
        return Outcome.INVALID_AVP_VALUE, CC_REQUEST_NUMBER
    if request.requested_action is None:
        return Outcome.MISSING_AVP, REQUESTED_ACTION
    if request.requested_action != DIRECT_DEBITING:
        return Outcome.INVALID_AVP_VALUE, REQUESTED_ACTION
    tells_of_use = request.reports_alone or (request.msccs and all(map(is_past, request.msccs)))
    if not turn.account.gives_credit(turn.now_ns) and not tells_of_use:
        return Outcome.END_USER_SERVICE_DENIED, 0
    if any(_debits_nothing(turn, mscc) for mscc in request.msccs):
        return Outcome.INVALID_AVP_VALUE, REQUESTED_SERVICE_UNIT
    return Outcome.GRANTED, 0


def _copy(mscc: MsccAnswer) -> MsccAnswer:
    return MsccAnswer(mscc.outcome, mscc.unit, mscc.granted, mscc.validity_s, mscc.final_action)


def event_units(mscc: Mscc, unit: Unit) -> int:
    """Units that an event is charged for: the requested ones, else the used ones, one where none are named."""
    return (mscc.requested or {}).get(unit, 0) or (mscc.used or {}).get(unit, 0) or 1


def is_past(mscc: Mscc) -> bool:
    """Does it tell of use alone?"""
    return mscc.used is not None and mscc.requested is None


def _debits_nothing(turn: Turn, mscc: Mscc) -> bool:
    """Does it ask for 0 of its price's unit, without having used any?"""
    price = turn.find_price(mscc).price
    if price is None or price.control in REFUSALS:
        return False
    return (mscc.requested or {}).get(price.unit) == 0 and not (mscc.used or {}).get(price.unit)


def _debit(turn: Turn, mscc: Mscc) -> MsccAnswer:
    """Charge one MSCC of an event in full, or not at all."""
    if mscc.outcome != Outcome.UNDECIDED:
        return note_undecided(turn, mscc, mscc.outcome)
    account, now_ns = turn.account, turn.now_ns
    found = turn.find_price(mscc)
    at = turn.books.add_usage(turn.row, mscc)
    usage = turn.books.usages[at]
    usage.from_ns = usage.to_ns = turn.end_ns()
    usage.release, usage.offer = found.release, found.offer
    price = found.price
    if price is None:
        usage.outcome = found.refusal
        note_unpriced(usage, mscc)
        return MsccAnswer(found.refusal)
    usage.price, usage.unit, usage.settled_by = price.number, price.unit, price.settled_by
    if price.control in REFUSALS:
        usage.outcome = REFUSALS[price.control]
        usage.unit, usage.used_units = reported(mscc, price.unit)
        usage.uncharged_units = usage.used_units
        return MsccAnswer(usage.outcome, price.unit)
    units = event_units(mscc, price.unit)
    if is_past(mscc):
        told = replace(mscc, used=mscc.used or {price.unit: units}, before=None)
        usage.outcome = charge_report(turn, told, price, None, False, turn.books.cause(turn.row, at), usage)
        return MsccAnswer(usage.outcome, price.unit)
    usage.requested_units = units
    buckets = account.allowances(price.unit, price.allowances, now_ns)
    left = 0 if price.control == Control.FREE else max(units - sum(bucket.remaining for bucket in buckets), 0)
    charge = max(price.blocks(left), 0) * price.micros_at(usage.to_ns) if price.has_price else 0
    usage.outcome = _event_outcome(account, price, left, charge, now_ns)
    if usage.outcome != Outcome.GRANTED:
        return MsccAnswer(usage.outcome, price.unit)
    books = turn.books.cause(turn.row, at)
    if price.control != Control.FREE:
        usage.allowance_units = charge_allowances(account, books, price, units, now_ns)
        if charge:
            pay(account, books, price.settled_by, charge, now_ns)
    usage.used_units = usage.granted_units = units
    usage.charged_micros = charge
    account.charged_micros += charge
    return MsccAnswer(Outcome.GRANTED, price.unit, units)


def _event_outcome(account: Account, price: Price, left: int, charge: int, now_ns: int) -> Outcome:
    """Whether money covers what allowances leave."""
    if charge > MICROS_MAX or account.charged_micros + charge > CHARGED_MICROS_MAX:
        return Outcome.CREDIT_LIMIT_REACHED
    if left and not price.has_price:
        return Outcome.CREDIT_LIMIT_REACHED
    if charge > sum(micros for _, micros in givers_of(account, price.settled_by, now_ns, len(account.buckets))):
        return Outcome.CREDIT_LIMIT_REACHED
    return Outcome.GRANTED

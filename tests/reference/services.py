"""One MSCC by docs/charging.md §4 to §6: its price, what its usage costs and who pays, and the next grant."""

from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil
from typing import Final

from charging.batch import TERMINATION
from charging.tariff_tables import Control, RoundingScope
from charging.usage_record import GrantBasis
from tests.reference.account import Account, Bucket, Given, Reservation, Service, Session
from tests.reference.journal import Books, CauseBooks, UsageRow
from tests.reference.payers import charge_allowances, give_back, is_beyond_limits, pay
from tests.reference.requests import CreditControl, Mscc, MsccAnswer
from tests.reference.tariffs import Catalogue, Found, Price
from tests.reference.windows import Window, units_before, window_of
from vocabulary.instants import NS_PER_S
from vocabulary.limits import EVENT_TIME_SKEW_S_MAX, MICROS_MAX, SERVICES_WITH_REFUSED_MAX
from vocabulary.outcomes import WANT_OF_RIGHTS, Outcome
from vocabulary.units import Unit

RESERVATIONS_MAX: Final = 8
UNIT_RESERVATIONS_MAX: Final = 3
"""Of the eight reservations of a service the last five places are left for money."""

REFUSALS: Final = {
    Control.NOT_APPLICABLE: Outcome.CREDIT_CONTROL_NOT_APPLICABLE,
    Control.DENIED: Outcome.END_USER_SERVICE_DENIED,
}


@dataclass(frozen=True, slots=True)
class Turn:
    """What a request's MSCCs are decided against."""

    catalogue: Catalogue
    account: Account
    request: CreditControl
    now_ns: int
    books: Books
    row: int
    """The journal's request row."""

    def end_ns(self) -> int:
        """Where reported usage ends: the Event-Timestamp where it can be believed, else the receipt."""
        event_ns, received_ns = self.request.event_ns, self.request.received_ns
        if event_ns is not None and abs(event_ns - received_ns) <= EVENT_TIME_SKEW_S_MAX * NS_PER_S:
            return event_ns
        return received_ns

    def find_price(self, mscc: Mscc, release_ns: int | None = None) -> Found:
        """The price of the MSCC's service now, or by the release that was in force at an instant."""
        return self.catalogue.price_for(
            self.account,
            self.request.service_context,
            mscc.rating_group,
            mscc.service_identifier,
            self.now_ns,
            self.now_ns if release_ns is None else release_ns,
        )

    def find_usage_price(self, mscc: Mscc, found: Found, began_ns: int) -> Found:
        """The price of what the MSCC reports: that of when it began, unless its unit is not what is granted now."""
        if not mscc.used or began_ns >= self.now_ns:
            return found
        then = self.find_price(mscc, began_ns)
        if then.price is None or then.price.control in REFUSALS:
            return found
        return then if found.price is None or found.price.unit == then.price.unit else found


def note_undecided(turn: Turn, mscc: Mscc, outcome: Outcome) -> MsccAnswer:
    """What an MSCC reports that isn't decided is on record, and not answered."""
    usage = turn.books.usages[turn.books.add_usage(turn.row, mscc)]
    note_unpriced(usage, mscc)
    usage.from_ns = usage.to_ns = turn.end_ns()
    usage.outcome = outcome
    return MsccAnswer(Outcome.UNDECIDED)


def note_refused(turn: Turn, outcome: Outcome) -> None:
    """The same of all MSCCs of a request that is refused as a whole, where they name used units."""
    for mscc in turn.request.msccs:
        if mscc.used:
            note_undecided(turn, mscc, outcome)


def decide_service(turn: Turn, session: Session, place: int) -> MsccAnswer:
    """Decide one MSCC of an open session, by its place in the request, and write its usage row."""
    mscc = turn.request.msccs[place]
    if mscc.outcome != Outcome.UNDECIDED:
        return note_undecided(turn, mscc, mscc.outcome)
    is_again = mscc.service in [earlier.service for earlier in turn.request.msccs[:place]]
    found = turn.find_price(mscc)
    at = turn.books.add_usage(turn.row, mscc)
    books, usage = turn.books.cause(turn.row, at), turn.books.usages[at]
    service = session.service(*mscc.service)
    if service is not None and mscc.upf is not None:
        service.upf = mscc.upf
    end_ns = max(turn.end_ns(), service.last_report_ns if service else session.opened_ns)
    usage.from_ns, usage.to_ns = service.last_report_ns if service else session.opened_ns, end_ns
    usage.release, usage.offer = found.release, found.offer
    charged = turn.find_usage_price(mscc, found, usage.from_ns)
    price = charged.price
    if price is None or price.control in REFUSALS:
        if service is None:
            service = _service_refused(turn, session, mscc, _refusal_of(found))
        answer = _refuse(turn, mscc, found, service, books, usage)
    else:
        usage.release, usage.offer = charged.release, charged.offer
        usage.price, usage.unit, usage.settled_by = price.number, price.unit, price.settled_by
        refusal = _refusal_of(found)
        is_open = turn.request.type != TERMINATION and refusal == Outcome.GRANTED
        stays = is_open and not is_again and _goes_on(mscc, found, service)
        is_wanted = is_open and (mscc.requested is not None or (stays and mscc.used is None))
        if service is None and (is_wanted or (mscc.used or {}).get(price.unit, 0) > 0):
            service = session.add_service(*mscc.service)
        elif service is None:
            service = _service_refused(turn, session, mscc, refusal)
        outcome = charge_report(turn, mscc, price, service, is_again, books, usage)
        answer = MsccAnswer(refusal if outcome == Outcome.GRANTED else outcome, price.unit)
        if service is not None and is_wanted and outcome == Outcome.GRANTED:
            assert found.price is not None
            usage.requested_units = (mscc.requested or {}).get(found.price.unit, 0)
            answer = _grant(turn, mscc, found.price, service, is_again, books)
        elif stays and outcome == Outcome.GRANTED:
            assert found.price is not None
            answer = answer_at_once(found.price)
    if service is not None:
        service.unit = answer.unit if answer.granted is not None else service.unit
        if mscc.used is not None or (price is not None and price.control not in REFUSALS):
            service.last_report_ns = end_ns
        _note_answer(service, session.answers, answer)
    usage.outcome, usage.granted_units = answer.outcome, answer.granted or 0
    denied = turn.account.denied_status(answer.outcome, turn.now_ns)
    turn.books.requests[turn.row].denied_status = denied or turn.books.requests[turn.row].denied_status
    usage.final_action, usage.grant_basis = answer.final_action, GrantBasis(answer.basis)
    return answer


def _service_refused(turn: Turn, session: Session, mscc: Mscc, refusal: Outcome) -> Service | None:
    """The service of one that asks and is refused for what may be put right, as long as there is room for such."""
    count = sum(len(each.services) for each in turn.account.sessions)
    is_asked = mscc.requested is not None and turn.request.type != TERMINATION
    if is_asked and refusal in WANT_OF_RIGHTS and count < SERVICES_WITH_REFUSED_MAX:
        return session.add_service(*mscc.service)
    return None


def _goes_on(mscc: Mscc, found: Found, service: Service | None) -> bool:
    """Does an MSCC that asks for nothing belong to a service that had its last grant and goes on without quota?"""
    if mscc.requested is not None or service is None or found.price is None:
        return False
    return found.price.goes_on and service.last.is_final


def _refusal_of(found: Found) -> Outcome:
    """What refuses further quota, GRANTED where nothing does."""
    return found.refusal if found.price is None else REFUSALS.get(found.price.control, Outcome.GRANTED)


def _note_answer(service: Service, answers: int, answer: MsccAnswer) -> None:
    """Keep what was answered; a service that stands twice in one request keeps the last of it."""
    if service.answered_at != answers:
        service.previous = service.last
    service.last = Given(
        answer.outcome, answer.granted or 0, answer.granted is not None, answer.final_action != 0, answer.is_cut
    )
    service.answered_at = answers


def _refuse(
    turn: Turn, mscc: Mscc, found: Found, service: Service | None, books: CauseBooks, usage: UsageRow
) -> MsccAnswer:
    """No price, no credit control or denied: what the service held goes back, reports are recorded as uncharged."""
    if service is not None:
        give_back(turn.account, service, books, turn.now_ns, 0, Unit.MONEY)
    price = found.price
    if price is None:
        note_unpriced(usage, mscc)
        return MsccAnswer(found.refusal)
    usage.price, usage.unit, usage.settled_by = price.number, price.unit, price.settled_by
    usage.unit, usage.used_units = reported(mscc, price.unit)
    usage.uncharged_units = usage.used_units
    return MsccAnswer(REFUSALS[price.control], price.unit)


def note_unpriced(usage: UsageRow, mscc: Mscc) -> None:
    """What an MSCC without a price reports, in the first unit that it names, is paid by nothing."""
    used = mscc.used or {}
    usage.unit = next((unit for unit in (Unit.OCTETS, Unit.SECONDS, Unit.EVENTS) if unit in used), Unit.MONEY)
    usage.used_units = usage.uncharged_units = used.get(usage.unit, 0)


def reported(mscc: Mscc, unit: Unit) -> tuple[Unit, int]:
    """(unit, units) of a report at a price of `unit`; where it doesn't name that, of the first it names, if above 0."""
    used = mscc.used or {}
    first = next((each for each in (Unit.OCTETS, Unit.SECONDS, Unit.EVENTS) if each in used), unit)
    told = first if unit not in used and used.get(first) else unit
    return told, used.get(told, 0)


def charge_report(
    turn: Turn,
    mscc: Mscc,
    price: Price,
    service: Service | None,
    is_again: bool,
    books: CauseBooks,
    usage: UsageRow,
) -> Outcome:
    """Charge reported units (§5): GRANTED, or UNABLE_TO_COMPLY. What this request granted already stays held."""
    account, now_ns = turn.account, turn.now_ns
    used = (mscc.used or {}).get(price.unit, 0)
    usage.unit, usage.used_units = reported(mscc, price.unit)
    if usage.unit != price.unit and price.control != Control.FREE:
        usage.uncharged_units = usage.used_units
    if price.control == Control.FREE:
        if service is not None and not is_again:
            give_back(account, service, books, now_ns, 0, Unit.MONEY)
        return Outcome.GRANTED
    paid = 0
    if service is not None and not is_again:
        paid = give_back(account, service, books, now_ns, used, price.unit)
    paid += charge_allowances(account, books, price, used - paid, now_ns)
    usage.allowance_units = paid
    left = used - paid
    carry = service.carry if service is not None and price.scope == RoundingScope.SESSION else 0
    outcome = Outcome.GRANTED
    if left > 0 and not price.has_price:
        usage.uncharged_units = left
    elif left > 0:
        before, before_micros, micros = units_before(price, mscc, used, usage.from_ns, usage.to_ns)
        early = max(before - paid, 0)  # allowances paid for what was used first
        early_blocks = max(price.blocks(carry + early), 0) if early else 0
        blocks = early_blocks
        if early < left:
            blocks += max(price.blocks(carry + left - early_blocks * price.block_units), 0)
        charge = early_blocks * before_micros + (blocks - early_blocks) * micros
        if charge > MICROS_MAX or (charge and is_beyond_limits(account, price.settled_by, charge, now_ns)):
            usage.uncharged_units = left
            outcome = Outcome.UNABLE_TO_COMPLY
        elif charge and not pay(account, books, price.settled_by, charge, now_ns):
            usage.uncharged_units = left
        else:
            carry = carry + left - blocks * price.block_units
            usage.charged_micros = charge
            account.charged_micros += charge
    if service is not None:
        service.carry = carry if price.scope == RoundingScope.SESSION else 0
    return outcome


def wanted_units(mscc: Mscc, price: Price) -> int:
    """Units that a grant is to have: what is asked for within the price's bounds."""
    wanted = (mscc.requested or {}).get(price.unit, 0) or price.grant_units
    return min(max(wanted, price.grant_units_min), price.grant_units_max)


def basis_of(mscc: Mscc, price: Price, want: int) -> GrantBasis:
    """Why it is to have so many."""
    named = (mscc.requested or {}).get(price.unit, 0)
    basis = GrantBasis.REQUESTED if named else GrantBasis.PRICE_SIZE
    if want > (named or price.grant_units):
        return basis | GrantBasis.RAISED_TO_MIN
    return basis | GrantBasis.CUT_TO_MAX if want < (named or price.grant_units) else basis


def givers_of(account: Account, settled_by: Unit, now_ns: int, places: int) -> list[tuple[Bucket, int]]:
    """(bucket, micros that it can give) of valid money, where at most `places` buckets may give; the last always may.

    The bill gives what it has not fallen below zero of the credit limit; money gives no credit.
    """
    payers = account.payers(settled_by, now_ns)
    if not payers or places < 1:
        return []
    above_zero = [(bucket, bucket.remaining) for bucket in payers[:-1] if bucket.remaining > 0]
    credit = account.credit_limit_micros if settled_by == Unit.BILL else 0
    last = max(payers[-1].remaining + credit, 0)
    return [*above_zero[: places - 1], (payers[-1], last)]


def affordable(givers: list[tuple[Bucket, int]], price: Price, micros: int, carry: int) -> int:
    """Units that the money of these buckets buys together at so much a block, `carry` having been used before."""
    free = min(sum(micros for _, micros in givers), MICROS_MAX)
    return max(free // micros * price.block_units - carry, 0)


def granted_answer(answer: MsccAnswer, price: Price, window: Window, *, is_final: bool) -> MsccAnswer:
    """A grant with what the price says beside its size; one that is said to be the last has no threshold."""
    action = int(price.final_action) if is_final else 0
    return replace(
        answer,
        validity_s=window.validity_s,
        tariff_change_s=window.change_s,
        final_action=action,
        final_unit=price.final_unit if action else 0,
        threshold_units=0 if action else price.threshold(answer.granted or 0),
        holding_s=min(price.holding_s, window.validity_s),
        is_cut=window.is_cut,
    )


def answer_at_once(price: Price) -> MsccAnswer:
    """No quota, and what follows the last grant at once."""
    action = int(price.final_action)
    return MsccAnswer(
        Outcome.GRANTED, price.unit, validity_s=price.validity_s, final_action=action, final_unit=price.final_unit
    )


def _grant(turn: Turn, mscc: Mscc, price: Price, service: Service, is_again: bool, books: CauseBooks) -> MsccAnswer:
    """Reserve the next grant (§6); a second one of the same request can't use what was paid ahead."""
    account = turn.account
    if not account.gives_credit(turn.now_ns):
        return MsccAnswer(Outcome.END_USER_SERVICE_DENIED, price.unit)
    want = wanted_units(mscc, price)
    basis = basis_of(mscc, price, want)
    window = window_of(price, turn.now_ns, ends_at_change=turn.request.ends_at_tariff_change)
    if price.control == Control.FREE:
        return granted_answer(MsccAnswer(Outcome.GRANTED, price.unit, want, basis=basis), price, window, is_final=False)
    granted = _reserve_allowances(account, service, price, want, books, turn.now_ns)
    carry = max(service.carry, 0) if is_again else service.carry
    left = want - granted
    if price.has_price and left and window.now_micros < window.micros:
        givers = givers_of(account, price.settled_by, turn.now_ns, RESERVATIONS_MAX - len(service.reservations))
        if affordable(givers, price, window.micros, carry) < left:
            window = window.cut()
    part, is_more = _reserve_money(account, service, price, window.micros, carry, left, books, turn.now_ns)
    granted += part
    if granted < want:
        basis |= GrantBasis.FUNDS
    if granted == 0 and price.goes_on:
        return replace(answer_at_once(price), basis=basis)
    if granted == 0:
        return MsccAnswer(Outcome.CREDIT_LIMIT_REACHED, price.unit, basis=basis)
    if not is_more:
        is_more = any(b.remaining > 0 for b in account.allowances(price.unit, price.allowances, turn.now_ns))
    basis |= (0 if is_more else GrantBasis.LAST) | (GrantBasis.TARIFF_CHANGE if window.is_cut else 0)
    answer = MsccAnswer(Outcome.GRANTED, price.unit, granted, basis=basis)
    return granted_answer(answer, price, window, is_final=not is_more)


def _reserve_allowances(
    account: Account, service: Service, price: Price, want: int, books: CauseBooks, now_ns: int
) -> int:
    granted = 0
    for bucket in account.allowances(price.unit, price.allowances, now_ns):
        amount = min(want - granted, bucket.remaining)
        if amount > 0 and len(service.reservations) < UNIT_RESERVATIONS_MAX:
            books.hold(account, bucket, amount)
            service.reservations.append(Reservation(bucket.bucket_id, amount))
            granted += amount
    return granted


def _reserve_money(
    account: Account, service: Service, price: Price, micros: int, carry: int, want: int, books: CauseBooks, now_ns: int
) -> tuple[int, bool]:
    """(units that money pays of `want` at so much a block, whether it could pay one more unit after that)."""
    if not price.has_price:
        return 0, False
    if micros == 0:
        return want, True
    if not account.payers(price.settled_by, now_ns):
        return 0, False
    givers = givers_of(account, price.settled_by, now_ns, RESERVATIONS_MAX - len(service.reservations))
    part = min(want, affordable(givers, price, micros, carry)) if givers else 0
    if part > 0:
        blocks = max(ceil(Fraction(carry + part, price.block_units)), 0)
        left = blocks * micros
        for bucket, its in givers:
            amount = min(left, its)
            if amount > 0:
                books.hold(account, bucket, amount)
                service.reservations.append(Reservation(bucket.bucket_id, amount))
                left -= amount
        assert left == 0, "a grant is held in full"
        carry = carry + part - blocks * price.block_units if price.scope == RoundingScope.SESSION else 0
    others = givers_of(account, price.settled_by, now_ns, len(account.buckets))
    return part, affordable(others, price, micros, carry) > 0

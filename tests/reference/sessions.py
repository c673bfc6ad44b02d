"""Sessions by docs/charging.md §2, §3 and §8: which are due, how they end, and which request repeats another."""

from typing import Final

from balances.journal import MovementKind
from charging.batch import INITIAL, KIND_EXPIRE, UPDATE
from tests.reference.account import Account, Asked, Given, Service, Session
from tests.reference.journal import Books, CauseBooks, RequestRow
from tests.reference.payers import give_back
from tests.reference.requests import Answer, CreditControl, Mscc, MsccAnswer
from tests.reference.services import REFUSALS, Turn, answer_at_once, granted_answer
from tests.reference.tariffs import Price
from tests.reference.windows import window_again
from vocabulary.instants import NS_PER_S
from vocabulary.limits import ENDED_SESSIONS_KEPT_MAX, UNCOUNTED_REPEAT_S_MAX
from vocabulary.outcomes import Outcome
from vocabulary.units import Unit

NUMBERS_KNOWN: Final = 32
COUNTS_ANEW_BELOW: Final = 128
ENDED_BY_REQUEST: Final = 1
ENDED_BY_SUPERVISION: Final = 2
ENDED_BY_NEW_INITIAL: Final = 3
ENDED_BY_COMMAND: Final = 4


def mix16(number: int, body_hash: int) -> int:
    """16 bits that tell the requests of a session apart."""
    return (number * 40503 + body_hash + (body_hash >> 16)) % 2**16


def request_mix(request: CreditControl) -> int:
    """The same of a request; its number says nothing where the peer never counts."""
    return mix16(0 if request.never_counts else request.number, request.body_hash)


def ended_mark(session: Session, last_mix: int) -> int:
    """What an ended session leaves: 32 bits of its key, 16 of its initial and 16 of its last request, a signed word."""
    mark = (session.key[0] >> 32 << 32) + session.initial_mix * 2**16 + last_mix
    return (mark or 1) - (2**64 if mark >= 2**63 else 0)


def is_of_ended(account: Account, request: CreditControl) -> bool:
    """Whether the request is the initial one, or the last one, of a session that left a mark."""
    for mark in account.ended:
        key, mixes = divmod(mark % 2**64, 2**32)
        known = mixes // 2**16 if request.type == INITIAL else mixes % 2**16
        if (key, known) == (request.session[0] >> 32, request_mix(request)):
            return True
    return False


def leave_mark(account: Account, mark: int) -> None:
    """Write a mark into the account's ring."""
    if len(account.ended) < ENDED_SESSIONS_KEPT_MAX:
        account.ended.append(mark)
    else:
        account.ended[account.ended_next] = mark
        account.ended_next = (account.ended_next + 1) % ENDED_SESSIONS_KEPT_MAX


def end_session(account: Account, session: Session, books: CauseBooks, mark: int, now_ns: int) -> None:
    """All reservations go back, services and session go, a mark stays."""
    for service in session.services:
        give_back(account, service, books, now_ns, 0, Unit.MONEY)
    account.sessions.remove(session)
    leave_mark(account, mark)


def end_unasked(account: Account, session: Session, books: Books, how: int, now_ns: int, never_counts: bool) -> None:
    """A session that no request ends: its journal row is of kind EXPIRE."""
    row = books.add_request(
        RequestRow(
            account.account_id,
            account.tenant,
            session.key,
            KIND_EXPIRE,
            outcome=Outcome.GRANTED,
            ended_session=how,
            currency=account.currency,
        )
    )
    assert session.last is not None
    number = 0 if never_counts else session.last.number
    mark = ended_mark(session, mix16(number, session.last.body_hash))
    end_session(account, session, books.cause(row, -1), mark, now_ns)


def apply_due(account: Account, books: Books, now_ns: int) -> bool:
    """Sessions and buckets that are over by now (§2). Whether anything was."""
    changed = False
    for session in [session for session in account.sessions if session.expires_ns <= now_ns]:
        end_unasked(account, session, books, ENDED_BY_SUPERVISION, now_ns, never_counts=False)
        changed = True
    return expire_buckets(account, books, now_ns) or changed


def expire_buckets(account: Account, books: Books, now_ns: int) -> bool:
    """Debit what buckets that are over still have free, and take out those that hold nothing."""
    cause: CauseBooks | None = None
    changed = False
    for bucket in [bucket for bucket in account.buckets if bucket.is_over(now_ns)]:
        if bucket.remaining > 0:
            if cause is None:
                row = RequestRow(
                    account.account_id,
                    account.tenant,
                    (0, 0),
                    KIND_EXPIRE,
                    outcome=Outcome.GRANTED,
                    currency=account.currency,
                )
                cause = books.cause(books.add_request(row), -1)
            cause.move(account, bucket, MovementKind.EXPIRED, bucket.remaining)
            changed = True
        if bucket.unit != Unit.MONEY and bucket.remaining == bucket.reserved == 0:
            account.buckets.remove(bucket)
            changed = True
    return changed


def is_repeat_of(request: CreditControl, asked: Asked | None) -> bool:
    """Whether the request repeats that one: same type, number (where it means something) and body."""
    if asked is None or (asked.type, asked.body_hash) != (request.type, request.body_hash):
        return False
    return request.never_counts or asked.number == request.number


def contradicts(request: CreditControl, asked: Asked | None) -> bool:
    """Whether the request has the number of that one and another body."""
    if asked is None or request.never_counts:
        return False
    return (asked.type, asked.number) == (request.type, request.number) and asked.body_hash != request.body_hash


def is_too_late(account: Account, request: CreditControl, now_ns: int) -> bool:
    """Whether an update of a peer that never counts comes so late that it is no repeat, unless it says that it is."""
    if request.type != UPDATE or not request.never_counts or request.is_sent_again:
        return False
    return now_ns - account.updated_ns > UNCOUNTED_REPEAT_S_MAX * NS_PER_S


def counts(request: CreditControl) -> bool:
    """Whether its number says which of its session's it is: one that is made of the request is the hash of its body."""
    return not request.never_counts and request.number != request.body_hash


def was_answered(request: CreditControl, session: Session) -> bool:
    """Whether it is an update that was answered, and whose answer the session doesn't keep (§3)."""
    assert session.last is not None
    if request.type != UPDATE:
        return False
    if not counts(request):
        is_said = request.is_sent_again and request.event_ns is not None
        is_known = request.is_sent_again or request.event_ns is not None
        return (is_known and request.body_hash in session.older_hashes) or (is_said and is_reported(request, session))
    if session.last.type == INITIAL:
        return False
    if request.number <= session.highest_number - COUNTS_ANEW_BELOW:
        return request.is_sent_again
    if request.number < session.highest_number - NUMBERS_KNOWN:
        return True
    return request.number <= session.highest_number and request.number not in session.unanswered


def is_reported(request: CreditControl, session: Session) -> bool:
    """Whether each service of the request has reported beyond its instant; of a UPF that has none any UPF of its group."""
    assert request.event_ns is not None
    for mscc in request.msccs:
        own = session.service(*mscc.service)
        asked = [own] if own is not None else []
        if own is None and mscc.upf is not None:
            asked = [each for each in session.services if each.rating_group == mscc.rating_group and each.upf]
        last_ns = max((each.last_report_ns for each in asked), default=0)
        if last_ns in (0, session.opened_ns) or request.event_ns >= last_ns:
            return False
    return bool(request.msccs)


def note_number(session: Session, number: int) -> None:
    """The number is answered; those that it leaps over are not. One from far below is a client's that counts anew, and so
    is that of a first update below the initial one.
    """
    follows_initial = session.previous is not None and session.previous.type == INITIAL
    if number <= session.highest_number - COUNTS_ANEW_BELOW or (number < session.highest_number and follows_initial):
        session.highest_number = number
        session.unanswered = set(range(number - NUMBERS_KNOWN, number))
    session.unanswered |= set(range(max(session.highest_number + 1, number - NUMBERS_KNOWN), number))
    session.unanswered.discard(number)
    session.highest_number = max(session.highest_number, number)
    session.unanswered = {each for each in session.unanswered if each >= session.highest_number - NUMBERS_KNOWN}


def recorded_answer(turn: Turn, session: Session, asked: Asked) -> Answer:
    """The answer that was given to a request, which is the session's last or previous one (§8)."""
    answer = Answer(asked.outcome, is_duplicate=True)
    is_last = asked is session.last
    for mscc in turn.request.msccs:
        if mscc.outcome != Outcome.UNDECIDED:
            answer.msccs.append(MsccAnswer(Outcome.UNDECIDED))
            continue
        service = session.service(*mscc.service)
        price = turn.find_price(mscc).price
        was_since = service is not None and not is_last and service.answered_at == session.answers
        if service is None or (was_since and service.previous.outcome == Outcome.UNDECIDED):
            answer.msccs.append(unrecorded(turn, mscc))
        else:
            answer.msccs.append(_given_again(turn, service, service.previous if was_since else service.last, price))
    return answer


def _given_again(turn: Turn, service: Service, given: Given, price: Price | None) -> MsccAnswer:
    again = MsccAnswer(given.outcome, service.unit)
    if given.has_grant:
        again.granted = given.granted
        if price is None:
            return again
        window = window_again(
            price,
            turn.now_ns,
            service.last_report_ns,
            ends_at_change=turn.request.ends_at_tariff_change,
            is_cut=given.is_cut,
        )
        return granted_answer(again, price, window, is_final=given.is_final)
    if given.is_final and price is not None and price.goes_on:
        return answer_at_once(price)
    return again


def unrecorded(turn: Turn, mscc: Mscc) -> MsccAnswer:
    """A service without an answer of its own had asked for nothing then: only its price can refuse it."""
    if mscc.outcome != Outcome.UNDECIDED:
        return MsccAnswer(Outcome.UNDECIDED)
    found = turn.find_price(mscc)
    if found.price is None:
        return MsccAnswer(found.refusal)
    return MsccAnswer(REFUSALS.get(found.price.control, Outcome.GRANTED), found.price.unit)

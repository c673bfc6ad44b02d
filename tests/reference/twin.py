"""The whole decision in plain Python, written from docs/charging.md alone: the witness that the kernels are held to.

Objects, dicts and exact fractions; slow and short. It shares nothing with the kernels but numbers: the enums of the
vocabulary, the names of request types and the marks of a tariff. `Twin.decide` takes requests of one batch in order and
gives their answers and the books of the batch.
"""

from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Final

from charging.batch import (
    COMMAND_CHANGE,
    COMMAND_END_SESSION,
    COMMAND_OPEN,
    EVENT,
    INITIAL,
    KIND_COMMAND,
    KIND_USAGE,
    TERMINATION,
)
from tests.reference.account import Account, Asked, Session
from tests.reference.commands import Move, change_account, move_amounts, open_account
from tests.reference.events import KeptAnswers, decide_event
from tests.reference.journal import Books, RequestRow
from tests.reference.requests import Answer, AskSessions, Change, CreditControl, MsccAnswer, Open, Request, Wake
from tests.reference.services import Turn, decide_service, note_refused
from tests.reference.sessions import (
    ENDED_BY_COMMAND,
    ENDED_BY_NEW_INITIAL,
    ENDED_BY_REQUEST,
    apply_due,
    contradicts,
    counts,
    end_session,
    end_unasked,
    ended_mark,
    is_of_ended,
    is_repeat_of,
    is_too_late,
    note_number,
    recorded_answer,
    request_mix,
    unrecorded,
    was_answered,
)
from tests.reference.tariffs import Catalogue
from vocabulary.instants import NS_PER_S
from vocabulary.limits import SESSIONS_PER_ACCOUNT_MAX
from vocabulary.outcomes import Outcome

CC_REQUEST_NUMBER: Final = 415
SUPERVISION_UNGRANTED_S: Final = 7200


@dataclass(slots=True)
class Twin:
    """The accounts of a store, and the rules."""

    catalogue: Catalogue = field(default_factory=Catalogue)
    accounts: dict[int, Account] = field(default_factory=dict)
    kept: KeptAnswers = field(default_factory=KeptAnswers)
    supervision_s: int = 86_400
    """Life of a session that holds no quota."""

    def decide(self, requests: list[Request], now_ns: int) -> tuple[list[Answer], Books]:
        """Decide a batch. The answers are in the order of the requests."""
        books = Books()
        changed: set[int] = set()
        self.kept.forget(now_ns)
        answers = [self._decide_row(request, now_ns, books, changed) for request in requests]
        for account_id in changed:
            self.accounts[account_id].revision += 1
        return answers, books

    def _decide_row(self, request: Request, now_ns: int, books: Books, changed: set[int]) -> Answer:
        if isinstance(request, CreditControl) and request.outcome != Outcome.UNDECIDED:
            return Answer(request.outcome, msccs=unsaid(request))
        account = self.accounts.get(request.account_id) if request.account_id is not None else None
        if account is not None and account.tenant != request.tenant:
            account = None
        if isinstance(request, Open) and request.account_id not in self.accounts:
            return self._open(request, now_ns, books, changed)
        if account is None and isinstance(request, CreditControl) and request.refusal != Outcome.UNDECIDED:
            return Answer(request.refusal, msccs=unsaid(request))
        if account is None:
            if isinstance(request, Change | AskSessions):
                row = books.add_request(_request_row(request, None))
                books.requests[row].outcome = Outcome.USER_UNKNOWN
            return Answer(Outcome.GRANTED if isinstance(request, Wake) else Outcome.USER_UNKNOWN, msccs=unsaid(request))
        now_ns = max(now_ns, account.updated_ns)
        if apply_due(account, books, now_ns):
            account.updated_ns = now_ns
            changed.add(account.account_id)
        if isinstance(request, Wake):
            return Answer(Outcome.GRANTED)
        before, moved_count = deepcopy(account), len(books.moved)
        if isinstance(request, CreditControl):
            answer = self._decide_usage(account, request, now_ns, books)
        elif isinstance(request, AskSessions):
            answer = Answer(_ask_sessions(account, request, books, now_ns))
        else:
            answer = self._command(account, request, books, now_ns)
            account = self.accounts[account.account_id]
        is_moved = isinstance(request, Change) and len(books.moved) > moved_count
        if account != before or is_moved or answer.keeps_answer or answer.ended_session:
            account.updated_ns = now_ns
            changed.add(account.account_id)
        return answer

    def _open(self, command: Open, now_ns: int, books: Books, changed: set[int]) -> Answer:
        row = books.add_request(_request_row(command, None))
        account = open_account(command)
        moved: list[Move] = []
        outcome = books.requests[row].outcome = move_amounts(account, command.credits, now_ns, moved)
        if outcome == Outcome.GRANTED:
            account.updated_ns = now_ns
            _write_moves(account, moved, books, row)
            books.requests[row].currency = account.currency
            self.accounts[account.account_id] = account
            changed.add(account.account_id)
        return Answer(outcome)

    def _command(self, account: Account, request: Open | Change, books: Books, now_ns: int) -> Answer:
        """A change is tried on a copy, which takes the account's place where all of it could be done."""
        row = books.add_request(_request_row(request, account))
        if isinstance(request, Open):
            books.requests[row].outcome = Outcome.UNABLE_TO_COMPLY
            return Answer(Outcome.UNABLE_TO_COMPLY)
        tried, moved = deepcopy(account), []
        outcome, was_applied = change_account(tried, request, now_ns, moved)
        books.requests[row].outcome = outcome
        if outcome != Outcome.GRANTED:
            return Answer(outcome)
        if was_applied or (tried == account and not moved):
            return Answer(outcome, is_duplicate=True)
        _write_moves(tried, moved, books, row)
        self.accounts[account.account_id] = tried
        return Answer(outcome)

    def _decide_usage(self, account: Account, request: CreditControl, now_ns: int, books: Books) -> Answer:
        """The table of §3, row by row."""
        if request.refusal != Outcome.UNDECIDED:
            return _refuse(account, request, books, request.refusal)
        session = account.session(request.session)
        if session is not None and request.service_context < 0:
            request = replace(request, service_context=session.service_context)
        repeat = self._find_repeat(account, session, request, now_ns, books)
        if repeat is not None:
            return repeat
        if session is not None:
            is_other = contradicts(request, session.last) or contradicts(request, session.previous)
            if is_other or (was_answered(request, session) and not is_too_late(account, request, now_ns)):
                outcome = Outcome.INVALID_AVP_VALUE
                return _refuse(account, request, books, outcome, CC_REQUEST_NUMBER, is_news=is_other)
        if request.type == EVENT:
            return decide_event(self.catalogue, self.kept, account, request, now_ns, books)
        turn = Turn(self.catalogue, account, request, now_ns, books, -1)
        if request.type == INITIAL and session is not None and session.initial_mix == request_mix(request):
            return Answer(Outcome.GRANTED, True, msccs=[unrecorded(turn, mscc) for mscc in request.msccs])
        is_ended = is_of_ended(account, request)
        if request.type == INITIAL and is_ended:
            return _refuse(account, request, books, Outcome.UNKNOWN_SESSION_ID)
        if request.type == INITIAL and session is not None:
            end_unasked(account, session, books, ENDED_BY_NEW_INITIAL, now_ns, request.never_counts)
            session = None
        if request.type == TERMINATION and session is None and is_ended:
            return Answer(Outcome.GRANTED, True, msccs=[MsccAnswer(Outcome.GRANTED) for _ in request.msccs])
        if request.type == INITIAL:
            if not account.gives_credit(now_ns) and not _begins_with_use(request):
                refused = _refuse(account, request, books, Outcome.END_USER_SERVICE_DENIED)
                books.requests[-1].denied_status = account.denied_status(refused.outcome, now_ns)
                return refused
            if len(account.sessions) >= SESSIONS_PER_ACCOUNT_MAX:
                return _refuse(account, request, books, Outcome.UNABLE_TO_COMPLY)
            session = Session(request.session, now_ns, request.service_context, initial_mix=request_mix(request))
            session.highest_number = request.number
            account.sessions.append(session)
        if session is None:
            return _refuse(account, request, books, Outcome.UNKNOWN_SESSION_ID)
        row = books.add_request(_request_row(request, account))
        return _decide_services(Turn(self.catalogue, account, request, now_ns, books, row), session, self.supervision_s)

    def _find_repeat(
        self, account: Account, session: Session | None, request: CreditControl, now_ns: int, books: Books
    ) -> Answer | None:
        if session is None or is_too_late(account, request, now_ns):
            return None
        turn = Turn(self.catalogue, account, request, now_ns, books, -1)
        for asked in (session.last, session.previous):
            if asked is not None and is_repeat_of(request, asked):
                return recorded_answer(turn, session, asked)
        return None


def _begins_with_use(request: CreditControl) -> bool:
    """Whether refusing a session would lose what was used already."""
    return request.reports_alone or any(units > 0 for mscc in request.msccs for units in (mscc.used or {}).values())


def _decide_services(turn: Turn, session: Session, supervision_s: int) -> Answer:
    """The MSCCs of a request of an open session, then what the command comes to."""
    request, account = turn.request, turn.account
    session.answers = (session.answers + 1) % 256
    answer = Answer(Outcome.GRANTED, opened_session=request.type == INITIAL)
    answer.msccs = [decide_service(turn, session, place) for place in range(len(request.msccs))]
    if command_reached_limit(request, answer):
        answer.outcome = Outcome.CREDIT_LIMIT_REACHED
    row = turn.books.requests[turn.row]
    row.outcome = answer.outcome
    if not counts(request):
        previous_hash = 0 if session.previous is None else session.previous.body_hash
        session.older_hashes = previous_hash, session.older_hashes[0]
    session.previous = session.last
    session.last = Asked(request.type, request.number, request.body_hash, answer.outcome)
    if counts(request):
        note_number(session, request.number)
    if request.type == TERMINATION:
        row.ended_session = ENDED_BY_REQUEST
        answer.ended_session = True
        mark = ended_mark(session, request_mix(request))
        end_session(account, session, turn.books.cause(turn.row, -1), mark, turn.now_ns)
    elif request.type == INITIAL and answer.outcome != Outcome.GRANTED:
        answer.opened_session = False
        answer.ended_session = True
        row.ended_session = ENDED_BY_REQUEST
        account.sessions.remove(session)
    else:
        _supervise(session, answer, turn.now_ns, supervision_s)
    return answer


def _supervise(session: Session, answer: Answer, now_ns: int, supervision_s: int) -> None:
    life_s = 2 * max((mscc.validity_s for mscc in answer.msccs), default=0)
    is_given = life_s > 0
    if not is_given:
        holds_quota = any(service.last.has_grant for service in session.services)
        life_s = SUPERVISION_UNGRANTED_S if holds_quota else supervision_s
    before = (
        service.previous if service.answered_at == session.answers else service.last for service in session.services
    )
    expires_ns = now_ns + life_s * NS_PER_S
    if is_given and not any(one.has_grant for one in before):
        session.expires_ns = expires_ns
    session.expires_ns = max(session.expires_ns, expires_ns)


def command_reached_limit(request: CreditControl, answer: Answer) -> bool:
    """Whether the peer hears of its credit limit at command level."""
    outcomes = [mscc.outcome for mscc in answer.msccs if mscc.outcome != Outcome.UNDECIDED]
    return request.command_level_limit and bool(outcomes) and set(outcomes) == {Outcome.CREDIT_LIMIT_REACHED}


def _write_moves(account: Account, moved: list[Move], books: Books, row: int) -> None:
    """Movements that a command came to; the buckets have moved already."""
    for bucket_id, kind, amount in moved:
        books.cause(row).note(account, account.bucket(bucket_id), kind, amount)


def _ask_sessions(account: Account, request: AskSessions, books: Books, now_ns: int) -> Outcome:
    """Of all sessions anything but their end may be asked; of one, where it is open."""
    row = books.requests[books.add_request(_request_row(request, account))]
    ends = request.command == COMMAND_END_SESSION
    session = account.session(request.session) if request.session is not None else None
    row.outcome = Outcome.GRANTED
    if request.session is None:
        row.outcome = Outcome.UNABLE_TO_COMPLY if ends else Outcome.GRANTED
    elif session is None:
        row.outcome = Outcome.UNKNOWN_SESSION_ID
    elif ends:
        end_unasked(account, session, books, ENDED_BY_COMMAND, now_ns, never_counts=False)
    return row.outcome


def _refuse(
    account: Account,
    request: CreditControl,
    books: Books,
    outcome: Outcome,
    failed_code: int = 0,
    *,
    is_news: bool = True,
) -> Answer:
    """A refusal of the whole command: nothing moves, the journal has its row, and what it reports as paid by nothing, where
    that is news.
    """
    row = _request_row(request, account)
    row.outcome = outcome
    turn = Turn(Catalogue(), account, request, request.received_ns, books, books.add_request(row))
    if is_news:
        note_refused(turn, outcome)
    return Answer(outcome, failed_code=failed_code, msccs=unsaid(request))


def unsaid(request: Request) -> list[MsccAnswer]:
    """The MSCCs of a command that is refused as a whole: nothing is said about them."""
    msccs = request.msccs if isinstance(request, CreditControl) else ()
    return [MsccAnswer(Outcome.UNDECIDED) for _ in msccs]


def _request_row(request: Request, account: Account | None) -> RequestRow:
    """The row of a request; `account` is None where there is no record yet."""
    account_id = -1 if request.account_id is None else request.account_id
    currency = 0 if account is None else account.currency
    if isinstance(request, CreditControl):
        return RequestRow(
            account_id,
            request.tenant,
            request.session,
            KIND_USAGE,
            type=request.type,
            number=request.number,
            is_uncounted=request.never_counts,
            currency=currency,
        )
    if isinstance(request, AskSessions):
        session = request.session or (0, 0)
        return RequestRow(account_id, request.tenant, session, KIND_COMMAND, command=request.command, currency=currency)
    command = COMMAND_OPEN if isinstance(request, Open) else COMMAND_CHANGE
    return RequestRow(account_id, request.tenant, (0, 0), KIND_COMMAND, command=command, currency=currency)

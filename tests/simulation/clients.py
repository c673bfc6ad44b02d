"""Packet cores and senders of account commands: what they send, when they send it again, and what they were answered.

A client has one request outstanding a session and sends the same octets again until it hears something definite. 3004
is no answer: the request was not taken. Every first answer is kept, and every later answer to the same octets must
equal it.
"""

from dataclasses import dataclass, field
from random import Random
from typing import Final
from zlib import crc32

from balances.commands import Credit
from balances.journal import MovementKind
from charging.batch import EVENT, INITIAL, TERMINATION, UPDATE
from charging.tariff_tables import RoundingScope
from tests.reference.requests import Answer, CreditControl, Mscc
from tests.reference.tariffs import Catalogue, Price, Release
from vocabulary.outcomes import Outcome
from vocabulary.units import Unit

MONEY_GROUP: Final = 10
ALLOWANCE_GROUP: Final = 20
EVENT_GROUP: Final = 30
ALLOWANCE: Final = 11
BLOCK_UNITS: Final = 10
BLOCK_MICROS: Final = 7
EVENT_MICROS: Final = 5
CREDIT_LIMIT_MICROS: Final = 100
"""Of the bill, on which events are: a few of them, until something is settled."""
SESSIONS_PER_ACCOUNT: Final = 3
SIMULATED: Final = Catalogue(
    (
        Release(
            1,
            offers={
                1: (
                    Price(
                        MONEY_GROUP,
                        block_units=BLOCK_UNITS,
                        price_micros=BLOCK_MICROS,
                        scope=RoundingScope.SESSION,
                        number=1,
                    ),
                    Price(ALLOWANCE_GROUP, has_price=False, allowances=(ALLOWANCE,), grant_units=60, number=2),
                    Price(EVENT_GROUP, unit=Unit.EVENTS, price_micros=EVENT_MICROS, number=3, settled_by=Unit.BILL),
                )
            },
        ),
    )
)


def drawn_credit(random: Random) -> Credit:
    """Money, or a part of the bill, which may be more than is owed: then it is refused."""
    if random.random() < 0.5:
        return Credit(Unit.BILL, random.randint(1, 40), kind=MovementKind.SETTLED)
    return Credit(Unit.MONEY, random.randint(1, 400))


@dataclass(slots=True)
class Asked:
    """A request, and what was said to it first; `answers` counts all that came."""

    tag: int
    request: CreditControl
    answer: Answer | None = None
    answers: int = 0
    answered_at_step: int = -1


@dataclass(slots=True)
class Session:
    """A session as its client knows it."""

    account_id: int
    key: tuple[int, int]
    asked: list[Asked] = field(default_factory=list)
    granted: dict[int, int] = field(default_factory=dict)
    """units by rating group that the last answer granted"""
    is_over: bool = False

    @property
    def waits(self) -> bool:
        """Is a request outstanding?"""
        return bool(self.asked) and self.asked[-1].answer is None


def said(answer: Answer) -> tuple[object, ...]:
    """What the client reads in an answer; nothing tells it whether it was recorded."""
    msccs = tuple((mscc.outcome, mscc.granted, mscc.final_action) for mscc in answer.msccs)
    return answer.outcome, msccs


class Clients:
    """All sessions and events of a few accounts."""

    def __init__(self, random: Random, account_ids: tuple[int, ...]) -> None:
        self.random = random
        self.account_ids = account_ids
        self.sessions: list[Session] = []
        self.asked: list[Asked] = []
        self.repeated = 0
        self.refused_busy = 0
        self.step = 0
        self.slept_at_step = -1
        """the last step at which hours passed: no network keeps a copy for so long"""
        self.lost_at_step = -1
        """the last step at which the store was set back: what was answered before may be answered otherwise after"""

    # --- what they send
    def act(self, now_ns: int) -> list[tuple[int, CreditControl]]:
        """Something that one of them sends now: a new request, the outstanding one again, or a late copy of an old one."""
        open_sessions = [session for session in self.sessions if not session.is_over]
        waiting = [asked for asked in self.asked if asked.answer is None]
        draw = self.random.random()
        if waiting and draw < 0.35:
            return [self._again(self.random.choice(waiting))]
        if open_sessions and draw < 0.45:
            return self._late_copy(self.random.choice(open_sessions))
        idle = [session for session in open_sessions if not session.waits]
        if idle and draw < 0.8:
            session = self.random.choice(idle)
            return [self._go_on(session, now_ns, stop=self.random.random() < 0.15)]
        account_id = self.random.choice(self.account_ids)
        if draw > 0.93:
            return [self._event(account_id, now_ns)]
        own = [session for session in open_sessions if session.account_id == account_id]
        stopping = any(session.waits and session.asked[-1].request.type == TERMINATION for session in own)
        if len(own) < SESSIONS_PER_ACCOUNT and not stopping:
            return [self._start(account_id, now_ns)]
        return []

    def finish(self, now_ns: int) -> list[tuple[int, CreditControl]]:
        """What brings everything to an end: outstanding requests again, and the end of idle sessions."""
        sent = [self._again(asked) for asked in self.asked if asked.answer is None]
        idle = [session for session in self.sessions if not session.is_over and not session.waits]
        return sent + [self._go_on(session, now_ns, stop=True) for session in idle]

    @property
    def is_finished(self) -> bool:
        """Is every request answered and every session over?"""
        return all(session.is_over for session in self.sessions) and self.is_quiet

    @property
    def is_quiet(self) -> bool:
        """Is nothing outstanding?"""
        return all(asked.answer is not None for asked in self.asked)

    def _again(self, asked: Asked) -> tuple[int, CreditControl]:
        self.repeated += 1
        return asked.tag, asked.request

    def _late_copy(self, session: Session) -> list[tuple[int, CreditControl]]:
        """A copy of one of the two last requests that comes late: some network had it twice.

        None once the end was sent: behind it the session is unknown, which is another answer and moves nothing. None
        of sessions that a store lived through that was set back: which two are its last is not the client's order then.
        """
        if session.asked[-1].request.type == TERMINATION or session.asked[0].answered_at_step <= self.lost_at_step:
            return []
        answered = [
            asked
            for asked in session.asked[-2:]
            if asked.answer is not None and asked.answered_at_step > self.slept_at_step
        ]
        return [self._again(self.random.choice(answered))] if answered else []

    def _ask(self, request: CreditControl) -> Asked:
        asked = Asked(len(self.asked) + 1, request)
        self.asked.append(asked)
        return asked

    def _start(self, account_id: int, now_ns: int) -> tuple[int, CreditControl]:
        number = len(self.sessions) + 1
        session = Session(account_id, (crc32(b"session %d" % number) << 32 | number << 16, number))
        self.sessions.append(session)
        groups = self.random.sample((MONEY_GROUP, ALLOWANCE_GROUP), self.random.randint(0, 2))
        return self._send(session, INITIAL, now_ns, tuple(Mscc(group, requested={}) for group in groups))

    def _go_on(self, session: Session, now_ns: int, *, stop: bool) -> tuple[int, CreditControl]:
        groups = {MONEY_GROUP, ALLOWANCE_GROUP} if not stop and self.random.random() < 0.4 else set(session.granted)
        msccs = []
        for group in sorted(groups):
            granted = session.granted.get(group)
            used = None
            if granted is not None:
                over = self.random.choice((0, 0, 0, 13)) if group == MONEY_GROUP else 0
                used = {Unit.OCTETS: self.random.randint(0, granted) + over}
            wants = not stop and self.random.random() < 0.85
            msccs.append(Mscc(group, requested={} if wants else None, used=used))
        return self._send(session, TERMINATION if stop else UPDATE, now_ns, tuple(msccs))

    def _send(
        self, session: Session, request_type: int, now_ns: int, msccs: tuple[Mscc, ...]
    ) -> tuple[int, CreditControl]:
        number = len(session.asked)
        body_hash = crc32(repr((session.key, request_type, number, msccs)).encode())
        request = CreditControl(session.account_id, session.key, request_type, number, body_hash, now_ns, msccs=msccs)
        asked = self._ask(request)
        session.asked.append(asked)
        return asked.tag, request

    def _event(self, account_id: int, now_ns: int) -> tuple[int, CreditControl]:
        key = (crc32(b"event %d" % len(self.asked)) << 32 | 0xE0000, len(self.asked))
        units = {Unit.EVENTS: self.random.randint(1, 3)}
        request = CreditControl(
            account_id,
            key,
            EVENT,
            0,
            crc32(repr(key).encode()),
            now_ns,
            msccs=(Mscc(EVENT_GROUP, requested=units),),
            requested_action=0,
        )
        asked = self._ask(request)
        return asked.tag, request

    # --- what they hear
    def hear(self, tag: int, answer: Answer) -> None:
        """An answer came in."""
        asked = self.asked[tag - 1]
        if answer.outcome == Outcome.TOO_BUSY:
            self.refused_busy += 1
            return
        asked.answers += 1
        # A store that was set back had lost its session; the initial request that was sent again has opened it since.
        is_found = (
            self.lost_at_step >= 0 and asked.answer is not None and asked.answer.outcome == Outcome.UNKNOWN_SESSION_ID
        )
        if asked.answer is not None and not is_found:
            if asked.answered_at_step > self.lost_at_step:
                assert said(answer) == said(asked.answer), f"{asked.request}\nfirst {asked.answer}\nnow   {answer}"
            return
        asked.answer = answer
        asked.answered_at_step = self.step
        session = next((own for own in self.sessions if own.key == asked.request.session), None)
        if session is not None:
            self._note(session, asked, answer)

    def _note(self, session: Session, asked: Asked, answer: Answer) -> None:
        if answer.outcome != Outcome.GRANTED or asked.request.type == TERMINATION:
            session.is_over = True
        for mscc, said_to_it in zip(asked.request.msccs, answer.msccs, strict=True):
            assert mscc.rating_group is not None
            session.granted.pop(mscc.rating_group, None)
            if said_to_it.granted is not None:
                session.granted[mscc.rating_group] = said_to_it.granted

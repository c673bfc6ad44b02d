"""Moves of clients as requests to both sides, kernels and the plain twin, which compare what they come to.

A move is interpreted against what has happened so far (a report uses what was granted, a repeat repeats what was sent), so
that sessions really go on, run dry, expire and come again; the requests between two `cut` moves are one batch.
"""

from dataclasses import dataclass, field, replace
from typing import Any
from zlib import crc32

from charging.batch import EVENT, INITIAL, TERMINATION, UPDATE
from tests.reference.bands import Band
from tests.reference.requests import Answer, AskSessions, Change, Credit, CreditControl, Mscc, Open, Request, Wake
from tests.reference.side_by_side import SideBySide
from vocabulary.instants import NS_PER_S
from vocabulary.limits import UNITS_MAX
from vocabulary.outcomes import Outcome
from vocabulary.units import Unit

START_NS = 1_790_000_000 * NS_PER_S
WEEKS = (
    (Band(0, 16, 0, 3), Band(0, 16, 14, 9), Band(0, 16, 15, 0), Band(0, 17, 13, 7)),
    (Band(0, 16, 14, 2), Band(0, 16, 16, 50)),
    (Band(0, 0, 0, 1), Band(0, 18, 0, 7)),
)
"""In Berlin it is 16:13:20 on a Monday at START_NS: forty seconds later the price changes, and soon again."""
ZONE = "Europe/Berlin"


@dataclass(frozen=True, slots=True)
class Service:
    """One MSCC of a move: `used` is relative to the last grant (None: no USU), `asked` as in Mscc.requested."""

    rating_group: int | None
    identifier: int | None
    asked: tuple[Unit, int] | None
    wants: bool
    used: int | None
    extra: int
    before: int | None
    """in percent of it; None: nothing is said of a tariff change"""
    upf: int | None = None
    """where it has a rating group and no identifier"""
    units: tuple[Unit, ...] = (Unit.OCTETS, Unit.SECONDS, Unit.EVENTS)
    """that a report names"""


def session_key(place: tuple[int, int]) -> tuple[int, int]:
    """Both halves of the key of an account's n-th session."""
    return crc32(repr(place).encode()) << 32 | 0xABCD0000 | place[1], place[1]


@dataclass(slots=True)
class Traffic:
    """Turns moves into requests and sends the batches to both sides."""

    sides: SideBySide
    never_counts: bool
    command_level_limit: bool
    now_ns: int = START_NS
    waiting: list[Request] = field(default_factory=list)
    sent: dict[tuple[int, int], list[CreditControl]] = field(default_factory=dict)
    granted: dict[tuple[int, tuple[int, int], tuple[int | None, ...]], int] = field(default_factory=dict)
    count: int = 0

    def play(self, move: tuple[Any, ...]) -> None:
        """One move."""
        name, arguments = move[0], move[1:]
        getattr(self, f"_{name}")(*arguments)

    def _start(self, place: tuple[int, int], own: list[Service]) -> None:
        self._send(place, INITIAL, 0, own)

    def _go(self, place: tuple[int, int], own: list[Service]) -> None:
        self._send(place, UPDATE, len(self.sent.get(place, ())), own)

    def _stop(self, place: tuple[int, int], own: list[Service]) -> None:
        self._send(place, TERMINATION, len(self.sent.get(place, ())), own)

    def _event(self, place: tuple[int, int], own: list[Service], action: int | None) -> None:
        self._send(place, EVENT, len(self.sent.get(place, ())), own, action)

    def _repeat(self, place: tuple[int, int], back: int, contradicts: bool, is_marked: bool) -> None:
        sent = self.sent.get(place, [])
        if len(sent) >= back:
            again = replace(sent[-back], received_ns=self.now_ns, is_sent_again=is_marked)
            if contradicts:
                again = replace(again, body_hash=again.body_hash ^ 0x10001)
            self.waiting.append(again)

    def _top_up(self, account: int, credits_given: list[Credit]) -> None:
        self.waiting.append(Change(account + 1, self.now_ns, self._tenant(account + 1), tuple(credits_given)))

    def _change(self, account: int, parts: dict[str, Any]) -> None:
        account_id = account + 1
        self.waiting.append(Change(account_id, self.now_ns, self._tenant(account_id), **parts))

    def _open(self, account: int, credits_given: list[Credit]) -> None:
        known = self.sides.twin.accounts.get(account + 1)
        tenant = known.tenant if known is not None else 1
        opening = Open(account + 1, self.now_ns, tenant, 1, currency=756, credits=tuple(credits_given))
        self.waiting.append(opening)

    def _ask(self, place: tuple[int, int], command: int, is_of_one: bool) -> None:
        account_id = place[0] + 1
        session = session_key(place) if is_of_one else None
        self.waiting.append(AskSessions(account_id, self.now_ns, command, session, self._tenant(account_id)))

    def _wake(self, account: int) -> None:
        self.waiting.append(Wake(account + 1, self.now_ns, self._tenant(account + 1)))

    def _clock(self, seconds: int) -> None:
        self.now_ns += seconds * NS_PER_S

    def _tenant(self, account_id: int) -> int:
        account = self.sides.twin.accounts.get(account_id)
        return account.tenant if account is not None and self.count % 16 else 1

    def _send(
        self, place: tuple[int, int], request_type: int, number: int, own: list[Service], action: int | None = None
    ) -> None:
        self.count += 1
        account_id = place[0] + 1
        session = session_key(place)
        request = CreditControl(
            account_id,
            session,
            request_type,
            0 if self.never_counts else number,
            crc32(b"body %d" % self.count),
            self.now_ns,
            self._tenant(account_id),
            self._msccs(account_id, session, own),
            event_ns=None if self.count % 3 else self.now_ns - (self.count % 700) * NS_PER_S,
            requested_action=action,
            never_counts=self.never_counts,
            command_level_limit=self.command_level_limit,
            ends_at_tariff_change=self.count % 5 == 0,
            reports_alone=self.count % 5 == 1,
            refusal=Outcome.INVALID_AVP_VALUE if self.count % 11 == 7 else Outcome.UNDECIDED,
        )
        self.sent.setdefault(place, []).append(request)
        self.waiting.append(request)

    def _msccs(self, account_id: int, session: tuple[int, int], own: list[Service]) -> tuple[Mscc, ...]:
        """Now and then the last of several tells of use beside the others, and names none of their services."""
        msccs = [self._mscc(account_id, session, service) for service in own]
        if len(msccs) > 1 and msccs[-1].used and self.count % 3 == 0:
            msccs[-1] = Mscc(None, own[-1].identifier, None, msccs[-1].used, outcome=Outcome.INVALID_AVP_VALUE)
        return tuple(msccs)

    def _mscc(self, account_id: int, session: tuple[int, int], own: Service) -> Mscc:
        upf = own.upf if own.rating_group is not None and own.identifier is None else None
        last = self.granted.get((account_id, session, (own.rating_group, own.identifier, upf)), 0)
        used = before = None
        if own.used is not None:
            units = min(max(last * own.used // 100 + own.extra, 0), UNITS_MAX)
            used = dict.fromkeys(own.units, units)
            if own.before is not None:
                before = dict.fromkeys(used, units * own.before // 100)
        asked = dict([own.asked]) if own.asked is not None else {}
        return Mscc(own.rating_group, own.identifier, asked if own.wants else None, used, before, upf)

    def _cut(self) -> None:
        if not self.waiting:
            return
        answers = self.sides.decide(self.waiting, self.now_ns)
        for request, answer in zip(self.waiting, answers, strict=True):
            if isinstance(request, CreditControl):
                self._note(request, answer)
        self.waiting = []

    def _note(self, request: CreditControl, answer: Answer) -> None:
        assert request.account_id is not None
        for mscc, given_back in zip(request.msccs, answer.msccs, strict=True):
            key = (request.account_id, request.session, mscc.service)
            self.granted[key] = given_back.granted or 0

    def finish(self) -> None:
        """Send what waits."""
        self._cut()

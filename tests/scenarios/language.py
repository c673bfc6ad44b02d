"""The small language of scenarios: a line a step, read into plain objects, and played on any machine that can charge.

    open      A money 100 octets 20 of bonus until 3600
    initial   A s1 rg 10 rsu 60            -> granted 60
    update    A s1 rg 10 usu 60 rsu + rg 20 rsu -> granted 40 final | granted 500
    terminate A s1 rg 10 usu 10            -> none
    account   A                            -> money 50/40 octets 0/0
    change    A barred                     -> done
    change    A applies plus period 0 for 600 fee 30 octets 20 of bonus until 600 -> done
    change    A ends plus take money 5     -> !4012
    repeat    s1                           -> same
    clock     3600
    clock     until mon 07:50
    update    A s1 rg 40 usu 50 before 20 rsu -> granted 50 change 20:00

Requests count by themselves (`number 7` says otherwise). Behind the arrow stands the answer: `!5002` at command level,
or for each MSCC, between bars, `granted <units>` (and `final`, `redirect <address>` or `restrict <filter id>`, then
`threshold 5`, `holding 60`, `change 08:00` where the price changes), `none` (2001 without quota, maybe redirected or
restricted at once) or a Result-Code. `account` lists free/reserved by unit; the bill is below zero by what is owed and
held. `top_up` with `bill` settles what is owed. Units are octets; `30s` and `2e` are seconds
and events. A `change` is `done`, `was so` or
refused; its periods count from the scenario's begin. `via` names a peer of PEERS. Times of day are UTC.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple, Protocol

from balances.journal import MovementKind
from balances.record import AccountStatus
from charging.batch import EVENT, INITIAL, TERMINATION, UPDATE
from tests.reference.requests import Mscc
from vocabulary.instants import NS_PER_S
from vocabulary.units import Unit

TYPES: Final = {"initial": INITIAL, "update": UPDATE, "terminate": TERMINATION, "event": EVENT}
UNITS: Final = {
    "money": Unit.MONEY,
    "octets": Unit.OCTETS,
    "seconds": Unit.SECONDS,
    "events": Unit.EVENTS,
    "bill": Unit.BILL,
}
CONTEXTS: Final = {"data": 32251, "voice": 32260, "sms": 32274}
DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SUFFIXES: Final = {"s": Unit.SECONDS, "e": Unit.EVENTS}


class Peer(NamedTuple):
    """Who a request comes from."""

    tenant: str = "default"
    command_level_limit: bool = False
    never_counts: bool = False
    ends_at_tariff_change: bool = False


PEERS: Final = {
    "core": Peer(),
    "other": Peer(tenant="other"),
    "oneservice": Peer(command_level_limit=True),
    "uncounted": Peer(never_counts=True),
    "unsplit": Peer(ends_at_tariff_change=True),
}


class CreditStep(NamedTuple):
    """A bucket that an account gets; times are seconds from now, None without end."""

    unit: Unit
    amount: int
    allowance: str = ""
    from_s: int = 0
    until_s: int | None = None
    priority: int = 0

    @property
    def kind(self) -> MovementKind:
        """Why the account gets it."""
        return MovementKind.SETTLED if self.unit == Unit.BILL else MovementKind.TOPPED_UP


@dataclass(frozen=True, slots=True)
class OpenStep:
    """An account is opened."""

    name: str
    tenant: str = "default"
    offer: str = "start"
    limit_micros: int = 0
    until_s: int | None = None
    is_barred: bool = False
    credits: tuple[CreditStep, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, for whoever can send it."""

    name: str
    session: str
    type: int
    number: int
    peer: str
    context: int
    msccs: tuple[Mscc, ...]
    action: int | None


class MsccSaid(NamedTuple):
    """What one MSCC was answered; granted None: no Granted-Service-Unit."""

    result: int
    granted: int | None = None
    final: str = ""
    """what follows: "terminate", "redirect <address>", "restrict <filter id>"; empty where nothing is said"""
    threshold_units: int | None = None
    holding_s: int | None = None
    change: str = ""
    """when the price changes, such as "08:00"; empty where nothing is said"""


class Said(NamedTuple):
    """What a request was answered."""

    result: int
    msccs: tuple[MsccSaid, ...] = ()


@dataclass(slots=True)
class ChangeStep:
    """An account changes; a period is its number and its length."""

    status: AccountStatus = AccountStatus.NONE
    applies: str = ""
    period: int = 0
    period_s: int = 0
    fee_micros: int = 0
    ends: str = ""
    takes: tuple[CreditStep, ...] = ()
    credits: tuple[CreditStep, ...] = ()


Holdings = dict[Unit, tuple[int, int]]
"""(free, reserved) by unit"""


class Machine(Protocol):
    """What a scenario is played on."""

    def open(self, step: OpenStep) -> None:
        """Open an account."""

    def top_up(self, name: str, credits: tuple[CreditStep, ...]) -> None:
        """Credit an account."""

    def change(self, name: str, step: ChangeStep) -> str:
        """Change an account: `done`, `was so`, or `!` and the Result-Code of its refusal."""

    def ask(self, asked: Asked) -> Said:
        """Send a request and wait for its answer."""

    def holdings(self, name: str) -> Holdings:
        """What the account holds."""

    def advance(self, seconds: int) -> None:
        """Let time pass."""

    def now_ns(self) -> int:
        """What its clock says."""


class Words:
    """The words of a line, taken from the front."""

    def __init__(self, text: str) -> None:
        self.left = text.split()

    def take(self) -> str:
        """The next word, which must be there."""
        assert self.left, "a word is missing at the end"
        return self.left.pop(0)

    def number_after(self, word: str, otherwise: int | None = None) -> int | None:
        """The number behind `word`, if that is next."""
        return int(self.take()) if self.takes(word) else otherwise

    def takes(self, word: str) -> bool:
        """Is that the next word? It is taken."""
        if self.left[:1] != [word]:
            return False
        self.left.pop(0)
        return True

    def amount(self) -> tuple[Unit, int] | None:
        """`60`, `30s` or `2e`, if that is next."""
        if not self.left or not self.left[0][0].isdigit():
            return None
        text = self.take()
        return (SUFFIXES[text[-1]], int(text[:-1])) if text[-1] in SUFFIXES else (Unit.OCTETS, int(text))


def seconds_until(now_ns: int, words: Words) -> int:
    """From now to the next `mon 07:50`, a second too many at most."""
    day, (hour, minute) = DAYS.index(words.take()), map(int, words.take().split(":"))
    now = datetime.fromtimestamp(-(-now_ns // NS_PER_S), UTC)
    wanted = now.replace(hour=hour, minute=minute, second=0) + timedelta(days=(day - now.weekday()) % 7)
    return int((wanted - now).total_seconds()) % (7 * 86400)


def change_said(unix_s: int) -> str:
    """The time of a tariff change, which is a whole minute."""
    assert unix_s % 60 == 0
    return f"{datetime.fromtimestamp(unix_s, UTC):%H:%M}" if unix_s else ""


def read_credits(words: Words) -> tuple[CreditStep, ...]:
    """`money 100 until 60 octets 20 of bonus ...` to the end of the line."""
    credits = []
    while words.left:
        unit, amount = UNITS[words.take()], int(words.take())
        allowance = words.take() if words.takes("of") else ""
        from_s = words.number_after("from", 0) or 0
        until_s = words.number_after("until")
        priority = words.number_after("priority", 0) or 0
        credits.append(CreditStep(unit, amount, allowance, from_s, until_s, priority))
    return tuple(credits)


def read_open(words: Words) -> OpenStep:
    """What follows `open`."""
    name = words.take()
    tenant = words.take() if words.takes("tenant") else "default"
    offer = words.take() if words.takes("offer") else "start"
    limit = words.number_after("limit", 0) or 0
    until_s = words.number_after("until")
    is_barred = words.takes("barred")
    return OpenStep(name, tenant, offer, limit, until_s, is_barred, read_credits(words))


STATUSES: Final = {
    "active": AccountStatus.ACTIVE,
    "barred": AccountStatus.BARRED,
    "closed": AccountStatus.CLOSED,
}


def read_change(words: Words) -> ChangeStep:
    """What follows the name in `change`: statuses, products, what is taken, then what is given."""
    step = ChangeStep()
    while words.left:
        if words.left[0] in STATUSES:
            step.status = STATUSES[words.take()]
        elif words.takes("applies"):
            step.applies = words.take()
            step.period, step.period_s = words.number_after("period", 0) or 0, words.number_after("for", 600) or 0
            step.fee_micros = words.number_after("fee", 0) or 0
        elif words.takes("ends"):
            step.ends = words.take()
        elif words.takes("take"):
            unit, amount = UNITS[words.take()], int(words.take())
            step.takes += (CreditStep(unit, amount, words.take() if words.takes("of") else ""),)
        else:
            step.credits = read_credits(words)
    return step


def read_mscc(text: str) -> Mscc:
    """`rg 10 si 7 rsu 60 usu 10`, each of them optional; `rsu` may name amounts of several units."""
    words = Words(text)
    group, identifier = words.number_after("rg"), words.number_after("si")
    requested, used, before = None, None, None
    while words.left:
        if words.takes("rsu"):
            requested = {}
            while (amount := words.amount()) is not None:
                requested |= dict([amount])
        else:
            assert words.takes("usu"), f"{words.left[0]} is no word of an MSCC"
            amount = words.amount()
            assert amount is not None, "usu needs an amount"
            used = dict([amount])
            if words.takes("before"):
                amount = words.amount()
                assert amount is not None, "before needs an amount"
                before = dict([amount])
    return Mscc(group, identifier, requested, used, before)


def read_final(words: Words) -> str:
    """`final`, `redirect <address>` or `restrict <filter id>`, if that is next."""
    if words.takes("final"):
        return "terminate"
    for action in ("redirect", "restrict"):
        if words.takes(action):
            return f"{action} {words.take()}"
    return ""


def read_answer(text: str) -> Said:
    """What stands behind the arrow of a request."""
    if text.startswith("!"):
        return Said(int(text[1:]))
    msccs = []
    for part in text.split("|"):
        words = Words(part)
        if words.takes("granted"):
            granted, final = int(words.take()), read_final(words)
            threshold, holding_s = words.number_after("threshold"), words.number_after("holding")
            change = words.take() if words.takes("change") else ""
            msccs.append(MsccSaid(2001, granted, final, threshold, holding_s, change))
        elif words.takes("none"):
            msccs.append(MsccSaid(2001, final=read_final(words)))
        elif words.left:
            msccs.append(MsccSaid(int(words.take())))
    return Said(2001, tuple(msccs))


@dataclass(slots=True)
class Play:
    """One scenario on one machine."""

    machine: Machine
    sent: dict[str, list[tuple[Asked, Said]]] = field(default_factory=dict)

    def line(self, line: str) -> None:
        """One step; AssertionError where the answer is another."""
        step, _, wanted = (part.strip() for part in line.partition("->"))
        words = Words(step)
        verb = words.take()
        if verb in TYPES:
            self._request(TYPES[verb], words, wanted)
        elif verb == "open":
            self.machine.open(read_open(words))
        elif verb == "top_up":
            self.machine.top_up(words.take(), read_credits(words))
        elif verb == "change":
            name = words.take()
            found = self.machine.change(name, read_change(words))
            assert found == wanted, found
        elif verb == "account":
            self._compare_account(words.take(), Words(wanted))
        elif verb == "repeat":
            asked, before = self.sent[words.take()][-(words.number_after("back", 1) or 1)]
            found = self.machine.ask(asked)
            assert found == (before if wanted == "same" else read_answer(wanted)), found
        elif verb == "clock":
            seconds = seconds_until(self.machine.now_ns(), words) if words.takes("until") else int(words.take())
            self.machine.advance(seconds)
        else:
            raise AssertionError(f"{verb} is no step")

    def _request(self, request_type: int, words: Words, wanted: str) -> None:
        name, session = words.take(), words.take()
        sent = self.sent.setdefault(session, [])
        number = words.number_after("number", len(sent)) or 0
        peer = words.take() if words.takes("via") else "core"
        context = CONTEXTS[words.take() if words.takes("context") else "data"]
        action = words.number_after("action", 0) if request_type == EVENT else None
        if words.takes("noaction"):
            action = None
        text = " ".join(words.left)
        msccs = tuple(read_mscc(part) for part in text.split("+")) if text else ()
        asked = Asked(name, session, request_type, number, peer, context, msccs, action)
        found = self.machine.ask(asked)
        sent.append((asked, found))
        if wanted:
            assert found == read_answer(wanted), found
        else:
            assert found.result == 2001, found

    def _compare_account(self, name: str, words: Words) -> None:
        wanted: Holdings = {}
        while words.left:
            unit = UNITS[words.take()]
            free, _, reserved = words.take().partition("/")
            wanted[unit] = int(free), int(reserved)
        found = {unit: held for unit, held in self.machine.holdings(name).items() if held != (0, 0) or unit in wanted}
        assert found == wanted, found


def play(text: str, machine: Machine) -> None:
    """Play a scenario; the error names the line."""
    run = Play(machine)
    for place, line in enumerate(text.strip().splitlines(), 1):
        if line.strip():
            try:
                run.line(line)
            except AssertionError as error:
                raise AssertionError(f"line {place}: {line.strip()}\nbut was {error}") from error

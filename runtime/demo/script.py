"""What the demo does, as a table: accounts, sessions, and for each request what must be answered and what it must cost.

Every expected value follows from catalog_loader/samples/prepaid.yaml by hand; the demo fails where Farebox says otherwise.
"""

from dataclasses import dataclass, field
from typing import Final

from vocabulary.units import OCTETS_PER_MIB, Unit

MIB: Final = OCTETS_PER_MIB
EUR: Final = 1_000_000
OFFER: Final = "prepaid-start"
ALLOWANCE: Final = "data-1gib"
INITIAL, UPDATE, TERMINATION, EVENT = 1, 2, 3, 4
LETTERS: Final = {INITIAL: "I", UPDATE: "U", TERMINATION: "T", EVENT: "E"}
SUCCESS: Final = 2001
CREDIT_LIMIT_REACHED: Final = 4012


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """An account that the demo opens."""

    name: str
    imsi: str
    msisdn: str
    money_micros: int
    allowance_octets: int
    """left of the monthly allowance; 0: none"""


@dataclass(frozen=True, slots=True)
class Step:
    """One request, and what is expected of its answer. Units are the session's."""

    type: int
    used: int | None = None
    asked: int | None = None
    granted: int | None = None
    """expected Granted-Service-Unit; None: none"""
    mscc_result: int = SUCCESS
    is_final: bool = False
    money_left_micros: int = 0
    """expected remaining + reserved afterwards"""
    note: str = ""


@dataclass(frozen=True, slots=True)
class DemoSession:
    """One session, or one event."""

    title: str
    account: DemoAccount
    service_context: str
    rating_group: int
    unit: Unit
    charged_micros: int
    """expected in its charging record"""
    steps: tuple[Step, ...] = field(default=())


ANNA: Final = DemoAccount("Anna", "001010000000001", "491700000001", 10 * EUR, 20 * MIB)
BEN: Final = DemoAccount("Ben", "001010000000002", "491700000002", EUR // 10, 0)

DATA: Final = DemoSession(
    "Data: the allowance first, then 0.02 EUR for each MiB that was started",
    ANNA,
    "32251@3gpp.org",
    10,
    Unit.OCTETS,
    60_000,
    (
        Step(INITIAL, None, 10 * MIB, 10 * MIB, money_left_micros=10 * EUR, note="held in the allowance"),
        Step(UPDATE, 10 * MIB, 10 * MIB, 10 * MIB, money_left_micros=10 * EUR, note="the rest of the allowance"),
        Step(UPDATE, 10 * MIB, 10 * MIB, 10 * MIB, money_left_micros=10 * EUR, note="0.20 EUR are held"),
        Step(TERMINATION, 5 * MIB // 2, money_left_micros=9_940_000, note="2.5 MiB are 3 blocks: 0.06 EUR"),
    ),
)
VOICE: Final = DemoSession(
    "Voice: 0.003 EUR a second",
    ANNA,
    "32260@3gpp.org",
    100,
    Unit.SECONDS,
    285_000,
    (
        Step(INITIAL, None, 60, 60, money_left_micros=9_940_000, note="0.18 EUR are held"),
        Step(UPDATE, 60, 60, 60, money_left_micros=9_760_000, note="0.18 EUR are charged, as many held"),
        Step(TERMINATION, 35, money_left_micros=9_655_000, note="95 seconds: 0.285 EUR"),
    ),
)
SMS: Final = DemoSession(
    "SMS: one event, charged at once",
    ANNA,
    "32274@3gpp.org",
    300,
    Unit.EVENTS,
    90_000,
    (Step(EVENT, None, 1, 1, money_left_micros=9_565_000, note="0.09 EUR"),),
)
RUNS_OUT: Final = DemoSession(
    "Data of somebody who has 0.10 EUR left",
    BEN,
    "32251@3gpp.org",
    10,
    Unit.OCTETS,
    100_000,
    (
        Step(INITIAL, None, 10 * MIB, 5 * MIB, is_final=True, money_left_micros=100_000, note="all that 0.10 EUR buys"),
        Step(UPDATE, 5 * MIB, 10 * MIB, None, CREDIT_LIMIT_REACHED, note="nothing is left"),
        Step(TERMINATION, 0),
    ),
)

ACCOUNTS: Final = (ANNA, BEN)
SESSIONS: Final = (DATA, VOICE, SMS, RUNS_OUT)

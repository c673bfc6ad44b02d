"""Sessions that the engine's kernels decided by a release of its own, and what is said of them."""

from dataclasses import dataclass, field

from balances.journal import MovementKind
from balances.record import AccountStatus
from balances.store import EntryId
from catalog_loader.compile import compile_release, stack
from catalog_loader.names import names_of
from catalog_loader.price_words import catalogue_of
from catalog_loader.release import Allowance, Band, Offer, Price, Release, Service, Terms, price_of
from runtime.explain.steps import Step, Wanted, steps_of
from runtime.explain.words import StepWords, explain
from tests.reference.engine_alone import EngineAlone
from tests.reference.journal_entries import read_rows
from tests.reference.requests import AskSessions, Change, Credit, CreditControl, Mscc, Open, Request
from vocabulary.ids import number_of_name
from vocabulary.instants import FOREVER_NS, NS_PER_S, from_rfc3339
from vocabulary.units import OCTETS_PER_MIB, Unit

MIB = OCTETS_PER_MIB
MONDAY_NS = from_rfc3339("2026-03-02T11:00:00Z")
"""12:00 in Berlin"""
KEY = (2**63 + 7, 2**40)
SIZES = {"grant_units": 10 * MIB, "grant_units_min": MIB, "grant_units_max": 50 * MIB}
DAY = Band(days=(0, 1, 2, 3, 4), from_min=8 * 60, to_min=20 * 60, price_micros=50_000)


def _data(name: str, group: int, **more: object) -> Price:
    price = price_of(name, (Service(32251, group),), "octets", price_micros=20_000, block_units=MIB)
    changed = {field: getattr(price, field) for field in price.__struct_fields__} | SIZES | more
    return Price(**changed)


RELEASE = Release(
    number=3,
    name="Spring",
    currency="EUR",
    time_zone="Europe/Berlin",
    effective_ns=1_000,
    offers=(
        Offer(id="start", prices=("data", "walled", "free", "denied", "billed")),
        Offer(id="other", prices=("video",)),
    ),
    prices=(
        _data("data", 10, allowances=("data-1gib",), by_time=(DAY,)),
        _data("walled", 20, final_action="redirect", said=Terms(redirect_to="https://top-up.example.net")),
        _data("free", 30, control="free", price_micros=None),
        _data("denied", 40, control="denied", price_micros=None),
        _data("billed", 50, settled_by="bill"),
        _data("video", 60),
    ),
    allowances=(Allowance(id="data-1gib", unit="octets", amount=1024 * MIB),),
)
ALLOWANCE = number_of_name("data-1gib")
CATALOGUE = catalogue_of([(1, RELEASE)], names_of([(1, RELEASE, "hash")]))


@dataclass
class Played:
    """One account with an offer, money and an allowance, and one session of it."""

    money_micros: int = 1_000_000
    allowance_units: int = 0
    credit_limit_micros: int = 0
    expires_ns: int = FOREVER_NS
    at_ns: int = MONDAY_NS
    number: int = 0
    engine: EngineAlone = field(default_factory=lambda: EngineAlone(stack([compile_release(RELEASE, 1)])))

    def __post_init__(self) -> None:
        credits = [Credit(self.money_micros, movement=MovementKind.OPENED)] if self.money_micros else []
        if self.allowance_units:
            credits.append(Credit(self.allowance_units, Unit.OCTETS, ALLOWANCE, movement=MovementKind.OPENED))
        offer = number_of_name("start")
        terms = {"offer": offer, "credits": tuple(credits), "credit_limit_micros": self.credit_limit_micros}
        terms["expires_ns"] = self.expires_ns
        self.decide(Open(5, self.at_ns, command_id="opening:1.0", **terms))

    def decide(self, *requests: Request) -> None:
        """One batch, a second after the last."""
        self.engine.decide(requests, self.at_ns)
        self.at_ns += NS_PER_S

    def ask(self, kind: int, *msccs: Mscc) -> StepWords:
        """A request of the session; what is said of it."""
        self.decide(CreditControl(5, KEY, kind, self.number, self.number + 1, self.at_ns, msccs=msccs))
        self.number += 1
        return self.told()[-1]

    def ask_of_session(self, command: int) -> StepWords:
        """An account command for it."""
        self.decide(AskSessions(5, self.at_ns, command, KEY))
        return self.told()[-1]

    def top_up(self, micros: int, command_id: str) -> StepWords:
        """Money for the account."""
        self.decide(
            Change(5, self.at_ns, amounts=(Credit(micros, movement=MovementKind.TOPPED_UP),), command_id=command_id)
        )
        return self.told()[-1]

    def set_status(self, status: AccountStatus, command_id: str = "bar:1.0") -> StepWords:
        """Bar, unbar or close the account."""
        self.decide(Change(5, self.at_ns, status=status, command_id=command_id))
        return self.told()[-1]

    def steps(self) -> list[Step]:
        """All steps of the session and its account."""
        wanted = Wanted(1, 5, *KEY)
        entries = [(EntryId.parse(entry_id), read_rows(octets)) for entry_id, octets in self._copies()]
        return [step for entry_id, entry in entries for step in steps_of(entry_id, entry, wanted)]

    def _copies(self) -> list[tuple[str, bytes]]:
        return list(self.engine.entries)

    def told(self) -> list[StepWords]:
        """The same in words."""
        return [explain(step, CATALOGUE) for step in self.steps()]


def mscc(group: int | None, asked_mib: int | None = None, used_mib: int | None = None, *, wants: bool = True) -> Mscc:
    """An MSCC that asks for so many MiB, for what the price gives (None), or for nothing."""
    requested = None if not wants else {} if asked_mib is None else {Unit.OCTETS: asked_mib * MIB}
    return Mscc(group, requested=requested, used=None if used_mib is None else {Unit.OCTETS: used_mib * MIB})

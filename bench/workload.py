"""What the load is made of: who subscribes, what they own, what a block costs, how sessions run. Seeded throughout.

`GyPlan` is one run of the Gy generator, `ChfPlan` one of the Nchf generator; its JSON is what the generator process gets.
The provisioning that a plan implies (`provision`) feeds both the accounts that are opened before a run and the books that
price it afterwards, and `release` and `prices` are the same tariff for the engine and for the books.
"""

import json
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Final, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from bench.books import Prices
from catalog_loader.release import Allowance, Offer, Price, Release, Service
from vocabulary.limits import SESSIONS_PER_ACCOUNT_MAX

# --- the tariff ----------------------------------------------------------------------------------------------------------
OFFER_NAME: Final = "bench-data"
ALLOWANCE_NAME: Final = "bench-allowance"
SERVICE_CONTEXT: Final = 32251
SERVICE_CONTEXT_5G: Final = 32255
RATING_GROUPS: Final = (10, 20, 30)
PRICE_NAMES: Final = ("bench-price-10", "bench-price-20", "bench-price-30")
PRICE_MICROS: Final = (1_250, 870, 2_100)
"""Of a block, by rating group."""
USES_ALLOWANCE: Final = (1, 0, 1)
"""Whether the allowance is used before money, by rating group."""
BLOCK_OCTETS: Final = 102_400
GRANT_OCTETS: Final = 1_000_000
GRANT_OCTETS_MAX: Final = 2**30
VALIDITY_S: Final = 3600

# --- the subscribers -------------------------------------------------------------------------------------------------------
POOR_SHARE: Final = 0.06
"""Subscribers whose money ends within a few reports, so that at least 5 % run out even where some hardly call."""
MSISDN_FIRST: Final = 491_700_000_000
IMSI_FIRST: Final = 1_010_000_000_000
"""MCC 001, MNC 01: 15 digits with the leading zeros."""

# --- limits of the harness ---------------------------------------------------------------------------------------------------
SUBSCRIBERS_MAX: Final = 10_000_000
CONNECTIONS_MAX: Final = 64
OUTSTANDING_MAX: Final = 4_096
SESSIONS_OPEN_MAX: Final = 65_536
LOG_REQUESTS_PER_S: Final = 500_000
"""Room in the books a second of a run; a generator that fills its log stops and says so. Taken only as it fills."""
LOG_REQUESTS_MIN: Final = 16_000_000
MSCCS_MAX: Final = len(RATING_GROUPS)


_Plan = TypeVar("_Plan", bound="LoadPlan")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadPlan:
    """One run of a generator: what is the same for every protocol."""

    LOAD: ClassVar[str]
    """its name in results, and of its command"""
    GENERATOR: ClassVar[str]
    """module of its generator"""

    host: str = "127.0.0.1"
    port: int = 0
    connections: int = 4
    subscribers: int = 100_000
    first_subscriber: int = 0
    """How many numbers are left out before those of the first: loads on one store have subscribers of their own by that."""
    has_money_only: bool = False
    """Nobody has an allowance or runs out of money. What sessions cost then doesn't depend on the order of their requests."""
    zipf_exponent: float = 0.0
    """0 is uniform; 0.8 makes the first subscribers far more active than the last."""
    sessions_per_subscriber: int = 1
    sessions_open: int = 16_384
    """Sessions open at a time; at most `outstanding` of them wait for an answer."""
    outstanding: int = 4_096
    rate_per_s: int = 0
    """0: closed loop, the next request leaves when an answer came. Else open loop: requests leave on time, or late."""
    updates_min: int = 6
    updates_max: int = 11
    """Updates of a session, drawn evenly; with subscribers that run out this comes to 10 % initial, 80 % update, 10 % end."""
    mscc_count: int = 1
    asked_octets: int = GRANT_OCTETS
    seed: int = 20_260_101
    warm_up_s: float = 3.0
    measured_s: float = 120.0
    grace_s: float = 10.0
    """How long the generator waits for outstanding answers at the end; what is missing then is lost."""
    gather_s: float = 0.0
    """Closed loop: how long a turn lets answers gather before it takes them, which counts as their latency."""
    reconnects: bool = False
    """After a lost connection: connect again and repeat what is unanswered."""
    waits: bool = False
    """Connect, and begin with a line on the standard input: loads begin together by that."""

    def __post_init__(self) -> None:
        mistakes = [text for is_wrong, text in self._checks() if is_wrong]
        if mistakes:
            raise ValueError("; ".join(mistakes))

    @property
    def waiting_max(self) -> int:
        """Requests that may wait for an answer in an open loop."""
        return self.sessions_open

    def _checks(self) -> list[tuple[bool, str]]:
        seats = self.subscribers * self.sessions_per_subscriber
        return [
            (not 1 <= self.connections <= CONNECTIONS_MAX, f"connections must be 1..{CONNECTIONS_MAX}"),
            (not 1 <= self.subscribers <= SUBSCRIBERS_MAX, f"subscribers must be 1..{SUBSCRIBERS_MAX}"),
            (
                not 0 <= self.first_subscriber <= SUBSCRIBERS_MAX,
                f"first_subscriber must be 0..{SUBSCRIBERS_MAX}",
            ),
            (
                not 1 <= self.sessions_per_subscriber <= SESSIONS_PER_ACCOUNT_MAX,
                f"sessions_per_subscriber must be 1..{SESSIONS_PER_ACCOUNT_MAX}",
            ),
            (
                not 1 <= self.sessions_open <= min(seats, SESSIONS_OPEN_MAX),
                f"sessions_open must be 1..{min(seats, SESSIONS_OPEN_MAX)}: subscribers * sessions_per_subscriber,"
                f" at most {SESSIONS_OPEN_MAX}",
            ),
            (not 1 <= self.outstanding <= OUTSTANDING_MAX, f"outstanding must be 1..{OUTSTANDING_MAX}"),
            (not 0 <= self.updates_min <= self.updates_max, "updates_min must be 0..updates_max"),
            (not 1 <= self.mscc_count <= MSCCS_MAX, f"mscc_count must be 1..{MSCCS_MAX}"),
            (not 1 <= self.asked_octets <= GRANT_OCTETS_MAX, f"asked_octets must be 1..{GRANT_OCTETS_MAX}"),
            (self.rate_per_s < 0, "rate_per_s must be 0 (closed loop) or more"),
            (self.zipf_exponent < 0, "zipf_exponent must be 0 (uniform) or more"),
            (
                self.measured_s <= 0 or min(self.warm_up_s, self.grace_s, self.gather_s) < 0,
                "times must not be below zero",
            ),
        ]

    def to_json(self) -> str:
        """The plan as the generator process reads it."""
        return json.dumps(asdict(self), indent=1)

    @classmethod
    def from_json(cls: type[_Plan], text: str) -> _Plan:
        """A plan of `to_json`; unknown or wrong fields are a ValueError that names them."""
        values: dict[str, Any] = json.loads(text)
        unknown = set(values) - set(cls.__dataclass_fields__)
        if unknown:
            raise ValueError(f"unknown fields of a plan: {', '.join(sorted(unknown))}")
        return cls(**values)


@dataclass(frozen=True, slots=True, kw_only=True)
class GyPlan(LoadPlan):
    """One run of the Gy generator.

    `reconnects` repeats with the T flag. The books then want `sessions_per_subscriber = 1`: which of several repeated
    requests of one account was decided first can't be seen.
    """

    LOAD: ClassVar[str] = "gy"
    GENERATOR: ClassVar[str] = "bench.generators.gy_generator"

    port: int = 3868
    peers: int = 1
    """Origin-Hosts that the connections share: 1 is one peer with several connections."""
    origin_host: str = "pgw1.bench.example.net"
    origin_realm: str = "bench.example.net"
    destination_realm: str = "farebox.example"
    origin_state_id: int = 1
    run_id: int = 1
    """Part of every Session-Id: give each run on one store its own."""
    sessions_per_subscriber: int = 4

    def _checks(self) -> list[tuple[bool, str]]:
        return [
            *LoadPlan._checks(self),
            (not 1 <= self.peers <= self.connections, "peers must be 1..connections"),
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChfPlan(LoadPlan):
    """One run of the Nchf generator.

    A subscriber has one session at a time: answers of one connection come in any order over HTTP/2, and the books want
    those of an account in the order in which they were decided.
    """

    LOAD: ClassVar[str] = "chf"
    GENERATOR: ClassVar[str] = "bench.generators.chf_generator"

    port: int = 7777
    subscribers: int = 5_000
    """So few that a run of half a minute comes to nearly all of them, and 5 % run out of money."""
    sessions_open: int = 2_048
    outstanding: int = 1_024
    gather_s: float = 0.001
    """A server of HTTP/2 writes a few answers at a time, and a turn costs as much as twenty of them."""
    warm_up_s: float = 6.0
    """Until sessions are at different updates: they all begin with the run."""
    consumer: str = "b1c2d3e4-0000-4000-8000-5f0e5f0e5f0e"
    """nFName of the SMF that we are."""

    @property
    def waiting_max(self) -> int:
        """As many as a server lets a connection have streams, on every connection."""
        return min(self.sessions_open, OUTSTANDING_MAX * self.connections)

    def _checks(self) -> list[tuple[bool, str]]:
        return [
            *LoadPlan._checks(self),
            (self.sessions_per_subscriber != 1, "sessions_per_subscriber must be 1 over HTTP/2"),
        ]


def hot_account_plan(**changes: object) -> GyPlan:
    """All requests on one account with 32 sessions, one request of each outstanding."""
    values: dict[str, object] = {
        "subscribers": 1,
        "sessions_per_subscriber": SESSIONS_PER_ACCOUNT_MAX,
        "sessions_open": SESSIONS_PER_ACCOUNT_MAX,
        "outstanding": SESSIONS_PER_ACCOUNT_MAX,
    }
    return GyPlan(**(values | changes))  # type: ignore[arg-type]


class Provision(NamedTuple):
    """What each subscriber owns before the run; index is the subscriber's number."""

    money_micros: NDArray[np.int64]  # (subscribers,) one money bucket without end, 1 or more
    allowance_octets: NDArray[np.int64]  # (subscribers,) one bucket of ALLOWANCE_NAME without end; 0: no such bucket


def provision(subscribers: int, seed: int, *, has_money_only: bool = False) -> Provision:
    """Money and allowances, odd amounts throughout; POOR_SHARE of the subscribers can pay a few blocks at most.

    has_money_only   of LoadPlan: no allowances and no poor
    """
    random = np.random.default_rng(seed)
    money = random.integers(10**12, 2 * 10**12, subscribers, dtype=np.int64)
    sizes = np.array([0, 5_000_000, 20_000_000, 80_000_000], np.int64)
    allowance = sizes[random.integers(0, len(sizes), subscribers)]
    allowance += np.where(allowance > 0, random.integers(0, 1_000_000, subscribers), 0)
    if has_money_only:
        return Provision(money, np.zeros(subscribers, np.int64))
    poor = random.permutation(subscribers)[: int(subscribers * POOR_SHARE)]
    money[poor] = random.integers(1, 6 * PRICE_MICROS[0], len(poor))
    allowance[poor] = random.integers(0, 300_000, len(poor)) * random.integers(0, 2, len(poor))
    return Provision(money, allowance)


def msisdn(subscriber: int) -> str:
    """E.164 number of a subscriber, 12 digits."""
    return str(MSISDN_FIRST + subscriber)


def imsi(subscriber: int) -> str:
    """IMSI of a subscriber, 15 digits."""
    return f"{IMSI_FIRST + subscriber:015d}"


def prices(mscc_count: int = MSCCS_MAX) -> Prices:
    """The tariff as the books know it, a row a rating group."""
    return Prices(
        np.full(mscc_count, BLOCK_OCTETS, np.int64),
        np.array(PRICE_MICROS[:mscc_count], np.int64),
        np.array(USES_ALLOWANCE[:mscc_count], np.int64),
    )


def release(tenant: str = "default", number: int = 1) -> Release:
    """The tariff as a catalogue release: what is published before a run, and what the engine then decides with."""
    allowance = Allowance(id=ALLOWANCE_NAME, unit="octets", amount=1, granted_by="top_up")
    tariff = tuple(
        Price(
            id=name,
            services=(Service(SERVICE_CONTEXT, rating_group), Service(SERVICE_CONTEXT_5G, rating_group)),
            unit="octets",
            block_units=BLOCK_OCTETS,
            price_micros=micros,
            grant_units=GRANT_OCTETS,
            grant_units_min=1,
            grant_units_max=GRANT_OCTETS_MAX,
            validity_s=VALIDITY_S,
            allowances=(ALLOWANCE_NAME,) if uses_allowance else (),
        )
        for name, rating_group, micros, uses_allowance in zip(
            PRICE_NAMES, RATING_GROUPS, PRICE_MICROS, USES_ALLOWANCE, strict=True
        )
    )
    return Release(
        number=number,
        name="bench",
        tenant=tenant,
        currency="EUR",
        time_zone="UTC",
        effective_ns=0,
        offers=(Offer(id=OFFER_NAME, prices=PRICE_NAMES),),
        prices=tariff,
        allowances=(allowance,),
    )

"""What is counted: the service units of requests, prices and buckets, as small integers that kernels compare."""

from enum import IntEnum
from typing import Final


class Unit(IntEnum):
    """A unit of a bucket, a price or a grant. MONEY and BILL count micros; the others count whole units."""

    MONEY = 0
    OCTETS = 1
    SECONDS = 2
    EVENTS = 3
    """Service-specific units of RFC 8506 §8.26: messages, items, calls."""
    BILL = 4
    """What is owed on the next bill: money of a kind of its own, which is below zero by what isn't settled yet."""


UNIT_NAMES: Final = {
    Unit.MONEY: "micros",
    Unit.OCTETS: "octets",
    Unit.SECONDS: "seconds",
    Unit.EVENTS: "events",
    Unit.BILL: "bill_micros",
}
MONEY_UNITS: Final = frozenset({Unit.MONEY, Unit.BILL})
"""Units whose amounts are micros; the others are those of allowances."""

OCTETS_PER_MIB: Final = 1024**2
OCTETS_PER: Final = {
    "octet": 1,
    "kB": 1000,
    "MB": 1000**2,
    "GB": 1000**3,
    "KiB": 1024,
    "MiB": OCTETS_PER_MIB,
    "GiB": 1024**3,
}
SECONDS_PER: Final = {"s": 1, "min": 60, "h": 3600, "d": 86400}
EVENTS_PER: Final = {"event": 1}

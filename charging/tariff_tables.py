"""TariffTables: a compiled catalogue as sorted arrays, several (tenant, release) pairs stacked in one set.

The loader fills it (catalog_loader/compile.py), the kernels search it (charging/rating/tariff_lookup.py). Searches are
binary: `releases` is sorted by (tenant, effective_ns), `offers` by (tenant, release, offer), the prices of an offer by
(service_context, rating_group, service_identifier). Amounts are integer micros a block of units.
"""

from enum import IntEnum
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from charging.final_units import pack_final_units

ABSENT: Final = -1
"""rating_group or service_identifier of a price for requests that carry none."""
ANY: Final = -2
"""rating_group or service_identifier of a price for whatever has no row of its own."""


class Control(IntEnum):
    """What a price row says about a service."""

    CHARGED = 0
    FREE = 1
    """Granted and recorded, never charged."""
    NOT_APPLICABLE = 2
    """No credit control: 4011, the service runs without quota."""
    DENIED = 3
    """4010: the offer excludes the service."""


class RoundingScope(IntEnum):
    """Over what a part of a block is rounded."""

    REPORT = 0
    """Each report alone: a started block is paid by each."""
    SESSION = 1
    """The session's whole use of the service: what a report leaves over is carried to the next."""


class FinalAction(IntEnum):
    """What follows the last grant; Final-Unit-Action (RFC 8506 §8.35) plus one, 0 where nothing follows."""

    NONE = 0
    TERMINATE = 1
    REDIRECT = 2
    """With this and the next the session goes on without quota, until there is credit again."""
    RESTRICT = 3


RELEASE_DTYPE: Final = np.dtype(
    [("tenant", np.int32), ("release", np.int32), ("effective_ns", np.int64)],
    align=True,
)

OFFER_DTYPE: Final = np.dtype(
    [
        ("tenant", np.int32),
        ("release", np.int32),
        ("offer", np.int32),  # number_of_name of its id
        ("price_first", np.int32),
        ("price_count", np.int32),
    ],
    align=True,
)

PRICE_DTYPE: Final = np.dtype(
    [
        ("service_context", np.int32),
        ("rating_group", np.int64),  # 0..2**32-1, ABSENT or ANY
        ("service_identifier", np.int64),  # 0..2**32-1 or ANY; ABSENT is not used
        ("block_units", np.int64),  # 1..BLOCK_UNITS_MAX
        ("price_micros", np.int64),  # of one block, 0..PRICE_MICROS_MAX
        ("grant_units", np.int64),  # what an empty request gets
        ("grant_units_min", np.int64),  # smaller requests are raised to it
        ("grant_units_max", np.int64),  # larger ones are cut to it
        ("threshold_units", np.uint32),  # of a grant: what is left of it when more is to be asked; 0 where none
        ("holding_s", np.int32),  # unused so long, the quota is given back; 0 where nothing is said, at most validity_s
        ("validity_s", np.int32),  # of a grant; also what supervision is derived from
        ("final_unit", np.uint32),  # number of the texts that go with final_action (charging/final_units.py); 0: none
        ("price", np.int32),  # number_of_name of the price's id: the why-id
        (
            "allowance_first",
            np.int32,
        ),  # allowances that are used before money: rows of `allowances`
        ("allowance_count", np.int32),
        ("band_first", np.int32),  # its times of the week: rows of `bands`
        ("band_count", np.int32),  # 0: price_micros at all times; else at least 2
        ("offset_first", np.int32),  # the clock that they go by: rows of `offsets`
        ("offset_count", np.int32),
        ("unit", np.uint8),
        ("control", np.uint8),
        ("rounding", np.uint8),  # vocabulary.money.Rounding
        ("rounding_scope", np.uint8),
        ("has_price", np.uint8),  # 0: allowances alone pay, money is never touched
        ("final_action", np.uint8),
        ("settled_by", np.uint8),  # Unit of the buckets that pay: MONEY, the balance, or BILL
        ("threshold_percent", np.uint8),  # of the grant, in place of threshold_units; 0 where that counts
    ],
    align=True,
)

BAND_DTYPE: Final = np.dtype(
    [
        ("start_s", np.int64),  # of the week: seconds of the local clock since Monday 00:00, 0..604799
        (
            "price_micros",
            np.int64,
        ),  # of one block from there to the next row's start; the last row holds into the next week
    ],
    align=True,
)

OFFSET_DTYPE: Final = np.dtype(
    [
        ("from_ns", np.int64),  # the first row of a zone: BEGINNING_NS
        ("offset_s", np.int64),  # local clock minus UTC from there on
    ],
    align=True,
)
BEGINNING_NS: Final = -(2**63)
"""Before every instant."""

NO_FINAL_UNITS: Final = pack_final_units(())
NO_BANDS: Final = np.zeros(0, BAND_DTYPE)
NO_OFFSETS: Final = np.zeros(0, OFFSET_DTYPE)


class TariffTables(NamedTuple):
    """All releases that the engine holds; an empty one has zero rows everywhere and rates nothing."""

    releases: NDArray[np.void]  # RELEASE_DTYPE, sorted by (tenant, effective_ns)
    offers: NDArray[np.void]  # OFFER_DTYPE, sorted by (tenant, release, offer)
    prices: NDArray[np.void]  # PRICE_DTYPE, sorted within each offer
    allowances: NDArray[np.int32]  # allowance numbers, by price
    final_units: NDArray[np.uint8] = NO_FINAL_UNITS  # their texts, packed; kernels don't read them
    bands: NDArray[np.void] = NO_BANDS  # BAND_DTYPE, by price sorted by start_s; neighbours have different prices
    offsets: NDArray[np.void] = NO_OFFSETS  # OFFSET_DTYPE, by zone sorted by from_ns


def empty_tables() -> TariffTables:
    """Tables that rate nothing: every service is answered RATING_FAILED."""
    return TariffTables(
        np.zeros(0, RELEASE_DTYPE),
        np.zeros(0, OFFER_DTYPE),
        np.zeros(0, PRICE_DTYPE),
        np.zeros(0, np.int32),
    )

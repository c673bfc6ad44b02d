"""The rated usage row that goes to the journal: what one MSCC reported, cost and was granted, and why.

The why-ids name what decided: `release`, `offer`, `price` (numbers of names, see vocabulary.ids), `outcome`, and
`grant_basis`; the buckets that paid are the movements that point at the row (balances/journal.py).
"""

from enum import IntFlag
from typing import Final

import numpy as np


class GrantBasis(IntFlag):
    """Why a grant has its size: what was wanted, and what cut that. Nothing of it where no grant was to be had."""

    REQUESTED = 1
    """the client named units"""
    PRICE_SIZE = 2
    """it named none: the size that the price says"""
    RAISED_TO_MIN = 4
    """to the price's least"""
    CUT_TO_MAX = 8
    """to the price's most"""
    FUNDS = 16
    """allowances and money hold no more"""
    TARIFF_CHANGE = 32
    """it ends where the price changes"""
    LAST = 64
    """nothing was left to grant after it"""


USAGE_DTYPE: Final = np.dtype(
    [
        ("rating_group", np.int64),  # -1 absent
        ("service_identifier", np.int64),  # -1 absent
        ("from_ns", np.int64),  # usage happened in [from_ns, to_ns)
        ("to_ns", np.int64),
        ("used_units", np.int64),  # of `unit`
        ("allowance_units", np.int64),  # of them paid by allowances
        (
            "uncharged_units",
            np.int64,
        ),  # of them paid by nothing (no price and allowances used up)
        ("charged_micros", np.int64),
        ("granted_units", np.int64),
        (
            "requested_units",
            np.int64,
        ),  # of the price's unit, as granted ones, in a request that wants quota; 0 where it names none
        ("request", np.int32),  # row of the journal's `requests`
        ("release", np.int32),  # 0 where no price was found
        ("offer", np.int32),
        ("price", np.int32),
        ("reporting_reason", np.int32),  # -1 absent
        (
            "unit",
            np.uint8,
        ),  # the price's; the first named where a report names none of the price's, or there is none; 0: nobody says it
        ("outcome", np.uint8),
        ("final_action", np.uint8),
        ("grant_basis", np.uint8),  # GrantBasis: why the grant has its size
        (
            "settled_by",
            np.uint8,
        ),  # Unit of the buckets that pay at its price: MONEY, also where none was found, or BILL
    ],
    align=True,
)

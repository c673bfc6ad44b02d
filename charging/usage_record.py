"""The rated usage row that goes to the journal: what one MSCC reported, cost and was granted, and why.

The why-ids name what decided: `release`, `offer`, `price` (numbers of names, see vocabulary.ids) and `outcome`; the
buckets that paid are the movements that point at the row (balances/journal.py).
"""

from typing import Final

import numpy as np

USAGE_DTYPE: Final = np.dtype(
    [
        ("rating_group", np.int64),  # -1 absent
        ("service_identifier", np.int64),  # -1 absent
        ("from_ns", np.int64),  # usage happened in [from_ns, to_ns)
        ("to_ns", np.int64),
        ("used_units", np.int64),
        ("allowance_units", np.int64),  # of them paid by allowances
        (
            "uncharged_units",
            np.int64,
        ),  # of them paid by nothing (no price and allowances used up)
        ("charged_micros", np.int64),
        ("granted_units", np.int64),
        ("request", np.int32),  # row of the journal's `requests`
        ("release", np.int32),  # 0 where no price was found
        ("offer", np.int32),
        ("price", np.int32),
        ("reporting_reason", np.int32),  # -1 absent
        ("unit", np.uint8),
        ("outcome", np.uint8),
        ("final_action", np.uint8),
        (
            "settled_by",
            np.uint8,
        ),  # Unit of the buckets that pay at its price: MONEY, also where none was found, or BILL
    ],
    align=True,
)

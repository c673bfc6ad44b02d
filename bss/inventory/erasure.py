"""What a number or a SIM was reserved for is text that people write, often a name: it goes with the person who had it."""

from collections.abc import Collection
from typing import Final

import sqlalchemy as sa

from bss.access import requires
from bss.audit import ERASED
from bss.inventory.kinds import KINDS
from bss.inventory.tables import PRODUCT
from bss.work import Work

_NAMES_MAX: Final = 500
"""Numbers or SIMs that are looked up at once."""


@requires("customer:erase")
def erase_reservations(work: Work, *, customer_id: str, ordered: Collection[str], texts: Collection[str]) -> None:
    """Nobody reads any more what the numbers and SIMs were reserved for that a customer's products have or had, or that their
    orders named. The audit trail forgets it whoever had them, before or after: sealed texts can't be told apart.

    ordered   numbers and ICCIDs that their orders named; none is both
    texts     what those were reserved for by these orders; one that is still kept so stays kept, without the text
    """
    had = work.rows(sa.select(PRODUCT.c.number, PRODUCT.c.iccid).where(PRODUCT.c.customer_id == customer_id))
    for what in KINDS.values():
        names = sorted({row[what.key] for row in had if row[what.key]} | set(ordered))
        for first in range(0, len(names), _NAMES_MAX):
            chunk = what.table.c[what.key].in_(names[first : first + _NAMES_MAX])
            for row in work.rows(sa.select(what.table).where(chunk)):
                if row["reserved_for"] in texts:
                    work.change(what.table, row, reserved_for=ERASED)
                work.erase_audited(what.table, row["id"])

"""When a product's next period begins: one due row a product says it, and what came of the attempt before."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from bss.access import requires
from bss.due import DUE
from bss.work import Work

RENEWAL_DUE: Final = "product.renewal"
"""Kind of the due row whose resource is the product."""
REFUSED: Final = "refused"
"""Of its ids: the reason, in words, for which the last one was refused; absent where it wasn't."""


@dataclass(frozen=True, slots=True)
class Renewal:
    """The next one of a product."""

    at_ns: int
    refused: str | None
    """why the last one was: the product has no period until this one"""


@requires("inventory:read")
def renewals_of(work: Work, product_ids: Sequence[str]) -> dict[str, Renewal]:
    """By product; one without a period that ends has none."""
    statement = sa.select(DUE).where(DUE.c.kind == RENEWAL_DUE, DUE.c.resource_id.in_(list(product_ids)))
    return {row["resource_id"]: Renewal(row["at_ns"], row["ids"].get(REFUSED)) for row in work.rows(statement)}

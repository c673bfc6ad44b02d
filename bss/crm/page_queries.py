"""What a page of customers shows of others, in one query each."""

from collections.abc import Sequence

import sqlalchemy as sa

from bss.access import requires
from bss.crm.queries import party_of_row
from bss.crm.records import Party, PartyRole
from bss.crm.tables import PARTY, PARTY_ROLE
from bss.work import Work


@requires("customer:read")
def parties_by_id(work: Work, ids: Sequence[str]) -> dict[str, Party]:
    """Those of these parties that exist, by id."""
    rows = work.rows(sa.select(PARTY).where(PARTY.c.id.in_(set(ids))))
    return {row["id"]: party_of_row(row) for row in rows}


@requires("customer:read")
def roles_in_force(work: Work, customer_ids: Sequence[str]) -> list[PartyRole]:
    """Who is what to these customers at this moment."""
    table = PARTY_ROLE
    rows = work.rows(
        sa.select(table)
        .where(table.c.customer_id.in_(customer_ids), sa.or_(table.c.to_ns.is_(None), table.c.to_ns > work.now_ns))
        .order_by(table.c.id)
    )
    return [PartyRole.from_row(row) for row in rows]

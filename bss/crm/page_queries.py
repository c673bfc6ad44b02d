"""What a page of customers shows of others, in one query each."""

from collections.abc import Sequence
from typing import Final

from bss.access import requires
from bss.crm.queries import party_of_row
from bss.crm.records import Party, PartyRole
from bss.crm.tables import PARTY, PARTY_ROLE
from bss.tenant_rows import prepared_by
from bss.work import Work

_PARTIES: Final = prepared_by(PARTY.c.id)
_ROLES: Final = prepared_by(PARTY_ROLE.c.customer_id, PARTY_ROLE.c.id)


@requires("customer:read")
def parties_by_id(work: Work, ids: Sequence[str]) -> dict[str, Party]:
    """Those of these parties that exist, by id."""
    rows = work.rows(_PARTIES, values=sorted(set(ids)))
    return {row["id"]: party_of_row(row) for row in rows}


@requires("customer:read")
def roles_in_force(work: Work, customer_ids: Sequence[str]) -> list[PartyRole]:
    """Who is what to these customers at this moment."""
    rows = work.rows(_ROLES, values=list(customer_ids))
    return [PartyRole.from_row(row) for row in rows if row["to_ns"] is None or row["to_ns"] > work.now_ns]

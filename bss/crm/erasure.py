"""Erasing a person: every personal column about them is emptied, in whichever table, and the key goes that seals their values
in the audit trail.

What must remain (that there was a customer, with which products, numbers, orders, tickets and dates) stays without a name.
Charging records and journal files hold identities by their nature and are purged by age.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from bss.access import requires
from bss.audit import ERASED
from bss.crm.care_operations import check_no_open_ticket
from bss.crm.operations import ERASED_STATUS
from bss.crm.states import CustomerStatus
from bss.crm.tables import CUSTOMER, PARTY
from bss.errors import Conflict
from bss.tables import is_about, personal_columns
from bss.work import Row, Work


@requires("customer:erase")
def erase_party(work: Work, party_id: str, *, tables: Sequence[sa.Table]) -> None:
    """A person asks to be forgotten. It can't be undone; asked again, what an earlier release left of them goes.

    tables  all that may have rows about people (bss/orchestration/person_erasure.py has them)
    NotFound; Conflict where they are a customer that isn't closed, or a ticket about them is open.
    """
    party = work.get(PARTY, party_id)
    open_customers = sa.select(CUSTOMER.c.id).where(
        CUSTOMER.c.party_id == party_id, CUSTOMER.c.status != CustomerStatus.CLOSED
    )
    if work.rows(open_customers):
        raise Conflict("id", "the person is a customer", "Terminate the products and close the customer first")
    check_no_open_ticket(work, party_id)
    for table in tables:
        if personal_columns(table) and table is not PARTY:
            for row in work.rows(sa.select(table).where(is_about(table, party_id))):
                _erase_row(work, table, row)
    if party["erased_ns"] is not None:
        return
    empty = dict.fromkeys(personal_columns(PARTY))
    work.change(PARTY, party_id, **empty, status=ERASED_STATUS, erased_ns=work.now_ns)
    work.erase_person(party_id)
    work.event("PartyErasedEvent", resource="party", resource_id=party_id)


def _erase_row(work: Work, table: sa.Table, row: Row) -> None:
    if table.info["goes_with_person"]:
        work.remove(table, row)
    elif filled := [name for name in personal_columns(table) if row[name]]:
        emptied: dict[str, Any] = {name: ERASED if isinstance(row[name], str) else {} for name in filled}
        work.change(table, row, **emptied)
    work.erase_audited(table, row["id"])

"""Erasing a person: every personal column about them is emptied, and the key goes that seals their values in the audit trail.

What must remain (that there was a customer, with which products, tickets and dates) stays without a name. Charging records and
journal files hold identities by their nature and are purged by age.
"""

from typing import Any, Final

import sqlalchemy as sa

from bss.access import requires
from bss.audit import ERASED
from bss.crm.care_operations import check_no_open_ticket
from bss.crm.operations import ERASED_STATUS
from bss.crm.states import CustomerStatus
from bss.crm.tables import CONTACT_MEDIUM, CRM_TABLES, CUSTOMER, IDENTIFICATION, PARTY
from bss.errors import Conflict
from bss.work import Work

ROWS_THAT_GO: Final = (CONTACT_MEDIUM, IDENTIFICATION)
"""Nothing of them remains; of other rows the personal columns are emptied."""


@requires("customer:erase")
def erase_party(work: Work, party_id: str) -> None:
    """A person asks to be forgotten. It can't be undone; asked again, nothing happens.

    NotFound; Conflict where they are a customer that isn't closed, or a ticket about them is open.
    """
    party = work.get(PARTY, party_id)
    if party["erased_ns"] is not None:
        return
    open_customers = sa.select(CUSTOMER.c.id).where(
        CUSTOMER.c.party_id == party_id, CUSTOMER.c.status != CustomerStatus.CLOSED
    )
    if work.rows(open_customers):
        raise Conflict("id", "the person is a customer", "Terminate the products and close the customer first")
    check_no_open_ticket(work, party_id)
    for table in CRM_TABLES:
        if table.info["person"] and table is not PARTY:
            _erase_rows(work, table, party_id)
    empty = {column.name: None for column in PARTY.c if column.info.get("personal")}
    work.change(PARTY, party_id, **empty, status=ERASED_STATUS, erased_ns=work.now_ns)
    work.erase_person(party_id)
    work.event("PartyErasedEvent", resource="party", resource_id=party_id)


def _erase_rows(work: Work, table: sa.Table, party_id: str) -> None:
    personal = [column for column in table.c if column.info.get("personal")]
    person = table.c[table.info["person"]]
    for row in work.rows(sa.select(table).where(person == party_id)):
        if table in ROWS_THAT_GO:
            work.remove(table, row["id"])
        elif any(row[column.name] is not None for column in personal):
            emptied: dict[str, Any] = {column.name: ERASED for column in personal if row[column.name] is not None}
            work.change(table, row["id"], **emptied)

"""What an event is about, as rules see it: the resource's row as it is now, without personal data and long texts."""

from typing import Any, Final

from bss.access import requires
from bss.catalog.tables import OFFERING, RELEASE
from bss.conditions import VALUE_CHARACTERS_MAX
from bss.crm.tables import BILLING_ACCOUNT, CONSENT, CUSTOMER, INTERACTION, PARTY, TICKET
from bss.inventory.tables import PRODUCT
from bss.orders.tables import PRODUCT_ORDER
from bss.prepay.tables import BALANCE_ACTION
from bss.work import Work

TABLE_OF: Final = {
    "adjustBalance": BALANCE_ACTION,
    "billingAccount": BILLING_ACCOUNT,
    "catalogRelease": RELEASE,
    "consent": CONSENT,
    "customer": CUSTOMER,
    "individual": PARTY,
    "organization": PARTY,
    "partyInteraction": INTERACTION,
    "product": PRODUCT,
    "productOffering": OFFERING,
    "productOrder": PRODUCT_ORDER,
    "topupBalance": BALANCE_ACTION,
    "troubleTicket": TICKET,
}
"""Where an event's resource is a row."""
_IDENTITIES: Final = frozenset({"iccid", "imsi", "number"})
"""Of who uses a product: what a rule writes is kept with its run."""


@requires("automation:execute")
def resource_fields(work: Work, *, resource: str, resource_id: str) -> dict[str, Any]:
    """Its fields by their column's names, those that have a value; empty where it is gone, or nobody's row."""
    table = TABLE_OF.get(resource)
    row = None if table is None else work.find(table, resource_id)
    if table is None or row is None:
        return {}
    return {
        str(column.name): row[column.name]
        for column in table.columns
        if row[column.name] is not None
        and column.name != "tenant"
        and not column.info.get("personal")
        and not column.info.get("secret")
        and column.name not in _IDENTITIES
        and not (isinstance(row[column.name], str) and len(row[column.name]) > VALUE_CHARACTERS_MAX)
    }

"""Every API that is served. A new one is a module with its tables, and a row here; its hubs hear of its resources."""

from typing import Final

from bss.api.account import ACCOUNT_API
from bss.api.customer import CUSTOMER_API
from bss.api.party import PARTY_API
from bss.api.party_interaction import PARTY_INTERACTION_API
from bss.api.prepay_balance import PREPAY_BALANCE_API
from bss.api.product_catalog import PRODUCT_CATALOG_API
from bss.api.product_inventory import PRODUCT_INVENTORY_API
from bss.api.product_order import PRODUCT_ORDERING_API
from bss.api.resource import Api
from bss.api.trouble_ticket import TROUBLE_TICKET_API

APIS: Final[tuple[Api, ...]] = (
    PARTY_API,
    CUSTOMER_API,
    PRODUCT_CATALOG_API,
    PRODUCT_ORDERING_API,
    PRODUCT_INVENTORY_API,
    PREPAY_BALANCE_API,
    ACCOUNT_API,
    TROUBLE_TICKET_API,
    PARTY_INTERACTION_API,
)

_API_OF: Final = {resource.name: api.name for api in APIS for resource in api.resources}


def api_of(resource: str) -> str:
    """Name of the API whose hubs are told of events of a resource; '' where it is nobody's outside."""
    return _API_OF.get(resource, "")

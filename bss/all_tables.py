"""Every table of the business side, so that METADATA is whole: for migrations, and for tests that make a database."""

from typing import Final

import sqlalchemy as sa

from bss.api_clients import API_CLIENT
from bss.audit import AUDIT, PERSON_KEY
from bss.automation.tables import AUTOMATION_TABLES
from bss.catalog.tables import TABLES as CATALOG_TABLES
from bss.crm.tables import CRM_TABLES
from bss.deliveries import DELIVERY
from bss.due import DUE
from bss.idempotency import IDEMPOTENCY
from bss.identity.tables import IDENTITY_TABLES
from bss.inventory.tables import INVENTORY_TABLES
from bss.leases import LEASE
from bss.orders.tables import TABLES as ORDER_TABLES
from bss.outbox import HUB, OUTBOX
from bss.prepay.tables import BALANCE_ACTION
from bss.tables import METADATA as METADATA

TABLES: Final[tuple[sa.Table, ...]] = (
    API_CLIENT,
    AUDIT,
    BALANCE_ACTION,
    DUE,
    DELIVERY,
    HUB,
    IDEMPOTENCY,
    LEASE,
    OUTBOX,
    PERSON_KEY,
    *AUTOMATION_TABLES,
    *CATALOG_TABLES,
    *CRM_TABLES,
    *IDENTITY_TABLES,
    *INVENTORY_TABLES,
    *ORDER_TABLES,
)

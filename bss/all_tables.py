"""Every table of the business side, so that METADATA is whole: for migrations, and for tests that make a database."""

from typing import Final

import sqlalchemy as sa

from bss.api_clients import API_CLIENT
from bss.audit import AUDIT, PERSON_KEY
from bss.idempotency import IDEMPOTENCY
from bss.outbox import HUB, OUTBOX
from bss.tables import METADATA as METADATA

TABLES: Final[tuple[sa.Table, ...]] = (
    API_CLIENT,
    AUDIT,
    HUB,
    IDEMPOTENCY,
    OUTBOX,
    PERSON_KEY,
)

"""The whole of converged charging for conformance tests: Valkey, engine, front end, prices, and accounts with money."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from balances.audit_report import AuditReport
from balances.commands import Applied, Credit, Opening, Terms
from balances.edge.command_sender import CommandSender
from balances.edge.redis_store import RedisStore
from runtime.audit_store import audit_store
from tests.runtime.audited_store import assert_sound
from tests.scenarios.catalogues import TENANTS
from tests.scenarios.nchf import ServedChf, served_chf
from tests.scenarios.sockets import PARTITIONS, served
from vocabulary.ids import number_of_name
from vocabulary.units import Unit

ACCOUNTS: Final = 100
MONEY_MICROS: Final = 1_000_000_000
RATING_GROUPS: Final = (10, 11, 12, 13, 15, 20, 21, 22, 23)
"""Those that the catalogue of the scenarios has a price of, or another rule, in data; 14 and 16 nobody here can pay."""

SERVICE: Final = "32251@3gpp.org"
"""serviceSpecificationInfo of the catalogue's data."""


def supi_of(number: int) -> str:
    """The subscriber of an account."""
    return f"imsi-00101{number:010d}"


@contextmanager
def whole_chf(folder: Path) -> Iterator[ServedChf]:
    """A front end that serves. Afterwards its books are audited: in the end money and units are all where they belong."""
    with served(folder) as engine:
        terms = Terms(978, offer=number_of_name("start"), credits=(Credit(Unit.MONEY, MONEY_MICROS),))
        openings = [
            Opening(TENANTS["default"], (f"{TENANTS['default']}:{supi_of(number).replace('imsi-', 'imsi:')}",), terms)
            for number in range(ACCOUNTS)
        ]
        opened = engine.run(CommandSender(engine.store, PARTITIONS).open_accounts("conformance", openings))
        assert all(isinstance(result, Applied) for result in opened), opened
        with served_chf(engine, engine.store_url) as front_end:
            yield front_end
        report = asyncio.run(_audit(engine.store_url))
        assert_sound(report)
        assert any(total.unit == Unit.MONEY and total.debits for total in report.totals), "nothing was charged"
        assert "failed" not in (engine.folder / "log").read_text()


async def _audit(store_url: str) -> AuditReport:
    store = RedisStore(store_url)
    try:
        await store.open()
        return await audit_store(store, None)
    finally:
        await store.close()

"""Published releases reach the engine without a restart: read when they appear, swapped between two batches, acknowledged."""

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from balances.edge.redis_store import RedisStore
from balances.store import StoreError
from catalog_loader.edge.publish import acknowledge, load_published, wait_for_release
from charging.tariff_tables import TariffTables

RETRY_S: Final = 1.0


async def follow_releases(store: RedisStore, node: str, use: Callable[[TariffTables], None]) -> None:
    """Wait for releases, for ever; each time take all tables anew and say which stream id they reach to."""
    log = structlog.get_logger(process="engine")
    seen = "0-0"
    while True:
        try:
            tariffs, names = await load_published(store.client)
            use(tariffs)
            seen = names.stream_id
            await acknowledge(store.client, node, seen)
            log.info("releases in use", up_to=seen)
            await wait_for_release(store.client, seen)
        except (StoreError, OSError, ConnectionError) as error:
            log.warning("releases can't be read", reason=str(error))
            await asyncio.sleep(RETRY_S)

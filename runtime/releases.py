"""Published releases reach the engine without a restart: read when they appear, swapped between two batches, acknowledged.

A release that can't be read or is damaged leaves the engine with the tables that it has; it looks again after a while.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog

from balances.edge.redis_store import RedisStore
from balances.store import StoreError
from catalog_loader.edge.publish import (
    ReleasesUnreachable,
    acknowledge,
    load_published,
    read_acknowledged,
    wait_for_release,
)
from catalog_loader.faults import CatalogError
from catalog_loader.published import waiting_engines
from charging.tariff_tables import TariffTables

RETRY_S: Final = 1.0
_ASK_S: Final = 0.02


async def load_releases(store: RedisStore) -> TariffTables:
    """The releases in force. StoreError: without tables that are whole an engine doesn't begin, it would refuse what
    subscribers have paid for."""
    try:
        tariffs, _ = await load_published(store.client)
    except CatalogError as error:
        raise StoreError(str(error)) from error
    return tariffs


async def follow_releases(
    store: RedisStore, node: str, use: Callable[[TariffTables], None], *, retry_s: float = RETRY_S
) -> None:
    """Wait for releases, for ever; each time take all tables anew and say which stream id they reach to.

    node   the engine's name in acknowledgements, as in its owner tokens
    use    takes the tables for all batches from the next on
    """
    log = structlog.get_logger(process="engine")
    while True:
        try:
            tariffs, names = await load_published(store.client)
            use(tariffs)
            await acknowledge(store.client, node, names.stream_id)
            log.info("releases in use", up_to=names.stream_id, count=len(names.releases))
            await wait_for_release(store.client, names.stream_id)
        except (ReleasesUnreachable, StoreError, OSError) as error:
            log.warning("releases can't be read", reason=str(error))
            await asyncio.sleep(retry_s)
        except CatalogError as error:
            log.error("a published release is damaged; the tables in use stay", reason=str(error))
            await asyncio.sleep(retry_s)


@dataclass(frozen=True, slots=True)
class TakenUp:
    """Who decides with a release, of the engines that run."""

    engines: tuple[str, ...]
    """those that have acknowledged it"""
    waiting: tuple[str, ...]
    """those that have not, within the time that was given"""


async def running_engines(store: RedisStore) -> list[str]:
    """Nodes of the opened store's partitions whose owner is connected, by name."""
    nodes = set()
    for partition in range(store.meta.partition_count):
        (token,) = await store.partition_values(partition, ["owner"])
        if token is not None and await store.has_owner(partition):
            nodes.add(token.decode().split(":")[1])
    return sorted(nodes)


async def wait_taken_up(store: RedisStore, stream_id: str, wait_s: float) -> TakenUp:
    """Wait until each running engine decides with the release at `stream_id`, at most `wait_s`."""
    loop = asyncio.get_running_loop()
    deadline_s = loop.time() + wait_s
    while True:
        engines = await running_engines(store)
        waiting = waiting_engines(await read_acknowledged(store.client), engines, stream_id)
        if not waiting or loop.time() >= deadline_s:
            return TakenUp(tuple(engine for engine in engines if engine not in waiting), tuple(waiting))
        await asyncio.sleep(_ASK_S)

"""Releases into the store, and out of it into engines.

Publishing is two writes that may be cut apart: the text under its number (SET NX: a number's text never changes), then
the entry of the stream, which makes it published. Publishing the same text again finishes what was cut off, and does
nothing where nothing was. The stream is watched while a release is checked against those before it, so that of two that
are published at once the second is checked against the first.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final, ParamSpec, TypeVar

from redis.asyncio import Redis
from redis.exceptions import RedisError, WatchError

from catalog_loader.check import CheckedRelease, succession_faults
from catalog_loader.faults import CatalogError, Fault
from catalog_loader.names import EMPTY_POSITION, CatalogueNames
from catalog_loader.published import (
    ACKNOWLEDGED_KEY,
    RELEASES_KEY,
    PublishedEntry,
    PublishedRelease,
    assemble,
    read_entry,
    read_published,
    release_key,
)
from catalog_loader.release import Release
from charging.tariff_tables import TariffTables
from vocabulary.limits import RELEASES_MAX

_WAIT_MS: Final = 5000
"""Shorter than the store client's time-out of a reply."""
_RACES_MAX: Final = 20

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


class ReleasesUnreachable(CatalogError, ConnectionError):
    """The store did not answer, or not as expected; what was asked for may or may not be done. Asking again is safe."""


@dataclass(frozen=True, slots=True)
class Published:
    """The release is in the stream; engines that acknowledge this id have taken it up."""

    stream_id: str
    is_new: bool
    """False where the same text was published before"""


@dataclass(frozen=True, slots=True)
class NotPublished:
    """Nothing was changed."""

    faults: tuple[Fault, ...]


def _store_errors(
    function: Callable[_Arguments, Awaitable[_Result]],
) -> Callable[_Arguments, Awaitable[_Result]]:
    """Raise ReleasesUnreachable where redis-py raises its own."""

    @wraps(function)
    async def translated(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> _Result:
        try:
            return await function(*args, **kwargs)
        except (RedisError, OSError) as error:
            raise ReleasesUnreachable(f"the store of releases can't be used: {error}. Is it running?") from error

    return translated


# --- publishing ------------------------------------------------------------------------------------------------------


@_store_errors
async def publish(client: Redis, checked: CheckedRelease, tenant: int, *, now_ns: int = 0) -> Published | NotPublished:
    """Publish a release that was checked; safe to repeat.

    now_ns   what is in force is known by it; 0: nothing is
    tenant   the store's number of the release's tenant (RedisStore.add_tenant)
    Refuses a number that is used for another text, and what find_succession_faults finds.
    """
    for _ in range(_RACES_MAX):
        async with client.pipeline(transaction=True) as pipeline:
            await pipeline.watch(RELEASES_KEY)
            result = await _publish_once(pipeline, checked, tenant, now_ns)
            if result is not None:
                return result
    raise ReleasesUnreachable("others publish all the time: try again")


async def _publish_once(
    pipeline: Any, checked: CheckedRelease, tenant: int, now_ns: int
) -> Published | NotPublished | None:
    """One attempt while the stream is watched; None where another release came in between."""
    release = checked.release
    key = release_key(tenant, release.number)
    entries = await _read_entries(pipeline)
    numbers = [entry.number for entry in entries if entry.tenant == tenant]
    number_used = NotPublished((_number_is_used(checked, max([release.number, *numbers])),))
    for entry in entries:
        if (entry.tenant, entry.number) == (tenant, release.number):
            if entry.hash != checked.hash:
                return number_used
            await pipeline.set(key, checked.text, nx=True)  # restores a text that was lost
            return Published(entry.stream_id, is_new=False)
    published = await _read_texts(pipeline, entries)
    own = [each.release for each in published if each.entry.tenant == tenant]
    faults = succession_faults(checked, own, len(published), now_ns)
    if faults:
        return NotPublished(faults)
    is_written = await pipeline.set(key, checked.text, nx=True)
    if not is_written and await pipeline.get(key) != checked.text:
        return number_used
    entry = PublishedEntry("", tenant, release.tenant, release.number, checked.hash)
    pipeline.multi()
    pipeline.xadd(RELEASES_KEY, entry.fields())
    try:
        (stream_id,) = await pipeline.execute()
    except WatchError:
        return None
    return Published(stream_id.decode(), is_new=True)


def _number_is_used(checked: CheckedRelease, newest: int) -> Fault:
    place = checked.places.get(("release", "number"))
    problem = f"release {checked.release.number} of tenant {checked.release.tenant} has another text in the store"
    return Fault(place, "", problem, f"A published release never changes: write number: {newest + 1}")


# --- loading ---------------------------------------------------------------------------------------------------------


@_store_errors
async def load_published(client: Redis) -> tuple[TariffTables, CatalogueNames]:
    """Tables and names of all published releases; `names.stream_id` says up to which. Empty where none is published.

    ReleaseDamaged where a text isn't what was published: an engine goes on with the tables that it has.
    """
    published = await _read_texts(client, await _read_entries(client))
    last = published[-1].entry.stream_id if published else EMPTY_POSITION
    # Compiling is Python over each price: in a thread, so that an engine goes on answering.
    return await asyncio.to_thread(assemble, published, last)


@_store_errors
async def read_releases(client: Redis, tenant: int) -> list[Release]:
    """The tenant's published releases in the order of publishing, for `check` and for opening accounts."""
    own = [entry for entry in await _read_entries(client) if entry.tenant == tenant]
    return [each.release for each in await _read_texts(client, own)]


@_store_errors
async def read_all_releases(client: Redis, seen: str = "") -> list[PublishedRelease]:
    """Every published release, in the order of publishing; none where `seen` is still the last entry's stream id."""
    entries = await _read_entries(client)
    return [] if not entries or entries[-1].stream_id == seen else await _read_texts(client, entries)


async def _read_entries(client: Any) -> list[PublishedEntry]:
    """The stream, in order; redis-py's exceptions. `client` may be a pipeline that watches."""
    return [
        read_entry(stream_id, fields) for stream_id, fields in await client.xrange(RELEASES_KEY, count=RELEASES_MAX)
    ]


async def _read_texts(client: Any, entries: list[PublishedEntry]) -> list[PublishedRelease]:
    return [read_published(entry, await client.get(release_key(entry.tenant, entry.number))) for entry in entries]


@_store_errors
async def wait_for_release(client: Redis, stream_id: str) -> None:
    """Return when a release is published after `stream_id`; waits without polling."""
    while not await client.xread({RELEASES_KEY: stream_id}, count=1, block=_WAIT_MS):
        pass


# --- taking up -------------------------------------------------------------------------------------------------------


@_store_errors
async def acknowledge(client: Redis, engine: str, stream_id: str) -> None:
    """The engine decides with all releases up to `stream_id` from its next batch on."""
    await client.hset(ACKNOWLEDGED_KEY, engine, stream_id)


@_store_errors
async def forget_engine(client: Redis, engine: str) -> None:
    """The engine is gone; nobody waits for it."""
    await client.hdel(ACKNOWLEDGED_KEY, engine)


@_store_errors
async def read_acknowledged(client: Redis) -> dict[str, str]:
    """Stream id by engine (catalog_loader.published.waiting_engines says who is behind)."""
    fields: Any = await client.hgetall(ACKNOWLEDGED_KEY)
    return {engine.decode(): stream_id.decode() for engine, stream_id in fields.items()}

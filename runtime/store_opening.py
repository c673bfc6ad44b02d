"""The store at start: the embedded one in its folder, waiting for one that is down, creating one that is new."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from balances.edge.redis_store import RedisStore
from balances.store import StoreError, StoreMeta, StoreNotCreated, StoreUnreachable, StoreUnsafe
from runtime.data_folder import DataFolder
from runtime.own_store import bind_to_store, refuse_new_store

if TYPE_CHECKING:
    from balances.edge.embedded import EmbeddedStore
    from runtime.settings import Settings, StoreSettings

RETRY_S: Final = (0.1, 0.2, 0.5, 1.0, 2.0)


def embedded_store(settings: "StoreSettings") -> "EmbeddedStore":
    """The embedded store of a data directory, not started."""
    from balances.edge.embedded import EmbeddedStore

    folder = DataFolder(settings.data_dir).store
    return EmbeddedStore(folder, fsync=settings.fsync, rewrite_min_mib=settings.rewrite_min_mib)


async def await_store(
    store: RedisStore, settings: "Settings", *, creates: bool, report: Callable[[str], None]
) -> StoreMeta:
    """The store's meta once it answers; what keeps it away is reported when it changes, and it is asked again, for ever.

    creates   lay down a new store with `store.partitions` where there is none yet, and the data directory has none
    AnotherStore, StoreUnsafe and other StoreErrors, which waiting doesn't mend, are raised.
    """
    attempt, reported = 0, ""
    while True:
        try:
            meta = await _open(store, settings, creates=creates)
        except StoreUnreachable as error:
            if str(error) != reported:
                reported = str(error)
                report(f"waiting for the store: {error}")
            await asyncio.sleep(RETRY_S[min(attempt, len(RETRY_S) - 1)])
            attempt += 1
            continue
        if settings.engine.environment == "production" and meta.fsync == "no":
            raise StoreUnsafe(
                f"the store at {store.address} has appendfsync 'no', which a production configuration refuses:"
                " set `appendfsync always` in its configuration"
            )
        return meta


async def await_store_until(
    stopping: asyncio.Event, store: RedisStore, settings: "Settings", *, report: Callable[[str], None]
) -> StoreMeta | None:
    """The meta of a store that another process lays down, as `await_store`; None where `stopping` is set first.

    The data directory belongs to the store from then on. AnotherStore where it belongs to another.
    """
    meta_task = asyncio.ensure_future(await_store(store, settings, creates=False, report=report))
    stop_task = asyncio.ensure_future(stopping.wait())
    await asyncio.wait({meta_task, stop_task}, return_when=asyncio.FIRST_COMPLETED)
    if stopping.is_set():
        meta_task.cancel()
        return None
    stop_task.cancel()
    meta = meta_task.result()
    await bind_to_store(DataFolder(settings.store.data_dir), store)
    return meta


async def _open(store: RedisStore, settings: "Settings", *, creates: bool) -> StoreMeta:
    try:
        return await store.open()
    except StoreNotCreated:
        if not creates:
            raise
        check_engines(settings, settings.store.partitions)
        refuse_new_store(DataFolder(settings.store.data_dir), f"the store at {store.address} is new")
        await store.create(settings.store.partitions)
        return await store.open()


def check_partitions(meta: StoreMeta, wanted: int | None) -> None:
    """StoreError where a count was asked for that isn't the store's."""
    if wanted is not None and wanted != meta.partition_count:
        raise StoreError(
            f"--partitions {wanted}: the store has {meta.partition_count}, fixed when it was created:"
            " leave --partitions out, or give another store"
        )


def check_engines(settings: "Settings", partition_count: int) -> None:
    """StoreError where there are to be more engines than partitions."""
    if settings.engine.processes > partition_count:
        raise StoreError(
            f"--engines {settings.engine.processes}: the store has {partition_count} partitions, and each has one engine:"
            f" give at most {partition_count}, or create a store with more (--partitions)"
        )

"""`farebox notifier --retire`: nobody tells clients of this store any more, and its journal isn't kept for that."""

import asyncio
import os

from balances.edge.redis_store import RedisStore
from balances.store import StoreError
from runtime.data_folder import DataFolder, lock_notices, notifier_node
from runtime.moved_clock import clock_of
from runtime.notices.turn import LOOK_S, Turn
from runtime.settings import Settings


def retire_notifier(settings: Settings, store_url: str) -> int:
    """Give up the notifier's place in the journal and what is owed; how many messages that were.

    StoreError where a notifier works or the store can't be used, DataFolderTaken where one works in the data directory.
    """
    return asyncio.run(_retire(settings, store_url))


async def _retire(settings: Settings, store_url: str) -> int:
    store, clock = RedisStore(store_url), clock_of(settings)
    lock = lock_notices(DataFolder(settings.store.data_dir))
    try:
        meta = await store.open()
        turn = Turn(store, notifier_node(lock), now_ns=clock.now_ns)
        first = await turn.take()
        while not turn.is_ours:
            await asyncio.sleep(LOOK_S)
            found = await turn.take()
            if not turn.is_ours and found != first:
                raise StoreError(f"notifier {found.node} works on the store: stop it first")
        try:
            return sum([await store.retire_notices(partition, turn.epoch) for partition in range(meta.partition_count)])
        finally:
            await turn.give_up()
    finally:
        await store.close()
        os.close(lock)

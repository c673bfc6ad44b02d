"""The archiver as a process that FAREBOX_KILL_AT can end.

`python -m tests.balances.edge.archiver_process <url> <folder> <last id>`; it ends by itself when the last id is
archived and trimmed.
"""

import asyncio
import os
import sys
import time
from pathlib import Path

from balances.edge.archiver import ArchiverProgress, ArchiverSettings, run_archiver
from balances.edge.redis_store import RedisStore
from runtime.kill_points import VARIABLE, arm, reached


async def main(url: str, folder: str, last_id: str) -> None:
    """Archive partition 0 until `last_id`."""
    arm(os.environ.get(VARIABLE), environment="lab")
    store = RedisStore(url)
    await store.open()
    stopping = asyncio.Event()

    def observe(progress: ArchiverProgress) -> None:
        if str(progress.last_id) == last_id:
            stopping.set()

    settings = ArchiverSettings(
        folder=Path(folder),
        partitions=(0,),
        segment_octets_max=20_000,
        gather_ms=1,
        entries_per_read_max=4,
        trim_every_s=0.0,
        disk_free_octets_min=0,
    )
    await run_archiver(settings, store, now_ns=time.time_ns, stopping=stopping, reached=reached, observe=observe)
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

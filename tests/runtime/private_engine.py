"""An engine process of a test's own, on a store of the test's own: `farebox engine` on free ports, ended with the context."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from balances.edge.redis_store import RedisStore

START_S = 500.0
"""Kernels that nobody compiled yet take most of it; tests that start an engine have a time limit above it."""
STOP_S = 20.0


async def _create(address: str, partition_count: int) -> None:
    store = RedisStore(address)
    try:
        await store.create(partition_count)
    finally:
        await store.close()


def create_store(address: str, partition_count: int = 2) -> None:
    """Lay an empty store down."""
    asyncio.run(_create(address, partition_count))


@contextmanager
def private_engine(address: str, folder: Path, *, metrics_port: int = -1) -> Iterator[int]:
    """A running engine that owns all partitions of the store; gives the port of its Gy front end.

    The second word of `engine-ready` in the folder is the port of its metrics, where there is to be one.
    """
    ready = folder / "engine-ready"
    ready.unlink(missing_ok=True)
    options = ("--store", address, "--data-dir", str(folder), "--port", "0", "--metrics-port", str(metrics_port))
    with (folder / "engine.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "runtime.cli.main", "engine", *options, "--ready-file", str(ready)],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        ends = time.monotonic() + START_S
        while not ready.exists():
            assert process.poll() is None, f"the engine ended: {(folder / 'engine.log').read_text()}"
            assert time.monotonic() < ends, f"the engine isn't ready: {(folder / 'engine.log').read_text()}"
            time.sleep(0.02)  # tidy: the ready file is looked for as the supervisor looks for it
        yield int(ready.read_text().split()[0])
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

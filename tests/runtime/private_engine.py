"""An engine process of a test's own, on a store of the test's own: `farebox engine` on free ports, ended with the context."""

import asyncio
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from balances.edge.redis_store import RedisStore
from tests.reference.forks import Forked, start_module

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
def private_engine(address: str, folder: Path, *, metrics_port: int = -1, has_gy: bool = True) -> Iterator[int]:
    """A running engine that owns all partitions of the store; gives the port of its Gy front end, 0 without one.

    The last port of `engine-ready` in the folder is that of its metrics, where there is to be one.
    """
    options = ("--metrics-port", str(metrics_port), *(("--port", "0") if has_gy else ("--no-gy",)))
    with private_process("engine", address, folder, *options) as ready:
        yield int(ready.ports[0]) if has_gy else 0


@contextmanager
def private_front_end(address: str, folder: Path, *options: str) -> Iterator[int]:
    """A running `farebox gy` that hands over to the engine of the folder; gives its port."""
    with private_process("gy", address, folder, "--metrics-port", "-1", "--port", "0", *options) as ready:
        yield ready.ports[0]


class Ready(NamedTuple):
    """A process of this program that serves."""

    process: Forked
    ports: list[int]


@contextmanager
def private_process(role: str, address: str, folder: Path, *options: str) -> Iterator[Ready]:
    """`farebox <role>` on a store and a folder; its log is `<role>.log` there. It ends with the context."""
    ready, path = folder / f"{role}-ready", folder / f"{role}.log"
    ready.unlink(missing_ok=True)
    where = ("--store", address, "--data-dir", str(folder))
    arguments = (role, *where, *options, "--ready-file", str(ready))
    process = start_module("runtime.cli.main", *arguments, log=path)
    try:
        ends = time.monotonic() + START_S
        while not ready.exists():
            assert process.poll() is None, f"{role} ended: {path.read_text()}"
            assert time.monotonic() < ends, f"{role} isn't ready: {path.read_text()}"
            time.sleep(0.02)  # tidy: the ready file is looked for as the supervisor looks for it
        yield Ready(process, [int(word) for word in ready.read_text().split()[:-1]])
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

"""What a rewrite of the append-only file replaced goes piece by piece, whatever happens meanwhile, and what grows leaves the
page cache; real servers.
"""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest
from redis import Redis

from balances.edge import append_only_files
from balances.edge.append_only_files import FOLDER_NAME, MANIFEST_NAME
from balances.edge.embedded import EmbeddedStore

VALUE_OCTETS = 1 << 20
VALUES = 24
ENDS_S = 20.0


def _await(what: Callable[[], bool]) -> None:
    ends = time.monotonic() + ENDS_S
    while not what():
        assert time.monotonic() < ends
        time.sleep(0.01)  # tidy: files and INFO can only be looked at again


def _octets(folder: Path) -> dict[str, int]:
    """Of each append-only file that is there."""
    return {entry.name: entry.stat().st_size for entry in os.scandir(folder / FOLDER_NAME) if ".aof." in entry.name}


@contextmanager
def _running(folder: Path) -> Iterator[tuple[EmbeddedStore, Redis]]:
    store = EmbeddedStore(folder, fsync="always", rewrite_min_mib=64)
    store.start()
    try:
        with Redis.from_url(store.url) as client:
            yield store, client
    finally:
        store.stop(10)


def _write_and_rewrite(client: Redis) -> None:
    for number in range(VALUES):
        client.set("value", bytes([number]) * VALUE_OCTETS)
    client.bgrewriteaof()
    _await(lambda: client.info("persistence")["aof_rewrite_in_progress"] == 0)


def test_they_shrink_and_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(append_only_files, "LOOK_S", 0.05)
    seen: list[int] = []
    with _running(tmp_path) as (_, client):
        _write_and_rewrite(client)

        def is_gone() -> bool:
            octets = _octets(tmp_path)
            seen.append(octets.get("appendonly.aof.1.incr.aof", 0))
            is_forgotten = "type h" not in (tmp_path / FOLDER_NAME / MANIFEST_NAME).read_text()
            return len(octets) == 3 and is_forgotten  # a file goes before the manifest that names it

        _await(is_gone)
        sizes = sorted(set(seen), reverse=True)
        pieces = [before - after for before, after in pairwise(sizes)]
        assert len(sizes) > 3
        assert max(pieces[:-1]) <= append_only_files.PIECE_OCTETS
        assert client.get("value") == bytes([VALUES - 1]) * VALUE_OCTETS


def test_a_server_that_dies_meanwhile_has_all_and_the_next_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(append_only_files, "LOOK_S", 0.05)
    monkeypatch.setattr(append_only_files, "PIECE_S", 0.2)
    with _running(tmp_path) as (store, client):
        _write_and_rewrite(client)
        whole = VALUES * VALUE_OCTETS
        _await(lambda: 0 < _octets(tmp_path).get("appendonly.aof.1.incr.aof", 0) < whole - VALUE_OCTETS)
        os.kill(store.pid, 9)
        _await(lambda: not store.is_running())
        store.start()
        assert client.get("value") == bytes([VALUES - 1]) * VALUE_OCTETS
        _await(lambda: len(_octets(tmp_path)) == 3)


def test_what_grows_leaves_the_page_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(append_only_files, "LOOK_S", 0.02)
    monkeypatch.setattr(append_only_files, "GROWING_S", 0.02)
    monkeypatch.setattr(append_only_files, "UNWRITTEN_OCTETS", 2 * VALUE_OCTETS)
    told: list[tuple[str, int, int]] = []
    forget = os.posix_fadvise

    def note(descriptor: int, first: int, octets: int, advice: int) -> None:
        assert advice == os.POSIX_FADV_DONTNEED
        told.append((Path(os.readlink(f"/proc/self/fd/{descriptor}")).name, first, octets))
        forget(descriptor, first, octets, advice)

    monkeypatch.setattr(os, "posix_fadvise", note)
    with _running(tmp_path) as (_, client):
        for number in range(VALUES):
            known = len(told)
            client.set("value", bytes([number]) * VALUE_OCTETS)
            _await(lambda known=known: len(told) > known)
        assert {(name, octets) for name, _, octets in told} == {("appendonly.aof.1.incr.aof", 0)}
        firsts = [first for _, first, _ in told]
        assert firsts == sorted(firsts)
        whole = VALUES * VALUE_OCTETS
        assert firsts[0] == 0
        assert whole - 4 * VALUE_OCTETS < firsts[-1] < whole, "what may not have been on disk is looked at again"
        _write_and_rewrite(client)
        client.set("value", bytes(VALUE_OCTETS))
        _await(lambda: told[-1][0] == "appendonly.aof.2.incr.aof")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has processes that yield to all others")
def test_a_rewrite_yields_and_then_gets_its_share(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(append_only_files, "LOOK_S", 0.05)
    monkeypatch.setattr(append_only_files, "CHILD_YIELDS_S", 0.5)
    seen: list[int] = []
    with _running(tmp_path) as (store, client):
        client.config_set("rdb-key-save-delay", 20_000)  # the server's own setting for tests: us a key
        for number in range(100):
            client.set(f"key {number}", "value")
        client.bgrewriteaof()

        def has_ended() -> bool:
            client.incr("grows")  # children are looked for where a file grows
            for child in Path(f"/proc/{store.pid}/task/{store.pid}/children").read_text().split():
                policy = os.sched_getscheduler(int(child))
                if policy != (seen or [os.SCHED_OTHER])[-1]:
                    seen.append(policy)
            return client.info("persistence")["aof_rewrite_in_progress"] == 0

        _await(has_ended)
        assert seen == [os.SCHED_IDLE, os.SCHED_OTHER]
        assert client.info("persistence")["aof_last_bgrewrite_status"] == "ok"
        assert os.sched_getscheduler(store.pid) == os.SCHED_OTHER

"""What a rewrite of the append-only file replaced goes piece by piece, whatever happens meanwhile; real servers."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest
from redis import Redis

from balances.edge import replaced_files
from balances.edge.embedded import EmbeddedStore
from balances.edge.replaced_files import FOLDER_NAME, MANIFEST_NAME

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
    monkeypatch.setattr(replaced_files, "LOOK_S", 0.05)
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
        assert max(pieces[:-1]) <= replaced_files.PIECE_OCTETS
        assert client.get("value") == bytes([VALUES - 1]) * VALUE_OCTETS


def test_a_server_that_dies_meanwhile_has_all_and_the_next_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replaced_files, "LOOK_S", 0.05)
    monkeypatch.setattr(replaced_files, "PIECE_S", 0.2)
    with _running(tmp_path) as (store, client):
        _write_and_rewrite(client)
        whole = VALUES * VALUE_OCTETS
        _await(lambda: 0 < _octets(tmp_path).get("appendonly.aof.1.incr.aof", 0) < whole - VALUE_OCTETS)
        os.kill(store.pid, 9)
        _await(lambda: not store.is_running())
        store.start()
        assert client.get("value") == bytes([VALUES - 1]) * VALUE_OCTETS
        _await(lambda: len(_octets(tmp_path)) == 3)

"""Which store a data directory belongs to: noted once, another refused, one that was restored is the same."""

import asyncio
import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from balances.edge.redis_store import RedisStore
from balances.store import EntryId, StoreError
from runtime.data_folder import DataFolder
from runtime.own_store import AnotherStore, OwnStore, bind_to_store, read_own_store, refuse_new_store
from tests.cdr.journals import Journal
from tests.reference.journal_entries import Asked


async def _new_store(url: str) -> int:
    store = RedisStore(url)
    try:
        await store.command("FLUSHALL")
        await store.create(2)
        return (await store.open()).created_ns
    finally:
        await store.close()


async def _bind(folder: DataFolder, url: str, archived: EntryId | None = None) -> None:
    store = RedisStore(url)
    try:
        await store.open()
        if archived is not None:
            await store.command("SET", store.key(1, "archived"), str(archived))
        await bind_to_store(folder, store)
    finally:
        await store.close()


def bind(folder: DataFolder, url: str, archived: EntryId | None = None) -> None:
    asyncio.run(_bind(folder, url, archived))


def new_store(url: str) -> int:
    return asyncio.run(_new_store(url))


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    return DataFolder(tmp_path / "data")


def write_journal(folder: DataFolder) -> EntryId:
    """Three entries of partition 1; the id of the second."""
    journal = Journal(folder.segments, 1)
    ids = [journal.add([Asked()]) for _ in range(3)]
    journal.close()
    return ids[1]


def test_the_first_store_is_noted_and_known_again(valkey: str, folder: DataFolder) -> None:
    assert read_own_store(folder) is None
    created_ns = new_store(valkey)
    bind(folder, valkey)
    assert read_own_store(folder) == OwnStore(created_ns, valkey)
    write_journal(folder)
    bind(folder, valkey)
    assert [path.name for path in folder.path.iterdir() if path.is_file()] == ["store.json"]


def test_another_store_is_refused_and_both_are_named(valkey: str, folder: DataFolder) -> None:
    new_store(valkey)
    bind(folder, valkey)
    noted = folder.own_store.read_text()
    new_store(valkey)
    with pytest.raises(AnotherStore) as refused:
        bind(folder, valkey)
    words = str(refused.value)
    assert words.startswith(f"data directory {folder.path} belongs to the store at {valkey}, created 20")
    assert f"and the store at {valkey} is another, created 20" in words
    assert words.endswith("give --store of the store it belongs to, or give another --data-dir")
    assert folder.own_store.read_text() == noted


def test_a_store_that_moved_is_the_same_and_its_new_address_is_noted(valkey: str, folder: DataFolder) -> None:
    created_ns = new_store(valkey)
    folder.path.mkdir()
    folder.own_store.write_text(f'{{"created_ns": {created_ns}, "address": "redis://10.0.0.5:6379/0"}}')
    bind(folder, valkey)
    assert read_own_store(folder) == OwnStore(created_ns, valkey)


def test_the_embedded_store_is_its_own_wherever_the_directory_lies(valkey: str, folder: DataFolder) -> None:
    created_ns = new_store(valkey)
    folder.store.mkdir(parents=True)
    (folder.store / "store.sock").symlink_to(valkey.removeprefix("unix://"))
    bind(folder, f"unix://{folder.store / 'store.sock'}")
    assert read_own_store(folder) == OwnStore(created_ns, "")
    new_store(valkey)
    with pytest.raises(AnotherStore, match=r"belongs to its embedded store, created 20.*start without --store, on its"):
        bind(folder, valkey)


def test_a_journal_without_a_store_is_given_to_the_one_that_it_is_of(valkey: str, folder: DataFolder) -> None:
    second = write_journal(folder)
    new_store(valkey)
    for archived in (None, EntryId(second.epoch + 1, 1)):
        with pytest.raises(AnotherStore, match=r"doesn't name, and partition 1 there has no entry \d+-\d, up to which"):
            bind(folder, valkey, archived)
    assert read_own_store(folder) is None
    bind(folder, valkey, second)  # as a store that was restored
    assert read_own_store(folder) is not None


def test_damaged_segments_give_it_to_nobody(valkey: str, folder: DataFolder) -> None:
    second = write_journal(folder)
    (folder.segments / "p1" / "durable").write_bytes(b"?")
    new_store(valkey)
    with pytest.raises(StoreError, match="durable is damaged"):
        bind(folder, valkey, second)
    assert read_own_store(folder) is None


def _note(folder: DataFolder) -> None:
    folder.path.mkdir()
    folder.own_store.write_text('{"created_ns": 1790000000000000000, "address": "redis://10.0.0.5:6379/0"}')


@pytest.mark.parametrize(
    ("furnish", "whose"),
    [
        (_note, "belongs to the store at redis://10.0.0.5:6379/0, created 2026-09-21T"),
        (write_journal, "has the journal of a store that it doesn't name"),
    ],
)
def test_no_new_store_for_a_directory_that_has_data(
    folder: DataFolder, furnish: Callable[[DataFolder], object], whose: str
) -> None:
    refuse_new_store(folder, "there is none")
    furnish(folder)
    with pytest.raises(AnotherStore, match=f"data directory {folder.path} {whose}.*, and there is none, which would"):
        refuse_new_store(folder, "there is none")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "7", '{"created_ns": 1}', '{"created_ns": 1, "address": "", "more": 1}']
)
def test_what_names_no_store_is_said_to(folder: DataFolder, text: str) -> None:
    folder.path.mkdir()
    folder.own_store.write_text(text)
    with pytest.raises(
        StoreError, match=r"store\.json doesn't say which store .*: restore it from a copy, or remove it"
    ):
        read_own_store(folder)


def test_a_full_disk_is_named(valkey: str, folder: DataFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    new_store(valkey)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match=r"store\.json can't be written \(No space left on device\): make room for it"):
        bind(folder, valkey)
    assert read_own_store(folder) is None

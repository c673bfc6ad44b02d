"""The store that a data directory belongs to: noted there at its first use, and any other is refused from then on.

Segments and records in the directory are of that store's journal. The archiver can't tell a store that was restored from
one that never had them: at the first entry of another it would void all records, for good. A restored store is the same
store: who it is lies in what is restored.
"""

import json
import os
from dataclasses import asdict, dataclass

from balances.edge.embedded_socket import socket_path
from balances.edge.redis_store import RedisStore
from balances.edge.segment_files import SegmentReader, list_segments, partition_folder
from balances.edge.segment_writer import sync_folder
from balances.segments import SegmentError
from balances.store import StoreError
from runtime.data_folder import DataFolder
from vocabulary.instants import to_rfc3339


class AnotherStore(StoreError):
    """The data directory belongs to another store; the message names both and the remedy."""


@dataclass(frozen=True, slots=True)
class OwnStore:
    """What a data directory knows of its store: `<data_dir>/store.json`."""

    created_ns: int
    """as StoreMeta has it: no two stores were created in the same nanosecond"""
    address: str
    """where it was at its last start, without password; empty: it is the directory's embedded one"""


async def bind_to_store(folder: DataFolder, store: RedisStore) -> None:
    """Note that the directory belongs to this store, which is open. AnotherStore, and nothing is written, where it doesn't.

    A directory that has a journal and knows no store is taken for this store's where it holds what that had archived.
    """
    own = read_own_store(folder)
    found = OwnStore(store.meta.created_ns, _address(folder, store))
    if own is None:
        await _check_journal(folder, store)
    elif own.created_ns != found.created_ns:
        what = f"the store at {store.address} is another, created {to_rfc3339(found.created_ns)}"
        raise AnotherStore(_refusal(folder, own, what))
    if found != own:
        _write_own_store(folder, found)


def refuse_new_store(folder: DataFolder, what: str) -> None:
    """AnotherStore where the directory has a store's data: no new one is to be created for it.

    what   is new, in words
    """
    own = read_own_store(folder)
    if own is not None or any(folder.segments.glob("p*/*.segment")):
        raise AnotherStore(_refusal(folder, own, what))


def read_own_store(folder: DataFolder) -> OwnStore | None:
    """The store that the directory belongs to; None where it knows none yet. StoreError where that can't be read."""
    try:
        own = OwnStore(**json.loads(folder.own_store.read_text()))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise StoreError(
            f"{folder.own_store} doesn't say which store the directory belongs to ({error}): restore it from a copy, or"
            " remove it, and the first store that fits the journal is noted"
        ) from error
    return own


def _write_own_store(folder: DataFolder, own: OwnStore) -> None:
    """Durable before anything is written that rests on it."""
    partial = folder.own_store.with_suffix(f".{os.getpid()}")
    try:
        folder.path.mkdir(parents=True, exist_ok=True)
        with partial.open("w") as file:
            file.write(json.dumps(asdict(own)) + "\n")
            file.flush()
            os.fsync(file.fileno())
        partial.replace(folder.own_store)
        sync_folder(folder.path)
    except OSError as error:
        raise StoreError(
            f"{folder.own_store} can't be written ({error.strerror}): make room for it, or give another --data-dir"
        ) from error


async def _check_journal(folder: DataFolder, store: RedisStore) -> None:
    """AnotherStore where there are segments, and not of this store's journal."""
    for partition in range(store.meta.partition_count):
        archived = await store.archived(partition)
        try:
            has_segments = bool(list_segments(partition_folder(folder.segments, partition)))
            is_there = any(SegmentReader(folder.segments, partition).pick([archived]))
        except SegmentError as error:
            raise StoreError(str(error)) from error
        if has_segments and not is_there:
            what = f"partition {partition} there has no entry {archived}, up to which the store at {store.address} is archived"
            raise AnotherStore(_refusal(folder, None, what))


def _address(folder: DataFolder, store: RedisStore) -> str:
    is_embedded = store.address.path == str(socket_path(folder.store))
    return "" if is_embedded else str(store.address)


def _refusal(folder: DataFolder, own: OwnStore | None, what: str) -> str:
    if own is None:
        whose = "has the journal of a store that it doesn't name"
        remedy = "give --store of the store it belongs to"
    elif own.address:
        whose = f"belongs to the store at {own.address}, created {to_rfc3339(own.created_ns)}"
        remedy = "give --store of the store it belongs to"
    else:
        whose = f"belongs to its embedded store, created {to_rfc3339(own.created_ns)}"
        remedy = f"start without --store, on its files in {folder.store} (from a copy where they are lost)"
    return (
        f"data directory {folder.path} {whose}, and {what}, which would void its records: {remedy}, or give another"
        " --data-dir"
    )

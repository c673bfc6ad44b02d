"""The head of a journal entry alone: what the archiver and chain checks need, without touching the columns.

`encode_entry` puts these keys before the first column, so a few hundred octets of an entry of megabytes are looked at.
"""

from dataclasses import dataclass, field
from typing import Any, Final

import msgpack

from balances.journal import ENTRY_VERSION
from balances.store import EntryId
from vocabulary.limits import JOURNAL_ENTRY_OCTETS_MAX

_HEAD_OCTETS: Final = 512
_HEAD_KEYS: Final = frozenset({"version", "partition", "follows", "now_ns", "voids"})


@dataclass(frozen=True, slots=True)
class EntryHeader:
    """Where an entry stands in its partition's journal."""

    partition: int
    follows: EntryId
    """id of the entry before it, 0-0 for the first"""
    now_ns: int
    voids: tuple[str, ...] = field(default=())
    """ids that the entry's writer knows to be lost; the chain of `follows` says which entries count"""


def read_header(entry: bytes | memoryview) -> EntryHeader:
    """The head of an entry. ValueError says what does not fit."""
    found = _head_of(entry[:_HEAD_OCTETS])
    if found is None:  # a long list of voids
        found = _head_of(entry)
    if found is None:
        raise ValueError("journal entry is torn: it ends within its head")
    if found.get("version") != ENTRY_VERSION:
        raise ValueError(f"journal entry has not version {ENTRY_VERSION}: it was written by another release of Farebox")
    missing = {"partition", "follows", "now_ns"} - found.keys()
    if missing:
        raise ValueError(f"journal entry has no {', '.join(sorted(missing))} before its columns")
    return EntryHeader(
        partition=found["partition"],
        follows=EntryId.parse(found["follows"]),
        now_ns=found["now_ns"],
        voids=tuple(found.get("voids", ())),
    )


def _head_of(octets: bytes | memoryview) -> dict[str, Any] | None:
    """The keys before the first column; None where the octets end before it."""
    unpacker = msgpack.Unpacker(max_buffer_size=JOURNAL_ENTRY_OCTETS_MAX)
    unpacker.feed(octets)
    found: dict[str, Any] = {}
    try:
        for _ in range(unpacker.read_map_header()):
            key = unpacker.unpack()
            if key not in _HEAD_KEYS:
                break
            found[key] = unpacker.unpack()
    except msgpack.OutOfData:
        return None
    except (ValueError, TypeError, msgpack.UnpackException) as error:
        raise ValueError(f"journal entry is no msgpack map: {error}") from error
    return found

"""Layout of a segment file: a header, then journal entries in frames, as octets; no files here.

    header   8 octets  magic `FBSEG001`
             u32       partition
             u32       CRC-32 of the header without this field
             u64       sequence number of the segment, from 1
             u64 u64   id of the entry before the first one (epoch, number), so that a reader finds its file by names and heads
             i64       creation, ns since the Unix epoch
    frame    u32       length of the entry
             u32       CRC-32 of the ids and the entry
             u64 u64   id of the entry (epoch, number)
             the entry, as it came from the store

All little-endian. A frame that ends behind the file, or whose CRC differs, and what follows it, is a torn tail: the
archiver was killed while it wrote. Frames are appended and never changed.
"""

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple
from zlib import crc32

from balances.store import EntryId
from vocabulary.limits import JOURNAL_ENTRY_OCTETS_MAX

_MAGIC: Final = b"FBSEG001"
_HEADER: Final = struct.Struct("<8sIIQQQq")
_FRAME: Final = struct.Struct("<IIQQ")
_FRAME_IDS: Final = struct.Struct("<QQ")
HEADER_OCTETS: Final = _HEADER.size
FRAME_OCTETS: Final = _FRAME.size
"""Octets before an entry."""
_SUFFIX: Final = ".segment"


class SegmentError(Exception):
    """A segment file can't be used; the message names it and the remedy."""


class SegmentHeader(NamedTuple):
    """What a segment file says of itself."""

    partition: int
    sequence: int
    follows: EntryId
    """id of the entry before its first one"""
    created_ns: int


class Frame(NamedTuple):
    """An entry within the octets of a segment."""

    entry_id: EntryId
    first: int
    """first octet of the entry"""
    end: int


def segment_name(sequence: int) -> str:
    """File name of a segment."""
    return f"{sequence:010d}{_SUFFIX}"


def sequence_of(name: str) -> int | None:
    """Sequence number in a file's name; None where it is no segment."""
    stem = name.removesuffix(_SUFFIX)
    return int(stem) if stem != name and stem.isdigit() else None


def pack_header(header: SegmentHeader) -> bytes:
    """First octets of a segment file."""
    ids = (header.sequence, header.follows.epoch, header.follows.number, header.created_ns)
    crc = crc32(_HEADER.pack(_MAGIC, header.partition, 0, *ids))
    return _HEADER.pack(_MAGIC, header.partition, crc, *ids)


def unpack_header(octets: bytes | memoryview, name: str) -> SegmentHeader:
    """The header of the file `name`. SegmentError where it is none."""
    if len(octets) < HEADER_OCTETS:
        raise SegmentError(f"{name}: ends within its header: restore it from a copy")
    magic, partition, _, sequence, epoch, number, created_ns = _HEADER.unpack(octets[:HEADER_OCTETS])
    header = SegmentHeader(partition, sequence, EntryId(epoch, number), created_ns)
    if magic != _MAGIC or pack_header(header) != octets[:HEADER_OCTETS]:
        raise SegmentError(f"{name}: has not the header of a segment file: restore it from a copy")
    return header


def pack_frame(entry_id: EntryId, entry: bytes) -> bytes:
    """The octets before the entry, which follows them uncopied."""
    return _FRAME.pack(len(entry), crc32(entry, crc32(_FRAME_IDS.pack(*entry_id))), *entry_id)


def frame_octets(octets: bytes | memoryview, at: int) -> int:
    """Octets of the frame that begins at `at`, its entry included; 0 where not even its length can be read."""
    if at + FRAME_OCTETS > len(octets):
        return 0
    return FRAME_OCTETS + int.from_bytes(octets[at : at + 4], "little")


def walk_frames(octets: memoryview, at: int = 0) -> Iterator[Frame]:
    """Whole frames from `at` on, each with its CRC checked; ends before the first that is torn or damaged."""
    size = len(octets)
    while at + FRAME_OCTETS <= size:
        length, crc, epoch, number = _FRAME.unpack_from(octets, at)
        first = at + FRAME_OCTETS
        end = first + length
        if end > size or length > JOURNAL_ENTRY_OCTETS_MAX:
            return
        if crc32(octets[first:end], crc32(_FRAME_IDS.pack(epoch, number))) != crc:
            return
        yield Frame(EntryId(epoch, number), first, end)
        at = end

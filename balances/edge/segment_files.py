"""Segment files on disk: `<folder>/p<partition>/<sequence>.segment`, appended by the archiver, read by everyone else.

What is durable is said by the file `durable` beside them (segment, octets, last id), written after each fsync and not
fsynced itself: a reader takes nothing that a power cut could take back. Where there is no such file (segments copied
elsewhere) all whole frames are read.
"""

import os
import struct
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple
from zlib import crc32

from balances.journal_chain import NO_ENTRY, Link
from balances.journal_header import read_header
from balances.segments import (
    FRAME_OCTETS,
    HEADER_OCTETS,
    SegmentError,
    SegmentHeader,
    frame_octets,
    segment_name,
    sequence_of,
    unpack_header,
    walk_frames,
)
from balances.store import EntryId
from vocabulary.limits import JOURNAL_ENTRY_OCTETS_MAX, SEGMENT_READ_OCTETS_MAX

_DURABLE: Final = "durable"
_MARK: Final = struct.Struct("<QQQQI")
_MARK_READS_MAX: Final = 3


class DurableMark(NamedTuple):
    """How far a partition's segments are durable."""

    sequence: int
    octets: int
    entry_id: EntryId


class StoredEntry(NamedTuple):
    """A whole entry of a segment."""

    entry_id: EntryId
    octets: memoryview
    end: int
    """octet of the file behind it"""


def partition_folder(folder: Path, partition: int) -> Path:
    """Where a partition's segments lie."""
    return folder / f"p{partition}"


def list_segments(folder: Path) -> list[int]:
    """Sequence numbers of a partition's segments, ascending. SegmentError where one is missing between others."""
    try:
        found = sorted(number for number in map(sequence_of, os.listdir(folder)) if number is not None)
    except FileNotFoundError:
        return []
    for before, number in pairwise(found):
        if number != before + 1:
            raise SegmentError(f"{folder / segment_name(before + 1)} is missing: restore it from a copy")
    return found


def read_segment_header(path: Path) -> SegmentHeader:
    """The header of a segment file."""
    with path.open("rb") as file:
        return unpack_header(file.read(HEADER_OCTETS), str(path))


def write_mark(folder: Path, mark: DurableMark) -> None:
    """Say how far the segments are durable."""
    words = (mark.sequence, mark.octets, *mark.entry_id)
    octets = _MARK.pack(*words, crc32(_MARK.pack(*words, 0)))
    descriptor = os.open(folder / _DURABLE, os.O_WRONLY | os.O_CREAT, 0o644)
    try:
        os.pwrite(descriptor, octets, 0)
    finally:
        os.close(descriptor)


def read_mark(folder: Path) -> DurableMark | None:
    """How far the segments are durable; None where nobody says so. SegmentError where the mark can't be read."""
    for _ in range(_MARK_READS_MAX):
        try:
            octets = (folder / _DURABLE).read_bytes()
        except FileNotFoundError:
            return None
        if len(octets) == _MARK.size:
            sequence, size, epoch, number, crc = _MARK.unpack(octets)
            if crc32(_MARK.pack(sequence, size, epoch, number, 0)) == crc:
                return DurableMark(sequence, size, EntryId(epoch, number))
    raise SegmentError(f"{folder / _DURABLE} is damaged: start the archiver, which writes it anew")


def stored_entries(
    descriptor: int, at: int, end: int, octets_max: int = SEGMENT_READ_OCTETS_MAX
) -> Iterator[StoredEntry]:
    """Whole entries of an open segment from octet `at` up to `end`; ends before the first that is torn or damaged."""
    while at < end:
        octets = memoryview(_read(descriptor, at, min(max(octets_max, FRAME_OCTETS), end - at)))
        wanted = frame_octets(octets, 0)
        if len(octets) < wanted <= min(end - at, JOURNAL_ENTRY_OCTETS_MAX):
            octets = memoryview(_read(descriptor, at, wanted))
        base, whole = at, 0
        for frame in walk_frames(octets):
            whole = frame.end
            yield StoredEntry(frame.entry_id, octets[frame.first : frame.end], base + frame.end)
        if whole == 0:
            return
        at = base + whole


def _read(descriptor: int, at: int, octets: int) -> bytes:
    parts = []
    while octets:
        part = os.pread(descriptor, octets, at)
        if not part:
            break
        parts.append(part)
        at += len(part)
        octets -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


class SegmentReader:
    """Follows the segments of one partition from an entry on, while the archiver appends to them."""

    def __init__(self, folder: Path, partition: int, after: EntryId = NO_ENTRY) -> None:
        self.partition = partition
        self._folder = partition_folder(folder, partition)
        self._after = after
        self._descriptor = -1
        self._sequence = 0
        self._at = 0

    def read(self, octets_max: int = SEGMENT_READ_OCTETS_MAX) -> list[StoredEntry]:
        """The next entries, about `octets_max` of them; none where there are none yet. SegmentError for damage."""
        if self._descriptor < 0 and not self._begin():
            return []
        while True:
            end, is_last = self._readable()
            found = self._take(end, octets_max)
            if found:
                return found
            if self._at < end:
                raise SegmentError(
                    f"{self._folder / segment_name(self._sequence)}: damaged at octet {self._at}: restore it from a copy"
                )
            if is_last:
                return []
            self._open(self._sequence + 1)

    def _readable(self) -> tuple[int, bool]:
        """(octets of this segment that may be read, whether it is the last that may be)."""
        mark = read_mark(self._folder)
        size = os.fstat(self._descriptor).st_size
        if mark is None:
            is_last = not (self._folder / segment_name(self._sequence + 1)).exists()
            return (self._whole_end(size) if is_last else size), is_last
        if mark.sequence > self._sequence:
            return size, False
        if mark.sequence < self._sequence:
            return self._at, True
        if mark.octets > size:
            raise SegmentError(
                f"{self._folder / segment_name(self._sequence)} ends at octet {size}, {mark.octets} were durable: restore it"
            )
        return mark.octets, True

    def _whole_end(self, size: int) -> int:
        """Where whole entries end in the last segment of a copy."""
        end = self._at
        for entry in stored_entries(self._descriptor, self._at, size):
            end = entry.end
        return end

    def _take(self, end: int, octets_max: int) -> list[StoredEntry]:
        """Entries up to `end` that are newer than the position."""
        found = []
        taken = 0
        for entry in stored_entries(self._descriptor, self._at, end, octets_max):
            taken += entry.end - self._at
            self._at = entry.end
            if entry.entry_id > self._after:
                found.append(entry)
                self._after = entry.entry_id
            if taken >= octets_max and found:
                break
        return found

    def _begin(self) -> bool:
        """Open the segment that holds the entry behind the position."""
        chosen = 0
        for sequence in reversed(list_segments(self._folder)):
            chosen = sequence
            if read_segment_header(self._folder / segment_name(sequence)).follows <= self._after:
                break
        if not chosen:
            return False
        self._open(chosen)
        return True

    def _open(self, sequence: int) -> None:
        path = self._folder / segment_name(sequence)
        try:
            descriptor = os.open(path, os.O_RDONLY)
        except FileNotFoundError as error:
            raise SegmentError(f"{path} is missing: restore it from a copy") from error
        self.close()
        self._descriptor = descriptor
        header = unpack_header(_read(descriptor, 0, HEADER_OCTETS), str(path))
        if header.partition != self.partition or header.sequence != sequence:
            raise SegmentError(
                f"{path} is segment {header.sequence} of partition {header.partition}: it was moved or renamed"
            )
        self._sequence = sequence
        self._at = HEADER_OCTETS

    def close(self) -> None:
        """Close the file; `read` would begin again behind the last entry that it gave."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1

    def links(self, after: EntryId, until: EntryId) -> list[Link]:
        """The entries behind `after` up to `until` with what they follow; a reading of its own."""
        return [Link(entry.entry_id, read_header(entry.octets).follows) for entry in self.between(after, until)]

    def between(self, after: EntryId, until: EntryId) -> Iterator[StoredEntry]:
        """The entries behind `after` up to `until`; a reading of its own."""
        reader = SegmentReader(self._folder.parent, self.partition, after)
        try:
            while entries := reader.read():
                for entry in entries:
                    if entry.entry_id > until:
                        return
                    yield entry
        finally:
            reader.close()

    def pick(self, wanted: Sequence[EntryId]) -> Iterator[StoredEntry]:
        """The entries with these ids, in the order of the files; ids that are not there are left out."""
        ids = set(wanted)
        if ids:
            oldest = min(ids)
            after = EntryId(oldest.epoch, oldest.number - 1)
            yield from (entry for entry in self.between(after, max(ids)) if entry.entry_id in ids)

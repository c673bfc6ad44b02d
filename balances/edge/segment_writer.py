"""The archiver's side of a partition's segments: find the place after any death, append, make durable, begin the next file.

A new segment is written whole with its header under another name, fsynced and renamed, so that no reader ever sees one
without a header. After a failed write the file is cut back to its last whole entry; after a failed fsync nobody knows
what the disk holds, so the error goes up and the process ends.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from balances.edge.segment_files import (
    DurableMark,
    list_segments,
    partition_folder,
    stored_entries,
    write_mark,
)
from balances.journal_chain import NO_ENTRY
from balances.segments import HEADER_OCTETS, SegmentHeader, pack_frame, pack_header, segment_name, unpack_header
from balances.store import EntryId

_PARTS_PER_WRITE_MAX: Final = 1024
"""IOV_MAX of Linux."""


@dataclass(frozen=True, slots=True)
class SegmentLimits:
    """When a segment is closed and the next begun."""

    octets_max: int
    age_ns: int


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class SegmentWriter:
    """Appends to the segments of one partition. One at a time: the archiver's lock on the folder sees to it."""

    def __init__(self, folder: Path, partition: int, limits: SegmentLimits) -> None:
        self.last_id = NO_ENTRY
        """the last whole entry"""
        self.torn_octets = 0
        """behind it in the last segment: what a killed archiver left half-written"""
        self._partition = partition
        self._folder = partition_folder(folder, partition)
        self._limits = limits
        self._descriptor = -1
        self._sequence = 0
        self._octets = 0
        self._created_ns = 0

    def open(self) -> None:
        """Find the last whole entry. Changes no segment. SegmentError where a file can't be used."""
        self.close()
        self._folder.mkdir(parents=True, exist_ok=True)
        sync_folder(self._folder.parent)
        for name in os.listdir(self._folder):
            if name.endswith(".partial"):
                os.unlink(self._folder / name)
        sequences = list_segments(self._folder)
        if not sequences:
            return
        self._sequence = sequences[-1]
        path = self._folder / segment_name(self._sequence)
        self._descriptor = os.open(path, os.O_RDWR | os.O_APPEND)
        header = unpack_header(os.pread(self._descriptor, HEADER_OCTETS, 0), str(path))
        self.last_id = header.follows
        self._created_ns = header.created_ns
        self._octets = HEADER_OCTETS
        size = os.fstat(self._descriptor).st_size
        for entry in stored_entries(self._descriptor, HEADER_OCTETS, size):
            self.last_id, self._octets = entry.entry_id, entry.end
        self.torn_octets = size - self._octets

    def cut_torn_tail(self) -> None:
        """Cut off what is behind the last whole entry."""
        if self.torn_octets:
            os.ftruncate(self._descriptor, self._octets)
            self.torn_octets = 0
            self.sync()

    def append(self, rows: Sequence[tuple[EntryId, bytes]], now_ns: int) -> None:
        """Write entries in order, not yet durable. OSError leaves the file as it was."""
        if self._descriptor < 0 or self._is_full(now_ns):
            self._begin(now_ns)
        parts: list[bytes] = []
        for entry_id, entry in rows:
            parts.append(pack_frame(entry_id, entry))
            parts.append(entry)
        try:
            written = _write_all(self._descriptor, parts)
        except OSError:
            os.ftruncate(self._descriptor, self._octets)
            raise
        self._octets += written
        self.last_id = rows[-1][0]

    def _is_full(self, now_ns: int) -> bool:
        has_entries = self._octets > HEADER_OCTETS
        is_old = now_ns - self._created_ns >= self._limits.age_ns
        return has_entries and (self._octets >= self._limits.octets_max or is_old)

    def _begin(self, now_ns: int) -> None:
        """Close the segment and begin the next."""
        if self._descriptor >= 0:
            self.sync()
        sequence = self._sequence + 1
        path = self._folder / segment_name(sequence)
        partial = path.with_suffix(".partial")
        descriptor = os.open(partial, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_TRUNC, 0o644)
        try:
            header = pack_header(SegmentHeader(self._partition, sequence, self.last_id, now_ns))
            _write_all(descriptor, [header])
            os.fsync(descriptor)
            if sequence == 1:  # without a mark a reader would take this for a copy and read what isn't durable
                write_mark(self._folder, DurableMark(sequence, HEADER_OCTETS, self.last_id))
            os.rename(partial, path)
            sync_folder(self._folder)
        except OSError:
            os.close(descriptor)
            raise
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor, self._sequence, self._created_ns = descriptor, sequence, now_ns
        self._octets = HEADER_OCTETS

    def sync(self) -> None:
        """Make all whole entries durable and tell readers so. May run in another thread than `append`, not beside it."""
        if self._descriptor < 0:
            return
        os.fdatasync(self._descriptor)
        write_mark(self._folder, DurableMark(self._sequence, self._octets, self.last_id))

    def close(self) -> None:
        """Close the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1


def _write_all(descriptor: int, parts: list[bytes]) -> int:
    """Write all parts, many a call; how many octets that were."""
    views = [memoryview(part) for part in parts]
    total = 0
    while views:
        written = os.writev(descriptor, views[:_PARTS_PER_WRITE_MAX])
        total += written
        passed = 0
        while passed < len(views) and written >= len(views[passed]):
            written -= len(views[passed])
            passed += 1
        del views[:passed]
        if written:
            views[0] = views[0][written:]
    return total

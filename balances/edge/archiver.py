"""The archiver: copies each partition's journal from the store to fsynced segment files, then trims the stream behind them.

One a partition set: a lock on the folder keeps a second one of this machine out, the token `{tag}:archiver`, which the
store's functions check, one of any other. It holds no state: its place is the last whole entry of its files, so it may be
killed at any instant. Entries are copied as octets, never decoded; entries gather for `gather_ms` and are then read,
written, fsynced and acknowledged together, because a round of all that costs about as much for one entry as for fifty.
The journal is durable in the store until it is trimmed, so gathering costs records latency and nothing else.
"""

import asyncio
import errno
import fcntl
import os
import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from balances.edge.segment_files import SegmentReader
from balances.edge.segment_writer import SegmentLimits, SegmentWriter
from balances.journal_chain import JournalGapError, Link, goes_back, voided_by
from balances.journal_header import read_header
from balances.journal_log import ArchiverClaim, JournalLog, JournalRow
from balances.store import EntryId, StoreError, StoreUnreachable
from vocabulary.instants import NS_PER_S

_RETRY_S: Final = 0.5
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_CLAIM_DIGIT_OCTETS: Final = 8


@dataclass(frozen=True, slots=True)
class ArchiverSettings:
    """What an archiver works on, and how."""

    folder: Path
    """of the segments"""
    partitions: tuple[int, ...]
    node: str = "archiver"
    """in the token; without colon"""
    segment_octets_max: int = 256 * 1024 * 1024
    segment_age_s: int = 3600
    gather_ms: int = 40
    entries_per_read_max: int = 64
    trim_every_s: float = 0.1
    """the server frees what was trimmed, and answers nobody meanwhile: a millisecond for the journal of a busy second"""
    disk_free_octets_min: int = 512 * 1024 * 1024


@dataclass(slots=True)
class ArchiverProgress:
    """What one partition's archiver has done since its start."""

    partition: int
    last_id: EntryId
    """the last entry in a durable segment"""
    entry_count: int = 0
    octets: int = 0
    torn_octets: int = 0
    """cut off the last segment at the start"""
    voided_count: int = 0
    """entries that were archived and that the store then went on without"""
    stopped_because: str = field(default="")
    """the store is away, or the disk is full; '' while it works"""


class ArchiverLockedError(StoreError):
    """Another archiver of this machine works in the folder."""


class Observer(Protocol):
    """What is told of an archiver's work; metrics and logs."""

    def __call__(self, progress: ArchiverProgress) -> None:
        """Called after each round of a partition; the same object each time."""


def _free_octets(folder: Path) -> int:
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


def lock_folder(folder: Path) -> int:
    """A descriptor that holds the folder's lock until it is closed, by death as well. ArchiverLockedError."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise ArchiverLockedError(f"another archiver works in {folder}: stop it, or give another folder") from error
    return descriptor


class PartitionArchiver:
    """Archives one partition."""

    def __init__(
        self,
        settings: ArchiverSettings,
        partition: int,
        log: JournalLog,
        *,
        now_ns: Callable[[], int],
        reached: Callable[[str], None],
        observe: Observer,
        free_octets: Callable[[Path], int] = _free_octets,
    ) -> None:
        limits = SegmentLimits(settings.segment_octets_max, settings.segment_age_s * NS_PER_S)
        self.writer = SegmentWriter(settings.folder, partition, limits)
        self.progress = ArchiverProgress(partition, self.writer.last_id)
        self._settings = settings
        self._partition = partition
        self._log = log
        self._now_ns = now_ns
        self._reached = reached
        self._observe = observe
        self._free_octets = free_octets
        self._digits = secrets.token_hex(_CLAIM_DIGIT_OCTETS)
        self._claim: ArchiverClaim | None = None
        self._acknowledged = self.writer.last_id
        self._trimmed = self.writer.last_id
        self._trim_at = 0.0

    async def start(self) -> None:
        """Find the place in the files, claim the partition, check that files and stream fit. JournalGapError, StoreError."""
        self.writer.open()
        await asyncio.to_thread(self.writer.sync)
        last_id = self.writer.last_id
        self._claim = await self._log.claim_archiver(self._partition, self._settings.node, self._digits)
        waiting = await self._log.read_journal(self._partition, last_id, 1)
        if waiting:
            self._check_links(waiting)
        elif self._claim.archived > last_id:
            raise JournalGapError(
                f"partition {self._partition}: entries after {last_id} up to {self._claim.archived} were archived, but are not"
                f" in {self._settings.folder}: restore the segment files, or name their folder"
            )
        self.progress.torn_octets = self.writer.torn_octets
        self.progress.last_id = last_id
        await asyncio.to_thread(self.writer.cut_torn_tail)
        self._acknowledged = self._claim.archived

    async def round(self) -> int:
        """Read, write, fsync, acknowledge and trim once; how many entries. The errors of `run`."""
        assert self._claim is not None, "start() comes first"
        if self._free_octets(self._settings.folder) < self._settings.disk_free_octets_min:
            self._stop(f"less than {self._settings.disk_free_octets_min >> 20} MiB of disk are free: make room")
            return 0
        rows = await self._log.read_journal(self._partition, self.writer.last_id, self._settings.entries_per_read_max)
        if rows:
            self._reached("archiver.before_write")
            voided = self._check_links(rows)
            if voided:  # a store that took the place of this one knows no claim of ours: nothing of it is written
                await self._log.set_archived(self._claim, self._acknowledged)
            self.progress.voided_count += voided
            if not await self._write(rows):
                return 0
            self.progress.entry_count += len(rows)
            self.progress.octets += sum(len(row.octets) for row in rows)
        self.progress.last_id = self.writer.last_id
        self.progress.stopped_because = ""
        if self.writer.last_id > self._acknowledged:
            await self._log.set_archived(self._claim, self.writer.last_id)
            self._acknowledged = self.writer.last_id
            self._reached("archiver.archived_set")
        await self._trim()
        self._observe(self.progress)
        return len(rows)

    async def _write(self, rows: Sequence[JournalRow]) -> bool:
        """Append and fsync; False where the disk is full. What an fsync says of a full disk ends the process."""
        try:
            self.writer.append([(row.entry_id, row.octets) for row in rows], self._now_ns())
        except OSError as error:
            if error.errno not in _FULL:
                raise
            self._stop(f"the disk is full ({error.strerror}): make room")
            return False
        self._reached("archiver.segment_written")
        await asyncio.to_thread(self.writer.sync)
        self._reached("archiver.segment_fsynced")
        return True

    def _check_links(self, rows: Sequence[JournalRow]) -> int:
        """Each entry must follow the one before it, or go back to one that is archived; how many that voided."""
        last, voided = self.writer.last_id, 0
        fresh: list[Link] = []
        for row in rows:
            header = read_header(row.octets)
            if header.partition != self._partition:
                raise JournalGapError(
                    f"entry {row.entry_id} is of partition {header.partition}, found in that of {self._partition}"
                )
            link = Link(row.entry_id, header.follows)
            if goes_back(self._partition, last, link):
                reader = SegmentReader(self._settings.folder, self._partition)
                archived = reader.links(link.follows, self.writer.last_id)
                voided += len(voided_by(self._partition, last, link, [*archived, *fresh]))
            fresh.append(link)
            last = row.entry_id
        return voided

    async def _trim(self) -> None:
        """Remove what is archived and behind every reader of the stream, now and then."""
        now = time.monotonic()
        if now < self._trim_at or self._trimmed == self.writer.last_id:
            return
        assert self._claim is not None
        self._trim_at = now + self._settings.trim_every_s
        readers = await self._log.reader_positions(self._partition)
        until = min([self.writer.last_id, *readers.values()])
        if until > self._trimmed:
            await self._log.trim_journal(self._claim, until)
            self._trimmed = until
            self._reached("archiver.trimmed")

    def _stop(self, reason: str) -> None:
        self.progress.stopped_because = reason
        self._observe(self.progress)

    async def run(self, stopping: asyncio.Event) -> None:
        """Archive until told to stop. Waits for an absent store and for disk; ends with any other error."""
        is_started, found = False, 0
        while not stopping.is_set():
            try:
                if not is_started:
                    await self.start()
                    is_started = True
                found = await self.round()
            except StoreUnreachable as error:
                self._stop(str(error))
            pause_s = self._pause_s(found)
            if pause_s:
                with suppress(TimeoutError):
                    await asyncio.wait_for(stopping.wait(), pause_s)

    def _pause_s(self, found: int) -> float:
        """How long to let entries gather, or to wait for what is missing. A full read goes on at once."""
        if self.progress.stopped_because:
            return _RETRY_S
        return 0.0 if found >= self._settings.entries_per_read_max else self._settings.gather_ms / 1000


async def run_archiver(
    settings: ArchiverSettings,
    log: JournalLog,
    *,
    now_ns: Callable[[], int],
    stopping: asyncio.Event,
    reached: Callable[[str], None] = lambda _: None,
    observe: Observer = lambda _: None,
) -> None:
    """Archive the partitions until `stopping` is set.

    JournalGapError where entries are missing, ArchiverLostError where another archiver took over, SegmentError where a file
    is damaged, ArchiverLockedError where the folder is taken. None of them lost or trimmed anything.
    """
    lock = lock_folder(settings.folder)
    archivers = [
        PartitionArchiver(settings, partition, log, now_ns=now_ns, reached=reached, observe=observe)
        for partition in settings.partitions
    ]
    try:
        async with asyncio.TaskGroup() as tasks:
            for archiver in archivers:
                tasks.create_task(archiver.run(stopping))
    except ExceptionGroup as group:
        raise group.exceptions[0] from None
    finally:
        for archiver in archivers:
            archiver.writer.close()
        os.close(lock)

"""Audits a store, at rest or while engines decide: journal files, then the stream, and every account record with both.

A live store never stands still, so nothing is compared "about now". Records are read together with the partition's tail,
in one command, and one function writes both: what was read is the state right behind the entry that the tail names. So
the journal is folded exactly up to that entry, the records are compared, and the next ones are read; an account that
moves a thousand times a second is compared as exactly as one at rest, and nothing is ever compared twice.

Entries that the store has lost and gone on without lie in the files still; a first pass over the heads of the entries
finds them, and the fold skips them. Where the store goes back while it is audited, its partition is begun anew.
"""

from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

from balances.audit import PartitionAudit
from balances.audit_books import AccountKey
from balances.audit_report import AuditReport, merge_reports
from balances.edge.segment_files import SegmentReader
from balances.journal_chain import NO_ENTRY, JournalGapError, Link, goes_back, voided_by
from balances.journal_header import read_header
from balances.journal_log import JournalRow
from balances.keys import account_key, partition_key
from balances.store import EntryId, StoreError, StoreMeta
from balances.stored_record import record_or_octets

_ENTRIES_PER_READ: Final = 32
_ACCOUNTS_PER_READ: Final = 1000
"""With the tail far fewer keys than RedisStore.partition_values takes into one command: it must be one."""
_ATTEMPTS_MAX: Final = 3
_LATE_ROUNDS_MAX: Final = 3
_TAIL: Final = "tail"

Progress = Callable[[int, int], None]
"""(partition, requests folded so far), some times a second"""
Entry = tuple[EntryId, bytes | memoryview]


class AuditImpossibleError(StoreError):
    """The journal isn't all there to be audited; the message says what is missing and where to find it."""


class AuditedStore(Protocol):
    """What an audit reads of a store; RedisStore is one."""

    @property
    def meta(self) -> StoreMeta:
        """What `open` read."""

    def scan_accounts(self, partition: int) -> AsyncIterator[list[tuple[int, int, bytes]]]:
        """See BalanceStore."""

    async def partition_values(self, partition: int, names: Sequence[str]) -> list[bytes | None]:
        """See BalanceStore; as many names as fit one command are read at one instant."""

    async def read_journal(self, partition: int, after: EntryId, count: int, *, wait_ms: int = 0) -> list[JournalRow]:
        """See JournalLog."""

    async def archived(self, partition: int) -> EntryId:
        """See JournalLog."""


async def audit_store(store: AuditedStore, segments: Path | None, *, progress: Progress | None = None) -> AuditReport:
    """Audit all partitions of an opened store.

    segments   folder of the journal's files (`<data_dir>/segments`); None or empty where no archiver ever ran
    StoreError where the store can't be read, AuditImpossibleError where files are missing, SegmentError for damaged ones.
    """
    reports = []
    for partition in range(store.meta.partition_count):
        for _ in range(_ATTEMPTS_MAX):
            work = _PartitionWork(store, segments, partition, progress)
            report = await work.run()
            if report is not None:
                reports.append(report)
                break
        else:
            raise StoreError(
                f"partition {partition} went back to older entries {_ATTEMPTS_MAX} times while it was audited: the store"
                f" is being restored or fails over; audit again when it serves steadily"
            )
    return merge_reports(reports)


class _Journal:
    """The entries of a partition in order: those in files first, then those that the stream alone has."""

    def __init__(self, store: AuditedStore, segments: Path | None, partition: int) -> None:
        self.reader = SegmentReader(segments, partition) if segments is not None else None
        self.last_id = NO_ENTRY
        """the last that was given"""
        self._store = store
        self._partition = partition
        self._reads_files = self.reader is not None

    async def read(self) -> Sequence[Entry]:
        """Some next entries; none at the end."""
        if self._reads_files:
            found = self._read_files()
            if found:
                return found
            self._reads_files = False
        rows = await self._store.read_journal(self._partition, self.last_id, _ENTRIES_PER_READ)
        if not rows or _has_gap(self.last_id, rows[0].octets):
            # Archived and trimmed since the files were read: the archiver trims nothing that isn't in them.
            found = self._read_files()
            if found:
                self._reads_files = True
                return found
        if rows:
            self.last_id = rows[-1].entry_id
        return [(row.entry_id, row.octets) for row in rows]

    def _read_files(self) -> Sequence[Entry]:
        """Next entries of the files that are newer than what was given."""
        while self.reader is not None and (entries := self.reader.read()):
            found = [(entry.entry_id, entry.octets) for entry in entries if entry.entry_id > self.last_id]
            if found:
                self.last_id = found[-1][0]
                return found
        return ()

    def close(self) -> None:
        """Close the file that is open."""
        if self.reader is not None:
            self.reader.close()


def _follows(octets: bytes | memoryview) -> EntryId | None:
    """What an entry follows; None where it can't be read, which the fold will say."""
    try:
        return read_header(octets).follows
    except ValueError:
        return None


def _has_gap(last: EntryId, octets: bytes) -> bool:
    """Are entries missing between `last` and this one?"""
    follows = _follows(octets)
    return follows is not None and follows > last


class _PartitionWork:
    """One attempt at one partition."""

    def __init__(
        self,
        store: AuditedStore,
        segments: Path | None,
        partition: int,
        progress: Progress | None,
    ) -> None:
        self._store = store
        self._segments = segments
        self._partition = partition
        self._progress = progress
        self._journal = _Journal(store, segments, partition)
        self._waiting: deque[Entry] = deque()
        self._position = NO_ENTRY
        """the last entry that was taken or skipped"""

    async def run(self) -> AuditReport | None:
        """The report; None where the store went back to older entries meanwhile."""
        try:
            voided = await self._find_voided()
            audit = PartitionAudit(self._partition, voided=voided)
            if not await self._compare_all(audit):
                return None
            tail, _ = await self._snapshot(())
            await self._fold_to(audit, tail)
            if audit.went_back or tail < audit.last_id:
                return None
            audit.check_tail(tail)
            return audit.report()
        finally:
            self._journal.close()

    async def _compare_all(self, audit: PartitionAudit) -> bool:
        """Compare every record of the store, and every account of the journal. False where the store went back."""
        async for page in self._store.scan_accounts(self._partition):
            if not await self._compare(audit, [(tenant, account_id) for tenant, account_id, _ in page]):
                return False
        for _ in range(_LATE_ROUNDS_MAX):  # accounts that were opened meanwhile, and those whose record is gone
            if not await self._compare(audit, audit.accounts_to_compare()):
                return False
        return True

    async def _compare(self, audit: PartitionAudit, accounts: Sequence[AccountKey]) -> bool:
        for first in range(0, len(accounts), _ACCOUNTS_PER_READ):
            page = accounts[first : first + _ACCOUNTS_PER_READ]
            tail, records = await self._snapshot(page)
            await self._fold_to(audit, tail)
            if audit.went_back or tail < audit.last_id:
                return False
            for account, stored in zip(page, records, strict=True):
                audit.compare(*account, None if stored is None else record_or_octets(stored))
        return True

    async def _snapshot(self, accounts: Sequence[AccountKey]) -> tuple[EntryId, Sequence[bytes | None]]:
        """(tail, records) of one instant."""
        names = [account_key("", *account).removeprefix(partition_key("", "")) for account in accounts]
        tail, *records = await self._store.partition_values(self._partition, [_TAIL, *names])
        return (EntryId.parse(tail.decode()) if tail is not None else NO_ENTRY), records

    async def _fold_to(self, audit: PartitionAudit, tail: EntryId) -> None:
        """Take the entries up to the tail; those that were read beyond it wait for the next."""
        while self._position < tail:
            if not self._waiting:
                self._waiting.extend(await self._journal.read())
                if self._progress is not None:
                    self._progress(self._partition, audit.request_count)
            if not self._waiting or self._waiting[0][0] > tail:
                return
            entry_id, octets = self._waiting.popleft()
            audit.take(entry_id, octets)
            self._position = entry_id

    async def _find_voided(self) -> frozenset[EntryId]:
        """Entries in the files that the store went on without."""
        archived = await self._store.archived(self._partition)
        voided: set[EntryId] = set()
        last = NO_ENTRY
        reader = SegmentReader(self._segments, self._partition) if self._segments is not None else None
        try:
            while reader is not None and (entries := reader.read()):
                for entry in entries:
                    last = self._step(reader, last, entry.entry_id, _follows(entry.octets), voided)
            tail, _ = await self._snapshot(())
            if last != NO_ENTRY and reader is not None:
                await self._find_voided_behind(reader, last, tail, voided)
        finally:
            if reader is not None:
                reader.close()
        if last < archived:
            await self._check_complete(last, archived)
        return frozenset(voided)

    def _step(
        self, reader: SegmentReader, last: EntryId, entry_id: EntryId, follows: EntryId | None, voided: set[EntryId]
    ) -> EntryId:
        """Void what the entry goes back behind; a gap is left to the fold, which says it in its place."""
        if follows is not None:
            link = Link(entry_id, follows)
            with suppress(JournalGapError):
                if goes_back(self._partition, last, link):
                    voided.update(voided_by(self._partition, last, link, reader.links(follows, last)))
        return max(last, entry_id)

    async def _find_voided_behind(
        self, reader: SegmentReader, last: EntryId, tail: EntryId, voided: set[EntryId]
    ) -> None:
        """Void what the files have behind the store: it went on from an older entry, or it was restored to one."""
        if last <= tail:
            rows = await self._store.read_journal(self._partition, last, 1)
            if rows:
                self._step(reader, last, rows[0].entry_id, _follows(rows[0].octets), voided)
            return
        next_epoch = EntryId(last.epoch + 1, 1)
        try:
            lost = voided_by(self._partition, last, Link(next_epoch, tail), reader.links(tail, last))
        except JournalGapError as error:
            raise AuditImpossibleError(
                f"partition {self._partition}: the store's last entry is {tail}, the files in {self._segments} go to {last}"
                f" and don't hold it: they are another store's. Give --store and --data-dir that belong together"
            ) from error
        if tail == NO_ENTRY:
            raise AuditImpossibleError(
                f"partition {self._partition}: the store has no entry, the files in {self._segments} go to {last}: they are"
                f" another store's, or this one lost everything. Give --store and --data-dir that belong together"
            )
        voided.update(lost)

    async def _check_complete(self, last: EntryId, archived: EntryId) -> None:
        """Files end before what was archived: that is well only while the stream still has what follows."""
        rows = await self._store.read_journal(self._partition, last, 1)
        if not rows or _has_gap(last, rows[0].octets):
            raise AuditImpossibleError(
                f"partition {self._partition}: entries up to {archived} were archived and trimmed, and"
                f" {self._segments or 'no folder'} holds files up to {last}: give the archiver's folder with --data-dir"
            )

"""The record writer: follows the segments, puts records and movements into files so that each event is in exactly one.

It holds no truth: what is written is said by the manifest, everything else comes out of the journal again. At a start it
loads the newest checkpoint that counts, applies again what the flushes since then took (throwing the records away, they
are in files), and goes on behind the last of them. So it may be killed at any instant.

When a flush is due: enough rows or octets are gathered, the oldest of them waited long enough, sessions are open past
the time limit, or so much journal went by that a restart would take long. With no room on the disk the records stay
gathered and nothing more is assembled until there is room.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from balances.journal_chain import NO_ENTRY, JournalGapError
from balances.segments import SegmentError
from balances.store import EntryId
from cdr.assembly import Assembly, FinishedRecords
from cdr.checkpoint import pack, unpack_into
from cdr.edge.journal_source import JournalSource, JournalWentBack
from cdr.edge.manifest_file import ManifestFile
from cdr.edge.record_folder import FULL_ERRORS, RecordFolder, free_octets
from cdr.edge.write_files import write_files
from cdr.edge.writer_settings import UnknownTenantError, WriterProgress, WriterSettings
from cdr.gathered_files import GatheredFiles
from cdr.manifest import FORMATS_OF, Checkpoint, Flush, ManifestError, PartitionStep
from vocabulary.instants import NS_PER_S

_CHECKPOINTS_KEPT: Final = 3
_ENTRIES_PER_TURN: Final = 8
"""Of a partition, between two instants at which the process may rest."""
PIECE_ROWS: Final = 2_000
"""Rows that become octets at once: some ten milliseconds of work."""
MOVEMENTS_PIECE_ROWS: Final = 4_000
"""And of movements, which have fewer columns and a file of one format."""


class RecordWriter:
    """The writer of one folder of records."""

    def __init__(
        self,
        settings: WriterSettings,
        tenant_names: Mapping[int, str],
        *,
        now_ns: Callable[[], int],
        reached: Callable[[str], None] = lambda _: None,
        observe: Callable[[WriterProgress], None] = lambda _: None,
        free: Callable[[Path], int] = free_octets,
    ) -> None:
        self.progress = WriterProgress()
        self._settings = settings
        self._tenant_names = tenant_names
        self._now_ns = now_ns
        self._reached = reached
        self._observe = observe
        self._free = free
        self._finished = FinishedRecords()
        self._gathered = GatheredFiles()
        self._assemblies: dict[int, Assembly] = {}
        self._sources: dict[int, JournalSource] = {}
        self._decided_ns: dict[int, int] = {}
        """the instant of the last entry of a partition that has more to read; absent where all is read"""
        self._steps: dict[int, PartitionStep] = {}
        """what the last flush did"""
        self._prepared: tuple[PartitionStep, ...] | None = None
        """of a flush that is under way or waits for room"""
        self._file_sequences: dict[tuple[str, str], int] = {}
        self._record_sequences: dict[int, int] = {}
        """of the next record, by partition: behind the highest that was ever entered"""
        self._closed_due_ns = 0
        """when a flush last closed all that was due; the next by age comes a file's age later"""
        self._octets_since_checkpoint = 0
        self._checkpoint_octets = 0
        self._is_finishing = False
        self._folder = RecordFolder(settings.folder, reached)
        self._manifest = ManifestFile(settings.folder)

    # --- start and rewind
    def start(self) -> None:
        """Complete what a killed writer left, and find the place in the journal.

        ManifestError, SegmentError, JournalGapError where something has to be restored.
        """
        self._folder.publish(self._manifest.unfinished())
        self._folder.forget_written()
        self._folder.put_away(self._manifest.void_files())
        self._folder.keep_checkpoints(checkpoint.name for checkpoint in self._manifest.checkpoints())
        self._file_sequences = self._manifest.next_sequences()
        self._record_sequences = self._manifest.next_record_sequences()
        self._load()

    def _load(self) -> None:
        """The assembly state behind the last flush that counts."""
        start = self._load_checkpoint()
        flushes = self._manifest.flushes(start - 1)
        steps = {step.partition: step for flush in flushes if flush.number == start for step in flush.steps}
        void = self._manifest.void_entries()
        self._close_sources()
        for partition in self._settings.partitions:
            after = steps[partition].until if partition in steps else NO_ENTRY
            self._sources[partition] = JournalSource(self._settings.segments, partition, after, void)
        self._steps = steps
        for flush in flushes:
            if flush.number > start:
                self._replay(flush)
        for partition, assembly in self._assemblies.items():
            assembly.next_sequence = self._record_sequences.get(partition, 1)
        self._finished.clear()
        self._gathered.clear()
        self._prepared = None
        self._decided_ns.clear()
        self._closed_due_ns = self._now_ns()

    def _load_checkpoint(self) -> int:
        """Fresh assemblies with the newest usable checkpoint in them; the number of its flush, 0 for none."""
        self._octets_since_checkpoint = 0
        for checkpoint in self._manifest.checkpoints():
            octets = self._folder.read_checkpoint(checkpoint.name, checkpoint.sha256)
            self._assemblies = {partition: Assembly(partition) for partition in self._settings.partitions}
            if octets is not None and unpack_into(octets, self._assemblies):
                self._checkpoint_octets = checkpoint.octets
                return checkpoint.flush
        self._assemblies = {partition: Assembly(partition) for partition in self._settings.partitions}
        return 0

    def _replay(self, flush: Flush) -> None:
        """Bring the assembly behind a flush whose records are in files."""
        for step in flush.steps:
            assembly, source = self._assemblies[step.partition], self._sources[step.partition]
            assembly.next_sequence = step.first_sequence
            while source.last_id < step.until:
                counting = source.next()
                if counting is None:
                    raise ManifestError(
                        f"the segments of partition {step.partition} end at {source.last_id}, records were written up to"
                        f" {step.until}: restore the segment files"
                    )
                assembly.apply(counting.entry, self._finished)
                self._octets_since_checkpoint += counting.octets
            assembly.close_due(
                self._finished,
                now_ns=step.closed_at_ns,
                partial_after_ns=flush.partial_after_ns,
                records_max=step.partial_count,
            )
            if source.last_id != step.until or assembly.next_sequence != step.next_sequence:
                raise ManifestError(
                    f"the segments of partition {step.partition} give other records than were written up to {step.until}: they"
                    f" are of another store, or another release of Farebox wrote the records; stop that one cleanly first"
                )
            self._steps[step.partition] = step
        self._finished.clear()

    def _go_back(self, back: JournalWentBack) -> None:
        """The store lost entries whose records may be in files: void these, and assemble again what counts."""
        first = self._manifest.first_behind(back.partition, back.follows)
        self.progress.void_flush_count += self._manifest.void(first, back.partition, back.voided)
        self._folder.put_away(self._manifest.void_files())
        self._load()

    # --- rounds
    def round(self) -> bool:
        """Assemble what there is and write what is due; whether more may be there at once.

        UnknownTenantError, before anything is written; ManifestError and AssemblyError end the writer.
        """
        if not self._has_room():
            return False
        found = self._prepared is not None or self._assemble()
        while self._prepared is not None or self._is_due():
            self._flush()
            if self._prepared is not None:
                return False
        self.progress.open_count = sum(assembly.open_count for assembly in self._assemblies.values())
        self._observe(self.progress)
        return found

    def _has_room(self) -> bool:
        if self._free(self._settings.folder) < self._settings.disk_free_octets_min:
            self._stop("disk", f"less than {self._settings.disk_free_octets_min >> 20} MiB of disk are free: make room")
            return False
        self.progress.stopped_because.pop("disk", None)
        return True

    def _stop(self, what: str, reason: str) -> None:
        self.progress.stopped_because[what] = reason
        self._observe(self.progress)

    def _assemble(self) -> bool:
        """Apply some entries of each partition; whether there may be more. Nothing more while a tenant has no name."""
        self._gather_piece()
        if self._is_full():
            return True
        found = False
        for source in list(self._sources.values()):
            try:
                found |= self._take_turn(source)
            except JournalWentBack as back:
                self._go_back(back)
                return True
            except (SegmentError, JournalGapError) as error:
                self._stop(f"partition {source.partition}", str(error))
            self._gather_piece()
            if self._is_full():
                return True
        return found

    def _take_turn(self, source: JournalSource) -> bool:
        """Apply some entries of one partition; whether there may be more."""
        assembly = self._assemblies[source.partition]
        for _ in range(_ENTRIES_PER_TURN):
            counting = source.next()
            self.progress.stopped_because.pop(f"partition {source.partition}", None)
            if counting is None:
                self._decided_ns.pop(source.partition, None)
                return False
            assembly.apply(counting.entry, self._finished)
            self._finished.movements.take(counting.entry, counting.entry_id)
            self._decided_ns[source.partition] = counting.entry.now_ns
            self._octets_since_checkpoint += counting.octets
            self.progress.entry_counts[source.partition] = self.progress.entry_counts.get(source.partition, 0) + 1
            self.progress.journal_octets += counting.octets
            if self._is_full():
                break
        return True

    def _gather_piece(self) -> None:
        if self._finished.line_count >= PIECE_ROWS or self._finished.movements.row_count >= MOVEMENTS_PIECE_ROWS:
            self._gather()

    def _gather(self) -> None:
        """Append what is finished to the next files. UnknownTenantError, and nothing is appended."""
        missing = self._finished.tenants() - self._tenant_names.keys()
        if missing:
            raise UnknownTenantError(frozenset(missing))
        self._gathered.add(self._finished, self._tenant_names)
        self._finished.clear()

    def _is_full(self) -> bool:
        gathered, settings = self._gathered.counts, self._settings
        return (
            gathered.rows + self._finished.line_count >= settings.file_rows_max
            or gathered.octets + self._finished.file_octets >= settings.file_octets_max
            or gathered.movement_octets + self._finished.movements.file_octets >= settings.file_octets_max
        )

    def _is_due(self) -> bool:
        """Is it time to write?"""
        if self._is_full() or self._is_checkpoint_due():
            return True
        return self._now_ns() - self._closed_due_ns >= self._settings.file_age_s * NS_PER_S

    def _is_checkpoint_due(self) -> bool:
        """Did so much journal go by since the last one that the next start would take long?"""
        least = self._settings.checkpoint_state_times * self._checkpoint_octets
        if self._is_finishing:
            return self._octets_since_checkpoint > 0
        return self._octets_since_checkpoint > max(self._settings.checkpoint_octets_min, least)

    # --- a flush
    def _prepare(self) -> tuple[PartitionStep, ...]:
        """Close what is due, as far as the files have room, and say what the flush takes from each partition."""
        now_ns, gathered = self._now_ns(), self._gathered.counts
        steps = []
        for partition, assembly in self._assemblies.items():
            before = self._steps.get(partition)
            closed_at_ns = self._decided_ns.get(partition, now_ns)
            partial_count = assembly.close_due(
                self._finished,
                now_ns=closed_at_ns,
                partial_after_ns=self._settings.partial_after_s * NS_PER_S,
                rows_max=self._settings.file_rows_max - gathered.rows,
                octets_max=self._settings.file_octets_max - gathered.octets,
            )
            steps.append(
                PartitionStep(
                    partition,
                    before.until if before else NO_ENTRY,
                    self._sources[partition].last_id,
                    closed_at_ns,
                    partial_count,
                    self._record_sequences.get(partition, 1),
                    assembly.next_sequence,
                )
            )
        if not self._is_full():
            self._closed_due_ns = now_ns
        return tuple(steps)

    def _flush(self) -> None:
        """Write what is gathered, enter it, give the files their names; save the state where that is due."""
        if self._prepared is None:
            self._prepared = self._prepare()
        if not (self._has_rows() or self._is_checkpoint_due()):
            self._prepared = None
            return
        self._reached("writer.assembled")
        try:
            self._write(self._prepared)
        except OSError as error:
            if error.errno not in FULL_ERRORS:
                raise
            self._folder.forget_written()
            self._stop("disk", f"the disk is full ({error.strerror}): make room")
            return
        self._prepared = None
        if self._is_checkpoint_due():
            self._save_state()

    def _write(self, steps: tuple[PartitionStep, ...]) -> None:
        """One flush, from the gathered rows to files with their own names."""
        self._gather()
        files = write_files(self._folder, self._gathered, self._tenant_names, self._file_sequences)
        number = self._manifest.last_number() + 1
        partial_after_ns = self._settings.partial_after_s * NS_PER_S
        self._folder.sync_written()
        self._folder.make_room_for(files)
        self._manifest.add_flush(Flush(number, self._now_ns(), partial_after_ns, steps, tuple(files)))
        self._reached("writer.manifest_committed")
        self._folder.publish(files)
        self._reached("writer.renamed")
        self._steps = {step.partition: step for step in steps}
        self._record_sequences |= {step.partition: step.next_sequence for step in steps}
        self._file_sequences |= {(file.content, file.tenant): file.sequence + 1 for file in files}
        self.progress.flush_count += 1
        for content, formats in FORMATS_OF.items():
            count = sum(file.content == content for file in files) // len(formats)
            self.progress.set_counts[content] = self.progress.set_counts.get(content, 0) + count
        self.progress.movement_count += self._gathered.counts.movements
        self.progress.record_count += self._gathered.counts.records
        self.progress.row_count += self._gathered.counts.rows
        self._gathered.clear()

    def _has_rows(self) -> bool:
        finished, gathered = self._finished, self._gathered.counts
        records = finished.record_count + gathered.records
        return records + finished.movements.row_count + gathered.movements > 0

    def _save_state(self) -> None:
        """Write a checkpoint of the state behind the last flush; without room there is none, which costs a restart time."""
        number = self._manifest.last_number()
        name = f"{number:010d}.npz"
        octets = pack(self._assemblies)
        try:
            digest = self._folder.write_checkpoint(name, octets)
            self._manifest.add_checkpoint(Checkpoint(number, name, len(octets), digest), _CHECKPOINTS_KEPT)
        except OSError as error:
            if error.errno not in FULL_ERRORS:
                raise
        self._folder.keep_checkpoints(checkpoint.name for checkpoint in self._manifest.checkpoints())
        self._checkpoint_octets, self._octets_since_checkpoint = len(octets), 0
        self._reached("writer.checkpointed")

    # --- the end
    def finish(self) -> None:
        """Write what is gathered and save the state, where the disk has room."""
        is_new = self._has_rows() or self._octets_since_checkpoint > 0
        if is_new and self._has_room():
            self._is_finishing = True
            self._flush()
        if self._prepared is None:
            self._manifest.set_renamed()

    def _close_sources(self) -> None:
        for source in self._sources.values():
            source.close()
        self._sources.clear()

    def close(self) -> None:
        """Let go of files and lock."""
        self._close_sources()
        self._manifest.close()
        self._folder.close()

    def positions(self) -> dict[int, EntryId]:
        """The last entry of each partition whose records are in files or whose sessions are open."""
        return {partition: source.last_id for partition, source in self._sources.items()}

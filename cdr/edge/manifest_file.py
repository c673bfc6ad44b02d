"""The manifest on disk: SQLite in WAL mode with synchronous=FULL, in `manifest.sqlite` in the folder of records.

A file of appended lines would do for the writer; but readers want files by tenant and day, and a flush and its voiding
must be one step over several tables. SQLite is in the standard library, its commit is fsynced, and readers of other
processes see whole transactions. Only the writer writes, under the folder's lock.
"""

import errno
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

from balances.store import EntryId
from cdr.manifest import Checkpoint, Flush, ManifestError, PartitionStep, RecordFile

MANIFEST_NAME: Final = "manifest.sqlite"
_LAYOUT: Final = 2
_LAYOUT_OF_RECORDS_ALONE: Final = 1
_BUSY_MS: Final = 10_000
_TABLES: Final = """
create table if not exists flush (
    number integer primary key, at_ns integer not null, partial_after_ns integer not null,
    is_renamed integer not null default 0, is_void integer not null default 0
);
create table if not exists step (
    flush integer not null references flush, partition integer not null, after_epoch integer not null,
    after_number integer not null, until_epoch integer not null, until_number integer not null,
    closed_at_ns integer not null, partial_count integer not null, first_sequence integer not null,
    next_sequence integer not null, primary key (flush, partition)
) without rowid;
create table if not exists file (
    content text not null, tenant text not null, sequence integer not null, format text not null,
    flush integer not null references flush, name text not null unique, day text not null, row_count integer not null,
    record_count integer not null, octets integer not null, sha256 text not null,
    primary key (content, tenant, sequence, format)
) without rowid;
create index if not exists file_of_flush on file (flush);
create table if not exists checkpoint (
    flush integer primary key references flush, name text not null, octets integer not null, sha256 text not null
);
create table if not exists void_entry (
    partition integer not null, epoch integer not null, number integer not null,
    primary key (partition, epoch, number)
) without rowid;
"""
_FROM_RECORDS_ALONE: Final = f"""
alter table file rename to earlier_file;
drop index file_of_flush;
{_TABLES};
insert into file select 'records', tenant, sequence, format, flush, name, day, row_count, record_count, octets, sha256
from earlier_file;
drop table earlier_file
"""
"""Takes over a manifest from before there were movements."""


class ManifestFile:
    """The manifest of a folder, open for writing or for reading."""

    def __init__(self, folder: Path, *, read_only: bool = False) -> None:
        self.path = folder / MANIFEST_NAME
        self._connection = self._open(read_only)
        layout = self._layout()
        if layout == 0 and not read_only:
            self._lay(_TABLES)
        elif layout == _LAYOUT_OF_RECORDS_ALONE and not read_only:
            self._lay(_FROM_RECORDS_ALONE)
        elif layout == _LAYOUT_OF_RECORDS_ALONE:
            raise ManifestError(
                f"{self.path} was written by an earlier release: the record writer of this one (farebox up) takes it over"
            )
        elif layout not in (0, _LAYOUT):
            raise ManifestError(
                f"{self.path} has layout {layout}, this release knows {_LAYOUT}: use the release that wrote it"
            )

    def _open(self, read_only: bool) -> sqlite3.Connection:
        address = f"file:{self.path}?mode=ro" if read_only else f"file:{self.path}"
        try:
            connection = sqlite3.connect(address, uri=True, isolation_level=None, timeout=_BUSY_MS / 1000)
            connection.execute("pragma foreign_keys = on")
            if not read_only:
                connection.execute("pragma journal_mode = wal")
                connection.execute("pragma synchronous = full")
        except sqlite3.Error as error:
            raise ManifestError(f"{self.path} can't be opened: {error}") from error
        return connection

    def _lay(self, statements: str) -> None:
        with self._transaction():
            for statement in statements.split(";"):
                self._connection.execute(statement)
            self._connection.execute(f"pragma user_version = {_LAYOUT}")

    def close(self) -> None:
        """Close it."""
        self._connection.close()

    def _layout(self) -> int:
        return int(self._row("pragma user_version")[0])

    def _row(self, statement: str, *values: Any) -> Any:
        with closing(self._connection.execute(statement, values)) as cursor:
            return cursor.fetchone()

    def _rows(self, statement: str, *values: Any) -> list[Any]:
        with closing(self._connection.execute(statement, values)) as cursor:
            return cursor.fetchall()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("begin immediate")
        try:
            yield
            self._connection.execute("commit")
        except BaseException as error:
            if self._connection.in_transaction:
                self._connection.execute("rollback")
            if isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode == sqlite3.SQLITE_FULL:
                raise OSError(errno.ENOSPC, str(error), str(self.path)) from error
            raise

    # --- what the writer enters
    def add_flush(self, flush: Flush) -> None:
        """Enter a flush with its files, durably: from here on they exist. Those of earlier ones have their own names by now."""
        with self._transaction():
            self._connection.execute("update flush set is_renamed = 1 where is_renamed = 0")
            self._connection.execute(
                "insert into flush (number, at_ns, partial_after_ns) values (?, ?, ?)",
                (flush.number, flush.at_ns, flush.partial_after_ns),
            )
            self._connection.executemany(
                "insert into step values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        *(flush.number, step.partition, *step.after, *step.until, step.closed_at_ns),
                        *(step.partial_count, step.first_sequence, step.next_sequence),
                    )
                    for step in flush.steps
                ],
            )
            self._connection.executemany(
                "insert into file values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        *(file.content, file.tenant, file.sequence, file.format, flush.number, file.name, file.day),
                        *(file.row_count, file.record_count, file.octets, file.sha256),
                    )
                    for file in flush.files
                ],
            )

    def set_renamed(self) -> None:
        """The files of all flushes have their own names."""
        with self._transaction():
            self._connection.execute("update flush set is_renamed = 1 where is_renamed = 0")

    def add_checkpoint(self, checkpoint: Checkpoint, keep: int) -> list[str]:
        """Enter a checkpoint and forget all but the newest `keep`; names of those that were forgotten."""
        with self._transaction():
            self._connection.execute(
                "insert or replace into checkpoint values (?, ?, ?, ?)",
                (checkpoint.flush, checkpoint.name, checkpoint.octets, checkpoint.sha256),
            )
            names = self._rows("select name from checkpoint order by flush desc limit -1 offset ?", keep)
            self._connection.executemany("delete from checkpoint where name = ?", names)
        return [name for (name,) in names]

    def void(self, from_flush: int, partition: int, entries: Iterable[EntryId]) -> int:
        """Flushes from this one on, and these entries, count no longer, nor do checkpoints of them; how many flushes."""
        with self._transaction():
            voided = self._connection.execute(
                "update flush set is_void = 1 where number >= ? and is_void = 0", (from_flush,)
            ).rowcount
            self._connection.execute("delete from checkpoint where flush >= ?", (from_flush,))
            self._connection.executemany(
                "insert or ignore into void_entry values (?, ?, ?)", [(partition, *entry) for entry in entries]
            )
        return voided

    def void_files(self) -> list[RecordFile]:
        """Files of void flushes."""
        rows = self._rows("select number from flush where is_void = 1")
        return [file for (number,) in rows for file in self._files(number)]

    # --- what it is asked
    def last_number(self) -> int:
        """Number of the last flush, void ones included; 0 where there is none."""
        return int(self._row("select coalesce(max(number), 0) from flush")[0])

    def first_behind(self, partition: int, entry_id: EntryId) -> int:
        """The first flush that counts and took entries of the partition behind this one; one more than the last if none."""
        found = self._row(
            "select min(number) from step join flush on number = flush where is_void = 0 and partition = ?"
            " and (until_epoch, until_number) > (?, ?)",
            partition,
            *entry_id,
        )[0]
        return self.last_number() + 1 if found is None else int(found)

    def next_sequences(self) -> dict[tuple[str, str], int]:
        """Sequence of the next file by (content, tenant)."""
        rows = self._rows("select content, tenant, max(sequence) + 1 from file group by content, tenant")
        return {(content, tenant): sequence for content, tenant, sequence in rows}

    def next_record_sequences(self) -> dict[int, int]:
        """Local sequence of each partition's next record, above those of void flushes as well."""
        return dict(self._rows("select partition, max(next_sequence) from step group by partition"))

    def void_entries(self) -> set[tuple[int, EntryId]]:
        """(partition, id) of entries that are archived and don't count."""
        rows = self._rows("select partition, epoch, number from void_entry")
        return {(partition, EntryId(epoch, number)) for partition, epoch, number in rows}

    def checkpoints(self) -> list[Checkpoint]:
        """Checkpoints, newest first."""
        return [Checkpoint(*row) for row in self._rows("select * from checkpoint order by flush desc")]

    def unfinished(self) -> list[RecordFile]:
        """Files that may not have their own names yet."""
        found = self._rows(
            "select file.flush from file join flush on flush.number = file.flush where is_renamed = 0 group by file.flush"
        )
        return [file for (number,) in found for file in self._files(number)]

    def must_exist(self, number: int) -> bool:
        """Have the files of a flush that counts their own names?"""
        return self._row("select 1 from flush where number = ? and is_renamed = 1 and is_void = 0", number) is not None

    def flushes(self, after: int = 0, *, limit: int = -1, with_void: bool = False) -> list[Flush]:
        """Flushes behind this one that count, in order."""
        if self._layout() == 0:  # read before the writer has laid its tables down
            return []
        rows = self._rows(
            "select number, at_ns, partial_after_ns from flush where number > ? and is_void <= ? order by number limit ?",
            after,
            int(with_void),
            limit,
        )
        return [
            Flush(number, at_ns, partial_after_ns, self._steps(number), tuple(self._files(number)))
            for number, at_ns, partial_after_ns in rows
        ]

    def _steps(self, number: int) -> tuple[PartitionStep, ...]:
        rows = self._rows("select * from step where flush = ? order by partition", number)
        return tuple(PartitionStep(row[1], EntryId(*row[2:4]), EntryId(*row[4:6]), *row[6:]) for row in rows)

    def _files(self, number: int) -> list[RecordFile]:
        rows = self._rows(
            "select content, sequence, format, name, tenant, day, row_count, record_count, octets, sha256 from file"
            " where flush = ? order by content desc, tenant, sequence, format",
            number,
        )
        return [RecordFile(*row) for row in rows]

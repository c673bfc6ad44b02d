"""A record writer over a folder of segments, driven by hand: its clock stands still until a test moves it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from balances.edge.segment_files import SegmentReader
from balances.journal import decode_entry
from balances.store import EntryId
from cdr.edge.manifest_file import ManifestFile
from cdr.edge.read import read_records
from cdr.edge.writer import RecordWriter
from cdr.edge.writer_settings import WriterSettings
from cdr.manifest import Flush
from tests.cdr.twin import ROW_NAMES, Twin
from tests.reference.journal_entries import FIRST_NS, Asked, S, Used

NAMES = {1: "acme", 2: "other telecom/é"}


@dataclass
class Clock:
    """An instant that tests move."""

    now_ns: int = FIRST_NS

    def __call__(self) -> int:
        """The instant."""
        return self.now_ns


def settings_of(folder: Path, **more: Any) -> WriterSettings:
    """Settings of a writer that writes soon and keeps no disk free."""
    found = WriterSettings(
        segments=folder / "segments",
        folder=folder / "records",
        partitions=(0,),
        disk_free_octets_min=0,
        file_age_s=60,
        checkpoint_octets_min=1 << 30,
    )
    return replace(found, **more)


@contextmanager
def writing(settings: WriterSettings, clock: Callable[[], int], **more: Any) -> Iterator[RecordWriter]:
    """A started writer."""
    writer = RecordWriter(settings, NAMES, now_ns=clock, **more)
    try:
        writer.start()
        yield writer
    finally:
        writer.close()


def work_off(writer: RecordWriter) -> None:
    """Rounds until nothing is left to read."""
    while writer.round():
        pass


def write_all(settings: WriterSettings, clock: Callable[[], int], **more: Any) -> None:
    """A whole life of a writer: everything that is there, then a clean end."""
    with writing(settings, clock, **more) as writer:
        work_off(writer)
        writer.finish()


def rows_of(folder: Path) -> list[dict[str, Any]]:
    """Rows of all files by the manifest."""
    rows: list[dict[str, Any]] = read_records(folder).to_pylist()
    return sorted(rows, key=lambda row: (row["partition"], row["sequence"], row["line"]))


def twin_of(segments: Path, *, partition: int = 0, skip: frozenset[EntryId] = frozenset()) -> Twin:
    """The plain assembly over all entries of a partition."""
    twin = Twin(partition)
    reader = SegmentReader(segments, partition)
    while entries := reader.read():
        for entry in entries:
            if entry.entry_id not in skip:
                twin.apply(decode_entry(entry.octets))
    reader.close()
    return twin


def session_rows(number: int, *, update_count: int = 2, tenant: int = 1, first_ns: int = FIRST_NS) -> list[list[Asked]]:
    """The entries of a session from INITIAL to TERMINATION: 7 micros and 100 octets an update."""
    session = (number, number * 8)
    begin = Asked(
        session=session, type=1, tenant=tenant, session_id=b"pgw;%d" % number, origin_host=b"pgw.example",
        origin_realm=b"example", identity=b"\x01%d" % number, service_information=b"\x02\xff", received_ns=first_ns,
    )  # fmt: skip
    used = Used(rating_group=10, used_units=100, charged_micros=7, from_ns=first_ns, to_ns=first_ns + S, release=1,
                offer=2, price=3)  # fmt: skip
    updates = [
        Asked(session=session, type=2, tenant=tenant, number=index, received_ns=first_ns + index * S, usages=(used,))
        for index in range(1, update_count + 1)
    ]
    end_ns = first_ns + (update_count + 1) * S
    end = Asked(session=session, type=3, tenant=tenant, received_ns=end_ns, ended_session=1, termination_cause=1)
    return [[row] for row in (begin, *updates, end)]


def event(number: int, *, tenant: int = 1, received_ns: int = FIRST_NS) -> Asked:
    """A message that costs 40 micros."""
    used = Used(rating_group=30, used_units=1, charged_micros=40, unit=3, price=9, release=1, offer=2)
    return Asked(
        session=(77, number),
        type=4,
        tenant=tenant,
        session_id=b"sms;%d" % number,
        received_ns=received_ns,
        usages=(used,),
    )


def named(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of each row what the twin says, too."""
    return [{name: row[name] for name in ROW_NAMES} for row in rows]


def flushes_of(folder: Path) -> list[Flush]:
    """Flushes that count, as the manifest has them."""
    manifest = ManifestFile(folder, read_only=True)
    found = manifest.flushes()
    manifest.close()
    return found

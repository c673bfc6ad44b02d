"""What the manifest of record files says. One flush is one set of files and one step of the journal, entered together.

A flush moves the position of each partition from one journal entry to another, closes what is due at an instant, and
puts every record and movement that came of it into files, one a tenant, day and format. Its row is the only thing that
makes these files exist: readers follow the manifest, never the names in a folder. Since a flush also says how it was made
(positions, instants, numbers of partial records), the assembly state behind it comes out of the journal again; a checkpoint
of that state is only a short cut.

A flush is voided when the store lost the entries that it was made of (balances/journal_chain.py); what counts of them is
in a later flush. Record numbers and file sequences of voided flushes are not used again.
"""

from dataclasses import dataclass
from typing import Final

from balances.journal_chain import NO_ENTRY
from balances.store import EntryId

RECORDS: Final = "records"
MOVEMENTS: Final = "movements"
FORMATS_OF: Final = {RECORDS: ("csv", "parquet"), MOVEMENTS: ("parquet",)}
"""What files hold, and the formats of each."""
FORMATS: Final = FORMATS_OF[RECORDS]


class ManifestError(Exception):
    """The manifest can't be used, or something that it names is missing; the message says what and the remedy."""


@dataclass(frozen=True, slots=True)
class RecordFile:
    """A file of charging records or movements. CSV and Parquet with the same tenant and sequence hold the same rows."""

    content: str
    """RECORDS or MOVEMENTS"""
    sequence: int
    """from 1, without gaps within tenant and content but for voided ones"""
    format: str
    name: str
    """path below the folder of records"""
    tenant: str
    day: str
    """of closing, or of the movement; UTC"""
    row_count: int
    record_count: int
    """0 in files of movements"""
    octets: int
    sha256: str


@dataclass(frozen=True, slots=True)
class PartitionStep:
    """What a flush did in one partition."""

    partition: int
    after: EntryId = NO_ENTRY
    """the last entry of the flush before"""
    until: EntryId = NO_ENTRY
    """the last entry of this one"""
    closed_at_ns: int = 0
    """the instant at which what was due became a partial record"""
    partial_count: int = 0
    first_sequence: int = 1
    """of the records of this flush"""
    next_sequence: int = 1
    """of the first record of the next"""


@dataclass(frozen=True, slots=True)
class Flush:
    """One set of files."""

    number: int
    at_ns: int
    partial_after_ns: int
    steps: tuple[PartitionStep, ...]
    files: tuple[RecordFile, ...] = ()


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A saved assembly state, as it was after a flush."""

    flush: int
    name: str
    octets: int
    sha256: str


def file_name(content: str, tenant: str, day: str, sequence: int, suffix: str) -> str:
    """Path of a file below the folder of records; movements have a folder of their own there, a lake beside the lake."""
    above = "" if content == RECORDS else f"{content}/"
    return f"{above}tenant={_folder_word(tenant)}/day={day}/{sequence:010d}.{suffix}"


def _folder_word(text: str) -> str:
    """A tenant's name as one folder name: what is neither letter, digit nor one of `-_.` as %XX of its UTF-8."""
    is_plain = text.strip(".") != ""
    return "".join(
        chr(octet)
        if is_plain and (chr(octet).isascii() and (chr(octet).isalnum() or octet in b"-_."))
        else f"%{octet:02X}"
        for octet in text.encode()
    )

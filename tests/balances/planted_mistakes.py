"""Words of tests that plant a mistake in a record or an entry and expect the audit to turn red."""

import struct

from balances.audit import audit_partition
from balances.record import HEADER_DIRECTORY, HEADER_WORDS


def first_word(record, section):
    """First word of a section, and how many rows it has."""
    at = HEADER_WORDS
    for kind in range(section):
        at += record[HEADER_DIRECTORY + 2 * kind] * record[HEADER_DIRECTORY + 2 * kind + 1]
    return at, record[HEADER_DIRECTORY + 2 * section]


def add_to_word(record, word, amount):
    """The record with so much more in one of its words."""
    changed = bytearray(record)
    (value,) = struct.unpack_from("<q", changed, 8 * word)
    struct.pack_into("<q", changed, 8 * word, value + amount)
    return bytes(changed)


def account_with(records, section):
    """An account whose record has rows of a section."""
    return next(account for account, record in records.items() if first_word(record, section)[1])


def kinds_of(report):
    """The kinds of faults that a report has."""
    return set(report.fault_counts)


def faults_of(report, kind):
    """The faults of one kind."""
    return [fault for fault in report.faults if fault.kind is kind]


def audit_red(entries, records):
    """The report on a journal and records of which something is wrong; each fault says what was expected, and what found."""
    report = audit_partition(0, entries, records)
    assert not report.is_sound
    for fault in report.faults:
        assert fault.expected != fault.found, fault
    return report

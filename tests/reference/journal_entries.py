"""Journals for tests of whoever reads them: entries written out of plain rows through balances.journal.encode_entry."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from balances.journal import JOURNAL_REQUEST_DTYPE, MOVEMENT_DTYPE
from balances.journal_chain import NO_ENTRY
from balances.journal_reader import EntryRows
from balances.journal_writer import encode_entry
from balances.store import EntryId
from cdr.assembly import new_entry_reader
from charging.usage_record import USAGE_DTYPE
from vocabulary.outcomes import Outcome
from vocabulary.units import Unit

FIRST_NS = 1_790_000_000_000_000_000
S = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Used:
    """One usage row."""

    rating_group: int = -1
    service_identifier: int = -1
    used_units: int = 0
    allowance_units: int = 0
    uncharged_units: int = 0
    charged_micros: int = 0
    from_ns: int = 0
    to_ns: int = 0
    release: int = 0
    offer: int = 0
    price: int = 0
    unit: int = int(Unit.OCTETS)
    outcome: int = int(Outcome.GRANTED)
    final_action: int = 0
    requested_units: int = 0
    grant_basis: int = 0
    settled_by: int = int(Unit.MONEY)


@dataclass(frozen=True, slots=True)
class Moved:
    """One movement; `usage` is a place among the usages of its request, -1 for none."""

    kind: int
    amount: int
    held: int = 0
    bucket_id: int = 1
    allowance: int = 0
    unit: int = int(Unit.MONEY)
    usage: int = -1


@dataclass(frozen=True, slots=True)
class Asked:
    """One request row with its usage rows, movements and texts."""

    session: tuple[int, int] = (0, 0)
    account_id: int = 1
    received_ns: int = FIRST_NS
    number: int = 0
    tenant: int = 1
    currency: int = 978
    service_context: int = 32251
    kind: int = 0
    type: int = 2
    command: int = 0
    outcome: int = int(Outcome.GRANTED)
    termination_cause: int = 0
    ended_session: int = 0
    is_uncounted: int = 0
    denied_status: int = 0
    session_id: bytes = b""
    origin_host: bytes = b""
    origin_realm: bytes = b""
    identity: bytes = b""
    """kind as one octet, then the value"""
    service_information: bytes = b""
    usages: tuple[Used, ...] = field(default=())
    moved: tuple[Moved, ...] = field(default=())


_AS_THEY_ARE = (
    *("tenant", "service_context", "currency", "kind", "command", "outcome", "termination_cause", "ended_session"),
    *("is_uncounted", "denied_status"),
)


def entry_of(
    rows: Sequence[Asked],
    *,
    partition: int = 0,
    follows: EntryId = NO_ENTRY,
    now_ns: int = FIRST_NS,
    voids: tuple[str, ...] = (),
) -> bytes:
    """The octets of the journal entry with these rows."""
    requests = np.zeros(len(rows), JOURNAL_REQUEST_DTYPE)
    usages = np.zeros(sum(len(row.usages) for row in rows), USAGE_DTYPE)
    movements = np.zeros(sum(len(row.moved) for row in rows), MOVEMENT_DTYPE)
    texts = bytearray()
    place = moves = 0
    for index, row in enumerate(rows):
        request = requests[index]
        request["session_high"], request["session_low"] = row.session
        request["account_id"] = row.account_id
        request["received_ns"] = row.received_ns
        request["event_ns"] = row.received_ns
        request["request_number"] = row.number
        request["request_type"] = row.type
        for name in _AS_THEY_ARE:
            request[name] = getattr(row, name)
        for name in ("session_id", "origin_host", "origin_realm", "identity", "service_information"):
            request[f"{name}_length"] = len(getattr(row, name))
            texts += getattr(row, name)
        for moved in row.moved:
            for name in moved.__dataclass_fields__:
                movements[moves][name] = getattr(moved, name)
            movements[moves]["usage"] = -1 if moved.usage < 0 else place + moved.usage
            movements[moves]["request"] = index
            moves += 1
        for used in row.usages:
            for name in used.__dataclass_fields__:
                usages[place][name] = getattr(used, name)
            usages[place]["request"] = index
            place += 1
    tables = {"requests": requests, "usages": usages, "movements": movements}
    return encode_entry(
        partition=partition,
        follows=str(follows),
        now_ns=now_ns,
        tables=tables,
        octets=np.frombuffer(bytes(texts), np.uint8),
        voids=voids,
    )


def read_rows(octets: bytes) -> EntryRows:
    """An entry as the assembly of records takes it."""
    return new_entry_reader().read(octets)


def chain_of(
    entry_count: int, *, epoch: int = 5, partition: int = 0, rows_each: int = 1
) -> list[tuple[EntryId, bytes]]:
    """A journal of small entries that follow one another, each telling its number by its account ids."""
    journal = []
    before = NO_ENTRY
    for number in range(1, entry_count + 1):
        rows = [Asked(account_id=number * 1000 + row) for row in range(rows_each)]
        entry_id = EntryId(epoch, number)
        journal.append((entry_id, entry_of(rows, partition=partition, follows=before, now_ns=FIRST_NS + number)))
        before = entry_id
    return journal

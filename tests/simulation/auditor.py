"""The auditor: books of its own, kept from what clients were answered, held against the store when all is quiet.

Three witnesses must agree to the last micro: the records, the sum of the journal's movements, and a few lines of
arithmetic over the answers that clients saw. It knows prices from the catalogue of the simulation and nothing of kernels.
"""

from collections import defaultdict
from typing import Final

from balances.command_octets import decode_answer
from balances.commands import Applied, Change
from balances.edge.memory_store import MemoryStore
from balances.journal import FIRST_DEBIT, JournalEntry, MovementKind, decode_entry
from balances.journal_chain import Link, counting_ids
from balances.store import EntryId
from charging.batch import EVENT, KIND_USAGE
from tests.reference.record_octets import canonical_record
from tests.simulation.clients import (
    ALLOWANCE_GROUP,
    BLOCK_MICROS,
    BLOCK_UNITS,
    EVENT_MICROS,
    MONEY_GROUP,
    Asked,
    Clients,
)
from vocabulary.outcomes import Outcome
from vocabulary.units import Unit

Totals = dict[tuple[int, int], int]
"""Sums by (account id, unit)"""
RequestName = tuple[int, int, int, int, int]
"""(account id, session key high, low, request type, number)"""
_DEBITS: Final = (MovementKind.CHARGED, MovementKind.EXPIRED)


def entries_of(store: MemoryStore, partition: int) -> list[tuple[EntryId, JournalEntry]]:
    """The journal of a partition."""
    journal = store.snapshot(partition).journal
    return [(entry_id, decode_entry(journal[entry_id])) for entry_id in sorted(journal)]


def check_records(store: MemoryStore, partitions: int) -> None:
    """Every bucket of every record is the sum of the movements of the journal, and nothing is held any more."""
    for partition in range(partitions):
        folded: dict[tuple[int, int], list[int]] = defaultdict(lambda: [0, 0])
        for _, entry in entries_of(store, partition):
            accounts = entry.requests["account_id"].tolist()
            names = ("request", "bucket_id", "kind", "amount", "held")
            for row, bucket_id, kind, amount, held in zip(*(entry.movements[n].tolist() for n in names), strict=True):
                holding = folded[(accounts[row], bucket_id)]
                holding[0] += (-amount if kind >= FIRST_DEBIT else amount) - held
                holding[1] += held
        found: dict[tuple[int, int], list[int]] = {}
        for (_, account_id), octets in store.snapshot(partition).accounts.items():
            record = canonical_record(octets)
            assert record["sessions"] == [], f"account {account_id} has open sessions: {record['sessions']}"
            for bucket in record["buckets"]:
                found[(account_id, bucket["bucket_id"])] = [bucket["remaining"], bucket["reserved"]]
        for key in found.keys() | folded.keys():  # a bill on which nothing was ever owed has no movement
            assert found.get(key, [0, 0]) == folded[key], key
        assert all(reserved == 0 for _, reserved in found.values()), found


def charged_once(store: MemoryStore, partitions: int) -> set[RequestName]:
    """Requests that the journal has as granted; AssertionError where it has one twice."""
    seen: set[RequestName] = set()
    for partition in range(partitions):
        for entry_id, entry in entries_of(store, partition):
            names = ("account_id", "session_high", "session_low", "request_type", "request_number", "kind", "outcome")
            for *name, kind, outcome in zip(*(entry.requests[n].tolist() for n in names), strict=True):
                if kind == KIND_USAGE and outcome == Outcome.GRANTED:
                    request: RequestName = tuple(name)
                    assert request not in seen, f"{request} was decided twice, again in {entry_id}"
                    seen.add(request)
    return seen


def name_of(asked: Asked) -> RequestName:
    """What the journal calls a request."""
    request = asked.request
    assert request.account_id is not None
    return (request.account_id, *request.session, request.type, request.number)


def was_charged(asked: Asked) -> bool:
    """Does the client believe that this request counted?"""
    answer = asked.answer
    if answer is None or answer.outcome != Outcome.GRANTED:
        return False
    return asked.request.type != EVENT or answer.msccs[0].granted is not None


def expected_charges(clients: Clients, counted: set[RequestName]) -> Totals:
    """What every account paid by the answers of its clients, for the requests that count."""
    totals: Totals = defaultdict(int)
    used_of_session: dict[tuple[int, tuple[int, int]], int] = defaultdict(int)
    for asked in clients.asked:
        if not was_charged(asked) or name_of(asked) not in counted:
            continue
        account_id = name_of(asked)[0]
        for mscc in asked.request.msccs:
            used = (mscc.used or {}).get(Unit.OCTETS, 0)
            if asked.request.type == EVENT:
                totals[(account_id, Unit.BILL)] += EVENT_MICROS * (mscc.requested or {})[Unit.EVENTS]
            elif mscc.rating_group == MONEY_GROUP:
                used_of_session[(account_id, asked.request.session)] += used
            elif mscc.rating_group == ALLOWANCE_GROUP:
                totals[(account_id, Unit.OCTETS)] += used
    for (account_id, _), used in used_of_session.items():
        totals[(account_id, Unit.MONEY)] += -(-used // BLOCK_UNITS) * BLOCK_MICROS
    return totals


def check_books(
    store: MemoryStore, partitions: int, clients: Clients, counted: set[RequestName], credited: Totals
) -> None:
    """What remains of each account is what it was given less what its clients were charged."""
    charges = expected_charges(clients, counted)
    remaining: Totals = defaultdict(int)
    for partition in range(partitions):
        for (_, account_id), octets in store.snapshot(partition).accounts.items():
            record = canonical_record(octets)
            for bucket in record["buckets"]:
                remaining[(account_id, bucket["unit"])] += bucket["remaining"]
            charged = sum(charges.get((account_id, unit), 0) for unit in (Unit.MONEY, Unit.BILL))
            assert record["charged_micros"] == charged, account_id
    for key in credited.keys() | charges.keys() | remaining.keys():
        assert remaining.get(key, 0) == credited.get(key, 0) - charges.get(key, 0), key


def check_nothing_lost(clients: Clients, counted: set[RequestName], lost_at_step: int) -> list[Asked]:
    """Requests that were answered as counting and don't; none but what was answered before the store was set back."""
    lost = [asked for asked in clients.asked if was_charged(asked) and name_of(asked) not in counted]
    for asked in lost:
        assert asked.answered_at_step <= lost_at_step, f"answered and lost: {asked}"
    return lost


def check_chain(store: MemoryStore, partitions: int, archive: list[dict[EntryId, bytes]]) -> None:
    """A reader of all that was ever archived finds the store's journal, and each lost entry is named as void."""
    for partition in range(partitions):
        decoded = {entry_id: decode_entry(octets) for entry_id, octets in archive[partition].items()}
        links = [Link(entry_id, EntryId.parse(entry.follows)) for entry_id, entry in decoded.items()]
        counting = counting_ids(partition, links)
        assert counting == [entry_id for entry_id, _ in entries_of(store, partition)]
        voided = {EntryId.parse(name) for entry in decoded.values() for name in entry.voids}
        assert decoded.keys() - set(counting) <= voided
        assert not voided & set(counting)


async def credited_by(store: MemoryStore, partitions: int, commands: list[Change]) -> Totals:
    """What the answered commands gave; each has an answer by now."""
    totals: Totals = defaultdict(int)
    for command in commands:
        partition = command.account_id % partitions
        (octets,) = await store.command_answers(partition, [command.command_id])
        assert octets is not None, f"{command.command_id} was never answered"
        if isinstance(decode_answer(octets), Applied):
            for credit in command.credits:
                totals[(command.account_id, int(credit.unit))] += credit.amount
    return totals

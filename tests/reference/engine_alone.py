"""The kernels without a store: records, kept answers and journal entries lie in dicts, requests come as plain objects.

What the batcher does in a process is done here for one batch at a time: rows are laid into a UsageBatch, accounts get
their slots (charging.grouping), records go into the arena, `decide` runs, what changed is taken out again, and the
journal rows become an entry that is encoded and decoded as it would be on its way through a store.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from balances.arena import Arena, new_arena
from balances.journal import JournalEntry, MovementKind, decode_entry
from balances.journal_writer import encode_entry
from balances.stored_record import to_stored
from charging.batch import (
    COMMAND_CHANGE,
    COMMAND_LEVEL_LIMIT,
    COMMAND_OPEN,
    COUNT_CREDITS,
    COUNT_MSCCS,
    COUNT_OCTETS,
    COUNT_REQUESTS,
    ENDS_AT_TARIFF_CHANGE,
    HAS_EVENT_TIMESTAMP,
    HAS_REQUESTED,
    HAS_REQUESTED_ACTION,
    HAS_REQUESTED_EVENTS,
    HAS_REQUESTED_OCTETS,
    HAS_REQUESTED_SECONDS,
    HAS_USED,
    HAS_USED_BEFORE,
    HAS_USED_EVENTS,
    HAS_USED_OCTETS,
    HAS_USED_SECONDS,
    IS_RETRANSMISSION,
    KIND_COMMAND,
    KIND_EXPIRE,
    KIND_USAGE,
    NEVER_COUNTS,
    REPORTS_ALONE,
    AnswerBatch,
    UsageBatch,
    new_answer_batch,
    new_recorded_answers,
    new_usage_batch,
)
from charging.decision import JournalRows, Scratch, new_journal_rows, new_scratch
from charging.engine import decide
from charging.grouping import Accounts, GroupTable, group_requests, new_accounts, new_group_table
from charging.tariff_tables import TariffTables, empty_tables
from tests.reference.placing import place_records
from tests.reference.requests import (
    Answer,
    AskSessions,
    Change,
    Credit,
    CreditControl,
    Debit,
    Mscc,
    MsccAnswer,
    Open,
    Request,
)
from vocabulary.instants import NS_PER_S
from vocabulary.limits import ANSWERED_EVENT_KEPT_S
from vocabulary.outcomes import Outcome
from vocabulary.units import Unit

SLOTS: Final = 256
UNIT_COLUMNS: Final = (
    (Unit.OCTETS, "octets", HAS_REQUESTED_OCTETS, HAS_USED_OCTETS),
    (Unit.SECONDS, "seconds", HAS_REQUESTED_SECONDS, HAS_USED_SECONDS),
    (Unit.EVENTS, "events", HAS_REQUESTED_EVENTS, HAS_USED_EVENTS),
)


class Memory(NamedTuple):
    """The arrays that every batch uses again, as in the process."""

    arena: Arena
    batch: UsageBatch
    answers: AnswerBatch
    recorded: NDArray[np.int64]
    journal: JournalRows
    scratch: Scratch
    accounts: Accounts
    table: GroupTable


def new_memory(slots: int) -> Memory:
    """Arrays for batches of so many requests of as many accounts."""
    return Memory(
        new_arena(slots, slots * 4096),
        new_usage_batch(slots, 2048, 65536),
        new_answer_batch(slots, 2048),
        new_recorded_answers(slots),
        new_journal_rows(),
        new_scratch(),
        new_accounts(),
        new_group_table(),
    )


@cache
def shared_memory() -> Memory:
    """One set for the whole test run: it also shows what an earlier batch leaves behind."""
    return new_memory(SLOTS)


@dataclass(slots=True)
class Kept:
    """The recorded answer of an event, and how long it is kept."""

    words: NDArray[np.int64]
    until_ns: int


@dataclass(slots=True)
class EngineAlone:
    """A store in dicts and the engine over it; records by (tenant, account id), as their keys have it."""

    tariffs: TariffTables = field(default_factory=empty_tables)
    records: dict[tuple[int, int], bytes] = field(default_factory=dict)
    kept: dict[tuple[int, int], Kept] = field(default_factory=dict)
    entries: list[tuple[str, bytes]] = field(default_factory=list)
    memory: Memory = field(default_factory=shared_memory)

    def decide(self, requests: Sequence[Request], now_ns: int) -> tuple[list[Answer], JournalEntry]:
        """Decide a batch, keep what changed, and give the answers and the journal entry."""
        memory = self.memory
        fill_batch(memory.batch, requests)
        group_requests(memory.batch, memory.table, memory.accounts)
        slot_count = int(memory.accounts.counts[0])
        self.load(slot_count, now_ns)
        decide(
            memory.arena,
            slot_count,
            self.tariffs,
            memory.batch,
            memory.recorded,
            now_ns,
            memory.answers,
            memory.journal,
            memory.scratch,
        )
        self._store(memory, slot_count, now_ns)
        return read_answers(memory.batch, memory.answers), self._journal(memory.journal, now_ns)

    def load(self, slot_count: int, now_ns: int) -> None:
        """Place the records of the batch's slots in the arena, as a load from a store would."""
        memory = self.memory
        ids = memory.accounts.account_ids[:slot_count].tolist()
        tenants = memory.accounts.tenants[:slot_count].tolist()
        octets = [
            to_stored(self.records[key]) if key in self.records else b"" for key in zip(tenants, ids, strict=True)
        ]
        lengths = np.array([len(own) for own in octets], np.int64)
        first = np.cumsum(lengths) - lengths
        source = np.frombuffer(b"".join(octets) + b"\0", np.uint8)
        bad = place_records(memory.arena, source, first, lengths, memory.accounts.room_words, slot_count)
        assert bad == -1, f"record of account {ids[bad]} is refused"
        self.kept = {key: kept for key, kept in self.kept.items() if now_ns < kept.until_ns}
        for row, (high, low) in enumerate(memory.accounts.answered[: memory.accounts.counts[1]]):
            kept = self.kept.get((int(high), int(low)))
            memory.recorded[row] = 0 if kept is None else kept.words

    def _store(self, memory: Memory, slot_count: int, now_ns: int) -> None:
        arena = memory.arena
        for slot in range(slot_count):
            if arena.changed[slot]:
                first, length = int(arena.first[slot]), int(arena.length[slot])
                assert length <= arena.capacity[slot]
                key = int(memory.accounts.tenants[slot]), int(memory.accounts.account_ids[slot])
                self.records[key] = arena.words[first : first + length].tobytes()
        for row in range(int(memory.batch.counts[COUNT_REQUESTS])):
            if memory.answers.answers[row]["keeps_answer"]:
                at = int(memory.batch.requests[row]["answered"])
                high, low = memory.accounts.answered[at]
                until_ns = now_ns + ANSWERED_EVENT_KEPT_S * NS_PER_S
                self.kept[(int(high), int(low))] = Kept(memory.recorded[at].copy(), until_ns)

    def _journal(self, journal: JournalRows, now_ns: int) -> JournalEntry:
        counts = [int(count) for count in journal.counts]
        entry = encode_entry(
            partition=0,
            follows=self.entries[-1][0] if self.entries else "0-0",
            now_ns=now_ns,
            tables={
                "requests": journal.requests[: counts[0]],
                "usages": journal.usages[: counts[1]],
                "movements": journal.movements[: counts[2]],
            },
            octets=journal.octets[: counts[3]],
        )
        decoded = decode_entry(entry)
        if counts[0]:
            self.entries.append((f"1-{len(self.entries) + 1}", entry))
        return decoded


def fill_batch(batch: UsageBatch, requests: Sequence[Request]) -> None:
    """Lay requests into a batch, as a front end and the lookup of accounts would."""
    batch.counts[:] = 0
    batch.requests[: len(requests)] = 0
    for row, request in enumerate(requests):
        columns = batch.requests[row]
        columns["account_id"] = -1 if request.account_id is None else request.account_id
        columns["tenant"], columns["received_ns"] = request.tenant, request.received_ns
        columns["mscc_first"], columns["credit_first"] = batch.counts[COUNT_MSCCS], batch.counts[COUNT_CREDITS]
        columns["slot"] = columns["answered"] = columns["command_id"] = columns["service_context"] = -1
        if isinstance(request, CreditControl):
            _fill_credit_control(batch, row, request)
        elif isinstance(request, Open | Change):
            _fill_command(batch, row, request)
        elif isinstance(request, AskSessions):
            columns["kind"], columns["command"], columns["command_id"] = KIND_COMMAND, request.command, row
            columns["session_high"], columns["session_low"] = request.session or (0, 0)
        else:
            columns["kind"] = KIND_EXPIRE
    batch.counts[COUNT_REQUESTS] = len(requests)


def _fill_credit_control(batch: UsageBatch, row: int, request: CreditControl) -> None:
    columns = batch.requests[row]
    columns["kind"] = KIND_USAGE
    columns["session_high"], columns["session_low"] = request.session
    columns["request_type"], columns["request_number"] = request.type, request.number
    columns["body_hash"], columns["service_context"] = request.body_hash, request.service_context
    columns["outcome"], columns["refusal"] = request.outcome, request.refusal
    presence = NEVER_COUNTS * request.never_counts + COMMAND_LEVEL_LIMIT * request.command_level_limit
    presence |= IS_RETRANSMISSION * request.is_sent_again | ENDS_AT_TARIFF_CHANGE * request.ends_at_tariff_change
    presence |= REPORTS_ALONE * request.reports_alone
    if request.event_ns is not None:
        presence |= HAS_EVENT_TIMESTAMP
        columns["event_ns"] = request.event_ns
    if request.requested_action is not None:
        presence |= HAS_REQUESTED_ACTION
        columns["requested_action"] = request.requested_action
    columns["presence"] = presence
    columns["mscc_count"] = len(request.msccs)
    for mscc in request.msccs:
        place = int(batch.counts[COUNT_MSCCS])
        batch.msccs[place] = 0
        _fill_mscc(batch.msccs[place], mscc, row)
        batch.counts[COUNT_MSCCS] += 1


def _fill_mscc(columns: Any, mscc: Mscc, row: int) -> None:
    columns["request"], columns["reporting_reason"] = row, -1
    columns["rating_group"] = -1 if mscc.rating_group is None else mscc.rating_group
    columns["service_identifier"] = -1 if mscc.service_identifier is None else mscc.service_identifier
    columns["upf"], columns["outcome"] = mscc.upf or 0, mscc.outcome
    presence = HAS_REQUESTED * (mscc.requested is not None) + HAS_USED * (mscc.used is not None)
    for unit, name, has_requested, has_used in UNIT_COLUMNS:
        if mscc.requested is not None and unit in mscc.requested:
            presence |= has_requested
            columns[f"requested_{name}"] = mscc.requested[unit]
        if mscc.used is not None and unit in mscc.used:
            presence |= has_used
            columns[f"used_{name}"] = mscc.used[unit]
        if mscc.before is not None:
            presence |= HAS_USED_BEFORE
            columns[f"before_{name}"] = mscc.before.get(unit, 0)
    columns["presence"] = presence


def _fill_command(batch: UsageBatch, row: int, request: Open | Change) -> None:
    columns = batch.requests[row]
    columns["kind"] = KIND_COMMAND
    batch.changes[row] = 0
    change = batch.changes[row]
    if isinstance(request, Open):
        columns["command"] = COMMAND_OPEN
        rows = [_amount_row(credit) for credit in request.credits]
        for name in ("expires_ns", "credit_limit_micros", "product_from_ns", "product_to_ns"):
            change[name] = getattr(request, name)
        for name in ("offer", "release", "currency", "status"):
            change[name] = getattr(request, name)
    else:
        columns["command"] = COMMAND_CHANGE
        rows = [_amount_row(amount) for amount in request.amounts]
        rows += _fill_change(change, request)
    columns["command_id"], columns["credit_count"] = row, len(rows)
    name, at = request.command_id.encode(), int(batch.counts[COUNT_OCTETS])
    columns["session_id_offset"], columns["session_id_length"] = at, len(name)
    columns["message_offset"], columns["message_length"] = at, len(name)
    batch.octets[at : at + len(name)] = np.frombuffer(name, np.uint8)
    batch.counts[COUNT_OCTETS] += len(name)
    for amount in rows:
        batch.credits[batch.counts[COUNT_CREDITS]] = amount
        batch.counts[COUNT_CREDITS] += 1


def _fill_change(change: Any, request: Change) -> list[tuple[int, ...]]:
    """The change's columns; the rows of allowances that end."""
    change["status"] = int(request.status)
    if request.credit_limit_micros is not None:
        change["sets_credit_limit"], change["credit_limit_micros"] = 1, request.credit_limit_micros
    if request.applies is not None:
        change["product_from_ns"], change["product_to_ns"] = request.applies.from_ns, request.applies.to_ns
        for name in ("offer", "release", "priority"):
            change[name] = getattr(request.applies, name)
    if request.ends is None:
        return []
    change["ends_offer"], change["ends_ns"] = request.ends.offer, request.ends.at_ns
    kind = int(MovementKind.EXPIRED)
    return [(0, 0, request.ends.at_ns, number, 0, int(unit), 0, kind, 0) for unit, number in request.ends.allowances]


def _amount_row(amount: Credit | Debit) -> tuple[int, ...]:
    is_credit = isinstance(amount, Credit)
    return (
        amount.amount,
        amount.from_ns if isinstance(amount, Credit) else 0,
        amount.to_ns if isinstance(amount, Credit) else 0,
        amount.allowance,
        amount.bucket_id,
        int(amount.unit),
        amount.priority if isinstance(amount, Credit) else 0,
        int(amount.movement),
        not is_credit and amount.may_go_below_zero,
    )


def read_answers(batch: UsageBatch, answers: AnswerBatch) -> list[Answer]:
    """The answers of a batch as plain objects."""
    found = []
    for row in range(int(batch.counts[COUNT_REQUESTS])):
        columns, request = answers.answers[row], batch.requests[row]
        first = int(request["mscc_first"])
        found.append(
            Answer(
                Outcome(int(columns["outcome"])),
                bool(columns["is_duplicate"]),
                bool(columns["opened_session"] == 1),
                bool(columns["ended_session"]),
                bool(columns["keeps_answer"]),
                int(columns["failed_code"]),
                [_read_mscc(answers.msccs[first + index]) for index in range(int(request["mscc_count"]))],
            )
        )
    return found


def _read_mscc(columns: Any) -> MsccAnswer:
    granted = int(columns["granted"]) if columns["has_grant"] else None
    return MsccAnswer(
        Outcome(int(columns["outcome"])),
        Unit(int(columns["unit"])),
        granted,
        int(columns["validity_s"]),
        int(columns["final_action"]),
        int(columns["threshold_units"]),
        int(columns["holding_s"]),
        int(columns["final_unit"]),
        int(columns["tariff_change_s"]),
    )


Moves = dict[tuple[int, int, int, int], tuple[int, int, dict[MovementKind, int], int]]


def canonical_movements(entry: JournalEntry) -> Moves:
    """(unit, allowance, amounts by kind, held) by (request, usage, account, bucket), as the twin's books say it."""
    sums: Moves = {}
    columns = [entry.movements[name].tolist() for name in ("request", "usage", "bucket_id", "unit", "allowance")]
    amounts = [entry.movements[name].tolist() for name in ("kind", "amount", "held")]
    accounts = entry.requests["account_id"].tolist()
    for request, usage, bucket_id, unit, allowance, kind, amount, held in zip(*columns, *amounts, strict=True):
        assert amount >= 0, "a movement below nothing"
        assert amount > 0 or held != 0, "a movement that moves nothing"
        assert (kind == MovementKind.HELD) == (amount == 0), "kind is HELD where only `held` is not 0"
        cause = (request, usage, accounts[request], bucket_id)
        _, _, by_kind, held_before = sums.setdefault(cause, (unit, allowance, {}, 0))
        if amount:
            by_kind[MovementKind(kind)] = by_kind.get(MovementKind(kind), 0) + amount
        sums[cause] = (unit, allowance, by_kind, held_before + held)
    return sums

"""One batch from loaded records to the commit that writes it: records placed, rows decided, journal entry and keys made."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from balances.command_octets import encode_answer
from balances.commands import Applied, CommandAnswer, Refused
from balances.kept_records import FORGOTTEN, forget_records, new_kept_records
from balances.store import Commit, EntryId, Expiring, Load, Loaded, Ownership
from charging.batch import COUNT_REQUESTS, KIND_COMMAND, KIND_EXPIRE
from charging.decision import ROWS_REQUESTS, new_scratch
from charging.grouping import new_group_table
from charging.tariff_tables import TariffTables
from runtime.batch_in_flight import BatchInFlight
from runtime.batch_kernels import (
    COUNT_DUE,
    COUNT_ROUTE_OCTETS,
    COUNT_ROUTES,
    COUNT_SESSION_KEYS,
    HELD_DECIDER,
    DeciderMemory,
    decide_batch,
    keep_batch,
    place_batch,
    prepare_batch,
)
from vocabulary.held import Held
from vocabulary.limits import COMMAND_ANSWER_KEPT_S, SUPERVISION_WITHOUT_QUOTA_S
from vocabulary.outcomes import Outcome


class PoisonedBatch(Exception):
    """A record of the batch contradicts itself; the batch is to be decided again in halves."""


class RecordsForgotten(Exception):
    """A record that was kept when the load was prepared is no more; load the batch whole."""


class Deciding(NamedTuple):
    """What settings say of it."""

    kept_octets: int
    """of account records that needn't be asked from the store, a partition"""
    supervision_s: int = SUPERVISION_WITHOUT_QUOTA_S
    """life of a session that holds no quota"""


class BatchDecider:
    """Decides the batches of one partition, one at a time, on records that are kept or loaded."""

    def __init__(self, settings: Deciding) -> None:
        self._kept = new_kept_records(settings.kept_octets)
        memory = DeciderMemory(self._kept, new_group_table(), new_scratch(settings.supervision_s))
        self._held = Held(memory, HELD_DECIDER)

    def prepare(self, batch: BatchInFlight, *, is_whole: bool = False) -> Load:
        """Group the batch's rows by account and say what has to be loaded for them: what isn't kept, or all of it."""
        accounts, sought = batch.accounts, batch.sought
        if batch.command_ids:
            _forget_answered_commands(batch)
        slot_count = int(prepare_batch(batch.held.octets, self._held.octets, is_whole))
        batch.load = Load(
            tenants=sought.tenants,
            account_ids=sought.account_ids,
            slot_count=slot_count,
            answered=accounts.answered[: accounts.counts[1]],
            names=[f"command:{command_id}" for command_id in batch.command_ids],
        )
        return batch.load

    def decide(self, batch: BatchInFlight, loaded: Loaded, tariffs: Held[TariffTables], now_ns: int) -> None:
        """Decide the prepared batch on what its load brought.

        PoisonedBatch where a record can't be read or contradicts itself. RecordsForgotten: prepare it whole and load it.
        """
        self._place(batch, loaded)
        _skip_answered_commands(batch, loaded)
        try:
            decide_batch(batch.held.octets, self._held.octets, tariffs.octets, now_ns)
        except AssertionError as error:
            # What the failed row had moved must not be posted to the next one.
            for sums in self._held.value.scratch.ledger:
                sums[:] = 0
            raise PoisonedBatch(f"a record contradicts itself: {error}") from error
        batch.decided_ns = now_ns

    def _place(self, batch: BatchInFlight, loaded: Loaded) -> None:
        """Lay the batch's records into its arena."""
        bad = place_batch(
            batch.held.octets,
            self._held.octets,
            loaded.source,
            loaded.first,
            loaded.octets,
            loaded.answered_first,
            loaded.answered_octets,
        )
        if bad == FORGOTTEN:
            raise RecordsForgotten
        if bad >= 0:
            raise PoisonedBatch(
                f"account {batch.accounts.account_ids[bad]}: its record is not of a layout that this release reads"
            )

    def is_whole(self, batch: BatchInFlight) -> bool:
        """Was every record of the prepared batch asked from the store?"""
        return batch.load is not None and batch.load.slot_count == int(batch.accounts.counts[0])

    def keep(self, batch: BatchInFlight) -> None:
        """Its commit is confirmed: the store has of these accounts what was decided."""
        keep_batch(batch.held.octets, self._held.octets)

    def forget(self) -> None:
        """The store has other records than this owner knows."""
        forget_records(self._kept)


def _forget_answered_commands(batch: BatchInFlight) -> None:
    """What was skipped as answered on an earlier load is asked again: the store may have lost that answer since."""
    requests = batch.usage.requests[: batch.request_count]
    skipped = (requests["kind"] == KIND_COMMAND) & (requests["outcome"] == Outcome.GRANTED)
    requests["outcome"][skipped] = Outcome.UNDECIDED


def drop_commands(batch: BatchInFlight) -> None:
    """Decide no account command of the batch: its reader reads them again from where the store is now."""
    if not batch.command_ids:
        return
    requests = batch.usage.requests[: batch.request_count]
    requests["outcome"][requests["kind"] == KIND_COMMAND] = Outcome.TOO_BUSY
    batch.command_ids.clear()
    batch.commands_position = None


def _skip_answered_commands(batch: BatchInFlight, loaded: Loaded) -> None:
    """Commands whose answer the store has already are not decided again: their outcome is passed on."""
    if not batch.command_ids:
        return
    requests = batch.usage.requests
    seen: set[int] = {index for index, value in enumerate(loaded.values) if value is not None}
    first_of: dict[str, int] = {}
    for index, command_id in enumerate(batch.command_ids):
        if first_of.setdefault(command_id, index) != index:
            seen.add(index)
    if not seen:
        return
    for row in range(batch.request_count):
        if requests[row]["kind"] == KIND_COMMAND and int(requests[row]["command_id"]) in seen:
            requests[row]["outcome"] = Outcome.GRANTED


def has_effect(batch: BatchInFlight) -> bool:
    """Does the decided batch write anything? A batch of nothing but repeats doesn't.

    A wake-up that found nothing due yet writes when it is to come again, else nobody would.
    """
    return (
        bool(batch.journal.counts[ROWS_REQUESTS])
        or batch.commands_position is not None
        or bool(batch.key_counts[COUNT_DUE])
        or bool(batch.command_ids and _command_answers(batch))
    )


def make_commit(batch: BatchInFlight, ownership: Ownership, previous_id: EntryId, entry_id: EntryId) -> Commit:
    """The commit of a decided batch: journal entry, changed records, session routes, recorded answers, due hints."""
    journal, accounts, counts = batch.journal, batch.accounts, batch.key_counts.tolist()
    entry = batch.entry.write(
        partition=ownership.partition,
        follows=str(previous_id),
        now_ns=batch.decided_ns,
        counts=tuple(journal.counts.tolist()),
        voids=tuple(batch.voids),
    )
    batch.commit = Commit(
        ownership=ownership,
        entry_id=entry_id,
        previous_id=previous_id,
        entry=entry,
        arena=batch.arena,
        tenants=accounts.tenants,
        account_ids=accounts.account_ids,
        slot_count=int(accounts.counts[0]),
        routes=batch.routes[: counts[COUNT_ROUTES]],
        route_octets=batch.route_octets[: counts[COUNT_ROUTE_OCTETS]],
        session_keys=batch.session_keys[: counts[COUNT_SESSION_KEYS]],
        expiring=_command_answers(batch) if batch.command_ids else (),
        due=_due_hints(batch),
        commands_position=batch.commands_position,
    )
    return batch.commit


def _command_answers(batch: BatchInFlight) -> list[Expiring]:
    """The answers that the senders of account commands wait for."""
    requests, answers = batch.usage.requests[: batch.request_count], batch.answers.answers[: batch.request_count]
    # A command that came in as GRANTED has its answer in the store already.
    rows = np.flatnonzero((requests["kind"] == KIND_COMMAND) & (requests["outcome"] != Outcome.GRANTED))
    written = []
    for account_id, command, outcome, remaining, was_so in zip(
        requests["account_id"][rows].tolist(),
        requests["command_id"][rows].tolist(),
        answers["outcome"][rows].tolist(),
        answers["remaining"][rows].tolist(),
        answers["is_duplicate"][rows].tolist(),
        strict=True,
    ):
        answer: CommandAnswer
        if outcome == Outcome.GRANTED:
            answer = Applied(account_id, remaining, bool(was_so))
        else:
            answer = Refused(account_id, Outcome(outcome))
        name = f"command:{batch.command_ids[command]}"
        written.append(Expiring(name, encode_answer(answer), COMMAND_ANSWER_KEPT_S))
    return written


def _due_hints(batch: BatchInFlight) -> list[tuple[int, NDArray[np.int64]]]:
    """Accounts by the 5-minute bucket in which something of theirs expires."""
    count = int(batch.key_counts[COUNT_DUE])
    if count == 0:
        return []
    buckets, members = batch.due_buckets[:count], batch.due_members[:count]
    return [(bucket, members[buckets == bucket]) for bucket in sorted(set(buckets.tolist()))]


def fill_expiry_row(batch: BatchInFlight, tenant: int, account_id: int, now_ns: int) -> None:
    """Append the row that lets what is due in one account expire."""
    row = int(batch.usage.counts[COUNT_REQUESTS])
    request = batch.usage.requests[row]
    batch.usage.requests[row] = np.zeros((), request.dtype)
    request["kind"] = KIND_EXPIRE
    request["tenant"] = tenant
    request["account_id"] = account_id
    request["received_ns"] = now_ns
    request["command_id"] = -1
    request["connection"] = -1
    batch.usage.counts[COUNT_REQUESTS] = row + 1

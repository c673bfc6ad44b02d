"""Account commands become rows that carry their ids, also where a batch is moved."""

import numpy as np

from balances.commands import Change, Credit
from balances.session_commands import SessionAction, SessionCommand
from charging.batch import COUNT_OCTETS, COUNT_REQUESTS, new_usage_batch
from charging.batch_rows import append_request
from runtime.batch_in_flight import BatchInFlight
from runtime.commands_reader import append_command
from vocabulary.units import Unit

NOW_NS = 1_790_000_000_000_000_000
COMMANDS = (
    Change("voucher-1", 1, 5, amounts=(Credit(Unit.MONEY, 100),)),
    SessionCommand("abort-ü", 1, 6, SessionAction.ABORT, 7, 8),
)


def ids_of(usage):
    rows = usage.requests[: usage.counts[COUNT_REQUESTS]]
    spans = zip(rows["session_id_offset"].tolist(), rows["session_id_length"].tolist(), strict=True)
    return [usage.octets[at : at + length].tobytes().decode() for at, length in spans]


def test_rows_carry_the_ids_of_their_commands():
    batch = BatchInFlight()
    assert all(append_command(batch, command, NOW_NS) for command in COMMANDS)
    assert ids_of(batch.usage) == batch.command_ids == ["voucher-1", "abort-ü"]
    moved = new_usage_batch(8, 8, 1000)
    moved.counts[COUNT_OCTETS] = 100
    for row in (1, 0):
        append_request(moved, batch.usage, row)
    assert ids_of(moved) == ["abort-ü", "voucher-1"]
    assert moved.requests["account_id"][:2].tolist() == [6, 5]


def test_a_batch_without_room_for_the_id_takes_no_command():
    batch = BatchInFlight()
    batch.usage.counts[COUNT_OCTETS] = batch.usage.octets.shape[0] - len("voucher-1") + 1
    before = batch.usage.counts.copy()
    assert not append_command(batch, COMMANDS[0], NOW_NS)
    assert np.array_equal(batch.usage.counts, before)

"""Account commands from their stream into the owner's batches, and no faster than these are written.

A command becomes a row like a request. The commit that decides it sets its answer and the stream position, so a reader
that starts anew begins behind what was decided; a command that was decided already is found by its answer and skipped.
"""

import asyncio
from typing import Final

import numpy as np
import structlog

from balances.command_octets import decode_command, encode_command
from balances.commands import (
    AccountCommand,
    Amount,
    Change,
    CommandError,
    CommandLog,
    CommandRow,
    Credit,
    Open,
    ProductEnd,
)
from balances.journal import MovementKind
from balances.store import StoreError
from charging.batch import (
    CHANGE_DTYPE,
    COMMAND_CHANGE,
    COMMAND_OPEN,
    COUNT_CREDITS,
    COUNT_OCTETS,
    COUNT_REQUESTS,
    KIND_COMMAND,
    REQUEST_DTYPE,
    UsageBatch,
)
from runtime.batch_in_flight import BatchInFlight, when_written
from runtime.clock import Clock
from runtime.partition_pipeline import PartitionPipeline
from runtime.pipeline_events import PipelineState

CHUNK_COMMANDS: Final = 1000
WAIT_MS: Final = 5000
RETRY_S: Final = 0.5
_EMPTY_REQUEST: Final = np.zeros((), REQUEST_DTYPE)
_EMPTY_CHANGE: Final = np.zeros((), CHANGE_DTYPE)


async def read_commands(store: CommandLog, pipeline: PartitionPipeline, clock: Clock) -> None:
    """Decide the partition's commands in order, for ever, a chunk at a time."""
    log = structlog.get_logger(process="engine")
    ownership = pipeline.ownership
    position = ownership.commands_position
    task = asyncio.current_task()
    assert task is not None
    while pipeline.state is not PipelineState.LOST:
        if task.cancelling():  # redis-py's time-outs (asyncio.wait_for) can swallow a cancellation
            raise asyncio.CancelledError
        try:
            rows = await store.read_commands(pipeline.partition, position, CHUNK_COMMANDS, wait_ms=WAIT_MS)
        except (StoreError, OSError) as error:
            log.info("account commands can't be read", partition=pipeline.partition, reason=str(error))
            await asyncio.sleep(RETRY_S)
            continue
        if pipeline.ownership is ownership:
            position = await decide_commands(rows, position, pipeline, clock, log)
        if pipeline.ownership is not ownership:  # the store went back, and its stream and position with it
            ownership = pipeline.ownership
            position = ownership.commands_position


async def decide_commands(
    rows: list[CommandRow],
    position: str,
    pipeline: PartitionPipeline,
    clock: Clock,
    log: structlog.stdlib.BoundLogger,
) -> str:
    """Decide commands that were read behind `position`, a batch at a time; the position up to which they are written."""
    ownership = pipeline.ownership
    while rows and pipeline.state is not PipelineState.LOST:
        taken, is_written = await _decide(rows, pipeline, clock.now_ns(), log)
        if not is_written or pipeline.ownership is not ownership:
            break
        position = rows[taken - 1].position
        rows = rows[taken:]
    return position


async def _decide(
    rows: list[CommandRow], pipeline: PartitionPipeline, now_ns: int, log: structlog.stdlib.BoundLogger
) -> tuple[int, bool]:
    """Append as many commands as one batch takes and wait for it; (how many these were, whether they are in the store)."""
    batch = pipeline.waiting.for_commands()
    taken = appended = 0
    for row in rows:
        try:
            command = decode_command(row.octets)
        except CommandError as error:
            log.error("account command skipped", position=row.position, reason=str(error))
            taken += 1
            continue
        if not append_command(batch, command, now_ns):
            break
        taken += 1
        appended += 1
    if appended == 0:
        return taken, True
    pipeline.waiting.queued += appended
    batch.commands_position = rows[taken - 1].position
    written = when_written(batch)
    pipeline.advance()
    return taken, await written


def append_command(batch: BatchInFlight, command: AccountCommand, now_ns: int) -> bool:
    """Append one command as a row; False where the batch has no room for it."""
    usage = batch.usage
    amounts, name = _amounts_of(command), command.command_id.encode()
    said = encode_command(command) if isinstance(command, Change) else b""
    row, first, at = (int(usage.counts[count]) for count in (COUNT_REQUESTS, COUNT_CREDITS, COUNT_OCTETS))
    if (
        row == usage.requests.shape[0]
        or first + len(amounts) > usage.credits.shape[0]
        or at + len(name) + len(said) > usage.octets.shape[0]
    ):
        return False
    usage.requests[row], usage.changes[row] = _EMPTY_REQUEST, _EMPTY_CHANGE
    request = usage.requests[row]
    request["kind"] = KIND_COMMAND
    if isinstance(command, Open):
        request["command"] = COMMAND_OPEN
        _fill_opening(usage, row, command)
    elif isinstance(command, Change):
        request["command"] = COMMAND_CHANGE
        _fill_change(usage, row, command)
    else:
        request["command"] = int(command.action)
        request["session_high"], request["session_low"] = command.session_high, command.session_low
    request["account_id"] = command.account_id
    request["tenant"] = command.tenant
    request["received_ns"] = now_ns
    request["event_ns"] = now_ns
    request["connection"] = -1
    request["command_id"] = len(batch.command_ids)
    request["credit_first"], request["credit_count"] = first, len(amounts)
    # the id lies where a request has its Session-Id, a change as it was sent where that has its Service-Information
    octets = name + said
    request["message_offset"], request["message_length"] = at, len(octets)
    request["session_id_offset"], request["session_id_length"] = at, len(name)
    request["service_information_offset"], request["service_information_length"] = at + len(name), len(said)
    usage.octets[at : at + len(octets)] = np.frombuffer(octets, np.uint8)
    batch.command_ids.append(command.command_id)
    for index, amount in enumerate(amounts):
        usage.credits[first + index] = amount
    usage.counts[COUNT_REQUESTS] = row + 1
    usage.counts[COUNT_CREDITS] = first + len(amounts)
    usage.counts[COUNT_OCTETS] = at + len(octets)
    return True


def _amounts_of(command: AccountCommand) -> list[tuple[int, ...]]:
    """CREDIT_DTYPE rows: what is credited and debited, then which allowances end."""
    if isinstance(command, Open):
        return [_amount_row(credit) for credit in command.terms.credits]
    if not isinstance(command, Change):
        return []
    ends = [] if command.ends is None else _rows_of_end(command.ends)
    return [_amount_row(amount) for amount in command.amounts] + ends


def _amount_row(amount: Amount) -> tuple[int, ...]:
    from_ns, to_ns, priority, below = 0, 0, 0, False
    if isinstance(amount, Credit):
        from_ns, to_ns, priority = amount.from_ns, amount.to_ns, amount.priority
    else:
        below = amount.may_go_below_zero
    unit, kind = int(amount.unit), int(amount.kind)
    return amount.amount, from_ns, to_ns, amount.allowance, amount.bucket_id, unit, priority, kind, below


def _rows_of_end(end: ProductEnd) -> list[tuple[int, ...]]:
    kind = int(MovementKind.EXPIRED)
    return [(0, 0, end.at_ns, allowance, 0, int(unit), 0, kind, False) for unit, allowance in end.allowances]


def _fill_opening(usage: UsageBatch, row: int, command: Open) -> None:
    terms, change = command.terms, usage.changes[row]
    change["expires_ns"], change["credit_limit_micros"] = terms.expires_ns, terms.credit_limit_micros
    change["product_from_ns"], change["product_to_ns"] = terms.product_from_ns, terms.product_to_ns
    change["offer"], change["release"] = terms.offer, terms.release
    change["currency"], change["status"] = terms.currency, int(terms.status)


def _fill_change(usage: UsageBatch, row: int, command: Change) -> None:
    change = usage.changes[row]
    change["status"] = int(command.status)
    if command.applies is not None:
        period = command.applies
        change["product_from_ns"], change["product_to_ns"] = period.from_ns, period.to_ns
        change["offer"], change["release"], change["priority"] = period.offer, period.release, period.priority
    if command.ends is not None:
        change["ends_offer"], change["ends_ns"] = command.ends.offer, command.ends.at_ns
    if command.credit_limit_micros is not None:
        change["sets_credit_limit"], change["credit_limit_micros"] = 1, command.credit_limit_micros

"""Account commands from their stream into the owner's batches, and no faster than these are written.

A command becomes a row like a request. The commit that decides it sets its answer and the stream position, so a reader
that starts anew begins behind what was decided; a command that was decided already is found by its answer and skipped.
"""

import asyncio
from typing import Any, Final

import numpy as np
import structlog

from balances.commands import AccountCommand, CommandError, CommandLog, CommandRow, Credit, Open, TopUp, decode_command
from balances.store import StoreError
from charging.batch import (
    COMMAND_OPEN,
    COMMAND_TOP_UP,
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
    credits = _credits_of(command)
    row, first_credit = int(usage.counts[COUNT_REQUESTS]), int(usage.counts[COUNT_CREDITS])
    if row == usage.requests.shape[0] or first_credit + len(credits) > usage.credits.shape[0]:
        return False
    name, at = command.command_id.encode(), int(usage.counts[COUNT_OCTETS])
    if at + len(name) > usage.octets.shape[0]:
        return False
    usage.requests[row] = _EMPTY_REQUEST
    request = usage.requests[row]
    request["kind"] = KIND_COMMAND
    if isinstance(command, Open | TopUp):
        request["command"] = COMMAND_OPEN if isinstance(command, Open) else COMMAND_TOP_UP
    else:
        request["command"] = int(command.action)
        request["session_high"], request["session_low"] = command.session_high, command.session_low
    request["account_id"] = command.account_id
    request["tenant"] = command.tenant
    request["received_ns"] = now_ns
    request["event_ns"] = now_ns
    request["connection"] = -1
    request["command_id"] = len(batch.command_ids)
    request["credit_first"], request["credit_count"] = first_credit, len(credits)
    batch.command_ids.append(command.command_id)
    _name_row(usage, request, name, at)
    for index, credit in enumerate(credits):
        _fill_credit(usage, first_credit + index, credit)
    if isinstance(command, Open):
        _fill_opening(usage, row, command)
    usage.counts[COUNT_REQUESTS] = row + 1
    usage.counts[COUNT_CREDITS] = first_credit + len(credits)
    return True


def _name_row(usage: UsageBatch, request: Any, name: bytes, at: int) -> None:
    """Lay the command's id where a request has its Session-Id: from there it goes to the journal (balances/journal.py)."""
    usage.octets[at : at + len(name)] = np.frombuffer(name, np.uint8)
    usage.counts[COUNT_OCTETS] = at + len(name)
    request["message_offset"] = request["session_id_offset"] = at
    request["message_length"] = request["session_id_length"] = len(name)


def _credits_of(command: AccountCommand) -> tuple[Credit, ...]:
    if isinstance(command, Open):
        return command.terms.credits
    return command.credits if isinstance(command, TopUp) else ()


def _fill_credit(usage: UsageBatch, place: int, credit: Credit) -> None:
    usage.credits[place] = (
        credit.amount,
        credit.from_ns,
        credit.to_ns,
        credit.allowance,
        0,
        int(credit.unit),
        credit.priority,
        int(credit.kind),
    )


def _fill_opening(usage: UsageBatch, row: int, command: Open) -> None:
    terms = command.terms
    usage.openings[row] = (
        terms.expires_ns,
        terms.credit_limit_micros,
        terms.product_from_ns,
        terms.product_to_ns,
        terms.offer,
        terms.release,
        terms.currency,
        int(terms.status),
    )

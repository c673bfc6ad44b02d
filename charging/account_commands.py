"""Account commands as rows: open and change, decided in the same batch and by the same rules as usage (docs/charging.md §9).

A command is done whole or not at all: it is done, and where a part of it fails the record is put back as it was.
"""

from balances.arena import is_record_kept, keep_record, put_record_back, start_record
from balances.journal import MovementKind
from balances.record import (
    HEADER_CURRENCY,
    HEADER_EXPIRES_NS,
    HEADER_STATUS,
    AccountStatus,
)
from charging.account_amounts import move_amounts, set_credit_limit
from charging.account_products import (
    PERIOD_IS_PAST,
    PERIOD_WAS_APPLIED,
    end_product,
    judge_period,
    put_product,
)
from charging.batch import COMMAND_CHANGE, COMMAND_OPEN
from vocabulary.kernel import kernel
from vocabulary.outcomes import Outcome

_NO_STATUS = int(AccountStatus.NONE)
_CLOSED = int(AccountStatus.CLOSED)
_SETTLED = int(MovementKind.SETTLED)
_ADJUSTED_IN = int(MovementKind.ADJUSTED_IN)
_REFUNDED = int(MovementKind.REFUNDED)
_EXPIRED = int(MovementKind.EXPIRED)
_ADJUSTED_OUT = int(MovementKind.ADJUSTED_OUT)
_MOVED_OUT = int(MovementKind.MOVED_OUT)
_GRANTED = int(Outcome.GRANTED)
_USER_UNKNOWN = int(Outcome.USER_UNKNOWN)
_UNABLE_TO_COMPLY = int(Outcome.UNABLE_TO_COMPLY)
_END_USER_SERVICE_DENIED = int(Outcome.END_USER_SERVICE_DENIED)


@kernel
def _lay_record(arena, slot, request, change):
    """The record of a new account with its bill where it has credit, without products and amounts."""
    start_record(arena, slot, request.tenant, request.account_id)
    base = arena.first[slot]
    arena.octets[8 * base + HEADER_STATUS] = change.status
    arena.halves[2 * base + HEADER_CURRENCY] = change.currency
    arena.words[base + HEADER_EXPIRES_NS] = change.expires_ns
    has_room = set_credit_limit(arena, slot, change.credit_limit_micros)
    assert has_room


@kernel
def _suits_closed(change, amounts, first, count):
    """May it be done to a closed account? It stays closed, and what is left in it may be settled: no more than that."""
    if change.offer != 0 or (change.status != _NO_STATUS and change.status != _CLOSED):
        return False
    if change.sets_credit_limit != 0:
        return False
    for row in range(first, first + count):
        kind = amounts[row].movement
        if (
            kind != _SETTLED
            and kind != _ADJUSTED_IN
            and kind != _REFUNDED
            and kind != _EXPIRED
            and kind != _ADJUSTED_OUT
            and kind != _MOVED_OUT
        ):
            return False
    return True


@kernel
def _refusal_of(arena, slot, batch, request, change, answer):
    """Why a change can't be begun, GRANTED where it can; `answer.is_duplicate` where its period was applied before."""
    if arena.length[slot] == 0:
        return _USER_UNKNOWN
    if arena.octets[8 * arena.first[slot] + HEADER_STATUS] == _CLOSED and not _suits_closed(
        change, batch.credits, request.credit_first, request.credit_count
    ):
        return _END_USER_SERVICE_DENIED
    if change.offer != 0:
        judged = judge_period(arena, slot, change)
        if judged == PERIOD_IS_PAST:
            return _UNABLE_TO_COMPLY
        answer.is_duplicate = 1 if judged == PERIOD_WAS_APPLIED else 0
    return _GRANTED


@kernel
def decide_command(arena, slot, scratch, batch, request, change, now_ns, movements, place, journal_row, answer):
    """Decide one command row; writes its movements from `place` on. Returns (outcome, next free movement row).

    answer   `is_duplicate` where it was so before and nothing is done
    """
    opens = request.command == COMMAND_OPEN
    outcome = _UNABLE_TO_COMPLY
    if opens and arena.length[slot] == 0:
        outcome = _GRANTED
    elif request.command == COMMAND_CHANGE:
        outcome = _refusal_of(arena, slot, batch, request, change, answer)
    if outcome != _GRANTED or answer.is_duplicate != 0:
        return outcome, place
    length = keep_record(arena, slot, scratch.record)
    if opens:
        _lay_record(arena, slot, request, change)
    is_done = change.offer == 0 or put_product(arena, slot, change, now_ns)
    if is_done and change.sets_credit_limit != 0:
        is_done = set_credit_limit(arena, slot, change.credit_limit_micros)
    if not is_done:
        outcome = _UNABLE_TO_COMPLY
    end_place = place
    if outcome == _GRANTED:
        if change.ends_offer != 0:
            end_product(arena, slot, change.ends_offer, change.ends_ns)
        outcome, end_place = move_amounts(
            arena,
            slot,
            scratch,
            batch.credits,
            request.credit_first,
            request.credit_count,
            now_ns,
            movements,
            place,
            journal_row,
            answer,
        )
    if outcome != _GRANTED:
        put_record_back(arena, slot, scratch.record, length)
        answer.remaining = 0
        return outcome, place
    if change.status != _NO_STATUS:
        arena.octets[8 * arena.first[slot] + HEADER_STATUS] = change.status
    answer.is_duplicate = 1 if end_place == place and is_record_kept(arena, slot, scratch.record, length) else 0
    return _GRANTED, end_place

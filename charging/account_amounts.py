"""What an account command does to buckets: credits, debits, and the end of an allowance's buckets (docs/charging.md §9).

Amounts are done in their order, each on what the one before has left. Where one can't be done the caller puts the record
back as it was; the movements written until then are simply not counted.
"""

import numpy as np

from balances.arena import append_row, count_rows
from balances.journal import FIRST_DEBIT, MovementKind
from balances.record import (
    BUCKET_ALLOWANCE,
    BUCKET_FROM_NS,
    BUCKET_ID,
    BUCKET_PRIORITY,
    BUCKET_REMAINING,
    BUCKET_RESERVED,
    BUCKET_TO_NS,
    BUCKET_UNIT,
    BUCKET_WORDS,
    HEADER_CREDIT_LIMIT,
    Section,
)
from balances.reservations import write_movement
from balances.selection import find_bucket, is_money, order_buckets
from vocabulary.instants import FOREVER_NS
from vocabulary.kernel import kernel
from vocabulary.limits import BUCKETS_PER_ACCOUNT_MAX, MICROS_MAX, UNITS_MAX
from vocabulary.outcomes import Outcome
from vocabulary.units import Unit

_BUCKETS = int(Section.BUCKETS)
_MONEY = int(Unit.MONEY)
_BILL = int(Unit.BILL)
_EXPIRED = int(MovementKind.EXPIRED)
_GRANTED = int(Outcome.GRANTED)
_UNABLE_TO_COMPLY = int(Outcome.UNABLE_TO_COMPLY)
_INVALID_AVP_VALUE = int(Outcome.INVALID_AVP_VALUE)
_CREDIT_LIMIT_REACHED = int(Outcome.CREDIT_LIMIT_REACHED)


@kernel
def _maximum(amount):
    """The most that an amount of its unit may be."""
    return MICROS_MAX if is_money(amount.unit) else UNITS_MAX


@kernel
def _fits(arena, at, credit):
    """Does the bucket stay within its maximum with the credit?

    A bill holds less than nothing: what is owed on it. Not more than that can be settled, so a bill is never in credit.
    """
    remaining, reserved = arena.words[at + BUCKET_REMAINING], arena.words[at + BUCKET_RESERVED]
    if credit.unit == _BILL:
        return remaining + reserved + credit.amount <= 0
    return max(remaining, 0) + reserved + credit.amount <= _maximum(credit)


@kernel
def _is_of(arena, at, amount):
    """Is the bucket of the amount's unit and allowance?"""
    return (
        arena.octets[8 * at + BUCKET_UNIT] == amount.unit
        and np.int64(arena.halves[2 * at + BUCKET_ALLOWANCE]) == amount.allowance
    )


@kernel
def _named_bucket(arena, slot, amount):
    """First word of the bucket whose id the amount says; -1 where there is none, or one of another unit or allowance."""
    at = find_bucket(arena, slot, np.uint32(amount.bucket_id))
    return at if at >= 0 and _is_of(arena, at, amount) else -1


# --- credits ---------------------------------------------------------------------------------------------------------


@kernel
def _find_bucket_for(arena, slot, credit):
    """First word of the bucket that the credit raises, -1 where it needs one of its own."""
    at = arena.section_at[slot, _BUCKETS]
    for _ in range(count_rows(arena, slot, _BUCKETS)):
        if _is_of(arena, at, credit) and arena.words[at + BUCKET_TO_NS] == credit.to_ns:
            if credit.unit == _MONEY and credit.to_ns == FOREVER_NS:
                return at
            if arena.words[at + BUCKET_FROM_NS] == credit.from_ns:
                return at
        at += BUCKET_WORDS
    return -1


@kernel
def _new_bucket(arena, slot):
    """First word of an empty bucket with an id of its own; -1 at the account's maximum or without room."""
    count = count_rows(arena, slot, _BUCKETS)
    if count >= BUCKETS_PER_ACCOUNT_MAX:
        return -1
    bucket_id = np.int64(0)
    start = arena.section_at[slot, _BUCKETS]
    for row in range(count):
        bucket_id = max(
            bucket_id,
            np.int64(arena.halves[2 * (start + row * BUCKET_WORDS) + BUCKET_ID]),
        )
    at = append_row(arena, slot, _BUCKETS)
    if at < 0:
        return -1
    arena.halves[2 * at + BUCKET_ID] = bucket_id + 1
    return at


@kernel
def _has_bill(arena, slot):
    """Has the account a bucket of what is owed on its bill?"""
    at = arena.section_at[slot, _BUCKETS]
    for row in range(count_rows(arena, slot, _BUCKETS)):
        if arena.octets[8 * (at + row * BUCKET_WORDS) + BUCKET_UNIT] == _BILL:
            return True
    return False


@kernel
def set_credit_limit(arena, slot, limit_micros):
    """How much may be owed on the bill from now on; what is owed or held is left as it is. False without room for a bill.

    An account that may owe something has a bucket of what it owes, without end, and keeps it; one that never might has none.
    """
    arena.words[arena.first[slot] + HEADER_CREDIT_LIMIT] = limit_micros
    if limit_micros == 0 or _has_bill(arena, slot):
        return True
    at = _new_bucket(arena, slot)
    if at < 0:
        return False
    arena.octets[8 * at + BUCKET_UNIT] = _BILL
    arena.words[at + BUCKET_TO_NS] = FOREVER_NS
    return True


@kernel
def _add_bucket(arena, slot, credit):
    """An empty bucket for the credit; -1 as in _new_bucket."""
    at = _new_bucket(arena, slot)
    if at < 0:
        return -1
    arena.halves[2 * at + BUCKET_ALLOWANCE] = credit.allowance
    arena.octets[8 * at + BUCKET_UNIT] = credit.unit
    arena.octets[8 * at + BUCKET_PRIORITY] = credit.priority
    arena.words[at + BUCKET_FROM_NS] = credit.from_ns
    arena.words[at + BUCKET_TO_NS] = credit.to_ns
    return at


@kernel
def _give(arena, slot, credit, movements, place, journal_row, answer):
    """Raise or add the credit's bucket: (outcome, next free movement row)."""
    if credit.bucket_id > 0:
        at = _named_bucket(arena, slot, credit)
        if at < 0:
            return _INVALID_AVP_VALUE, place
    else:
        at = _find_bucket_for(arena, slot, credit)
        if at < 0:
            at = _add_bucket(arena, slot, credit)
        if at < 0:
            return _UNABLE_TO_COMPLY, place
    if not _fits(arena, at, credit):
        return _INVALID_AVP_VALUE, place
    arena.words[at + BUCKET_REMAINING] += credit.amount
    write_movement(arena, at, movements, place, journal_row, -1, credit.movement, credit.amount, 0)
    answer.remaining = arena.words[at + BUCKET_REMAINING]
    return _GRANTED, place + 1


# --- debits ----------------------------------------------------------------------------------------------------------


@kernel
def _order_payers(arena, slot, debit, now_ns, order):
    """Buckets that pay a debit without a bucket of its own, into `order`; how many. What is taken in any case comes from
    the account's first money bucket where none is valid.
    """
    count = order_buckets(arena, slot, debit.unit, debit.allowance, now_ns, order)
    if count > 0 or debit.may_go_below_zero == 0:
        return count
    at = arena.section_at[slot, _BUCKETS]
    for _ in range(count_rows(arena, slot, _BUCKETS)):
        if _is_of(arena, at, debit):
            order[0] = at
            return 1
        at += BUCKET_WORDS
    return 0


@kernel
def _take(arena, slot, scratch, debit, now_ns, movements, place, journal_row, answer):
    """Debit the buckets that pay, each as far as it is above zero, the last the rest: (outcome, next free movement row)."""
    order = scratch.order
    if debit.bucket_id > 0:
        order[0] = _named_bucket(arena, slot, debit)
        count = 1
        if order[0] < 0:
            return _INVALID_AVP_VALUE, place
    else:
        count = _order_payers(arena, slot, debit, now_ns, order)
    left = debit.amount
    for index in range(count):
        at = order[index]
        part = min(left, max(arena.words[at + BUCKET_REMAINING], 0))
        if index == count - 1 and left > 0:
            floor = -MICROS_MAX if debit.may_go_below_zero != 0 else 0
            if arena.words[at + BUCKET_REMAINING] - left < floor:
                return _CREDIT_LIMIT_REACHED, place
            part = left
        if part > 0:
            arena.words[at + BUCKET_REMAINING] -= part
            write_movement(arena, at, movements, place, journal_row, -1, debit.movement, part, 0)
            place += 1
            left -= part
        answer.remaining = arena.words[at + BUCKET_REMAINING]
    return _GRANTED if left == 0 else _CREDIT_LIMIT_REACHED, place


# --- all of them -----------------------------------------------------------------------------------------------------


@kernel
def _end_buckets(arena, slot, end):
    """Let the buckets of an allowance end at `end.to_ns` at the latest; what is left in them expires by docs/charging.md §2."""
    at = arena.section_at[slot, _BUCKETS]
    for _ in range(count_rows(arena, slot, _BUCKETS)):
        if _is_of(arena, at, end):
            arena.words[at + BUCKET_TO_NS] = min(arena.words[at + BUCKET_TO_NS], end.to_ns)
        at += BUCKET_WORDS


@kernel
def move_amounts(arena, slot, scratch, amounts, first, count, now_ns, movements, place, journal_row, answer):
    """Do amounts[first:first + count] in order: (outcome, next free movement row). Not GRANTED: some may be done already.

    amounts   CREDIT_DTYPE rows
    """
    for row in range(first, first + count):
        amount = amounts[row]
        outcome = _GRANTED
        if amount.movement == _EXPIRED:
            _end_buckets(arena, slot, amount)
        elif not 0 < amount.amount <= _maximum(amount):
            outcome = _INVALID_AVP_VALUE
        elif amount.movement < FIRST_DEBIT:
            outcome, place = _give(arena, slot, amount, movements, place, journal_row, answer)
        else:
            outcome, place = _take(arena, slot, scratch, amount, now_ns, movements, place, journal_row, answer)
        if outcome != _GRANTED:
            return outcome, place
    return _GRANTED, place

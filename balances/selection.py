"""Which buckets, in which order: by (priority, end of period, place in the record), among those valid at an instant."""

import numpy as np

from balances.arena import count_rows
from balances.record import (
    BUCKET_ALLOWANCE,
    BUCKET_FROM_NS,
    BUCKET_ID,
    BUCKET_PRIORITY,
    BUCKET_REMAINING,
    BUCKET_TO_NS,
    BUCKET_UNIT,
    BUCKET_WORDS,
    Section,
)
from vocabulary.kernel import inlined_kernel, kernel
from vocabulary.units import Unit

_BUCKETS = int(Section.BUCKETS)
_MONEY = int(Unit.MONEY)
_BILL = int(Unit.BILL)


@inlined_kernel
def is_money(unit):
    """Does a bucket of this unit hold micros: the balance, or what is owed on the bill?"""
    return unit in (_MONEY, _BILL)


@inlined_kernel
def _sort_in(arena, order, start, end, at):
    """Put bucket `at` into its place in order[start:end]; buckets arrive in record order, so ties stay so."""
    priority = arena.octets[8 * at + BUCKET_PRIORITY]
    to_ns = arena.words[at + BUCKET_TO_NS]
    place = end
    while place > start:
        other = order[place - 1]
        other_priority = arena.octets[8 * other + BUCKET_PRIORITY]
        if other_priority < priority or (other_priority == priority and arena.words[other + BUCKET_TO_NS] <= to_ns):
            break
        order[place] = other
        place -= 1
    order[place] = at


@inlined_kernel
def order_money(arena, slot, unit, now_ns, order):
    """Buckets of `unit`, MONEY or BILL, valid at `now_ns`: their first words into `order`; how many.

    order   int64[BUCKETS_PER_ACCOUNT_MAX]
    """
    count = 0
    at = arena.section_at[slot, _BUCKETS]
    for _ in range(count_rows(arena, slot, _BUCKETS)):
        if (
            arena.octets[8 * at + BUCKET_UNIT] == unit
            and arena.words[at + BUCKET_FROM_NS] <= now_ns < arena.words[at + BUCKET_TO_NS]
        ):
            _sort_in(arena, order, 0, count, at)
            count += 1
        at += BUCKET_WORDS
    return count


@inlined_kernel
def order_buckets(arena, slot, unit, allowance, now_ns, order):
    """Buckets of one unit and allowance (0 for money) valid at `now_ns`, first words into `order`; returns how many."""
    count = 0
    at = arena.section_at[slot, _BUCKETS]
    for _ in range(count_rows(arena, slot, _BUCKETS)):
        if (
            arena.octets[8 * at + BUCKET_UNIT] == unit
            and np.int64(arena.halves[2 * at + BUCKET_ALLOWANCE]) == allowance
            and arena.words[at + BUCKET_FROM_NS] <= now_ns < arena.words[at + BUCKET_TO_NS]
        ):
            _sort_in(arena, order, 0, count, at)
            count += 1
        at += BUCKET_WORDS
    return count


@inlined_kernel
def order_allowances(arena, slot, unit, allowances, first, allowance_count, now_ns, order):
    """Buckets of `unit` valid at `now_ns` whose allowance is in allowances[first:first + allowance_count], into `order`."""
    count = 0
    if allowance_count == 0:
        return count
    at = arena.section_at[slot, _BUCKETS]
    for _ in range(count_rows(arena, slot, _BUCKETS)):
        if (
            arena.octets[8 * at + BUCKET_UNIT] == unit
            and arena.words[at + BUCKET_FROM_NS] <= now_ns < arena.words[at + BUCKET_TO_NS]
        ):
            allowance = np.int64(arena.halves[2 * at + BUCKET_ALLOWANCE])
            for index in range(first, first + allowance_count):
                if allowances[index] == allowance:
                    _sort_in(arena, order, 0, count, at)
                    count += 1
                    break
        at += BUCKET_WORDS
    return count


@kernel
def find_bucket(arena, slot, bucket_id):
    """First word of the bucket with this id, -1 where there is none."""
    at = arena.section_at[slot, _BUCKETS]
    for _ in range(count_rows(arena, slot, _BUCKETS)):
        if arena.halves[2 * at + BUCKET_ID] == bucket_id:
            return at
        at += BUCKET_WORDS
    return -1


@inlined_kernel
def order_payers(arena, slot, unit, now_ns, order):
    """Buckets of `unit`, MONEY or BILL, in the order in which they pay (docs/charging.md §5.3), into `order`; how many.

    Those whose period is over and that still have something come first, as they lie in the record; then those valid at
    `now_ns`. Where none is valid, the first such bucket of the record is the last: it is the one that falls below zero.
    """
    first = -1
    over = 0
    count = 0
    at = arena.section_at[slot, _BUCKETS]
    for _ in range(count_rows(arena, slot, _BUCKETS)):
        if arena.octets[8 * at + BUCKET_UNIT] == unit:
            if first < 0:
                first = at
            if arena.words[at + BUCKET_TO_NS] <= now_ns:
                if arena.words[at + BUCKET_REMAINING] > 0:
                    for place in range(count, over, -1):
                        order[place] = order[place - 1]
                    order[over] = at
                    over += 1
                    count += 1
            elif arena.words[at + BUCKET_FROM_NS] <= now_ns:
                _sort_in(arena, order, over, count, at)
                count += 1
        at += BUCKET_WORDS
    if count > over or first < 0:
        return count
    if over > 0 and order[0] == first:
        over -= 1
        for place in range(over):
            order[place] = order[place + 1]
    order[over] = first
    return over + 1

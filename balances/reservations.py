"""Two-phase money and allowances: reserve for a grant, commit what was used, release the rest, debit, expire.

Every change of a bucket goes through `Ledger`, which sums what happened to each bucket of one account during one MSCC
or command; `post` then writes one movement a bucket. So nothing can move an amount without the journal saying so.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from balances.arena import ROOM_WORDS_PER_MSCC, append_row, count_rows, remove_row
from balances.journal import MovementKind
from balances.record import (
    BUCKET_ALLOWANCE,
    BUCKET_ID,
    BUCKET_REMAINING,
    BUCKET_RESERVED,
    BUCKET_TO_NS,
    BUCKET_UNIT,
    BUCKET_WORDS,
    RESERVATION_AMOUNT,
    RESERVATION_BUCKET_ID,
    RESERVATION_SERVICE_TAG,
    RESERVATION_WORDS,
    SERVICE_WORDS,
    Section,
)
from balances.selection import find_bucket, is_money
from vocabulary.kernel import inlined_kernel, kernel
from vocabulary.limits import BUCKETS_PER_ACCOUNT_MAX

_BUCKETS = int(Section.BUCKETS)
_RESERVATIONS = int(Section.RESERVATIONS)
_HELD = int(MovementKind.HELD)
_CHARGED = int(MovementKind.CHARGED)
_EXPIRED = int(MovementKind.EXPIRED)

RESERVATIONS_PER_SERVICE_MAX: Final = 8
UNIT_RESERVATIONS_PER_SERVICE_MAX: Final = 3
"""A service that has so many reserves no more units: what is left of its places is for money."""

assert ROOM_WORDS_PER_MSCC >= SERVICE_WORDS + RESERVATIONS_PER_SERVICE_MAX * RESERVATION_WORDS


class Ledger(NamedTuple):
    """What happened to each bucket, by its row in the record, since the last `post`."""

    charged: NDArray[np.int64]
    expired: NDArray[np.int64]
    held: NDArray[np.int64]


def new_ledger() -> Ledger:
    """A ledger with nothing in it."""
    return Ledger(*(np.zeros(BUCKETS_PER_ACCOUNT_MAX + 1, np.int64) for _ in range(3)))


@inlined_kernel
def _row_of(arena, slot, at):
    return (at - arena.section_at[slot, _BUCKETS]) // BUCKET_WORDS


@inlined_kernel
def debit(arena, slot, ledger, at, amount):
    """Charge `amount` to the bucket's remaining; the caller decides whether it may fall below zero."""
    arena.words[at + BUCKET_REMAINING] -= amount
    ledger.charged[_row_of(arena, slot, at)] += amount


@inlined_kernel
def reserve(arena, slot, ledger, service_tag, at, amount):
    """Hold `amount` of the bucket for a service. False, and nothing is held, where the record has no room for it.

    amount   above 0: what holds nothing would keep no bucket from being removed, and be left without one
    """
    reservation = append_row(arena, slot, _RESERVATIONS)
    if reservation < 0:
        return False
    arena.octets[8 * reservation + RESERVATION_SERVICE_TAG] = service_tag
    arena.halves[2 * reservation + RESERVATION_BUCKET_ID] = arena.halves[2 * at + BUCKET_ID]
    arena.words[reservation + RESERVATION_AMOUNT] = amount
    arena.words[at + BUCKET_REMAINING] -= amount
    arena.words[at + BUCKET_RESERVED] += amount
    ledger.held[_row_of(arena, slot, at)] += amount
    return True


@inlined_kernel
def commit_reservations(arena, slot, ledger, service_tag, unit, used, now_ns):
    """End the reservations of a service: buckets of `unit` are charged up to `used` of what was held, the rest goes back.

    A release may give a price another unit while a session is open: what was held in the old one isn't charged then.
    Returns the units that no reservation of such a bucket covered. Used 0 releases everything.
    """
    left = used
    place = 0
    while place < count_rows(arena, slot, _RESERVATIONS):
        at = arena.section_at[slot, _RESERVATIONS] + place * RESERVATION_WORDS
        if arena.octets[8 * at + RESERVATION_SERVICE_TAG] != service_tag:
            place += 1
            continue
        amount = arena.words[at + RESERVATION_AMOUNT]
        bucket = find_bucket(arena, slot, arena.halves[2 * at + RESERVATION_BUCKET_ID])
        assert bucket >= 0
        row = _row_of(arena, slot, bucket)
        arena.words[bucket + BUCKET_RESERVED] -= amount
        arena.words[bucket + BUCKET_REMAINING] += amount
        ledger.held[row] -= amount
        back = amount
        if not is_money(arena.octets[8 * bucket + BUCKET_UNIT]):
            take = min(left, amount) if arena.octets[8 * bucket + BUCKET_UNIT] == unit else 0
            debit(arena, slot, ledger, bucket, take)
            left -= take
            back = amount - take
            if arena.words[bucket + BUCKET_TO_NS] <= now_ns and back > 0:
                arena.words[bucket + BUCKET_REMAINING] -= back
                ledger.expired[row] += back
        remove_row(arena, slot, _RESERVATIONS, at)
    return left


@kernel
def expire_buckets(arena, slot, ledger, now_ns):
    """Debit what remains in unit and money buckets whose period is over."""
    at = arena.section_at[slot, _BUCKETS]
    for row in range(count_rows(arena, slot, _BUCKETS)):
        remaining = arena.words[at + BUCKET_REMAINING]
        if arena.words[at + BUCKET_TO_NS] <= now_ns and remaining > 0:
            arena.words[at + BUCKET_REMAINING] = 0
            ledger.expired[row] += remaining
        at += BUCKET_WORDS


@kernel
def remove_empty_buckets(arena, slot, now_ns):
    """Take out unit buckets whose period is over and that hold nothing. Call with an empty ledger: rows move."""
    for row in range(count_rows(arena, slot, _BUCKETS) - 1, -1, -1):
        at = arena.section_at[slot, _BUCKETS] + row * BUCKET_WORDS
        if (
            arena.words[at + BUCKET_TO_NS] <= now_ns
            and not is_money(arena.octets[8 * at + BUCKET_UNIT])
            and arena.words[at + BUCKET_REMAINING] == 0
            and arena.words[at + BUCKET_RESERVED] == 0
        ):
            remove_row(arena, slot, _BUCKETS, at)


@inlined_kernel
def write_movement(arena, at, movements, place, request_row, usage_row, kind, amount, held):
    """One movement of the bucket whose first word is `at`."""
    movement = movements[place]
    movement.amount = amount
    movement.held = held
    movement.request = request_row
    movement.usage = usage_row
    movement.bucket_id = arena.halves[2 * at + BUCKET_ID]
    movement.allowance = arena.halves[2 * at + BUCKET_ALLOWANCE]
    movement.unit = arena.octets[8 * at + BUCKET_UNIT]
    movement.kind = kind


@inlined_kernel
def post(arena, slot, ledger, movements, place, request_row, usage_row):
    """Write the ledger's movements from row `place` on, empty it, and return the next free row."""
    at = arena.section_at[slot, _BUCKETS]
    for row in range(count_rows(arena, slot, _BUCKETS)):
        charged, expired, held = ledger.charged[row], ledger.expired[row], ledger.held[row]
        if charged != 0:
            write_movement(arena, at, movements, place, request_row, usage_row, _CHARGED, charged, held)
            place += 1
            held = 0
        if expired != 0:
            write_movement(arena, at, movements, place, request_row, usage_row, _EXPIRED, expired, held)
            place += 1
            held = 0
        if held != 0:
            write_movement(arena, at, movements, place, request_row, usage_row, _HELD, 0, held)
            place += 1
        ledger.charged[row] = 0
        ledger.expired[row] = 0
        ledger.held[row] = 0
        at += BUCKET_WORDS
    return place

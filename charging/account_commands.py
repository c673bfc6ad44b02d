"""Account commands as rows: open and top up, decided in the same batch and by the same rules as usage (docs/charging.md §9)."""

import numpy as np

from balances.arena import append_row, count_rows, start_record
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
    HEADER_CURRENCY,
    HEADER_EXPIRES_NS,
    HEADER_STATUS,
    PRODUCT_FROM_NS,
    PRODUCT_OFFER,
    PRODUCT_RELEASE,
    PRODUCT_TO_NS,
    AccountStatus,
    Section,
)
from balances.reservations import write_movement
from charging.batch import COMMAND_OPEN, COMMAND_TOP_UP
from vocabulary.instants import FOREVER_NS
from vocabulary.kernel import kernel
from vocabulary.limits import BUCKETS_PER_ACCOUNT_MAX, MICROS_MAX, UNITS_MAX
from vocabulary.outcomes import Outcome
from vocabulary.units import Unit

_BUCKETS = int(Section.BUCKETS)
_PRODUCTS = int(Section.PRODUCTS)
_MONEY = int(Unit.MONEY)
_BILL = int(Unit.BILL)
_CLOSED = int(AccountStatus.CLOSED)
_GRANTED = int(Outcome.GRANTED)
_USER_UNKNOWN = int(Outcome.USER_UNKNOWN)
_UNABLE_TO_COMPLY = int(Outcome.UNABLE_TO_COMPLY)
_INVALID_AVP_VALUE = int(Outcome.INVALID_AVP_VALUE)
_END_USER_SERVICE_DENIED = int(Outcome.END_USER_SERVICE_DENIED)


@kernel
def _is_payable(credit, held):
    """Is the credit's amount in range, and does the bucket that holds `held` stay so?

    A bill holds less than nothing: what is owed on it. Not more than that can be settled, so a bill is never in credit.
    """
    limit = np.int64(UNITS_MAX)
    if credit.unit == _BILL:
        limit = np.int64(0)
    elif credit.unit == _MONEY:
        limit = np.int64(MICROS_MAX)
    return 0 < credit.amount <= MICROS_MAX and held + credit.amount <= limit


@kernel
def _find_bucket_for(arena, slot, credit):
    """First word of the bucket that the credit raises, -1 where it needs one of its own."""
    at = arena.section_at[slot, _BUCKETS]
    for _ in range(count_rows(arena, slot, _BUCKETS)):
        if arena.octets[8 * at + BUCKET_UNIT] == credit.unit and arena.words[at + BUCKET_TO_NS] == credit.to_ns:
            if credit.unit == _MONEY and credit.to_ns == FOREVER_NS:
                return at
            if (
                np.int64(arena.halves[2 * at + BUCKET_ALLOWANCE]) == credit.allowance
                and arena.words[at + BUCKET_FROM_NS] == credit.from_ns
            ):
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
def _add_bill(arena, slot):
    """The bucket of what is owed on the bill, with nothing owed; -1 without room. An account has one, without end."""
    at = _new_bucket(arena, slot)
    if at >= 0:
        arena.octets[8 * at + BUCKET_UNIT] = _BILL
        arena.words[at + BUCKET_TO_NS] = FOREVER_NS
    return at


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
def _check_credits(arena, slot, credits, first, count, new_buckets):
    """GRANTED where every credit can be given: nothing is changed before all are known to fit.

    new_buckets   int64: that the command adds beside those of its credits
    """
    for row in range(first, first + count):
        at = _find_bucket_for(arena, slot, credits[row]) if arena.length[slot] > 0 else -1
        held = np.int64(0)
        if at >= 0:
            held = arena.words[at + BUCKET_REMAINING]
            if credits[row].unit != _BILL:
                held = max(held, 0)
            held += arena.words[at + BUCKET_RESERVED]
        else:
            new_buckets += 1
        for earlier in range(first, row):
            if credits[earlier].unit == credits[row].unit and credits[earlier].amount > 0:
                held += min(credits[earlier].amount, MICROS_MAX)
        if not _is_payable(credits[row], held):
            return _INVALID_AVP_VALUE
    present = count_rows(arena, slot, _BUCKETS) if arena.length[slot] > 0 else 0
    if present + new_buckets > BUCKETS_PER_ACCOUNT_MAX:
        return _UNABLE_TO_COMPLY
    if arena.length[slot] + new_buckets * BUCKET_WORDS > arena.capacity[slot]:
        return _UNABLE_TO_COMPLY
    return _GRANTED


@kernel
def _give_credits(arena, slot, request, credits, movements, place, journal_row, answer):
    """Give the row's credits, a movement each; the next free movement row."""
    for row in range(request.credit_first, request.credit_first + request.credit_count):
        credit = credits[row]
        at = _find_bucket_for(arena, slot, credit)
        if at < 0:
            at = _add_bucket(arena, slot, credit)
        arena.words[at + BUCKET_REMAINING] += credit.amount
        write_movement(
            arena,
            at,
            movements,
            place,
            journal_row,
            -1,
            credit.movement,
            credit.amount,
            0,
        )
        place += 1
        answer.remaining = arena.words[at + BUCKET_REMAINING]
    return place


@kernel
def _open_account(arena, slot, request, opening):
    """Lay the record, its product, and its bill where it has credit. The credits follow."""
    start_record(arena, slot, request.tenant, request.account_id)
    base = arena.first[slot]
    arena.octets[8 * base + HEADER_STATUS] = opening.status
    arena.halves[2 * base + HEADER_CURRENCY] = opening.currency
    arena.words[base + HEADER_CREDIT_LIMIT] = opening.credit_limit_micros
    arena.words[base + HEADER_EXPIRES_NS] = opening.expires_ns
    if opening.credit_limit_micros > 0:
        _add_bill(arena, slot)
    if opening.offer != 0:
        at = append_row(arena, slot, _PRODUCTS)
        arena.halves[2 * at + PRODUCT_OFFER] = opening.offer
        arena.halves[2 * at + PRODUCT_RELEASE] = opening.release
        arena.words[at + PRODUCT_FROM_NS] = opening.product_from_ns
        arena.words[at + PRODUCT_TO_NS] = opening.product_to_ns


@kernel
def _settles_alone(request, credits):
    """Does the row settle what is owed on the bill, and nothing else? A closed account's last bill is settled, too."""
    others = 0
    for row in range(request.credit_first, request.credit_first + request.credit_count):
        others += credits[row].unit != _BILL
    return others == 0


@kernel
def decide_command(arena, slot, batch, request, opening, movements, place, journal_row, answer):
    """Decide one command row; writes its movements from `place` on. Returns (outcome, next free movement row)."""
    exists = arena.length[slot] > 0
    if request.command == COMMAND_OPEN:
        if exists:
            return _UNABLE_TO_COMPLY, place
        bills = np.int64(opening.credit_limit_micros > 0)
        outcome = _check_credits(arena, slot, batch.credits, request.credit_first, request.credit_count, bills)
        if outcome != _GRANTED:
            return outcome, place
        _open_account(arena, slot, request, opening)
    elif request.command == COMMAND_TOP_UP:
        if not exists:
            return _USER_UNKNOWN, place
        is_closed = arena.octets[8 * arena.first[slot] + HEADER_STATUS] == _CLOSED
        if is_closed and not _settles_alone(request, batch.credits):
            return _END_USER_SERVICE_DENIED, place
        outcome = _check_credits(arena, slot, batch.credits, request.credit_first, request.credit_count, np.int64(0))
        if outcome != _GRANTED:
            return outcome, place
    else:
        return _UNABLE_TO_COMPLY, place
    place = _give_credits(arena, slot, request, batch.credits, movements, place, journal_row, answer)
    return _GRANTED, place

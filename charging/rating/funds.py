"""What an account's money, or its bill, can give together, and holding it for a grant (docs/charging.md §6.2)."""

from balances.arena import rows_left
from balances.record import BUCKET_REMAINING, HEADER_CREDIT_LIMIT, Section
from balances.reservations import RESERVATIONS_PER_SERVICE_MAX, reserve
from vocabulary.kernel import inlined_kernel
from vocabulary.limits import MICROS_MAX
from vocabulary.units import Unit

_RESERVATIONS = int(Section.RESERVATIONS)
_BILL = int(Unit.BILL)


@inlined_kernel
def places_left(arena, slot, made):
    """Reservations that a service which has `made` of them may still get, and that the record has room for."""
    return min(RESERVATIONS_PER_SERVICE_MAX - made, rows_left(arena, slot, _RESERVATIONS))


@inlined_kernel
def free_micros(arena, slot, unit, order, count, places):
    """Micros, 0..MICROS_MAX, that at most `places` of the buckets order[0:count] can give, all of `unit`, MONEY or BILL.

    Each gives what it has above zero; the bill goes down to the credit limit. A place is always left for the last.
    """
    if count == 0 or places < 1:
        return 0
    last = arena.words[order[count - 1] + BUCKET_REMAINING]
    if unit == _BILL:
        last += arena.words[arena.first[slot] + HEADER_CREDIT_LIMIT]
    free = min(max(last, 0), MICROS_MAX)
    for index in range(count - 1):
        if places == 1:
            break
        remaining = arena.words[order[index] + BUCKET_REMAINING]
        if remaining > 0:
            # bounded at every step: 64 full buckets would not add up within 64 bits
            free = min(free + remaining, MICROS_MAX)
            places -= 1
    return free


@inlined_kernel
def reserve_money(arena, slot, ledger, service_tag, order, count, places, micros):
    """Hold `micros`, at most what free_micros says of the same buckets and places, each bucket as far as it can give."""
    left = micros
    for index in range(count - 1):
        if left == 0 or places == 1:
            break
        part = min(left, arena.words[order[index] + BUCKET_REMAINING])
        if part > 0:
            is_held = reserve(arena, slot, ledger, service_tag, order[index], part)
            assert is_held
            left -= part
            places -= 1
    if left > 0:
        is_held = reserve(arena, slot, ledger, service_tag, order[count - 1], left)
        assert is_held

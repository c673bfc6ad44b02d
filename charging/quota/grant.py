"""The size of the next grant: what is wanted, cut to what allowances and money can hold, and whether it is the last."""

import numpy as np

from balances.arena import count_rows
from balances.record import (
    BUCKET_REMAINING,
    HEADER_CREDIT_LIMIT,
    RESERVATION_SERVICE_TAG,
    RESERVATION_WORDS,
    Section,
)
from balances.reservations import RESERVATIONS_PER_SERVICE_MAX, reserve
from balances.selection import order_allowances, order_money
from charging.batch import (
    HAS_REQUESTED_EVENTS,
    HAS_REQUESTED_OCTETS,
    HAS_REQUESTED_SECONDS,
)
from charging.rating.price import (
    affordable_units,
    carry_after_reserve,
    micros_to_reserve,
)
from charging.tariff_tables import Control, RoundingScope
from vocabulary.kernel import kernel
from vocabulary.outcomes import Outcome
from vocabulary.units import Unit

_RESERVATIONS = int(Section.RESERVATIONS)
_FREE = int(Control.FREE)
_SESSION_SCOPE = int(RoundingScope.SESSION)
_OCTETS = int(Unit.OCTETS)
_SECONDS = int(Unit.SECONDS)
_EVENTS = int(Unit.EVENTS)
_GRANTED = int(Outcome.GRANTED)
_CREDIT_LIMIT_REACHED = int(Outcome.CREDIT_LIMIT_REACHED)


@kernel
def requested_units(mscc, unit):
    """Units of `unit` that the Requested-Service-Unit names; 0 where it names none."""
    if unit == _OCTETS:
        return mscc.requested_octets if mscc.presence & HAS_REQUESTED_OCTETS else np.int64(0)
    if unit == _SECONDS:
        return mscc.requested_seconds if mscc.presence & HAS_REQUESTED_SECONDS else np.int64(0)
    return mscc.requested_events if mscc.presence & HAS_REQUESTED_EVENTS else np.int64(0)


@kernel
def wanted_units(mscc, price):
    """What a request wants: as asked, within the price's bounds, or the price's own size."""
    asked = requested_units(mscc, price.unit)
    if asked <= 0:
        asked = price.grant_units
    return min(max(asked, price.grant_units_min), price.grant_units_max)


@kernel
def free_micros(arena, slot, bucket):
    """Money that may still be reserved from the bucket at first word `bucket`: what remains plus the credit limit."""
    return arena.words[bucket + BUCKET_REMAINING] + arena.words[arena.first[slot] + HEADER_CREDIT_LIMIT]


@kernel
def count_reservations(arena, slot, service_tag):
    """Reservations that the service has."""
    found = 0
    at = arena.section_at[slot, _RESERVATIONS]
    for _ in range(count_rows(arena, slot, _RESERVATIONS)):
        found += arena.octets[8 * at + RESERVATION_SERVICE_TAG] == service_tag
        at += RESERVATION_WORDS
    return found


@kernel
def _reserve_allowances(arena, slot, scratch, price, allowances, service_tag, made, want, now_ns):
    """Hold up to `want` units of allowances for a service that has `made` reservations; (units held, how many then)."""
    held = np.int64(0)
    count = order_allowances(
        arena,
        slot,
        price.unit,
        allowances,
        price.allowance_first,
        price.allowance_count,
        now_ns,
        scratch.order,
    )
    for index in range(count):
        if held == want or made >= RESERVATIONS_PER_SERVICE_MAX - 1:
            break
        part = min(want - held, arena.words[scratch.order[index] + BUCKET_REMAINING])
        if part > 0 and reserve(arena, slot, scratch.ledger, service_tag, scratch.order[index], part):
            held += part
            made += 1
    return held, made


@kernel
def _has_more(arena, slot, scratch, price, allowances, money, carry, now_ns):
    """Would the next grant be above 0?"""
    count = order_allowances(
        arena,
        slot,
        price.unit,
        allowances,
        price.allowance_first,
        price.allowance_count,
        now_ns,
        scratch.order,
    )
    for index in range(count):
        if arena.words[scratch.order[index] + BUCKET_REMAINING] > 0:
            return True
    if price.has_price == 0:
        return False
    if price.price_micros == 0:
        return True
    return money >= 0 and affordable_units(price, free_micros(arena, slot, money), carry) > 0


@kernel
def grant(arena, slot, scratch, price, allowances, service_tag, made, carry, want, now_ns, answer):
    """Reserve up to `want` units for the service and fill `answer`'s grant, outcome and finality (docs/charging.md §6).

    made     int64: reservations that the service has already, of an earlier MSCC of the same request
    carry    int64: of the service, already 0 where the price rounds each report alone
    answer   ANSWER_MSCC_DTYPE row: granted, has_grant, validity_s, final_action, outcome are written
    """
    granted = want
    final = False
    if price.control != _FREE:
        granted, made = _reserve_allowances(arena, slot, scratch, price, allowances, service_tag, made, want, now_ns)
        money = np.int64(-1)
        if price.has_price != 0:
            if price.price_micros == 0:
                granted = want
            else:
                count = order_money(arena, slot, now_ns, scratch.money)
                if count > 0:
                    money = scratch.money[count - 1]
                if money >= 0 and granted < want and made < RESERVATIONS_PER_SERVICE_MAX:
                    part = min(
                        want - granted,
                        affordable_units(price, free_micros(arena, slot, money), carry),
                    )
                    cost = micros_to_reserve(price, part, carry)
                    if part > 0 and (cost == 0 or reserve(arena, slot, scratch.ledger, service_tag, money, cost)):
                        granted += part
                        carry = carry_after_reserve(price, part, carry) if price.rounding_scope == _SESSION_SCOPE else 0
        final = not _has_more(arena, slot, scratch, price, allowances, money, carry, now_ns)
    answer.unit = price.unit
    if granted == 0:
        answer.outcome = _CREDIT_LIMIT_REACHED
        return
    answer.outcome = _GRANTED
    answer.granted = granted
    answer.has_grant = 1
    answer.validity_s = price.validity_s
    if final:
        answer.final_action = price.final_action

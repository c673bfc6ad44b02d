"""The size of the next grant: what is wanted, cut to what allowances and money or bill can hold, and whether it is the last."""

import numpy as np

from balances.arena import count_rows
from balances.record import (
    BUCKET_REMAINING,
    RESERVATION_SERVICE_TAG,
    RESERVATION_WORDS,
    Section,
)
from balances.reservations import RESERVATIONS_PER_SERVICE_MAX, UNIT_RESERVATIONS_PER_SERVICE_MAX, reserve
from balances.selection import order_allowances, order_money
from charging.batch import (
    HAS_REQUESTED_EVENTS,
    HAS_REQUESTED_OCTETS,
    HAS_REQUESTED_SECONDS,
)
from charging.quota.terms import goes_on_without_quota, set_action_at_once, set_terms
from charging.rating.funds import free_micros, places_left, reserve_money
from charging.rating.price import (
    affordable_units,
    carry_after_reserve,
    micros_to_reserve,
)
from charging.rating.time_bands import until_change
from charging.tariff_tables import Control, RoundingScope
from charging.usage_record import GrantBasis
from vocabulary.kernel import inlined_kernel, kernel
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

_REQUESTED = int(GrantBasis.REQUESTED)
_PRICE_SIZE = int(GrantBasis.PRICE_SIZE)
_RAISED_TO_MIN = int(GrantBasis.RAISED_TO_MIN)
_CUT_TO_MAX = int(GrantBasis.CUT_TO_MAX)
_FUNDS = int(GrantBasis.FUNDS)
_TARIFF_CHANGE = int(GrantBasis.TARIFF_CHANGE)
_LAST = int(GrantBasis.LAST)


@inlined_kernel
def requested_units(mscc, unit):
    """Units of `unit` that the Requested-Service-Unit names; 0 where it names none."""
    if unit == _OCTETS:
        return mscc.requested_octets if mscc.presence & HAS_REQUESTED_OCTETS else np.int64(0)
    if unit == _SECONDS:
        return mscc.requested_seconds if mscc.presence & HAS_REQUESTED_SECONDS else np.int64(0)
    return mscc.requested_events if mscc.presence & HAS_REQUESTED_EVENTS else np.int64(0)


@inlined_kernel
def asks_for_none_of(mscc, unit):
    """Does the Requested-Service-Unit name `unit`, and 0 of it?"""
    if unit == _OCTETS:
        return mscc.presence & HAS_REQUESTED_OCTETS != 0 and mscc.requested_octets == 0
    if unit == _SECONDS:
        return mscc.presence & HAS_REQUESTED_SECONDS != 0 and mscc.requested_seconds == 0
    return mscc.presence & HAS_REQUESTED_EVENTS != 0 and mscc.requested_events == 0


@inlined_kernel
def asks_for_none(mscc):
    """Does it so of any unit?"""
    return asks_for_none_of(mscc, _OCTETS) or asks_for_none_of(mscc, _SECONDS) or asks_for_none_of(mscc, _EVENTS)


@inlined_kernel
def wanted_units(mscc, price):
    """What a request wants: as asked, within the price's bounds, or the price's own size."""
    asked = requested_units(mscc, price.unit)
    if asked <= 0:
        asked = price.grant_units
    return min(max(asked, price.grant_units_min), price.grant_units_max)


@inlined_kernel
def basis_of_wanted(requested, price, want):
    """GrantBasis of what wanted_units gave for so many requested units."""
    basis = _REQUESTED if requested > 0 else _PRICE_SIZE
    asked = requested if requested > 0 else np.int64(price.grant_units)
    if want > asked:
        basis |= _RAISED_TO_MIN
    elif want < asked:
        basis |= _CUT_TO_MAX
    return basis


@kernel
def count_reservations(arena, slot, service_tag):
    """Reservations that the service has."""
    found = 0
    at = arena.section_at[slot, _RESERVATIONS]
    for _ in range(count_rows(arena, slot, _RESERVATIONS)):
        found += arena.octets[8 * at + RESERVATION_SERVICE_TAG] == service_tag
        at += RESERVATION_WORDS
    return found


@inlined_kernel
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
        if held == want or made >= UNIT_RESERVATIONS_PER_SERVICE_MAX:
            break
        part = min(want - held, arena.words[scratch.order[index] + BUCKET_REMAINING])
        if part > 0 and reserve(arena, slot, scratch.ledger, service_tag, scratch.order[index], part):
            held += part
            made += 1
    return held, made


@inlined_kernel
def _affordable(arena, slot, scratch, price, micros, money_count, made, carry):
    """Units that money can hold for a service that has `made` reservations, at `micros` a block, above zero."""
    free = free_micros(arena, slot, price.settled_by, scratch.money, money_count, places_left(arena, slot, made))
    return affordable_units(price, micros, free, carry)


@inlined_kernel
def _reserve_money(arena, slot, scratch, price, micros, money_count, service_tag, made, carry, want):
    """Hold money for up to `want` units, at `micros` a block, above zero; (units held, carry then).

    `money_count` as in _has_more.
    """
    part = min(want, _affordable(arena, slot, scratch, price, micros, money_count, made, carry))
    if part == 0:
        return part, carry
    places = places_left(arena, slot, made)
    cost = micros_to_reserve(price, micros, part, carry)
    reserve_money(arena, slot, scratch.ledger, service_tag, scratch.money, money_count, places, cost)
    return part, carry_after_reserve(price, part, carry) if price.rounding_scope == _SESSION_SCOPE else np.int64(0)


@inlined_kernel
def _has_more(arena, slot, scratch, price, micros, allowances, money_count, carry, now_ns):
    """Would the next grant be above 0, at `micros` a block? The first `money_count` of scratch.money are the valid money."""
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
    if micros == 0:
        return True
    free = free_micros(arena, slot, price.settled_by, scratch.money, money_count, money_count)
    return money_count > 0 and affordable_units(price, micros, free, carry) > 0


@inlined_kernel
def grant(arena, slot, scratch, price, window, allowances, service_tag, made, carry, want, now_ns, answer):
    """Reserve up to `want` units for the service and fill `answer`'s grant, outcome and finality (docs/charging.md §6).

    window   charging.rating.time_bands.GrantWindow; where money can't pay all at its dearest price, and now costs less,
             the grant ends at the tariff change
    made     int64: reservations that the service has already, of an earlier MSCC of the same request
    carry    int64: of the service, already 0 where the price rounds each report alone
    answer   ANSWER_MSCC_DTYPE row: granted, has_grant, outcome and what set_terms says are written
    Returns what GrantBasis says of cuts: FUNDS, TARIFF_CHANGE, LAST.
    """
    granted = want
    cuts, final = 0, False
    if price.control != _FREE:
        granted, made = _reserve_allowances(arena, slot, scratch, price, allowances, service_tag, made, want, now_ns)
        money_count = 0
        if price.has_price != 0:
            if window.micros > 0:
                money_count = order_money(arena, slot, price.settled_by, now_ns, scratch.money)
            if window.now_micros < window.micros and granted < want:
                part = want - granted
                if _affordable(arena, slot, scratch, price, window.micros, money_count, made, carry) < part:
                    window, cuts = until_change(window), _TARIFF_CHANGE
            if window.micros == 0:
                granted = want
            elif money_count > 0 and granted < want and made < RESERVATIONS_PER_SERVICE_MAX:
                part, carry = _reserve_money(
                    arena, slot, scratch, price, window.micros, money_count, service_tag, made, carry, want - granted
                )
                granted += part
        final = not _has_more(arena, slot, scratch, price, window.micros, allowances, money_count, carry, now_ns)
    answer.unit = price.unit
    if granted == 0:
        answer.outcome = _CREDIT_LIMIT_REACHED
        if goes_on_without_quota(price):
            set_action_at_once(price, answer)
        return _FUNDS
    answer.outcome = _GRANTED
    answer.granted = granted
    answer.has_grant = 1
    set_terms(price, window, final, answer)
    if granted < want:
        cuts |= _FUNDS
    return cuts | _LAST if final else cuts

"""Account, service and instant -> the price row that decides, by binary search in the stacked tables."""

import numpy as np

from balances.arena import count_rows
from balances.record import (
    HEADER_TENANT,
    PRODUCT_FROM_NS,
    PRODUCT_OFFER,
    PRODUCT_PRIORITY,
    PRODUCT_RELEASE,
    PRODUCT_TO_NS,
    PRODUCT_WORDS,
    Section,
)
from charging.tariff_tables import ABSENT, ANY, Control
from vocabulary.kernel import inlined_kernel, kernel
from vocabulary.outcomes import Outcome

_NOT_APPLICABLE = int(Control.NOT_APPLICABLE)
_DENIED = int(Control.DENIED)
_END_USER_SERVICE_DENIED = int(Outcome.END_USER_SERVICE_DENIED)
_CREDIT_CONTROL_NOT_APPLICABLE = int(Outcome.CREDIT_CONTROL_NOT_APPLICABLE)
_PRODUCTS = int(Section.PRODUCTS)
_GRANTED = int(Outcome.GRANTED)
_RATING_FAILED = int(Outcome.RATING_FAILED)
_AUTHORIZATION_REJECTED = int(Outcome.AUTHORIZATION_REJECTED)


@inlined_kernel
def release_in_force(tariffs, tenant, now_ns):
    """Number of the tenant's release with the latest effective_ns <= now_ns; 0 where it has none."""
    releases = tariffs.releases
    found = 0
    low, high = 0, releases.shape[0]
    while low < high:
        middle = (low + high) // 2
        row = releases[middle]
        if row.tenant < tenant or (row.tenant == tenant and row.effective_ns <= now_ns):
            low = middle + 1
        else:
            high = middle
    if low > 0 and releases[low - 1].tenant == tenant:
        found = releases[low - 1].release
    return np.int64(found)


@inlined_kernel
def find_offer(tariffs, tenant, release, offer):
    """Row of `offers`, or where it would stand as ~row."""
    low, high = 0, tariffs.offers.shape[0]
    while low < high:
        middle = (low + high) // 2
        row = tariffs.offers[middle]
        if (
            row.tenant < tenant
            or (row.tenant == tenant and row.release < release)
            or (row.tenant == tenant and row.release == release and row.offer < offer)
        ):
            low = middle + 1
        else:
            high = middle
    if low < tariffs.offers.shape[0]:
        row = tariffs.offers[low]
        if row.tenant == tenant and row.release == release and row.offer == offer:
            return low
    return ~low


@inlined_kernel
def find_price(prices, first, count, service_context, rating_group, service_identifier):
    """Row of `prices` with exactly this key within [first, first + count), or -1."""
    low, high = first, first + count
    while low < high:
        middle = (low + high) // 2
        row = prices[middle]
        if row.service_context != service_context:
            below = row.service_context < service_context
        elif row.rating_group != rating_group:
            below = row.rating_group < rating_group
        else:
            below = row.service_identifier < service_identifier
        if below:
            low = middle + 1
        else:
            high = middle
    if low < first + count:
        row = prices[low]
        if (
            row.service_context == service_context
            and row.rating_group == rating_group
            and row.service_identifier == service_identifier
        ):
            return low
    return -1


@inlined_kernel
def price_in_offer(tariffs, offer_row, service_context, rating_group, service_identifier):
    """The most particular price of an offer for a service, or -1; docs/charging.md §4."""
    first = np.int64(tariffs.offers[offer_row].price_first)
    count = np.int64(tariffs.offers[offer_row].price_count)
    group = rating_group if rating_group >= 0 else ABSENT
    if service_identifier >= 0:
        row = find_price(tariffs.prices, first, count, service_context, group, service_identifier)
        if row >= 0:
            return row
    row = find_price(tariffs.prices, first, count, service_context, group, ANY)
    if row >= 0:
        return row
    return find_price(tariffs.prices, first, count, service_context, ANY, ANY)


@kernel
def _is_priced_elsewhere(tariffs, tenant, release, service_context, rating_group):
    """Does any offer of the release have a price for this service context and rating group?"""
    offer_row = ~find_offer(tariffs, tenant, release, -1)
    group = rating_group if rating_group >= 0 else ABSENT
    while offer_row < tariffs.offers.shape[0]:
        offer = tariffs.offers[offer_row]
        if offer.tenant != tenant or offer.release != release:
            return False
        for row in range(offer.price_first, offer.price_first + offer.price_count):
            if tariffs.prices[row].service_context == service_context and tariffs.prices[row].rating_group == group:
                return True
        offer_row += 1
    return False


@inlined_kernel
def look_up_price(arena, slot, tariffs, request, mscc, now_ns, release_ns):
    """(outcome, price row, offer row) for the service of an MSCC, from its request.

    GRANTED with rows, else AUTHORIZATION_REJECTED or RATING_FAILED with -1, -1. Products valid at `now_ns` are asked in
    order of (priority, place); the first with a price decides. A product that follows the release in force is asked in
    that of `release_ns`.
    """
    tenant = np.int64(arena.halves[2 * arena.first[slot] + HEADER_TENANT])
    in_force = release_in_force(tariffs, tenant, release_ns)
    start = arena.section_at[slot, _PRODUCTS]
    count = count_rows(arena, slot, _PRODUCTS)
    asked_priority, asked_place = np.int64(-1), np.int64(-1)
    elsewhere = False
    for _ in range(count):
        best = -1
        best_priority = np.int64(0)
        for place in range(count):
            at = start + place * PRODUCT_WORDS
            priority = np.int64(arena.halves[2 * at + PRODUCT_PRIORITY])
            if not arena.words[at + PRODUCT_FROM_NS] <= now_ns < arena.words[at + PRODUCT_TO_NS]:
                continue
            if priority < asked_priority or (priority == asked_priority and place <= asked_place):
                continue
            if best < 0 or priority < best_priority:
                best, best_priority = place, priority
        if best < 0:
            break
        asked_priority, asked_place = best_priority, best
        at = start + best * PRODUCT_WORDS
        release = np.int64(arena.halves[2 * at + PRODUCT_RELEASE])
        if release == 0:
            release = in_force
        offer_row = find_offer(tariffs, tenant, release, np.int64(arena.halves[2 * at + PRODUCT_OFFER]))
        if offer_row >= 0:
            price_row = price_in_offer(
                tariffs, offer_row, request.service_context, mscc.rating_group, mscc.service_identifier
            )
            if price_row >= 0:
                return _GRANTED, price_row, offer_row
        if not elsewhere:
            elsewhere = _is_priced_elsewhere(tariffs, tenant, release, request.service_context, mscc.rating_group)
    return _AUTHORIZATION_REJECTED if elsewhere else _RATING_FAILED, -1, -1


@kernel
def refusal_of(price):
    """What the price row's control refuses; GRANTED where it charges or grants free."""
    if price.control == _DENIED:
        return _END_USER_SERVICE_DENIED
    if price.control == _NOT_APPLICABLE:
        return _CREDIT_CONTROL_NOT_APPLICABLE
    return _GRANTED

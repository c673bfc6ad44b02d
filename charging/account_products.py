"""Products of an account as account commands apply and end them: one row an offer, whose period moves on."""

import numpy as np

from balances.arena import append_row, count_rows
from balances.record import (
    PRODUCT_FROM_NS,
    PRODUCT_OFFER,
    PRODUCT_PERIOD_S,
    PRODUCT_PRIORITY,
    PRODUCT_RELEASE,
    PRODUCT_TO_NS,
    PRODUCT_WORDS,
    Section,
)
from vocabulary.instants import NS_PER_S
from vocabulary.kernel import kernel
from vocabulary.limits import PRODUCTS_PER_ACCOUNT_MAX

_PRODUCTS = int(Section.PRODUCTS)

PERIOD_IS_NEW = 0
PERIOD_WAS_APPLIED = 1
PERIOD_IS_PAST = 2
"""A later period of the product was applied."""


@kernel
def _find_product(arena, slot, offer):
    """First word of the offer's row, -1 where the account hasn't had it."""
    at = arena.section_at[slot, _PRODUCTS]
    for _ in range(count_rows(arena, slot, _PRODUCTS)):
        if np.int64(arena.halves[2 * at + PRODUCT_OFFER]) == offer:
            return at
        at += PRODUCT_WORDS
    return -1


@kernel
def judge_period(arena, slot, change):
    """Is the period that the change applies new to the account? By its start, which is what a period is known by."""
    at = _find_product(arena, slot, change.offer)
    if at < 0:
        return PERIOD_IS_NEW
    last_s = np.int64(arena.halves[2 * at + PRODUCT_PERIOD_S])
    if last_s == 0:
        last_s = arena.words[at + PRODUCT_FROM_NS] // NS_PER_S
    wanted_s = change.product_from_ns // NS_PER_S
    if wanted_s == last_s:
        return PERIOD_WAS_APPLIED
    return PERIOD_IS_NEW if wanted_s > last_s else PERIOD_IS_PAST


@kernel
def _row_for_new(arena, slot, now_ns):
    """First word of a zeroed row: a new one, or at the maximum that of the product that is over longest; -1 without either."""
    count = count_rows(arena, slot, _PRODUCTS)
    if count < PRODUCTS_PER_ACCOUNT_MAX:
        return append_row(arena, slot, _PRODUCTS)
    found = -1
    for row in range(count):
        at = arena.section_at[slot, _PRODUCTS] + row * PRODUCT_WORDS
        if arena.words[at + PRODUCT_TO_NS] <= now_ns and (
            found < 0 or arena.words[at + PRODUCT_TO_NS] < arena.words[found + PRODUCT_TO_NS]
        ):
            found = at
    if found >= 0:
        for word in range(found, found + PRODUCT_WORDS):
            arena.words[word] = 0
    return found


@kernel
def put_product(arena, slot, change, now_ns):
    """Give the account the offer of a change for its period. False where there is no room for another product.

    A product that it has, or had, goes on to the end of the period; where it was over before, it begins anew.
    """
    at = _find_product(arena, slot, change.offer)
    if at < 0:
        at = _row_for_new(arena, slot, now_ns)
        if at < 0:
            return False
        arena.halves[2 * at + PRODUCT_OFFER] = change.offer
        arena.halves[2 * at + PRODUCT_PRIORITY] = change.priority
    if arena.words[at + PRODUCT_TO_NS] < change.product_from_ns:
        arena.words[at + PRODUCT_FROM_NS] = change.product_from_ns
    arena.words[at + PRODUCT_TO_NS] = change.product_to_ns
    arena.halves[2 * at + PRODUCT_RELEASE] = change.release
    arena.halves[2 * at + PRODUCT_PERIOD_S] = change.product_from_ns // NS_PER_S
    return True


@kernel
def end_product(arena, slot, offer, at_ns):
    """Let the offer's products end at `at_ns` at the latest."""
    at = arena.section_at[slot, _PRODUCTS]
    for _ in range(count_rows(arena, slot, _PRODUCTS)):
        if np.int64(arena.halves[2 * at + PRODUCT_OFFER]) == offer:
            arena.words[at + PRODUCT_TO_NS] = min(arena.words[at + PRODUCT_TO_NS], at_ns)
        at += PRODUCT_WORDS

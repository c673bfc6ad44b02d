"""Rules of what a price says about its grants: sizes, and the terms beside them."""

from collections.abc import Iterator
from typing import Final

from catalog_loader.amounts import PERCENT_MAX
from catalog_loader.faults import Finding
from catalog_loader.redirects import ADDRESS_REMEDY, RULE_REMEDY, final_unit, is_filter_rule, redirect_type
from catalog_loader.release import Price, Release
from charging.final_units import FinalUnit, number_of_final_unit
from vocabulary.limits import FINAL_TEXT_OCTETS_MAX, MICROS_MAX, PRICE_MICROS_MAX, THRESHOLD_UNITS_MAX


def check_grants(release: Release) -> Iterator[Finding]:
    """Grants have an order, and the smallest one can be paid."""
    for index, price in enumerate(release.prices):
        path = ("prices", index, "grant")
        low, usual, high = price.grant_units_min, price.grant_units, price.grant_units_max
        if low > high:
            yield Finding(
                (*path, "min"), f"grant min {low} is above max {high} ({price.unit})", "Lower min or raise max"
            )
        elif not low <= usual <= high:
            problem = f"grant default {usual} is not between min {low} and max {high} ({price.unit})"
            yield Finding((*path, "default"), problem, "Choose a default between them")
        dearest = max(price.price_micros or 0, *(band.price_micros for band in price.bands), 0)
        if dearest <= PRICE_MICROS_MAX and price.block_units >= 1:
            blocks = -(-low // price.block_units)
            if blocks * dearest > MICROS_MAX:
                problem = f"the smallest grant would cost more than {MICROS_MAX} micros, which no account can hold"
                yield Finding((*path, "min"), problem, "Lower min or the price")


def check_thresholds(release: Release) -> Iterator[Finding]:
    """A threshold is a part of some grant, and fits its AVP."""
    for index, price in enumerate(release.prices):
        path = ("prices", index, "grant", "threshold")
        units, percent = price.terms.threshold_units, price.terms.threshold_percent
        if units and percent:
            yield Finding(path, "the threshold is an amount and a share", "Keep one of the two")
        if not 0 <= percent <= PERCENT_MAX:
            yield Finding(path, f"threshold is {percent} %, not in 1 to {PERCENT_MAX}", "Choose one that fits")
        if not 0 <= units <= THRESHOLD_UNITS_MAX:
            problem = f"threshold is {units} {price.unit}, not in 1 to {THRESHOLD_UNITS_MAX}"
            yield Finding(path, problem, "Choose one that fits")
        elif units >= price.grant_units_max:
            problem = f"threshold {units} is not below the largest grant {price.grant_units_max} ({price.unit})"
            yield Finding(path, f"{problem}: none would have one", "Lower it, or write a share such as 20 %")


def check_holding_times(release: Release) -> Iterator[Finding]:
    """Quota is given back before it ends by itself; so supervision, which lasts longer than validity, outlives it."""
    for index, price in enumerate(release.prices):
        holding_s = price.terms.holding_s
        if holding_s < 0 or holding_s > price.validity_s:
            problem = f"holding_time is {holding_s} s, not in 1 s to the validity of {price.validity_s} s"
            remedy = "Shorten it, or lengthen validity: quota is asked for again when that ends"
            yield Finding(("prices", index, "holding_time"), problem, remedy)


_LASTING: Final = ("redirect", "restrict")
FINAL_TEXTS: Final = {"redirect_to": ("redirect",), "filter_id": _LASTING, "filter_rule": _LASTING}
"""The actions that each text goes with (RFC 8506 §8.34)."""


def check_final_actions(release: Release) -> Iterator[Finding]:
    """What follows the last grant is said whole, and nothing else is."""
    by_number: dict[int, FinalUnit] = {}
    for index, price in enumerate(release.prices):
        yield from _check_final_texts(("prices", index), price)
        unit = final_unit(price.terms.redirect_to, price.terms.filter_id, price.terms.filter_rule)
        if by_number.setdefault(number_of_final_unit(unit), unit) != unit:
            problem = "its address and filters have the number of another price's in answers"
            yield Finding(("prices", index, "final_action"), problem, "Change one of them a little")


def _check_final_texts(path: tuple[str | int, ...], price: Price) -> Iterator[Finding]:
    terms = price.terms
    if price.final_action == "redirect" and not terms.redirect_to:
        yield Finding((*path, "redirect_to"), "redirect_to is missing: final_action is redirect", ADDRESS_REMEDY)
    for key, actions in FINAL_TEXTS.items():
        text = getattr(terms, key)
        if text and price.final_action not in actions:
            problem = f"{key} has no sense where final_action is {price.final_action}"
            yield Finding((*path, key), problem, f"Remove it, or write final_action: {' or '.join(actions)}")
        if not text.isascii() or not text.isprintable() or len(text) > FINAL_TEXT_OCTETS_MAX:
            problem = f"{key} has characters beyond ASCII, or more than {FINAL_TEXT_OCTETS_MAX}"
            yield Finding((*path, key), problem, "Write what goes over the wire as it is, such as %20 and punycode")
    if terms.redirect_to and redirect_type(terms.redirect_to) is None:
        yield Finding((*path, "redirect_to"), f'"{terms.redirect_to[:80]}" is no address', ADDRESS_REMEDY)
    if terms.filter_rule and not is_filter_rule(terms.filter_rule):
        yield Finding((*path, "filter_rule"), f'"{terms.filter_rule[:80]}" is no IPFilterRule', RULE_REMEDY)

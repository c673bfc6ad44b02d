"""Rules of what a price says about its grants: sizes, and the terms beside them."""

from collections.abc import Iterator

from catalog_loader.amounts import PERCENT_MAX
from catalog_loader.faults import Finding
from catalog_loader.release import Release
from vocabulary.limits import MICROS_MAX, PRICE_MICROS_MAX, THRESHOLD_UNITS_MAX


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
        if price.price_micros and price.price_micros <= PRICE_MICROS_MAX and price.block_units >= 1:
            blocks = -(-low // price.block_units)
            if blocks * price.price_micros > MICROS_MAX:
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

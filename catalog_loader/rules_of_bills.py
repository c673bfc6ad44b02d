"""Rules of who pays: a price that is settled by bill is in offers whose accounts have one."""

from collections.abc import Iterator

from catalog_loader.faults import Finding
from catalog_loader.release import Release
from vocabulary.limits import MICROS_MAX


def check_bills(release: Release) -> Iterator[Finding]:
    """An offer says how much may be owed where it has a price of the bill, and only there."""
    billed = {price.id for price in release.prices if price.settled_by == "bill"}
    for index, offer in enumerate(release.offers):
        path = ("offers", index, "credit_limit")
        on_bill = sorted(billed.intersection(offer.prices))
        limit = offer.credit_limit_micros
        if not 0 <= limit <= MICROS_MAX:
            yield Finding(path, f"credit_limit is {limit} micros, not in 1 to {MICROS_MAX}", "Choose one that fits")
        elif on_bill and limit == 0:
            problem = f"credit_limit is missing: price {on_bill[0]} is settled by bill, and nothing could be owed"
            yield Finding(path, problem, "Write credit_limit: 50 EUR, or settle by balance")
        elif limit > 0 and not on_bill:
            problem = "credit_limit has no sense: no price of the offer is settled by bill"
            yield Finding(path, problem, "Remove it, or write settled_by: bill in a price")

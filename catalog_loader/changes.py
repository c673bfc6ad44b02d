"""What a release changes against another, in rows of text for people who are about to publish it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from catalog_loader.describe import describe, describe_price
from catalog_loader.release import Release


class Change(NamedTuple):
    """One thing that differs; '' where it is not there. The field names are the column titles."""

    thing: str
    """such as "price data-general" """
    what: str
    """the field that differs; '' where the thing is new or gone"""
    before: str
    after: str


def changes(before: Release, after: Release) -> list[Change]:
    """What subscribers and operators will see differ, in the order release, offers, allowances, prices, each by id."""
    return [
        *_differences({"release": _header(before)}, {"release": _header(after)}),
        *_differences(_offers(before), _offers(after)),
        *_differences(_allowances(before), _allowances(after)),
        *_differences(_prices(before), _prices(after)),
    ]


Rows = Mapping[str, Mapping[str, str]]
_OWN = ("release", "hash", "effective")
"""Of the header: differ between any two releases, and are said elsewhere."""


def _header(release: Release) -> dict[str, str]:
    return {title: text for title, text in describe(release).header if title not in _OWN}


def _offers(release: Release) -> Rows:
    prices = {offer.id: ", ".join(sorted(offer.prices)) for offer in release.offers}
    rows: dict[str, Mapping[str, str]] = {}
    for row in describe(release).offers:
        fields = row._asdict()
        del fields["offer"], fields["price_count"]
        rows[f"offer {row.offer}"] = fields | {"prices": prices[row.offer]}
    return rows


def _allowances(release: Release) -> Rows:
    rows: dict[str, Mapping[str, str]] = {}
    for row in describe(release).allowances:
        fields = row._asdict()
        del fields["allowance"]
        rows[f"allowance {row.allowance}"] = fields
    return rows


def _prices(release: Release) -> Rows:
    rows: dict[str, Mapping[str, str]] = {}
    for price in release.prices:
        fields = describe_price(price, release.currency)._asdict()
        del fields["offers"], fields["price"]
        rows[f"price {price.id}"] = {"name": price.name} | fields
    return rows


def _differences(before: Rows, after: Rows) -> Iterator[Change]:
    for thing in sorted(set(before) | set(after)):
        if thing not in before:
            yield Change(thing, "", "", _summary(after[thing]))
        elif thing not in after:
            yield Change(thing, "", _summary(before[thing]), "")
        else:
            titles: Sequence[str] = list(dict.fromkeys((*before[thing], *after[thing])))
            for title in titles:
                old, new = before[thing].get(title, "-"), after[thing].get(title, "-")
                if old != new:
                    yield Change(thing, title.replace("_", " "), old, new)


def _summary(fields: Mapping[str, str]) -> str:
    """The thing on one line."""
    return "; ".join(text for text in fields.values() if text not in ("", "-"))

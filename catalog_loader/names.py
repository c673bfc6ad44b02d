"""Back from numbers to names: records and rows carry numbers, people want to read "prepaid-start"."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from catalog_loader.release import Release
from vocabulary.currencies import CURRENCY_NUMBERS
from vocabulary.ids import number_of_name

EMPTY_POSITION = "0-0"


class Name(NamedTuple):
    """An id, and the name for people that the newest release gives it."""

    id: str
    name: str


class ReleaseName(NamedTuple):
    """What people want to know of a published release."""

    tenant: str
    name: str
    effective_ns: int
    hash: str


NumbersOf = dict[tuple[int, int], Name]


@dataclass(frozen=True, slots=True)
class CatalogueNames:
    """Names of everything that published releases number; keys are (tenant number, number)."""

    stream_id: str = EMPTY_POSITION
    """of the last published release that is in here"""
    offers: NumbersOf = field(default_factory=dict)
    prices: NumbersOf = field(default_factory=dict)
    allowances: NumbersOf = field(default_factory=dict)
    releases: dict[tuple[int, int], ReleaseName] = field(default_factory=dict)
    currencies: dict[int, str] = field(default_factory=dict)
    """ISO 4217 letters by tenant number"""

    def offer(self, tenant: int, number: int) -> str:
        """Id of the offer; "#<number>" where no release has it."""
        return _id_of(self.offers, tenant, number)

    def price(self, tenant: int, number: int) -> str:
        """Id of the price; "#<number>" where no release has it."""
        return _id_of(self.prices, tenant, number)

    def allowance(self, tenant: int, number: int) -> str:
        """Id of the allowance, "money" for 0; "#<number>" where no release has it."""
        return "money" if number == 0 else _id_of(self.allowances, tenant, number)

    def release(self, tenant: int, number: int) -> str:
        """The release's number and name: "3 (Spring)"."""
        known = self.releases.get((tenant, number))
        return f"{number} ({known.name})" if known else str(number)


def _id_of(names: NumbersOf, tenant: int, number: int) -> str:
    known = names.get((tenant, number))
    return known.id if known else f"#{number}"


def names_of(releases: Sequence[tuple[int, Release, str]], stream_id: str = EMPTY_POSITION) -> CatalogueNames:
    """Names of (tenant number, release, hash), later releases winning where they name a thing anew."""
    names = CatalogueNames(stream_id)
    for tenant, release, hash_ in sorted(releases, key=lambda row: (row[0], row[1].effective_ns)):
        for offer in release.offers:
            names.offers[tenant, number_of_name(offer.id)] = Name(offer.id, offer.name)
        for price in release.prices:
            names.prices[tenant, number_of_name(price.id)] = Name(price.id, price.name)
        for allowance in release.allowances:
            names.allowances[tenant, number_of_name(allowance.id)] = Name(allowance.id, allowance.name)
        names.releases[tenant, release.number] = ReleaseName(release.tenant, release.name, release.effective_ns, hash_)
        names.currencies[tenant] = release.currency
    assert all(letters in CURRENCY_NUMBERS for letters in names.currencies.values())
    return names

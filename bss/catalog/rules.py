"""What resources of the catalogue must be. Rules of one entry hold at each save, those of the whole when a release is made;
paths are (list name, place, field ...), as in catalog_loader.faults.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec

from bss.catalog.eligibility import compile_eligibility
from bss.catalog.records import (
    Category,
    Characteristic,
    LifecycleStatus,
    Offering,
    OfferingPrice,
    PriceType,
    Resource,
    Specification,
)
from bss.catalog.release import KIND_OF, CatalogRelease
from bss.conditions import ConditionInvalid
from catalog_loader.amounts import money_text
from catalog_loader.faults import Finding, Path, suggestion
from catalog_loader.release import Offer
from vocabulary.limits import MICROS_MAX

Findings = Iterator[Finding]

PERIOD_TYPES: Final = ("hour", "day", "week", "month", "year")
RELATIONSHIP_TYPES: Final = ("requires", "excludes")
VALUE_TYPES: Final = ("string", "integer", "boolean")
PRICE_TYPES: Final = (PriceType.ONE_TIME, PriceType.RECURRING, PriceType.DEPOSIT, PriceType.USAGE)
LIFECYCLE_STATUSES: Final = (LifecycleStatus.DRAFT, LifecycleStatus.ACTIVE, LifecycleStatus.RETIRED)
LENGTH_MAX: Final = {"name": 200, "description": 2000, "version": 40, "brand": 200, "product_number": 80}
LENGTH_MAX_OF_OTHERS: Final = {"status_reason": 500, "catalog_type": 80, "eligibility": 2000}
PERIOD_LENGTH_MAX: Final = 1200

_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_INTEGER: Final = re.compile(r"-?(0|[1-9][0-9]{0,17})")


# --- one entry -------------------------------------------------------------------------------------------------------


def check_entry(resource: Resource, path: Path = ()) -> Findings:
    """What is wrong with a resource for itself."""
    if not _ID.fullmatch(resource.id):
        yield Finding(
            (*path, "id"), f'"{resource.id[:80]}" is no id', 'Use letters, digits, ".", "_" and "-", up to 64'
        )
    if not resource.name.strip():
        yield Finding((*path, "name"), "name is empty", "Give it a name for people")
    for field, characters in (LENGTH_MAX | LENGTH_MAX_OF_OTHERS).items():
        text = getattr(resource, field, "")
        if len(text) > characters:
            yield Finding((*path, field), f"{field} has {len(text)} characters", f"Use at most {characters}")
        if not all(character.isprintable() or character == "\n" for character in text):
            yield Finding((*path, field), f"{field} has characters that can't be shown", "Remove them")
    yield from _check_word((*path, "lifecycle_status"), resource.lifecycle_status, LIFECYCLE_STATUSES)
    start, end = resource.valid_from_ns, resource.valid_to_ns
    if start is not None and end is not None and end <= start:
        yield Finding((*path, "valid_to"), "valid_to is not after valid_from", "Write a later instant, or leave it out")
    check = _CHECKS.get(type(resource))
    if check is not None:
        yield from check(resource, path)


def _check_word(path: Path, word: str, known: tuple[str, ...]) -> Findings:
    if word not in known:
        otherwise = f"Write {', '.join(known)}"
        yield Finding(path, f'{path[-1]} is "{word[:40]}"', suggestion(word, known, otherwise=otherwise))


def _check_specification(specification: Specification, path: Path) -> Findings:
    names: set[str] = set()
    for index, each in enumerate(specification.characteristics):
        at = (*path, "characteristics", index)
        if not each.name.strip() or each.name in names:
            yield Finding((*at, "name"), "a characteristic has no name, or that of another", "Give it one of its own")
        names.add(each.name)
        yield from _check_word((*at, "value_type"), each.value_type, VALUE_TYPES)
        for place, value in enumerate(each.values):
            if not is_of_type(each.value_type, value):
                yield Finding((*at, "values", place), f'"{value[:40]}" is no {each.value_type}', "Write one that is")
        if each.default:
            yield from _check_value((*at, "default"), each, each.default)
        elif not each.configurable and each.required:
            problem = f"{each.name} is required, and neither chosen nor given"
            yield Finding((*at, "default"), problem, "Give it a default, or let orders choose it: configurable: true")
    seen: set[str] = set()
    for index, need in enumerate(specification.services):
        if not _ID.fullmatch(need.id) or need.id in seen:
            yield Finding((*path, "services", index, "id"), "a service has no id, or that of another", "Give it one")
        seen.add(need.id)
        for place, kind in enumerate(need.resources):
            if not _ID.fullmatch(kind):
                yield Finding(
                    (*path, "services", index, "resources", place), "no kind of resource", "Write msisdn, sim ..."
                )


def is_of_type(value_type: str, value: str) -> bool:
    """Is the text a value of the characteristic's type?"""
    if value_type == "integer":
        return _INTEGER.fullmatch(value) is not None
    return value in ("true", "false") if value_type == "boolean" else bool(value)


def _check_value(path: Path, characteristic: Characteristic, value: str) -> Findings:
    if characteristic.values and value not in characteristic.values:
        known = characteristic.values
        remedy = suggestion(value, known, otherwise=f"Write {', '.join(known[:10])}")
        yield Finding(path, f'"{value[:40]}" is not among the values of {characteristic.name}', remedy)
    elif not is_of_type(characteristic.value_type, value):
        yield Finding(path, f'"{value[:40]}" is no {characteristic.value_type}', "Write one that is")


def _check_price(price: OfferingPrice, path: Path) -> Findings:
    yield from _check_word((*path, "price_type"), price.price_type, PRICE_TYPES)
    if price.price_type == PriceType.USAGE:
        if price.price is None:
            yield Finding((*path, "price"), "price is missing", "Name the engine's price that usage is charged by")
        if price.amount_micros is not None:
            yield Finding((*path, "amount"), "usage costs what the engine's price says", "Leave amount out")
    else:
        if price.price is not None:
            yield Finding((*path, "price"), f"a price of type {price.price_type} has an amount", "Leave price out")
        if price.amount_micros is None:
            yield Finding((*path, "amount"), "amount is missing", 'Write a sum such as "10.00 EUR"')
        elif not 0 <= price.amount_micros <= MICROS_MAX:
            yield Finding((*path, "amount"), "amount is out of range", f"Choose one of 0 to {MICROS_MAX} micros")
    length, kind = price.recurring_charge_period_length, price.recurring_charge_period_type
    at = (*path, "recurring_charge_period_length")
    if price.price_type != PriceType.RECURRING:
        if length is not None or kind is not None:
            yield Finding(at, f"a price of type {price.price_type} has no period", "Leave it out, or write recurring")
    elif length is None or kind is None:
        yield Finding(at, "the period is missing", "Write recurring_charge_period_length: 1 and ..._type: month")
    else:
        if not 1 <= length <= PERIOD_LENGTH_MAX:
            yield Finding(at, f"a period of {length} {kind}", f"Write 1 to {PERIOD_LENGTH_MAX}")
        yield from _check_word((*path, "recurring_charge_period_type"), kind, PERIOD_TYPES)


def _check_offering(offering: Offering, path: Path) -> Findings:
    if offering.eligibility.strip():
        try:
            compile_eligibility(offering.eligibility)
        except ConditionInvalid as invalid:
            for fault in invalid.faults:
                problem = f"line {fault.line}, column {fault.column}: {fault.problem}"
                yield Finding((*path, "eligibility"), problem, fault.remedy)
    seen: set[str] = set()
    for index, each in enumerate(offering.relationships):
        at = (*path, "relationships", index)
        yield from _check_word((*at, "relationship_type"), each.relationship_type, RELATIONSHIP_TYPES)
        if each.id == offering.id:
            yield Finding((*at, "id"), "an offering has no relationship to itself", "Name another, or remove it")
        elif each.id in seen:
            yield Finding((*at, "id"), f"offering {each.id} is named twice", "Keep one: it is required, or excluded")
        seen.add(each.id)
    for field, names in (
        ("characteristic_values", [each.name for each in offering.characteristic_values]),
        ("price_ids", list(offering.price_ids)),
        ("category_ids", list(offering.category_ids)),
    ):
        for index, name in enumerate(names):
            if name in names[:index]:
                yield Finding((*path, field, index), f"{name} stands there twice", "Remove one of the two")


_CHECKS: Final[dict[type[Resource], Callable[[Any, Path], Findings]]] = {
    Specification: _check_specification,
    OfferingPrice: _check_price,
    Offering: _check_offering,
}


# --- the whole -------------------------------------------------------------------------------------------------------


def check_whole(release: CatalogRelease) -> Findings:
    """What is wrong with a release: its entries, and what they say of each other and of the engine's part."""
    for name in KIND_OF:
        ids: set[str] = set()
        for index, resource in enumerate(getattr(release, name)):
            if resource.id in ids:
                yield Finding((name, index, "id"), f"another entry of {name} has this id too", "Give one another id")
            ids.add(resource.id)
            yield from check_entry(resource, (name, index))
    yield from _check_categories(release)
    for index, offering in enumerate(release.offerings):
        yield from _check_references(release, offering, ("offerings", index))
        yield from _check_fixed_values(release, offering, ("offerings", index))
        yield from _check_charging(release, offering, ("offerings", index))


def _check_categories(release: CatalogRelease) -> Findings:
    catalogs = {each.id: each for each in release.catalogs}
    parents: dict[str, Category] = {each.id: each for each in release.categories}
    for index, category in enumerate(release.categories):
        path = ("categories", index)
        if category.catalog_id is not None:
            yield from _check_named((*path, "catalog_id"), "catalog", category.catalog_id, catalogs)
        if category.parent_id is None:
            continue
        yield from _check_named((*path, "parent_id"), "category", category.parent_id, parents)
        above, seen = category, {category.id}
        while above.parent_id is not None and above.parent_id in parents:
            above = parents[above.parent_id]
            if above.id in seen:
                yield Finding((*path, "parent_id"), "the category stands below itself", "Name another parent, or none")
                break
            seen.add(above.id)


def _check_named(path: Path, what: str, name: str, known: dict[str, Any], *, of_active: bool = False) -> Findings:
    """What is named exists, and isn't retired where what names it is sold."""
    if name not in known:
        otherwise = f"Name one that is there; drafts are no part of a release: make {name} active"
        yield Finding(path, f"there is no {what} {name}", suggestion(name, known, otherwise=otherwise))
    elif of_active and known[name].lifecycle_status == LifecycleStatus.RETIRED:
        yield Finding(path, f"{what} {name} is retired, and the offering is active", "Name another, or retire both")


def _check_references(release: CatalogRelease, offering: Offering, path: Path) -> Findings:
    is_active = offering.lifecycle_status == LifecycleStatus.ACTIVE
    named = (
        ("specification", "specifications", "product_specification_id", [offering.product_specification_id]),
        ("category", "categories", "category_ids", list(offering.category_ids)),
        ("price", "offering_prices", "price_ids", list(offering.price_ids)),
        ("offering", "offerings", "relationships", [each.id for each in offering.relationships]),
    )
    for what, name, field, ids in named:
        known = {each.id: each for each in getattr(release, name)}
        for index, each in enumerate(ids):
            at = (*path, field) if field.endswith("_id") else (*path, field, index)
            # an excluded offering may be retired: who has it still can't have both
            yield from _check_named(at, what, each, known, of_active=is_active and what in ("specification", "price"))


def _check_fixed_values(release: CatalogRelease, offering: Offering, path: Path) -> Findings:
    specification = release.specification(offering.product_specification_id)
    if specification is None:
        return
    known = {each.name: each for each in specification.characteristics}
    for index, each in enumerate(offering.characteristic_values):
        at = (*path, "characteristic_values", index)
        if each.name not in known:
            remedy = suggestion(each.name, known, otherwise=f"Add it to specification {specification.id}")
            yield Finding((*at, "name"), f"the specification has no characteristic {each.name}", remedy)
        else:
            yield from _check_value((*at, "value"), known[each.name], each.value)


def _check_charging(release: CatalogRelease, offering: Offering, path: Path) -> Findings:
    """The engine's offer exists, prices of usage are its own, and what recurs does so in the one period of the account."""
    offers = {each.id: each for each in release.engine.offers}
    if offering.offer is not None and offering.offer not in offers:
        otherwise = "Name one of the engine's offers, or leave it out"
        problem = f"the engine's part has no offer {offering.offer}"
        yield Finding((*path, "offer"), problem, suggestion(offering.offer, offers, otherwise=otherwise))
        return
    prices = release.prices_of(offering)
    periods = {
        (each.recurring_charge_period_length, each.recurring_charge_period_type)
        for each in prices
        if each.price_type == PriceType.RECURRING
    }
    if offering.offer is not None and len(periods) > 1:
        problem = "its recurring prices have different periods, and its account has one"
        yield Finding((*path, "price_ids"), problem, "Give them one period, or sell one of them as another offering")
    if offering.offer is not None:
        yield from _check_fee(release, offers[offering.offer], prices, path)
    charged = set(offers[offering.offer].prices) if offering.offer is not None else set()
    for index, price in enumerate(prices):
        if price.price_type == PriceType.USAGE and price.price is not None and price.price not in charged:
            problem = (
                f"usage price {price.id} stands for price {price.price}, which offer {offering.offer} doesn't have"
            )
            yield Finding((*path, "price_ids", index), problem, "Name a price of the offer, or remove it")


def _check_fee(release: CatalogRelease, offer: Offer, prices: tuple[OfferingPrice, ...], path: Path) -> Findings:
    """What a period costs is the same by its recurring prices and by the engine's offer, where that has a fee.

    Orders take the one, `farebox subscriber apply` the other. What is paid by bill is no fee of the account.
    """
    if offer.renewal is msgspec.UNSET or offer.credit_limit_micros:
        return
    recurring = [each for each in prices if each.price_type == PriceType.RECURRING]
    total = sum(each.amount_micros or 0 for each in recurring)
    if total != offer.renewal.fee_micros:
        currency = release.engine.currency
        costs, fee = money_text(total, currency), money_text(offer.renewal.fee_micros, currency)
        problem = f"a period costs {costs} by its recurring prices, and {fee} by the fee of offer {offer.id}"
        at = (prices.index(recurring[0]),) if len(recurring) == 1 else ()
        yield Finding((*path, "price_ids", *at), problem, "Give both the same amount")

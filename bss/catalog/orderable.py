"""What may be ordered: a pure look at a release, what is asked for, and what is known of the customer."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from bss.catalog.eligibility import is_eligible
from bss.catalog.faults import FieldFault
from bss.catalog.records import Characteristic, LifecycleStatus, Offering, Specification
from bss.catalog.release import CatalogRelease
from bss.catalog.rules import is_of_type
from catalog_loader.faults import suggestion


class Holding(NamedTuple):
    """By what a customer has an offering, in words, such as "product 4711", and what helps where it stands against another."""

    words: str
    remedy: str


_IN_THE_ORDER: Final = Holding("", "Keep one of the two")


def order_faults(
    release: CatalogRelease,
    asked: Sequence[str],
    *,
    facts: Mapping[str, Any],
    has: Mapping[str, Holding],
    at_ns: int,
) -> list[FieldFault]:
    """Why these offerings can't be ordered together by this customer; nothing where they can.

    asked   offering ids of one order
    facts   see bss.catalog.eligibility.VARIABLES, without `products`
    has     the offerings that the customer has
    """
    faults: list[FieldFault] = []
    facts = {**facts, "products": sorted(has)}
    for offering_id in dict.fromkeys(asked):
        offering = release.offering(offering_id)
        if offering is None:
            known = [each.id for each in release.offerings if each.lifecycle_status == LifecycleStatus.ACTIVE]
            remedy = suggestion(offering_id, known, otherwise="Name one that is sold")
            faults.append(_fault(offering_id, "", f"there is no offering {offering_id}", remedy))
            continue
        problem = _not_sold(offering, at_ns)
        if problem:
            faults.append(_fault(offering_id, "lifecycle_status", problem, "Choose another offering"))
        allowed, reason = is_eligible(offering.eligibility, facts)
        if not allowed:
            faults.append(_fault(offering_id, "eligibility", reason + _named(offering, has), "Choose another offering"))
        faults.extend(_relationship_faults(release, offering, set(asked) - {offering_id}, has))
    return faults


def characteristic_faults(
    specification: Specification, offering: Offering, chosen: Mapping[str, str]
) -> list[FieldFault]:
    """What is wrong with the characteristics that an order chooses."""
    known = {each.name: each for each in specification.characteristics}
    fixed = {each.name for each in offering.characteristic_values}
    faults = []
    for name, value in chosen.items():
        if name not in known:
            remedy = suggestion(name, known, otherwise=f"Known are {', '.join(known) or 'none'}")
            faults.append(_fault(offering.id, name, f"there is no characteristic {name}", remedy))
        elif name in fixed or not known[name].configurable:
            faults.append(_fault(offering.id, name, f"{name} is not chosen in orders", "Leave it out"))
        elif not _fits(known[name], value):
            words = ", ".join(known[name].values) or f"any {known[name].value_type}"
            faults.append(_fault(offering.id, name, f'{name} is "{value[:40]}"', f"Write one of {words}"))
    for name, each in known.items():
        if each.required and not each.default and name not in fixed and name not in chosen:
            faults.append(_fault(offering.id, name, f"{name} is missing", f"Choose {', '.join(each.values) or 'one'}"))
    return faults


def characteristics_of(specification: Specification, offering: Offering, chosen: Mapping[str, str]) -> dict[str, str]:
    """What a product gets: what the order chose, what the offering fixes, and defaults."""
    values = {each.name: each.default for each in specification.characteristics if each.default}
    return values | dict(chosen) | {each.name: each.value for each in offering.characteristic_values}


def _not_sold(offering: Offering, at_ns: int) -> str:
    if offering.lifecycle_status != LifecycleStatus.ACTIVE:
        return f"it is {offering.lifecycle_status}"
    return "" if offering.is_valid_at(at_ns) else "it is not valid at this time"


def _named(offering: Offering, has: Mapping[str, Holding]) -> str:
    """Which of the offerings that the condition names the customer has."""
    named = [each for each in has if re.search(rf"""['"]{re.escape(each)}['"]""", offering.eligibility)]
    return f"; there is {', '.join(f'{each}, {has[each].words}' for each in named)}" if named else ""


def _relationship_faults(
    release: CatalogRelease, offering: Offering, others: set[str], has: Mapping[str, Holding]
) -> list[FieldFault]:
    faults = []
    there = has.keys() | others
    if not offering.is_sellable and not any(
        each.relationship_type == "requires" and each.id in there for each in offering.relationships
    ):
        faults.append(
            _fault(offering.id, "is_sellable", "it isn't sold for itself", "Order what it belongs to with it")
        )
    for each in offering.relationships:
        if each.relationship_type == "requires" and each.id not in there:
            remedy = f"Order {each.id} with it, or before it"
            faults.append(_fault(offering.id, "relationships", f"it requires {each.id}", remedy))
        elif each.relationship_type == "excludes" and each.id in there:
            by, remedy = has.get(each.id, _IN_THE_ORDER)
            faults.append(_fault(offering.id, "relationships", f"it excludes {each.id}{by and f', {by}'}", remedy))
    for other_id in sorted(has.keys() - others):
        other = release.offering(other_id)
        for each in other.relationships if other is not None else ():
            if each.relationship_type == "excludes" and each.id == offering.id:
                by, remedy = has[other_id]
                faults.append(_fault(offering.id, "relationships", f"{other_id}, {by}, excludes it", remedy))
    return faults


def _fits(characteristic: Characteristic, value: str) -> bool:
    if characteristic.values:
        return value in characteristic.values
    return is_of_type(characteristic.value_type, value)


def _fault(offering_id: str, field: str, problem: str, remedy: str) -> FieldFault:
    return FieldFault("offerings", offering_id, field, problem, remedy)

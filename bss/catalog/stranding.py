"""What a new release owes to customers: no product that they have loses what it stands on, or gets other terms, unless a
migration says so. The catalogue doesn't know who has what: that is an argument.
"""

from collections.abc import Mapping

from bss.catalog.faults import FieldFault
from bss.catalog.periods import period_words
from bss.catalog.records import LifecycleStatus, Offering, PriceType
from bss.catalog.release import CatalogRelease
from catalog_loader.amounts import money_text

Migrations = Mapping[str, str]
"""Offering that products are of → offering that they get; to itself: they follow the change of its terms."""


def find_stranded(
    before: CatalogRelease, after: CatalogRelease, in_use: Mapping[str, int], migrations: Migrations
) -> list[FieldFault]:
    """What of `after` would strand customers of `before`.

    in_use       number of products that aren't terminated, ordered ones included, by offering id
    migrations   what is said to happen to them
    """
    faults = [*_check_migrations(before, after, migrations)]
    for offering_id in sorted(in_use):
        old = before.offering(offering_id)
        if old is not None and in_use[offering_id] > 0 and offering_id not in migrations:
            faults.extend(_check_offering(before, after, old, in_use[offering_id]))
    return faults


def _check_migrations(before: CatalogRelease, after: CatalogRelease, migrations: Migrations) -> list[FieldFault]:
    faults = []
    for source, target in sorted(migrations.items()):
        new = after.offering(target)
        if before.offering(source) is None:
            problem, remedy = f"release {before.engine.number} has no offering {source}", "Name one that customers have"
        elif new is None:
            problem, remedy = f"products of {source} would go to {target}, which isn't there", "Name one of the release"
        elif new.lifecycle_status != LifecycleStatus.ACTIVE and target != source:
            problem, remedy = f"products of {source} would go to {target}, which is retired", "Name an active offering"
        elif unfit := _why_unfit(before, after, source, new):
            problem, remedy = f"products of {source} would go to {target}: {unfit}", "Name one that takes the same"
        else:
            continue
        faults.append(FieldFault("offerings", source, "migration", problem, remedy))
    return faults


def _why_unfit(before: CatalogRelease, after: CatalogRelease, source: str, new: Offering) -> str:
    """Why products can't be moved: a move gives and takes no number, SIM or account, and makes no bill of money in advance."""
    old = before.offering(source)
    assert old is not None
    was, becomes = _taken(before, old), _taken(after, new)
    if was != becomes:
        return f"that takes {', '.join(becomes) or 'nothing'}, they have {', '.join(was) or 'nothing'}"
    limit_was, limit_becomes = _credit_limit_micros(before, old), _credit_limit_micros(after, new)
    if limit_was != limit_becomes:
        becomes_text = money_text(limit_becomes, after.engine.currency)
        return f"that has a credit limit of {becomes_text}, they have {money_text(limit_was, before.engine.currency)}"
    return ""


def _taken(release: CatalogRelease, offering: Offering) -> list[str]:
    """What an offering's products have of the operator's: numbers, SIMs, an account."""
    specification = release.specification(offering.product_specification_id)
    services = () if specification is None else specification.services
    return sorted(
        {resource for service in services for resource in service.resources}
        | ({"account"} if offering.offer is not None else set())
    )


def _credit_limit_micros(release: CatalogRelease, offering: Offering) -> int:
    return next((each.credit_limit_micros for each in release.engine.offers if each.id == offering.offer), 0)


def _check_offering(before: CatalogRelease, after: CatalogRelease, old: Offering, count: int) -> list[FieldFault]:
    has = f"{count} product{'s' if count != 1 else ''} of customers {'are' if count != 1 else 'is'} of it, or ordered"
    new = after.offering(old.id)
    if new is None:
        remedy = f"Keep it, retired if it isn't to be sold, or migrate them: {old.id}=<offering>"
        return [FieldFault("offerings", old.id, "", f"it would be gone, and {has}", remedy)]
    faults = []
    for field, was, becomes in (
        ("offer", old.offer or "none", new.offer or "none"),
        ("product_specification_id", old.product_specification_id, new.product_specification_id),
        ("price_ids", _recurring(before, old), _recurring(after, new)),
    ):
        if was != becomes:
            problem = f"{field} changes from {was} to {becomes}, and {has}"
            remedy = f"Sell it as a new offering, or let them follow: migrate {old.id}={old.id}"
            faults.append(FieldFault("offerings", old.id, field, problem, remedy))
    if new.offer is not None and new.offer in after.engine.retired_offers:
        problem = f"the engine's part retires offer {new.offer}, and {has}"
        faults.append(FieldFault("release", "", "retires.offers", problem, f"Keep it, or migrate them: {old.id}=..."))
    return faults


def _recurring(release: CatalogRelease, offering: Offering) -> str:
    """What it costs each period, in words that two releases are compared by."""
    return (
        ", ".join(
            sorted(
                f"{money_text(int(each.amount_micros or 0), release.engine.currency)} "
                f"{period_words(each.recurring_charge_period_length, each.recurring_charge_period_type)}"
                for each in release.prices_of(offering)
                if each.price_type == PriceType.RECURRING
            )
        )
        or "none"
    )

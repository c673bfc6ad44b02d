"""What a release must be beyond being readable: each rule looks at a whole `Release` and says what is wrong, and where.

Rules are a table, and independent of files: a release from a database is checked by the same. What releases owe to
those before them is in catalog_loader/succession.py.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

from msgspec import UNSET

from catalog_loader.faults import Finding, suggestion
from catalog_loader.release import Price, Release, Service
from catalog_loader.rules_of_bands import check_bands
from catalog_loader.rules_of_bills import check_bills
from catalog_loader.rules_of_grants import check_final_actions, check_grants, check_holding_times, check_thresholds
from catalog_loader.schema import CONTEXT_WORDS, CONTROLS, FINAL_ACTIONS, ROUNDING_SCOPES, ROUNDINGS, SETTLED_BY, UNITS
from charging.tariff_tables import ABSENT, ANY
from vocabulary.currencies import CURRENCY_NUMBERS
from vocabulary.ids import TENANT_NAME_RULE, is_tenant_name, number_of_name
from vocabulary.limits import (
    ALLOWANCE_VALIDITY_S_MAX,
    ALLOWANCES_PER_PRICE_MAX,
    ALLOWANCES_PER_RELEASE_MAX,
    BLOCK_UNITS_MAX,
    BUCKETS_PER_ACCOUNT_MAX,
    MICROS_MAX,
    OFFERS_PER_RELEASE_MAX,
    PRICE_MICROS_MAX,
    PRICE_ROWS_PER_RELEASE_MAX,
    PRICES_PER_RELEASE_MAX,
    RELEASE_NUMBER_MAX,
    UNITS_MAX,
    VALIDITY_S_MAX,
)

Findings = Iterator[Finding]
_UNSIGNED32_MAX: Final = 2**32 - 1


class Named(NamedTuple):
    """An offer, price or allowance, for what holds for all of them."""

    kind: str
    list_name: str
    ids: tuple[str, ...]


def named_things(release: Release) -> tuple[Named, ...]:
    """The three kinds of things that have ids, and numbers made of them."""
    return (
        Named("offer", "offers", tuple(offer.id for offer in release.offers)),
        Named("price", "prices", tuple(price.id for price in release.prices)),
        Named("allowance", "allowances", tuple(allowance.id for allowance in release.allowances)),
    )


def service_text(service: Service) -> str:
    """The service in words: "data rating_group 10, service_identifier 5"."""
    context = CONTEXT_WORDS.get(service.context, str(service.context))
    words = {ABSENT: "absent", ANY: "any"}
    text = f"{context} rating_group {words.get(service.rating_group, service.rating_group)}"
    if service.service_identifier != ANY:
        text += f", service_identifier {service.service_identifier}"
    return text


# --- ids and references ----------------------------------------------------------------------------------------------


def _check_ids(release: Release) -> Findings:
    """An id names one thing, and no other thing of its kind has the same number."""
    for kind, list_name, ids in named_things(release):
        first: dict[str, int] = {}
        by_number: dict[int, str] = {}
        for index, thing_id in enumerate(ids):
            path = (list_name, index, "id")
            if not thing_id:
                yield Finding(path, f"the {kind} has no id", "Give it one")
            elif thing_id in first:
                remedy = "Give one of them another id"
                if kind == "price":
                    remedy += ", or write the price once under prices and name it in both offers"
                yield Finding(path, f"another {kind} has this id too", remedy)
            else:
                first[thing_id] = index
                other = by_number.setdefault(number_of_name(thing_id), thing_id)
                if other != thing_id:
                    problem = f"{thing_id} and {other} have the same number {number_of_name(thing_id)} in records"
                    yield Finding(path, problem, "Change one of the two ids a little")


def _check_references(release: Release) -> Findings:
    """What is named exists, and is named once."""
    prices = {price.id for price in release.prices}
    allowances = {allowance.id for allowance in release.allowances}
    for index, offer in enumerate(release.offers):
        path = ("offers", index)
        yield from _check_names((*path, "prices"), "price", offer.prices, prices)
        yield from _check_names((*path, "grants", "allowances"), "allowance", offer.allowances, allowances)
    for index, price in enumerate(release.prices):
        yield from _check_names(("prices", index, "allowances"), "allowance", price.allowances, allowances)


def _check_names(path: tuple[str | int, ...], kind: str, names: tuple[str, ...], known: set[str]) -> Findings:
    seen: set[str] = set()
    for index, name in enumerate(names):
        if not name:
            continue
        if name not in known:
            remedy = suggestion(name, known, otherwise=f"Define it under {kind}s, or remove it here")
            yield Finding((*path, index), f"there is no {kind} {name}", remedy)
        elif name in seen:
            yield Finding((*path, index), f"{kind} {name} is named twice", "Remove one of the two")
        seen.add(name)


# --- prices ----------------------------------------------------------------------------------------------------------


def _check_payers(release: Release) -> Findings:
    """Someone pays for what is charged, and nobody for what is not."""
    for index, price in enumerate(release.prices):
        path = ("prices", index, "control")
        if price.control == "charged":
            if price.price_micros is None and not price.allowances:
                remedy = "Write price and block, or allowances, or control: free or denied"
                yield Finding(path, "neither a price nor allowances pay for this service", remedy)
        elif price.price_micros is not None or price.allowances:
            yield Finding(path, f"control {price.control} leaves nothing to pay", "Remove price and allowances")


def _check_units(release: Release) -> Findings:
    """A price's allowances count what the price counts, and stand in the order in which they are used."""
    by_id = {allowance.id: allowance for allowance in release.allowances}
    for index, price in enumerate(release.prices):
        priority_before, name_before = 0, ""
        for place, name in enumerate(price.allowances):
            allowance = by_id.get(name)
            path = ("prices", index, "allowances", place)
            if allowance is None or not {allowance.unit, price.unit} <= set(UNITS):
                continue
            if allowance.unit != price.unit:
                problem = f"allowance {name} counts {allowance.unit}, the price {price.unit}: it would never be used"
                yield Finding(path, problem, f"Name an allowance of {price.unit}")
            elif allowance.priority < priority_before:
                problem = f"allowance {name} (priority {allowance.priority}) is used before {name_before}"
                problem += f" (priority {priority_before}), but stands behind it"
                yield Finding(path, problem, "Swap them here, or change their priorities")
            else:
                priority_before, name_before = allowance.priority, name


def _check_services(release: Release) -> Findings:
    """Every service of a price can be asked for."""
    for index, price in enumerate(release.prices):
        path = ("prices", index, "service")
        if not price.services:
            yield Finding(path, "the price is for no service", "Write service: {context: data, rating_group: 10}")
        for service in price.services:
            if not 1 <= service.context < 2**31:
                problem = f"context {service.context} is no number of a specification"
                yield Finding((*path, "context"), problem, "Write data, voice, sms ..., or a number such as 32251")
            for key in ("rating_group", "service_identifier"):
                number = getattr(service, key)
                special = (ANY, ABSENT) if key == "rating_group" else (ANY,)
                if number not in special and not 0 <= number <= _UNSIGNED32_MAX:
                    yield Finding((*path, key), f"{key} {number} is not in 0 to {_UNSIGNED32_MAX}", "Correct it")
        if any(service.rating_group == ANY and service.service_identifier != ANY for service in price.services):
            problem = "unreachable: a service_identifier is looked up together with a rating group, never with any"
            yield Finding(
                (*path, "service_identifier"), problem, "Name the rating groups, or remove service_identifier"
            )


def _check_overlaps(release: Release) -> Findings:
    """Within an offer a service has one price."""
    by_id = {price.id: (index, price) for index, price in reversed(list(enumerate(release.prices)))}
    for index, price in enumerate(release.prices):
        twice = [service for service, count in Counter(price.services).items() if count > 1]
        if twice:
            problem = f"overlap: {service_text(twice[0])} is named twice"
            yield Finding(("prices", index, "service"), problem, "Remove one of the two")
    reported: set[tuple[int, int]] = set()
    for offer in release.offers:
        owner: dict[Service, int] = {}
        for index, price in sorted({by_id[name][0]: by_id[name][1] for name in offer.prices if name in by_id}.items()):
            clashes = sorted(service for service in set(price.services) if owner.setdefault(service, index) != index)
            for other in sorted({owner[service] for service in clashes}):
                if (other, index) in reported:
                    continue
                reported.add((other, index))
                shared = [service for service in clashes if owner[service] == other]
                more = f" (and {len(shared) - 1} more)" if len(shared) > 1 else ""
                problem = f"overlap: offer {offer.id} prices {service_text(shared[0])}{more}"
                problem += f" by {release.prices[other].id} already"
                remedy = "Remove the service from one of the two prices, or one of the two from the offer"
                yield Finding(("prices", index, "service"), problem, remedy)


def _check_gaps(release: Release) -> Findings:
    """Where an offer prices some service identifiers of a rating group, it says what the others cost."""
    by_id = {price.id: (index, price) for index, price in reversed(list(enumerate(release.prices)))}
    reported: set[tuple[int, int, int]] = set()
    for offer in release.offers:
        of_offer = [by_id[name] for name in offer.prices if name in by_id]
        covered = {
            (s.context, s.rating_group) for _, price in of_offer for s in price.services if s.service_identifier == ANY
        }
        for index, price in of_offer:
            for service in price.services:
                key = (index, service.context, service.rating_group)
                if service.rating_group == ANY or key in reported:
                    continue
                if covered.isdisjoint({(service.context, service.rating_group), (service.context, ANY)}):
                    reported.add(key)
                    group = service_text(Service(service.context, service.rating_group))
                    problem = f"gap: offer {offer.id} has no price for {group} with other service identifiers or none"
                    remedy = "Add a price for the rating group without service_identifier; control: denied refuses it"
                    yield Finding(("prices", index, "service"), problem, remedy)


def _check_price_limits(release: Release) -> Findings:
    """Amounts of prices fit the tables."""
    for index, price in enumerate(release.prices):
        path = ("prices", index)
        yield from _within((*path, "block"), "block", price.block_units, 1, BLOCK_UNITS_MAX, price.unit)
        if price.price_micros is not None:
            yield from _within((*path, "price"), "price", price.price_micros, 0, PRICE_MICROS_MAX, "micros")
        yield from _within((*path, "validity"), "validity", price.validity_s, 1, VALIDITY_S_MAX, "seconds")
        for key, units in (
            ("default", price.grant_units),
            ("min", price.grant_units_min),
            ("max", price.grant_units_max),
        ):
            yield from _within((*path, "grant", key), f"grant {key}", units, 1, UNITS_MAX, price.unit)
        if len(price.allowances) > ALLOWANCES_PER_PRICE_MAX:
            problem = f"{len(price.allowances)} allowances, more than {ALLOWANCES_PER_PRICE_MAX}"
            yield Finding((*path, "allowances"), problem, "Name fewer")
        yield from _check_words(path, price)


def _check_words(path: tuple[str | int, ...], price: Price) -> Findings:
    """The words of a price that was not read from a file."""
    known: dict[str, Iterable[str]] = {
        "control": CONTROLS,
        "rounding": ROUNDINGS,
        "rounding_over": ROUNDING_SCOPES,
        "final_action": FINAL_ACTIONS,
        "settled_by": SETTLED_BY,
    }
    for key, words in known.items():
        word = getattr(price, key)
        if word not in words:
            yield Finding((*path, key), f"{key} {word} is not served", f"Write {' or '.join(words)}")
    if price.unit not in UNITS:
        yield Finding((*path, "unit"), "the price has no unit", "Write unit: octets, seconds or events")


# --- allowances, offers, the whole -----------------------------------------------------------------------------------


def _check_allowances(release: Release) -> Findings:
    """Allowances fit, are given by someone and used by something."""
    used = {name for price in release.prices for name in price.allowances}
    granted = {name for offer in release.offers for name in offer.allowances}
    for index, allowance in enumerate(release.allowances):
        path = ("allowances", index)
        yield from _within((*path, "amount"), "amount", allowance.amount, 1, UNITS_MAX, allowance.unit)
        yield from _within((*path, "priority"), "priority", allowance.priority, 0, 255, "")
        if allowance.valid_for_s is not None:
            valid_for = allowance.valid_for_s
            yield from _within((*path, "valid_for"), "valid_for", valid_for, 1, ALLOWANCE_VALIDITY_S_MAX, "seconds")
        if allowance.unit not in UNITS:
            yield Finding((*path, "unit"), "the allowance has no unit", "Write an amount such as 1 GiB")
        if allowance.id not in used:
            problem = "unused: no price takes from this allowance"
            yield Finding((*path, "id"), problem, "Name it under allowances of a price, or remove it")
        if allowance.id not in granted and allowance.granted_by == "opening":
            problem = "never granted: no offer gives this allowance"
            remedy = "Name it under grants of an offer, write granted_by: top_up, or remove it"
            yield Finding((*path, "id"), problem, remedy)


def _check_offers(release: Release) -> Findings:
    """Offers price something and give what an account can hold; prices are in an offer."""
    sold = {name for offer in release.offers for name in offer.prices}
    for index, offer in enumerate(release.offers):
        path = ("offers", index)
        if not offer.prices:
            yield Finding((*path, "prices"), "the offer has no price: it would rate nothing", "Give it prices")
        yield from _within((*path, "grants", "money"), "money", offer.money_micros, 0, MICROS_MAX, "micros")
        if offer.renewal is not UNSET:
            period_s, fee = offer.renewal.period_s, offer.renewal.fee_micros
            yield from _within((*path, "period"), "period", period_s, 1, ALLOWANCE_VALIDITY_S_MAX, "seconds")
            yield from _within((*path, "fee"), "fee", fee, 0, MICROS_MAX, "micros")
        if len(offer.allowances) >= BUCKETS_PER_ACCOUNT_MAX:
            problem = f"{len(offer.allowances)} allowances and money don't fit into {BUCKETS_PER_ACCOUNT_MAX} buckets"
            yield Finding((*path, "grants", "allowances"), problem, "Grant fewer")
    for index, price in enumerate(release.prices):
        if price.id not in sold:
            remedy = "Name it under prices of an offer, or remove it"
            yield Finding(("prices", index, "id"), "unreachable: no offer has this price", remedy)


def _check_release(release: Release) -> Findings:
    """The release itself, and how much is in it."""
    path = ("release",)
    yield from _within((*path, "number"), "number", release.number, 1, RELEASE_NUMBER_MAX, "")
    if not is_tenant_name(release.tenant):
        yield Finding((*path, "tenant"), f'"{release.tenant}" is no tenant', f"Use {TENANT_NAME_RULE}")
    if release.currency not in CURRENCY_NUMBERS:
        problem = f"currency {release.currency} is not known"
        yield Finding((*path, "currency"), problem, "Write the three letters of ISO 4217, such as EUR")
    if not release.offers:
        yield Finding(("offers",), "the release has no offer: it would rate nothing", "Write offers")
    for list_name, count, count_max in (
        ("offers", len(release.offers), OFFERS_PER_RELEASE_MAX),
        ("prices", len(release.prices), PRICES_PER_RELEASE_MAX),
        ("allowances", len(release.allowances), ALLOWANCES_PER_RELEASE_MAX),
    ):
        if count > count_max:
            yield Finding((list_name,), f"{count} {list_name}, more than {count_max}", "Split the catalogue by tenant")
    services = {price.id: len(price.services) for price in release.prices}
    rows = sum(services.get(name, 0) for offer in release.offers for name in offer.prices)
    if rows > PRICE_ROWS_PER_RELEASE_MAX:
        problem = f"{rows} services in all offers together, more than {PRICE_ROWS_PER_RELEASE_MAX}"
        yield Finding(("offers",), problem, "Use any, or fewer offers")
    for kind, retired, present in (
        ("offers", release.retired_offers, {offer.id for offer in release.offers}),
        ("allowances", release.retired_allowances, {allowance.id for allowance in release.allowances}),
    ):
        for index, name in enumerate(retired):
            if name in present:
                problem = f"{name} is retired, but is in the release"
                yield Finding((*path, "retires", kind, index), problem, f"Remove it from retires or from {kind}")


def _within(path: tuple[str | int, ...], name: str, value: int, low: int, high: int, unit: str) -> Findings:
    """The value is in low..high."""
    if not low <= value <= high:
        unit = f" {unit}" if unit else ""
        yield Finding(path, f"{name} is {value}{unit}, not in {low} to {high}", "Choose one that fits")


RULES: Final[tuple[Callable[[Release], Findings], ...]] = (
    _check_release,
    _check_ids,
    _check_references,
    _check_offers,
    _check_allowances,
    _check_services,
    _check_overlaps,
    _check_gaps,
    _check_payers,
    _check_units,
    check_grants,
    check_thresholds,
    check_holding_times,
    check_final_actions,
    check_bands,
    check_bills,
    _check_price_limits,
)
"""Every rule; a report has what all of them say."""


def find_faults(release: Release) -> Findings:
    """What is wrong with the release, by all rules."""
    for rule in RULES:
        yield from rule(release)

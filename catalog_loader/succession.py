"""What a new release owes to those that are published: nothing is stranded that accounts hold by name.

Accounts keep numbers of offers and allowances and follow the release in force. So an offer that the next release lacks
would leave its subscribers without a price, and an allowance whose unit changes would leave a bucket that nothing uses.
Giving something up is allowed where the release says so (`retires`).
"""

from collections.abc import Iterator, Sequence

from catalog_loader.faults import Finding, Path
from catalog_loader.release import Offer, Price, Release, in_force
from catalog_loader.rules import named_things
from vocabulary.ids import number_of_name
from vocabulary.instants import to_rfc3339
from vocabulary.limits import RELEASES_MAX

Findings = Iterator[Finding]


def find_succession_faults(
    release: Release, published: Sequence[Release], releases_of_all: int = 0, *, now_ns: int = 0
) -> Findings:
    """What is wrong with `release` as the next one of its tenant.

    published         the tenant's releases that the store has
    releases_of_all   how many it has of all tenants
    now_ns            an instant before the effective one of a release in force would never come; 0: that isn't looked at
    """
    if max(releases_of_all, len(published)) >= RELEASES_MAX:
        problem = f"the store has {RELEASES_MAX} releases, which is its limit"
        yield Finding(("release", "number"), problem, "Use a new store")
    yield from _check_number(release, published)
    yield from _check_instant(release, published, now_ns)
    yield from _check_numbers_of_names(release, published)
    for other in published:
        if other.currency != release.currency:
            problem = f"currency {release.currency}, but release {other.number} and its accounts have {other.currency}"
            yield Finding(("release", "currency"), problem, "Keep the currency, or use another tenant")
            break
    before = max(
        (other for other in published if other.effective_ns < release.effective_ns),
        key=lambda other: other.effective_ns,
        default=None,
    )
    after = min(
        (other for other in published if other.effective_ns > release.effective_ns),
        key=lambda other: other.effective_ns,
        default=None,
    )
    if before is not None:
        yield from _check_stranded(before, release, is_new=True)
        yield from _check_allowances(before, release)
        yield from _check_units(before, release, is_new=True)
        yield from _check_bills(before, release, is_new=True)
    if after is not None:
        yield from _check_units(release, after, is_new=False)
        yield from _check_bills(release, after, is_new=False)
        yield from _check_stranded(release, after, is_new=False)


def _check_number(release: Release, published: Sequence[Release]) -> Findings:
    newest = max((other.number for other in published), default=0)
    if release.number <= newest:
        problem = f"release number {release.number} is not above {newest}, the newest that is published"
        yield Finding(("release", "number"), problem, f"Write number: {newest + 1}")


def _check_instant(release: Release, published: Sequence[Release], now_ns: int) -> Findings:
    current = in_force(published, now_ns)
    if current is not None and release.effective_ns < current.effective_ns:
        since = to_rfc3339(current.effective_ns)
        problem = f"release {current.number} is in force since {since}, so this one would never be"
        yield Finding(("release", "effective"), problem, "Write a later instant")
    for other in published:
        if other.effective_ns == release.effective_ns and other.number != release.number:
            problem = f"release {other.number} is effective from {to_rfc3339(other.effective_ns)} too"
            yield Finding(("release", "effective"), problem, "Choose another instant, so that one release is in force")


def _check_numbers_of_names(release: Release, published: Sequence[Release]) -> Findings:
    """A number in a record means one id through all releases."""
    for kind, list_name, ids in named_things(release):
        known = {
            number_of_name(thing_id): (thing_id, other.number)
            for other in published
            for named in named_things(other)
            if named.kind == kind
            for thing_id in named.ids
        }
        for index, thing_id in enumerate(ids):
            other_id, other_number = known.get(number_of_name(thing_id), (thing_id, 0))
            if other_id != thing_id:
                problem = f"{thing_id} has the number of {other_id} of release {other_number} in records"
                yield Finding((list_name, index, "id"), problem, "Change the id a little")


def _check_stranded(before: Release, after: Release, *, is_new: bool) -> Findings:
    """Offers of `before` go on in `after`. `is_new`: after is the new one, before where it isn't."""
    present = {offer.id for offer in after.offers} | set(after.retired_offers)
    for index, offer in enumerate(before.offers):
        if offer.id in present:
            continue
        if is_new:
            problem = f"offer {offer.id} of release {before.number} is missing: its subscribers would have no price"
            yield Finding(("offers",), problem, f"Keep it, or write retires: {{offers: [{offer.id}]}}")
        else:
            problem = f"offer {offer.id} is missing in release {after.number}, which follows at "
            problem += f"{to_rfc3339(after.effective_ns)}: its subscribers would have no price then"
            yield Finding(("offers", index, "id"), problem, "Make this release effective after that one")


def _check_allowances(before: Release, after: Release) -> Findings:
    """Allowances of `before` can still be used up in `after`."""
    units = {allowance.id: (index, allowance.unit) for index, allowance in enumerate(after.allowances)}
    for allowance in before.allowances:
        if allowance.id in after.retired_allowances:
            continue
        if allowance.id not in units:
            problem = (
                f"allowance {allowance.id} of release {before.number} is missing: what is left of it could not be used"
            )
            yield Finding(("allowances",), problem, f"Keep it, or write retires: {{allowances: [{allowance.id}]}}")
        elif units[allowance.id][1] != allowance.unit:
            index, unit = units[allowance.id]
            problem = f"allowance {allowance.id} counts {unit}, in release {before.number} it counted {allowance.unit}"
            yield Finding(("allowances", index, "amount"), problem, "Keep its unit, or give the new one another id")


def _check_units(before: Release, after: Release, *, is_new: bool) -> Findings:
    """What an open session carries of a block of one unit must not count as part of a block of another. `is_new`: as above."""
    prices = {price.id: index for index, price in enumerate(after.prices)}
    offers = {offer.id: offer for offer in after.offers}
    said = set()
    for offer in before.offers:
        if offer.id not in offers:
            continue
        units = {service: price.unit for price in _prices_of(before, offer) for service in price.services}
        for price in _prices_of(after, offers[offer.id]):
            was = {units[service] for service in price.services if service in units} - {price.unit}
            if was and price.id not in said:
                said.add(price.id)
                problem = (
                    f"price {price.id} counts {price.unit} of services of offer {offer.id} that are counted in"
                    f" {' and '.join(sorted(was))} in release {before.number}, and by sessions that are open"
                )
                path: Path = ("prices", prices[price.id], "block") if is_new else ("prices",)
                yield Finding(path, problem, "Keep the unit, or sell it in a new offer")


def _check_bills(before: Release, after: Release, *, is_new: bool) -> Findings:
    """Who pays for a service stays, and an account that was opened without a bill isn't given one. `is_new`: as above.

    An open session may have paid ahead of a block, or owe a part of one, to the one or the other.
    """
    prices = {price.id: index for index, price in enumerate(after.prices)}
    offers = {offer.id: (index, offer) for index, offer in enumerate(after.offers)}
    said = set()
    for offer in before.offers:
        if offer.id not in offers:
            continue
        index, follower = offers[offer.id]
        if follower.credit_limit_micros and not offer.credit_limit_micros:
            problem = f"offer {offer.id} has no credit_limit in release {before.number}: its accounts have no bill"
            path: Path = ("offers", index, "credit_limit") if is_new else ("offers",)
            yield Finding(path, problem, "Sell what is settled by bill in a new offer")
        payers = {service: price.settled_by for price in _prices_of(before, offer) for service in price.services}
        for price in _prices_of(after, follower):
            was = {payers[service] for service in price.services if service in payers} - {price.settled_by}
            if was and price.id not in said:
                said.add(price.id)
                problem = (
                    f"price {price.id} is settled by {price.settled_by} for services of offer {offer.id} that are settled"
                    f" by {was.pop()} in release {before.number}, and by sessions that are open"
                )
                path = ("prices", prices[price.id], "settled_by") if is_new else ("prices",)
                yield Finding(path, problem, "Keep settled_by, or sell it in a new offer")


def _prices_of(release: Release, offer: Offer) -> list[Price]:
    """The prices that an offer names, as far as the release has them."""
    return [price for price in release.prices if price.id in offer.prices]

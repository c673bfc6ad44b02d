"""Which releases change prices, and whose sessions are behind."""

from dataclasses import replace

import msgspec
from msgspec import UNSET

from balances.queries import decode_record
from catalog_loader.published import PublishedEntry, PublishedRelease
from catalog_loader.release import Band, Release
from runtime.notices.prices import change_instants, is_behind
from tests.catalog_loader.sample_release import data_price, small_release
from tests.reference.account import Account, Given, Product, Service, Session
from tests.reference.record_octets import encode_account
from vocabulary.outcomes import Outcome
from vocabulary.units import Unit

MS = 1_000_000


def published(*releases: Release, tenant: int = 1) -> list[PublishedRelease]:
    """Releases that were published a second apart."""
    return [
        PublishedRelease(PublishedEntry(f"{number * 1000}-0", tenant, "default", release.number, ""), release)
        for number, release in enumerate(releases, 1)
    ]


def test_a_change_counts_from_when_it_is_in_force_and_published() -> None:
    first = small_release()
    dearer = msgspec.structs.replace(first, number=2, effective_ns=2, prices=(data_price(price_micros=30_000),))
    later = msgspec.structs.replace(dearer, number=3, effective_ns=9_000 * MS, prices=first.prices)
    assert change_instants(published(first, dearer, later)) == {1: [2_000 * MS, 9_000 * MS]}


def test_names_are_no_prices() -> None:
    first = small_release()
    named = msgspec.structs.replace(first, number=2, name="Other", prices=(data_price(name="Data", description="MiB"),))
    assert change_instants(published(first, named)) == {1: []}


def test_a_time_zone_is_part_of_prices_that_change_with_the_time() -> None:
    night = (Band(days=(0,), from_min=1320, to_min=360, price_micros=1),)
    for own, expected in ((UNSET, []), (night, [2_000 * MS])):
        first = small_release(prices=(data_price(by_time=own),))
        moved = msgspec.structs.replace(first, number=2, time_zone="Europe/Berlin")
        assert change_instants(published(first, moved)) == {1: expected}


def test_tenants_have_changes_of_their_own() -> None:
    first = small_release()
    dearer = msgspec.structs.replace(first, number=2, prices=(data_price(price_micros=30_000),))
    both = [*published(first, dearer), *published(first, tenant=2)]
    assert change_instants(both) == {1: [2_000 * MS], 2: []}


def test_who_reported_since_or_is_pinned_is_not_behind() -> None:
    service = Service(10, None, Unit.OCTETS, 500)
    session = Session((1, 2), 100, 32251, services=[service])
    account = Account(1, products=[Product(1)], sessions=[session])

    def behind(whose: Account, instant_ns: int) -> bool:
        view = decode_record(encode_account(whose))
        return is_behind(view, view.sessions[0], instant_ns)

    assert behind(account, 501)
    assert not behind(account, 500)
    assert not behind(replace(account, products=[Product(1, release=3)]), 501)
    assert not behind(replace(account, sessions=[replace(session, services=[])]), 501)


def test_who_was_refused_is_behind_whatever_else_reported_since() -> None:
    reported = Service(10, None, Unit.OCTETS, 700, last=Given(Outcome.GRANTED, 10, has_grant=True))
    refused = Service(40, None, Unit.MONEY, 100, last=Given(Outcome.RATING_FAILED))

    def behind(*services: Service) -> bool:
        session = Session((1, 2), 100, 32251, services=list(services))
        view = decode_record(encode_account(Account(1, products=[Product(1)], sessions=[session])))
        return is_behind(view, view.sessions[0], 501)

    assert behind(refused)
    assert behind(reported, refused)
    assert not behind(reported, replace(refused, last_report_ns=501))
    assert not behind(reported, replace(refused, last=Given(Outcome.CREDIT_LIMIT_REACHED)))

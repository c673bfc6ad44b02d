"""Numbers back to names, by tenant; the newest release names a thing."""

import msgspec

from catalog_loader.names import names_of
from tests.catalog_loader.sample_release import checked_sample, data_price, small_release
from vocabulary.ids import number_of_name

START = number_of_name("start")


def test_every_number_of_a_release_has_its_name() -> None:
    release = checked_sample().release
    names = names_of([(1, release, "f00")], "7-0")
    for offer in release.offers:
        assert names.offer(1, number_of_name(offer.id)) == offer.id
    for price in release.prices:
        assert names.price(1, number_of_name(price.id)) == price.id
    for allowance in release.allowances:
        assert names.allowance(1, number_of_name(allowance.id)) == allowance.id
    assert names.release(1, 1) == "1 (Prepaid, spring)"
    assert names.releases[1, 1].hash == "f00"
    assert names.currencies == {1: "EUR"}
    assert names.stream_id == "7-0"


def test_what_no_release_numbers_stays_a_number() -> None:
    names = names_of([(1, small_release(), "")])
    assert names.allowance(1, 0) == "money"
    assert (names.offer(1, 12), names.price(1, 13), names.allowance(1, 14)) == ("#12", "#13", "#14")
    assert names.release(1, 9) == "9"


def test_tenants_have_their_own_names() -> None:
    other = small_release(tenant="acme", prices=(data_price(name="Acme's"),))
    names = names_of([(1, small_release(), ""), (2, other, "")])
    assert names.offer(1, START) == names.offer(2, START) == "start"
    assert names.offer(3, START) == f"#{START}"
    number = number_of_name("data-general")
    assert (names.prices[1, number].name, names.prices[2, number].name) == ("", "Acme's")


def test_the_latest_in_effect_names_a_thing_whatever_the_order() -> None:
    first = small_release()
    renamed = msgspec.structs.replace(first.offers[0], name="Renamed")
    second = small_release(number=2, effective_ns=2_000, offers=(renamed,))
    for order in ([(1, first, ""), (1, second, "")], [(1, second, ""), (1, first, "")]):
        assert names_of(order).offers[1, START].name == "Renamed"

"""One text and one hash for equal releases, through round trips, orders and time."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from catalog_loader.check import Source, check_sources
from catalog_loader.release import (
    Allowance,
    Band,
    Offer,
    Price,
    Release,
    ReleaseDamaged,
    Service,
    Terms,
    canonical,
    read_release,
    release_text,
    text_hash,
)
from tests.catalog_loader.sample_release import SAMPLE, checked_sample, small_release

SAMPLE_HASH = "fd0b78cde79d1868bafc28f9a3e7cb29e60321b1bd4d0727c7a2fc87f04cc36b"
"""Changes with the sample. When it changes without the sample, published releases no longer have their hashes: raise
FORMAT and keep reading the old one."""

ids = st.text("abcdefg-", min_size=1, max_size=4)
texts = st.text(st.characters(codec="utf-8"), max_size=5)
id_lists = st.lists(ids, max_size=3).map(tuple)
services = st.builds(Service, st.integers(0, 2**31), st.integers(-2, 2**32), st.integers(-2, 2**32))
counts = st.integers(-1, 2**60)
terms = st.builds(Terms, threshold_units=counts, threshold_percent=counts, holding_s=counts, redirect_to=texts)
bands = st.builds(
    Band, days=st.lists(st.integers(0, 6), max_size=3).map(tuple), from_min=counts, to_min=counts, price_micros=counts
)
prices = st.builds(
    Price,
    said=st.just(UNSET) | terms,
    by_time=st.just(UNSET) | st.lists(bands, min_size=1, max_size=3).map(tuple),
    id=ids,
    name=texts,
    description=texts,
    services=st.lists(services, max_size=3).map(tuple),
    unit=st.sampled_from(["octets", "seconds", "events"]),
    control=st.sampled_from(["charged", "free"]),
    block_units=counts,
    price_micros=st.none() | counts,
    grant_units=counts,
    grant_units_min=counts,
    grant_units_max=counts,
    allowances=id_lists,
)
offers = st.builds(Offer, id=ids, name=texts, prices=id_lists, allowances=id_lists, money_micros=counts)
allowances = st.builds(Allowance, id=ids, unit=ids, amount=counts, valid_for_s=st.none() | counts)
releases = st.builds(
    Release,
    number=counts,
    name=texts,
    currency=ids,
    time_zone=ids,
    effective_ns=counts,
    offers=st.lists(offers, max_size=3, unique_by=lambda offer: offer.id).map(tuple),
    prices=st.lists(prices, max_size=3, unique_by=lambda price: price.id).map(tuple),
    allowances=st.lists(allowances, max_size=3, unique_by=lambda allowance: allowance.id).map(tuple),
)


@given(releases)
def test_round_trip(release: Release) -> None:
    text = release_text(release)
    read = read_release(text)
    assert read == canonical(release)
    assert release_text(read) == text


@given(releases, st.randoms())
def test_order_means_nothing(release: Release, random: Any) -> None:
    def shuffled(values: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(random.sample(values, len(values)))

    other = msgspec.structs.replace(
        release,
        offers=shuffled(
            tuple(msgspec.structs.replace(offer, prices=shuffled(offer.prices)) for offer in release.offers)
        ),
        prices=shuffled(release.prices),
        allowances=shuffled(release.allowances),
    )
    assert release_text(other) == release_text(release)


def test_order_of_a_prices_allowances_means_something() -> None:
    prices = (msgspec.structs.replace(small_release().prices[0], allowances=("a", "b")),)
    swapped = (msgspec.structs.replace(prices[0], allowances=("b", "a")),)
    assert release_text(small_release(prices=prices)) != release_text(small_release(prices=swapped))


def test_hash_of_the_sample_stays() -> None:
    checked = checked_sample()
    assert checked.hash == SAMPLE_HASH
    assert text_hash(checked.text) == checked.hash


def test_layout_and_comments_mean_nothing() -> None:
    text = SAMPLE.read_text().replace("0.02 EUR", '"0.020"').replace("1 GiB", "1024 MiB").replace("30 d", "720 h")
    text = text.replace("name: 1024 MiB of data", "name: 1 GiB of data").replace("# ", "# another remark ")
    report = check_sources([Source("x.yaml", text.encode())])
    assert report.checked is not None, report.lines()
    assert report.checked.hash == SAMPLE_HASH


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("0.02 EUR", "0.020001 EUR"),
        ("30 min", "31 min"),
        ("name: Prepaid Plus", "name: Prepaid plus"),
        ("rating_group: 20", "rating_group: 21"),
    ],
)
def test_a_change_changes_the_hash(old: str, new: str) -> None:
    text = SAMPLE.read_text()
    assert old in text
    report = check_sources([Source("x.yaml", text.replace(old, new).encode())])
    assert report.checked is not None, report.lines()
    assert report.checked.hash != SAMPLE_HASH


TEXT = release_text(small_release())


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "no catalogue release"),
        (b"[]", "no catalogue release"),
        (b"\xff", "no catalogue release"),
        (b'{"format":1}', "no catalogue release"),
        (TEXT[:-1], "no catalogue release"),
        (TEXT.replace(b'"number":1', b'"number":"1"'), "no catalogue release"),
        (TEXT.replace(b'"number":1', b'"number":1,"more":1'), "no catalogue release"),
        (TEXT.replace(b'"format":1', b'"format":2'), "has format 2"),
        (TEXT.replace(b'"format":1', b'"format":2').replace(b'"number":1', b'"other":1'), "has format 2"),
        (TEXT.replace(b'"number":1', b'"number": 1'), "not canonical"),
        (TEXT.replace(b'["data-general"]', b'["data-general","a"]'), "not canonical"),
    ],
)
def test_damaged_texts_are_named(text: bytes, reason: str) -> None:
    with pytest.raises(ReleaseDamaged, match=reason):
        read_release(text)

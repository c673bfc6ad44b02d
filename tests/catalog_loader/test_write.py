"""What is written of a release reads as the same release."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

import catalog_loader
from catalog_loader.edge.read_files import check
from catalog_loader.faults import FaultList
from catalog_loader.nodes import read_nodes
from catalog_loader.parse import parse_documents
from catalog_loader.release import Allowance, Band, Offer, Price, Release, Renewal, Service, Terms, release_text
from catalog_loader.schema import CONTEXTS, FINAL_ACTIONS, ROUNDING_SCOPES, ROUNDINGS, SETTLED_BY, UNITS
from catalog_loader.write import file_of
from charging.tariff_tables import ABSENT, ANY

SAMPLES = Path(catalog_loader.__file__).parent / "samples"

ids = st.text("abcdefg", min_size=1, max_size=4)
id_lists = st.lists(ids, max_size=3).map(tuple)
texts = st.text("abc öß\"':#-", max_size=8).map(str.strip)
counts = st.integers(1, 2**50)
micros = st.integers(0, 10**12)
groups = st.lists(st.integers(0, 2**32 - 1) | st.sampled_from([ABSENT, ANY]), min_size=1, max_size=3, unique=True)
identifiers = st.lists(st.integers(0, 2**32 - 1) | st.just(ANY), min_size=1, max_size=2, unique=True)


@st.composite
def services(draw: st.DrawFn) -> tuple[Service, ...]:
    contexts = draw(st.lists(st.sampled_from(list(CONTEXTS.values())), min_size=1, max_size=2, unique=True))
    pairs = [(group, identifier) for group in draw(groups) for identifier in draw(st.shared(identifiers, key="i"))]
    return tuple(Service(context, *pair) for context in contexts for pair in pairs)


bands = st.builds(
    Band,
    days=st.lists(st.integers(0, 6), min_size=1, unique=True).map(lambda days: tuple(sorted(days))),
    from_min=st.integers(0, 1439),
    to_min=st.integers(0, 1440).map(lambda minutes: minutes or 1440),
    price_micros=micros,
)
terms = st.builds(
    Terms,
    threshold_percent=st.integers(0, 99),
    holding_s=st.integers(0, 10**6),
    redirect_to=st.just(""),
    filter_id=st.sampled_from(["", "walled-garden"]),
)


@st.composite
def prices(draw: st.DrawFn) -> Price:
    name = draw(ids)
    known = {"id": name, "name": draw(texts) or name, "description": draw(texts), "services": draw(services())}
    known |= {"unit": draw(st.sampled_from(list(UNITS)))}
    sizes = {key: draw(counts) for key in ("grant_units", "grant_units_min", "grant_units_max")}
    said = draw(terms)
    return Price(
        **known,
        **sizes,
        price_micros=draw(st.none() | micros),
        block_units=draw(counts),
        validity_s=draw(counts),
        rounding=draw(st.sampled_from(list(ROUNDINGS))),
        rounding_over=draw(st.sampled_from(list(ROUNDING_SCOPES))),
        settled_by=draw(st.sampled_from(list(SETTLED_BY))),
        final_action=draw(st.sampled_from(list(FINAL_ACTIONS))),
        allowances=draw(id_lists),
        said=UNSET if said == Terms() else said,
        by_time=draw(st.just(UNSET) | st.lists(bands, min_size=1, max_size=2).map(tuple)),
    )


allowances = st.builds(
    Allowance,
    id=ids,
    unit=st.sampled_from(list(UNITS)),
    amount=counts,
    name=texts.filter(bool),
    description=texts,
    valid_for_s=st.none() | counts,
    priority=st.integers(0, 255),
    granted_by=st.sampled_from(["opening", "top_up"]),
)
offers = st.builds(
    Offer,
    id=ids,
    name=texts.filter(bool),
    description=texts,
    money_micros=micros,
    allowances=id_lists,
    renewal=st.just(UNSET) | st.builds(Renewal, period_s=st.integers(60, 10**7), fee_micros=micros),
    credit=st.just(UNSET) | st.integers(1, 10**12),
    prices=st.lists(ids, min_size=1, max_size=3).map(tuple),
)
releases = st.builds(
    Release,
    number=st.integers(1, 1000),
    name=texts.filter(bool),
    description=texts,
    currency=st.sampled_from(["EUR", "JPY"]),
    time_zone=st.sampled_from(["UTC", "Europe/Berlin"]),
    effective_ns=st.integers(0, 2**40).map(lambda ms: ms * 1_000_000),
    offers=st.lists(offers, max_size=3).map(tuple),
    prices=st.lists(prices(), max_size=3).map(tuple),
    allowances=st.lists(allowances, max_size=3).map(tuple),
    retired_offers=id_lists,
    retired_allowances=id_lists,
)


def read_back(release: Release) -> Release:
    node = read_nodes("written", json.dumps(file_of(release)).encode())
    faults = FaultList()
    read = parse_documents([node], faults)  # type: ignore[list-item]
    assert [str(fault) for fault in faults] == []
    return read


@given(releases)
def test_what_is_written_reads_as_the_same_release(release: Release) -> None:
    assert release_text(read_back(release)) == release_text(release)


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_samples_are_written(path: Path) -> None:
    checked = check([path]).checked
    assert checked is not None
    assert release_text(read_back(checked.release)) == checked.text


KNOWN = {
    Allowance: "id unit amount name description valid_for_s priority granted_by",
    Offer: "id prices name description money_micros allowances renewal credit",
    Price: """id services unit name description control block_units price_micros rounding rounding_over grant_units
        grant_units_min grant_units_max validity_s allowances final_action settled_by said by_time""",
    Terms: "threshold_units threshold_percent holding_s redirect_to filter_id filter_rule",
    Band: "days from_min to_min price_micros",
    Release: """format number name description tenant currency time_zone effective_ns offers prices allowances
        retired_offers retired_allowances""",
}


@pytest.mark.parametrize("kind", KNOWN, ids=lambda kind: kind.__name__)
def test_each_field_of_a_release_is_written(kind: type) -> None:
    """A field that is new has to be written by catalog_loader/write.py and drawn above, or publishing would lose it."""
    assert [*kind.__struct_fields__] == KNOWN[kind].split()  # type: ignore[attr-defined]

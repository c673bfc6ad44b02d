"""Files of a catalogue: every fault with its place, and what is written reads as the same release."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bss.catalog.documents import read_sources, write_file
from bss.catalog.records import Instant, Micros, OfferingPrice, PriceType, Relationship, ServiceNeed, Specification
from bss.catalog.release import CatalogRelease, canonical, catalog_text, read_catalog
from catalog_loader.check import Source
from tests.bss.catalog.sample import SAMPLE, changed_offering, replaced, sample_release

FEE = "    fee: 5 EUR\n    period: 30 d\n"

texts = st.text("abc öß\"':#-", min_size=1, max_size=12).filter(str.strip)
instants = st.none() | st.integers(0, 2**41).map(lambda ms: Instant(ms * 1_000_000))


@st.composite
def releases(draw: st.DrawFn) -> CatalogRelease:
    """The sample with other words, prices, periods and relationships."""
    release = sample_release()
    price = OfferingPrice(
        id="monthly",
        name=draw(texts),
        price_type=PriceType.RECURRING,
        amount_micros=Micros(draw(st.integers(0, 10**12))),
        recurring_charge_period_length=draw(st.integers(1, 1200)),
        recurring_charge_period_type=draw(st.sampled_from(["hour", "day", "week", "month", "year"])),
        valid_from_ns=draw(instants),
    )
    specification = Specification(
        id=draw(st.text("xyz", min_size=1, max_size=5)),
        name=draw(texts),
        description=draw(texts),
        lifecycle_status=draw(st.sampled_from(["active", "retired"])),
        services=(ServiceNeed(id="access", name=draw(texts), resources=draw(st.just(()) | st.just(("sim",)))),),
    )
    release = replaced(replaced(release, price), specification)
    return changed_offering(
        release,
        "prepaid-start",
        name=draw(texts),
        is_sellable=draw(st.booleans()),
        price_ids=("monthly",),
        eligibility=draw(st.sampled_from(["", "channel == 'agent' &&\n  customer.age_days > 30"])),
        relationships=draw(st.just(()) | st.just((Relationship(relationship_type="excludes", id="itemised-usage"),))),
    )


@settings(max_examples=25)
@given(releases())
def test_a_written_file_reads_as_the_same_release(release: CatalogRelease) -> None:
    read = read_sources([Source("written", json.dumps(write_file(release)).encode())])
    assert read.faults == ()
    assert read.release is not None
    assert catalog_text(read.release) == catalog_text(release)


@settings(max_examples=25)
@given(releases())
def test_a_text_reads_as_the_release_that_it_is_of(release: CatalogRelease) -> None:
    text = catalog_text(release)
    assert read_catalog(text) == canonical(release)
    assert catalog_text(read_catalog(text)) == text


def faults_of(*replacements: tuple[str, str]) -> list[str]:
    text = SAMPLE.read_text()
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new, 1)
    read = read_sources([Source("m.yaml", text.encode())])
    assert read.release is None
    return [str(fault).partition(": ")[2] for fault in read.faults]


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("amount: 9.95 EUR", "amount: 9.95", "offering_prices prepaid-start-fee amount: amount: it is a number without quotes"),
        ("amount: 9.95 EUR", "amount: 9.95 USD", "amount: 9.95 USD is not in the release's currency EUR. Write the sum in EUR"),
        ("price_type: one_time", "price_type: once", 'price_type: price_type is "once"'),
        ("price_type: usage, price: data-general", "price_type: usage", "offering_prices data-usage price: price is missing"),
        ("id: shop, name: Shop", "id: shop, nam: Shop", "catalogs shop nam: unknown key nam. Did you mean name?"),
        ("id: shop, name: Shop", "id: shop", "catalogs shop name: name is missing. Add name"),
        ("catalog_id: shop", "catalog_id: shopp", "mobile catalog_id: there is no catalog shopp. Did you mean shop?"),
        ("parent_id: mobile}", "parent_id: prepaid}", "categories prepaid parent_id: the category stands below itself"),
        ("offer: prepaid-start\n", "offer: prepaid-starts\n", "offerings prepaid-start offer: the engine's part has no offer"),
        ("customer.kind !=", "customer.kid !=", "eligibility: line 1, column 9: undeclared reference to 'customer.kid'"),
        ("is_sellable: false", "is_sellable: maybe", "offerings itemised-usage is_sellable: is_sellable: Expected `bool`"),
        ("type: month", "type: fortnight", 'recurring_charge_period_type is "fortnight"'),
        ("[prepaid-plus-fee,", "[prepaid-plus-fee, itemised-monthly,", "its recurring prices have different periods"),
        ("default: card", "default: cart", '"cart" is not among the values of sim_type. Did you mean card?'),
        ("relationship_type: excludes", "relationship_type: exclude", "Did you mean excludes?"),
        ("excludes, id: prepaid-start", "excludes, id: prepaid-plus", "an offering has no relationship to itself"),
        ("category_ids: [extras]", "category_ids: extras", "category_ids is not a list"),
        ("catalogs:\n  - {id: shop, name: Shop}", "catalogs: shop", "catalogs: catalogs is not a list"),
        ("price_ids: [itemised-monthly]", "price_ids: [data-usage]", "which offer None doesn't have"),
        ("{id: shop, name: Shop}", "{id: shop, name: 2026-01-01}", 'YAML reads as timestamp. Write "2026-01-01" in quotes'),
        ("price: 0.09 EUR", "price: 0.09", "prices sms-national price: price is 0.09 without quotes"),
        ("name: Prepaid Plus\n    gr", f"name: Plus\n{FEE}    gr", "prepaid-plus price_ids.1: a period costs 9.99 EUR"),
        ("name: Prepaid Start\n    gr", f"name: Start\n{FEE}    gr", "prepaid-start price_ids: a period costs 0.00 EUR"),
    ],
)  # fmt: skip
def test_a_fault_names_entry_field_and_remedy(old: str, new: str, fault: str) -> None:
    assert any(fault in each for each in faults_of((old, new))), faults_of((old, new))


def test_a_fee_that_is_the_recurring_price_is_none_and_a_bill_has_none() -> None:
    text = SAMPLE.read_text()
    for name, fee in (("Prepaid Plus", FEE.replace("5 EUR", "9.99 EUR")), ("Postpaid Flex", FEE)):
        text = text.replace(f"name: {name}\n    grants", f"name: {name}\n{fee}    grants", 1)
    read = read_sources([Source("m.yaml", text.encode())])
    assert read.release is not None, [str(fault) for fault in read.faults]


def test_every_fault_is_found_at_once_with_its_place() -> None:
    text = SAMPLE.read_text()
    text = text.replace("amount: 9.95 EUR", "amount: x").replace("values: [card, esim]", "values: 7")
    read = read_sources([Source("m.yaml", text.encode())])
    lines = text.splitlines()
    places = [(fault.place.line, fault.kind, fault.id, fault.field) for fault in read.faults if fault.place is not None]
    specification = next(index for index, line in enumerate(lines, 1) if "values: 7" in line)
    price = next(index for index, line in enumerate(lines, 1) if "amount: x" in line)
    assert places == [
        (specification, "specifications", "mobile-line", "characteristics.0.values"),
        (price, "offering_prices", "prepaid-start-fee", "amount"),
    ]


def test_nothing_to_read() -> None:
    assert "no files of a catalogue" in str(read_sources([]).faults[0])
    assert "mapping" in str(read_sources([Source("m.yaml", b"- 1")]).faults[0])

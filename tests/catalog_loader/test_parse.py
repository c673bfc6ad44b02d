"""Files to a release: every key arrives where it belongs, and what is left out has its meaning."""

import json
from typing import Any

import pytest
import yaml

from catalog_loader import nodes
from catalog_loader.check import CheckReport, Source, check_sources
from catalog_loader.release import Allowance, Band, Offer, Price, Release, Renewal, Service, Terms, canonical
from catalog_loader.schema import GRANT_SIZES, KEYS, TENANT
from charging.tariff_tables import ABSENT, ANY
from tests.catalog_loader.sample_release import SAMPLE, checked_sample
from vocabulary.instants import from_rfc3339

HEADER = "release: {number: 1, name: Test, currency: EUR, time_zone: Europe/Berlin, effective: 2026-01-01}\n"


def check_text(*texts: str) -> CheckReport:
    return check_sources([Source(f"{number}.yaml", text.encode()) for number, text in enumerate(texts, 1)])


def release_of(*texts: str) -> Release:
    report = check_text(*texts)
    assert report.checked is not None, report.lines()
    return canonical(report.checked.release)


EVERY_KEY = """
release:
  number: 7
  name: Every key
  description: |
    Two lines
    of text.
  tenant: acme
  currency: CHF
  time_zone: Europe/Zurich
  effective: 2026-03-01T12:00:00.5+01:00
  retires: {offers: [old], allowances: [old-data]}
allowances:
  - {id: data-a, name: A, description: d, unit: octets, amount: 1.5 GiB, valid_for: 30 d, priority: 0}
  - {id: data-b, amount: 1 GB, granted_by: top_up}
prices:
  - id: shared
    service: {context: data, rating_group: [1, absent], service_identifier: [3, 4]}
    control: free
    unit: octets
    validity: 7 d
    holding_time: 10 min
    grant: {max: 1 MiB, threshold: 100 KiB}
offers:
  - id: offer
    name: Offer
    description: d
    credit_limit: 75 CHF
    grants: {money: 5.5 CHF, allowances: [data-a]}
    fee: 9.99 CHF
    period: 30 d
    prices:
      - shared
      - id: own
        name: Own
        description: d
        service: {context: 32251, rating_group: any}
        control: charged
        unit: octets
        block: 100 KiB
        price: "0.000001"
        bands:
          - {days: [sat, mon-tue], from: "22:30", to: "06:00", price: "0.000003"}
          - {price: "0.000002", from: "07:00", to: "08:00"}
          - {from: "12:00", to: "13:00", price: 0 CHF}
        rounding: half_even
        rounding_over: report
        grant: {default: 2 MiB, min: 1 MiB, max: 3 MiB, threshold: 15 %}
        validity: 90 s
        allowances: [data-a, data-b]
        final_action: redirect
        redirect_to: https://top-up.example.net/?from=portal
        filter_id: garden
        filter_rule: permit out ip from 192.0.2.10 to assigned
        settled_by: bill
"""


def test_every_key_arrives() -> None:
    assert release_of(EVERY_KEY) == Release(
        number=7,
        name="Every key",
        description="Two lines\nof text.",
        tenant="acme",
        currency="CHF",
        time_zone="Europe/Zurich",
        effective_ns=from_rfc3339("2026-03-01T11:00:00.5Z"),
        retired_offers=("old",),
        retired_allowances=("old-data",),
        allowances=(
            Allowance(
                id="data-a",
                name="A",
                description="d",
                unit="octets",
                amount=3 * 2**29,
                valid_for_s=2_592_000,
                priority=0,
            ),
            Allowance(id="data-b", name="data-b", unit="octets", amount=10**9, granted_by="top_up"),
        ),
        prices=(
            Price(
                id="own",
                name="Own",
                description="d",
                services=(Service(32251, ANY),),
                unit="octets",
                block_units=102_400,
                price_micros=1,
                rounding="half_even",
                rounding_over="report",
                grant_units=2 * 2**20,
                grant_units_min=2**20,
                grant_units_max=3 * 2**20,
                validity_s=90,
                allowances=("data-a", "data-b"),
                final_action="redirect",
                settled_by="bill",
                by_time=(
                    Band(days=(0, 1, 2, 3, 4, 5, 6), from_min=420, to_min=480, price_micros=2),
                    Band(days=(0, 1, 2, 3, 4, 5, 6), from_min=720, to_min=780, price_micros=0),
                    Band(days=(0, 1, 5), from_min=1350, to_min=360, price_micros=3),
                ),
                said=Terms(
                    threshold_percent=15,
                    redirect_to="https://top-up.example.net/?from=portal",
                    filter_id="garden",
                    filter_rule="permit out ip from 192.0.2.10 to assigned",
                ),
            ),
            Price(
                id="shared",
                name="shared",
                services=(
                    Service(32251, ABSENT, 3),
                    Service(32251, ABSENT, 4),
                    Service(32251, 1, 3),
                    Service(32251, 1, 4),
                ),
                unit="octets",
                control="free",
                grant_units=2**20,
                grant_units_min=64 * 1024,
                grant_units_max=2**20,
                validity_s=604_800,
                final_action="none",
                said=Terms(threshold_units=102_400, holding_s=600),
            ),
        ),
        offers=(
            Offer(
                id="offer",
                name="Offer",
                description="d",
                money_micros=5_500_000,
                allowances=("data-a",),
                credit=75_000_000,
                prices=("own", "shared"),
                renewal=Renewal(period_s=2_592_000, fee_micros=9_990_000),
            ),
        ),
    )


def test_every_key_is_in_the_test_above() -> None:
    for row in KEYS:
        assert f"{row.key}:" in EVERY_KEY, row


@pytest.mark.parametrize(
    ("band", "expected"),
    [
        ("{days: sat, price: 1 EUR}", (0, 1440)),
        ('{days: sat, from: "00:00", to: "00:00", price: 1 EUR}', (0, 1440)),
        ('{days: sat, from: "20:00", to: "24:00", price: 1 EUR}', (1200, 1440)),
        ('{days: sat, from: "20:00", to: "00:00", price: 1 EUR}', (1200, 1440)),
        ('{days: sat, from: "20:00", price: 1 EUR}', (1200, 1440)),
        ('{days: sat, to: "06:30", price: 1 EUR}', (0, 390)),
        ("{days: sat, to: 06:30, price: 1 EUR}", (0, 390)),
    ],
)
def test_a_band_without_times_is_the_whole_day(band: str, expected: tuple[int, int]) -> None:
    """And one that ends at midnight ends with its day."""
    text = f"""{HEADER}
prices:
  - {{id: p, service: {{context: data, rating_group: 1}}, price: 2 EUR, block: 1 MiB, bands: [{band}]}}
offers: [{{id: o, prices: [p]}}]
"""
    (price,) = release_of(text).prices
    assert price.bands == (Band(days=(5,), from_min=expected[0], to_min=expected[1], price_micros=1_000_000),)


def test_what_is_left_out_has_its_meaning() -> None:
    text = HEADER + (
        "offers: [{id: o, prices: [{id: p, service: {context: voice, rating_group: 1}, price: '1', block: 1 min}]}]\n"
    )
    release = release_of(text)
    usual = GRANT_SIZES["seconds"]
    assert release.tenant == TENANT
    assert release.effective_ns == from_rfc3339("2025-12-31T23:00:00Z")  # midnight in Berlin
    assert release.offers == (Offer(id="o", name="o", prices=("p",)),)
    assert release.prices == (
        Price(
            id="p",
            name="p",
            services=(Service(32260, 1, ANY),),
            unit="seconds",
            block_units=60,
            price_micros=1_000_000,
            grant_units=usual.default,
            grant_units_min=usual.min,
            grant_units_max=usual.max,
        ),
    )


@pytest.mark.parametrize(
    ("grant", "sizes"),
    [
        ("{}", (60, 10, 3600)),
        ("{default: 5 s}", (5, 5, 3600)),
        ("{default: 2 h}", (7200, 10, 7200)),
        ("{min: 2 min}", (120, 120, 3600)),
        ("{max: 5 s}", (5, 5, 5)),
        ("{min: 2 h}", (7200, 7200, 7200)),
        ("{min: 1 s, max: 20 s}", (20, 1, 20)),
    ],
)
def test_sizes_that_are_left_out_fit_the_others(grant: str, sizes: tuple[int, int, int]) -> None:
    price = f"{{id: p, service: {{context: voice, rating_group: 1}}, control: free, grant: {grant}}}"
    (read,) = release_of(HEADER + f"offers: [{{id: o, prices: [{price}]}}]\n").prices
    assert (read.grant_units, read.grant_units_min, read.grant_units_max) == sizes


@pytest.mark.parametrize(
    ("service", "unit"),
    [
        ("context: sms, rating_group: 1", "events"),
        ("context: data, rating_group: 1", "octets"),
        ("context: [data, data_5g], rating_group: 1", "octets"),
        ("context: data, rating_group: 1}, unit: seconds, x: {", "seconds"),
    ],
)
def test_the_unit_is_as_said_or_as_usual(service: str, unit: str) -> None:
    price = f"{{id: p, service: {{{service}}}, control: free}}".replace(", x: {}", "")
    assert release_of(HEADER + f"offers: [{{id: o, prices: [{price}]}}]\n").prices[0].unit == unit


def test_a_price_holds_in_each_context_of_a_list() -> None:
    price = "{id: p, service: {context: [data, data_5g, 77], rating_group: [1, 2]}, control: free, unit: octets}"
    (read,) = release_of(HEADER + f"offers: [{{id: o, prices: [{price}]}}]\n").prices
    assert read.services == tuple(Service(context, group, ANY) for context in (77, 32251, 32255) for group in (1, 2))


@pytest.mark.parametrize(
    ("context", "problem"),
    [
        ("[]", "context is an empty list"),
        ("[data, {}]", "context has no single value"),
        ("{a: b}", "context has no single value"),
        ("[data, datum]", 'context is "datum"'),
        ("[data, voice]", "unit is missing"),
    ],
)
def test_contexts_that_are_none(context: str, problem: str) -> None:
    price = f"{{id: p, service: {{context: {context}, rating_group: 1}}, control: free}}"
    lines = check_text(HEADER + f"offers: [{{id: o, prices: [{price}]}}]\n").lines()
    assert len([line for line in lines if problem in line]) == 1, lines


def test_a_release_may_be_several_files() -> None:
    text = SAMPLE.read_text()
    cut = text.index("\noffers:")
    whole, parts = check_text(text), check_text(text[cut:], text[:cut])
    assert whole.checked is not None
    assert parts.checked is not None
    assert whole.checked.hash == parts.checked.hash


def test_what_is_missing_altogether_has_the_place_of_the_first_file() -> None:
    (line,) = check_text(HEADER, "allowances: []").lines()
    assert line == "1.yaml:1:1: the release has no offer: it would rate nothing. Write offers."


def test_json_is_the_same_release() -> None:
    content = yaml.load(SAMPLE.read_text(), yaml.BaseLoader)  # BaseLoader: every scalar stays a text
    for release_key in ("number",):
        content["release"][release_key] = int(content["release"][release_key])
    for allowance in content["allowances"]:
        allowance["priority"] = int(allowance["priority"])
    for price in [*content["prices"], content["offers"][-1]["prices"][-1]]:
        for key in ("rating_group", "service_identifier"):
            value = price["service"].get(key)
            if isinstance(value, list):
                price["service"][key] = [int(item) if item.isdigit() else item for item in value]
            elif value is not None and value.isdigit():
                price["service"][key] = int(value)
    report = check_sources([Source("prepaid.json", json.dumps(content, indent="\t").encode())])
    assert report.checked is not None, report.lines()
    assert report.checked.hash == checked_sample().hash


def test_one_file_says_which_release_it_is() -> None:
    offers = "offers: [{id: o, prices: [{id: p, service: {context: sms, rating_group: 1}, control: free}]}]\n"
    assert check_text(HEADER, offers).is_sound
    assert check_text(offers).lines() == [
        "1.yaml:1:1: no file says which release this is. Write release: {number: 1, name: Spring, currency: EUR, "
        "time_zone: Europe/Berlin, effective: 2026-01-01}."
    ]
    (no_mapping,) = check_text("release: 1\n" + offers).lines()
    assert no_mapping.startswith("1.yaml:1:10: this is not a mapping of number, name")
    (twice,) = check_text(HEADER + offers, HEADER).lines()
    assert twice == "2.yaml:1:10: release stands in 1.yaml too (line 1). Keep one of the two."


def test_a_file_that_cannot_be_read_hides_no_other_and_invents_nothing() -> None:
    lines = check_text("release: [", HEADER.replace("number: 1", "number: one"), "offers: [*lost]").lines()
    assert [line.split(":")[0] for line in lines] == ["1.yaml", "2.yaml", "3.yaml"]
    assert check_text("release: [", "allowances: [{id: a, amount: 1 GiB}]").lines()[1:] == []


@pytest.mark.parametrize(
    ("effective", "instant"),
    [
        ("2026-07-01", "2026-06-30T22:00:00Z"),
        ("2026-07-01T00:00:00Z", "2026-07-01T00:00:00Z"),
        ('"2026-07-01T00:00:00+02:00"', "2026-06-30T22:00:00Z"),
    ],
)
def test_effective_instants(effective: str, instant: str) -> None:
    offers = "offers: [{id: o, prices: [{id: p, service: {context: sms, rating_group: 1}, control: free}]}]\n"
    assert release_of(HEADER.replace("2026-01-01", effective) + offers).effective_ns == from_rfc3339(instant)


@pytest.mark.parametrize("effective", ["2026-07-01T00:00:00", "1969-12-31", "2026-13-01", "9999-99-99", "0001-01-01"])
def test_instants_that_are_none(effective: str) -> None:
    lines = check_text(HEADER.replace("2026-01-01", effective)).lines()
    assert any("is no instant since 1970" in line for line in lines)


@pytest.mark.parametrize("zone", ["Europe/Berlyn", "../../etc/passwd", "/etc/localtime", "Europe", "\u00e9"])
def test_zones_that_are_none(zone: str) -> None:
    lines = check_text(HEADER.replace("Europe/Berlin", f'"{zone}"')).lines()
    assert any("is not known" in line for line in lines)


@pytest.mark.parametrize("name", ['"a\\nb"', '"\\x00"', "x" * 201])
def test_names_are_for_people(name: str) -> None:
    lines = check_text(HEADER.replace("name: Test", f"name: {name}")).lines()
    assert any(line.startswith("1.yaml:1:") and ": name has " in line for line in lines)


@pytest.mark.parametrize("loader", [nodes._LOADER, yaml.SafeLoader])
def test_half_a_character_makes_a_file_unreadable(loader: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodes, "_LOADER", loader)
    (line,) = check_text(HEADER.replace("name: Test", 'name: "\\ud800"')).lines()
    assert line.startswith("1.yaml:1:")
    assert "not readable as YAML" in line


def test_a_merge_key_is_named() -> None:
    text = HEADER + "offers:\n  - &o {id: o, prices: [p]}\n  - {<<: *o, id: x}\n"
    assert any("unknown key <<. Write the keys out" in line for line in check_text(text).lines())


def test_too_many_services_of_one_price_are_refused_before_they_are_made() -> None:
    many = ", ".join(map(str, range(1000)))
    service = f"{{context: data, rating_group: [{many}], service_identifier: [{many}]}}"
    lines = check_text(HEADER + f"prices: [{{id: p, service: {service}, control: free}}]\n").lines()
    assert any("1000000 services, more than 4096" in line for line in lines)

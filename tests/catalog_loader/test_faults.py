"""Reports: every fault at once, in order of place, each with a remedy; golden reports stand beside the faulty files."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog_loader.check import Source, check_sources
from catalog_loader.faults import Fault, FaultList, Finding, Place, near_match
from tests.catalog_loader.sample_release import SAMPLE
from vocabulary.limits import CATALOG_FAULTS_MAX

FAULTY = Path(__file__).parent / "faulty"


@pytest.mark.parametrize("path", sorted(FAULTY.glob("*.yaml")), ids=lambda path: path.stem)
def test_report_is_the_golden_one(path: Path) -> None:
    report = check_sources([Source(path.name, path.read_bytes())])
    assert not report.is_sound
    assert report.lines() == path.with_suffix(".txt").read_text().splitlines()
    places = [fault.place for fault in report.faults if fault.place]
    assert places == sorted(places)
    assert len(places) == len(report.faults) == report.fault_count
    assert all(fault.remedy for fault in report.faults)


def test_faults_are_listed_once_and_by_place() -> None:
    faults = FaultList(
        places={(): Place("b", 1, 1), ("prices", 0): Place("a", 9, 3)}, subjects={("prices", 0): "price x"}
    )
    faults.add(("release",), "second", "Do")
    faults.add(("prices", 0, "block"), "first", "Do")
    faults.add(("prices", 0, "block"), "first", "Do")
    assert [str(fault) for fault in faults] == ["a:9:3: price x: first. Do.", "b:1:1: second. Do."]


def test_what_has_no_place_is_told_apart_by_its_path() -> None:
    faults = FaultList()
    faults.add(("offers", 0, "price_ids", 2), "unknown price", "Do")
    faults.add(("offers", 1, "price_ids", 2), "unknown price", "Do")
    faults.add(("offers", 1, "price_ids", 2), "unknown price", "Do")
    assert [fault.path for fault in faults] == [("offers", 0, "price_ids", 2), ("offers", 1, "price_ids", 2)]


def test_rules_are_silent_about_what_is_known_to_be_faulty() -> None:
    faults = FaultList()
    faults.add(("prices", 0, "service", "rating_group"), "unreadable", "Do")
    faults.add(("prices", 1), "no mapping", "Do")
    faults.add_findings(
        [
            Finding(("prices", 0, "service"), "follows", "Do"),
            Finding(("prices", 1, "id"), "follows", "Do"),
            Finding(("prices", 0, "block"), "own", "Do"),
            Finding(("prices", 0, "block"), "another", "Do"),
        ]
    )
    assert [fault.problem for fault in faults] == ["unreadable", "no mapping", "own", "another"]


def test_a_report_has_a_limit_and_says_so() -> None:
    offers = "\n".join(f"  - {{id: o{number}, prices: []}}" for number in range(CATALOG_FAULTS_MAX + 5))
    header = "release: {number: 1, name: Many, currency: EUR, time_zone: UTC, effective: 2026-01-01}\noffers:\n"
    report = check_sources([Source("many.yaml", (header + offers).encode())])
    assert report.fault_count == CATALOG_FAULTS_MAX + 5
    assert len(report.faults) == CATALOG_FAULTS_MAX
    assert report.lines()[-1] == "... and 5 faults more"


def test_a_fault_without_place_has_a_subject() -> None:
    assert str(Fault(None, "price x", "is wrong", "Did you mean y?")) == "price x: is wrong. Did you mean y?"


@pytest.mark.parametrize(
    ("word", "match"),
    [
        ("tennant", "tenant"),
        ("TENANT", "tenant"),
        ("time zone", "time_zone"),
        ("time-zone", "time_zone"),
        ("zzz", None),
    ],
)
def test_near_matches(word: str, match: str | None) -> None:
    assert near_match(word, ["tenant", "time_zone", "number"]) == match


SAMPLE_LINES = SAMPLE.read_text().splitlines()


@settings(max_examples=60)
@given(st.data())
def test_a_damaged_sample_is_sound_or_has_faults_in_its_lines(data: st.DataObject) -> None:
    """Lines lost, doubled, swapped, or with another value: never an exception, never a place outside of the file."""
    lines = list(SAMPLE_LINES)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(lines) - 1))
        change = data.draw(st.sampled_from(["lose", "double", "swap", "value"]))
        if change == "lose":
            del lines[at]
        elif change == "double":
            lines.insert(at, lines[at])
        elif change == "swap":
            other = data.draw(st.integers(0, len(lines) - 1))
            lines[at], lines[other] = lines[other], lines[at]
        else:
            key, colon, _ = lines[at].partition(":")
            value = data.draw(st.sampled_from(["", "~", "-1", "any", "[]", "{}", "[1, {}]", "1 GiB", "0.1", "charged"]))
            lines[at] = key + colon + " " + value
    report = check_sources([Source("sample.yaml", "\n".join(lines).encode())])
    assert report.is_sound == (not report.faults)
    for fault in report.faults:
        assert fault.place is not None
        assert 1 <= fault.place.line <= len(lines) + 1
        assert fault.problem
        assert fault.remedy

"""Scenario files: those that come with Farebox are right, and each mistake is told with its field and a remedy."""

from pathlib import Path

import pytest

from runtime.simulate.read_scenario import SAMPLES, ScenarioError, parse_scenario, read_scenario, sample_names
from runtime.simulate.scenario import Kind

MIB = 1 << 20
SMALL = "steps: [{create: {}}, {release: {}}]"


@pytest.mark.parametrize("name", sample_names())
def test_samples_have_no_mistake(name: str) -> None:
    kinds = [step.kind for step in read_scenario(SAMPLES / f"{name}.yaml").steps]
    assert (kinds[0], kinds[-1]) == (Kind.CREATE, Kind.RELEASE)


def test_what_is_not_written_has_defaults() -> None:
    scenario = parse_scenario(SMALL, "s.yaml")
    assert scenario.chf.url == "http://127.0.0.1:7777"
    assert scenario.is_counting
    assert [step.status for step in scenario.steps] == [201, 204]


def test_amounts_are_words_and_instants_stay_texts() -> None:
    text = """
    members: {invocationTimeStamp: 2026-11-28T10:00:00Z}
    steps:
      - create: {multipleUnitUsage: [{ratingGroup: 10, requestedUnit: {totalVolume: 2 MiB, time: 1 min}}]}
      - update: {multipleUnitUsage: [{ratingGroup: 10, usedUnitContainer: [{totalVolume: granted, qFI: 9}, {time: -5}]}]}
        expect: {answer: {multipleUnitInformation: [{ratingGroup: 10, grantedUnit: {totalVolume: 1.5 MiB}}]}}
    """
    scenario = parse_scenario(text, "s.yaml")
    assert scenario.common == {"invocationTimeStamp": "2026-11-28T10:00:00Z"}
    create, update = scenario.steps
    assert create.body["multipleUnitUsage"] == [
        {"ratingGroup": 10, "requestedUnit": {"totalVolume": 2 * MIB, "time": 60}}
    ]
    assert update.body["multipleUnitUsage"][0]["usedUnitContainer"] == [
        {"totalVolume": "granted", "qFI": 9},
        {"time": -5},
    ]
    assert update.answer["multipleUnitInformation"][0]["grantedUnit"] == {"totalVolume": 3 * MIB // 2}


def usage(inside: str) -> str:
    """A scenario whose create has this usage."""
    return f"steps: [{{create: {{multipleUnitUsage: [{{{inside}}}]}}}}]"


@pytest.mark.parametrize(
    ("text", "place", "remedy"),
    [
        ("chf: {uri: x}\n" + SMALL, "chf.uri", "Did you mean url?"),
        ("chff: {}\n" + SMALL, "chff", "Did you mean chf?"),
        ("chf: {url: 127.0.0.1}\n" + SMALL, "chf.url", "Write it as http://127.0.0.1:7777"),
        ("chf: {resource: nchf}\n" + SMALL, "chf.resource", "Write it as /nchf-convergedcharging"),
        ("chf: {ca: nowhere.pem}\n" + SMALL, "chf.ca", "Name a PEM file"),
        (f"chf: {{certificate: {__file__}}}\n" + SMALL, "chf.key", "Write both or neither"),
        ("chf: {answer_s: 0}\n" + SMALL, "chf.answer_s", "Write seconds"),
        ("chf: {headers: {authorization: 1}}\n" + SMALL, "chf.headers.authorization", "in quotes"),
        ("notify: {port: 70000}\n" + SMALL, "notify.port", "Write one that is"),
        ("notify: {path: here}\n" + SMALL, "notify.path", "Write it as /nsmf-callback"),
        ("notify: {reports: [{usedUnitContainer: []}]}\n" + SMALL, "notify.reports[0].ratingGroup", "by its number"),
        ("sequence: one\n" + SMALL, "sequence", "counted, zero"),
        ("members: [1]\n" + SMALL, "members", "name: value"),
        ("name: x", "steps", "a create and a release"),
        ("steps: {create: {}}", "steps", "- item"),
        ("steps: [{update: {}}]", "steps[0].update", "Write a create before it"),
        ("steps: [{create: {}}, {create: {}}]", "steps[1].create", "Write a release before it"),
        ("steps: [{repeat: {}}]", "steps[0].repeat", "Write a request before it"),
        ("steps: [{create: {}, release: {}}]", "steps[0]", "Write one of create"),
        ("steps: [{creat: {}}]", "steps[0].creat", "Did you mean create?"),
        ("steps: [{create: {}, times: 0}]", "steps[0].times", "Write one that is"),
        ("steps: [{create: {}, expect: {state: 1}}]", "steps[0].expect.state", "Did you mean status?"),
        ("steps: [{wait: {seconds: long}}]", "steps[0].wait.seconds", "Write seconds"),
        ("steps: [{wait: {}, times: 2}]", "steps[0].times", "Leave it out"),
        (usage("requestedUnit: {}"), "steps[0].create.multipleUnitUsage[0].ratingGroup", "by its number"),
        (usage("ratingGroup: data"), "steps[0].create.multipleUnitUsage[0].ratingGroup", "Write one that is"),
        (
            usage("ratingGroup: 1, requestedUnit: {totalVolume: 3 s}"),
            "steps[0].create.multipleUnitUsage[0].requestedUnit.totalVolume",
            "10 MiB",
        ),
        (
            usage("ratingGroup: 1, requestedUnit: {totalVolume: granted}"),
            "steps[0].create.multipleUnitUsage[0].requestedUnit.totalVolume",
            "10 MiB",
        ),
        (
            usage("ratingGroup: 1, usedUnitContainer: [{time: true}]"),
            "steps[0].create.multipleUnitUsage[0].usedUnitContainer[0].time",
            "60 s",
        ),
    ],
)
def test_a_mistake_is_told_with_its_field_and_a_remedy(text: str, place: str, remedy: str) -> None:
    with pytest.raises(ScenarioError) as raised:
        parse_scenario(text, "s.yaml")
    (mistake,) = raised.value.mistakes
    assert mistake.startswith(f"s.yaml: {place}: ")
    assert remedy in mistake


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(ScenarioError) as raised:
        parse_scenario("sequence: x\nnotify: {port: -1}\nsteps: []", "s.yaml")
    assert len(raised.value.mistakes) == 3


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"missing\.yaml: .*free5gc"):
        read_scenario(tmp_path / "missing.yaml")
    with pytest.raises(ScenarioError, match="no YAML"):
        parse_scenario("steps: [", "s.yaml")

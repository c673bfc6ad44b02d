"""Bodies that a simulated SMF sends: what is written, filled in, and held to 3GPP's own schema."""

import json
from datetime import UTC, datetime
from typing import Any

import jsonschema_rs
import pytest

from runtime.simulate.read_scenario import SAMPLES, parse_scenario, read_scenario, sample_names
from runtime.simulate.scenario import Kind
from runtime.simulate.session import NothingGranted, Session
from tests.conformance.openapi_bundle import bundled
from tests.reference.specifications import specifications

NOON = datetime(2026, 11, 28, 12, 0, 0, 5, UTC)
URI = "http://127.0.0.1:9/notify"


def session_of(text: str = "") -> Session:
    """Of a scenario with these fields."""
    return Session(parse_scenario(f"{text}\nsteps: [{{create: {{}}}}]", "s.yaml"), URI, lambda: NOON)


def asks(group: int, **more: Any) -> dict[str, Any]:
    return {"ratingGroup": group, "requestedUnit": {"totalVolume": 100}, **more}


def grants(group: int, octets: int) -> dict[str, Any]:
    return {"multipleUnitInformation": [{"ratingGroup": group, "grantedUnit": {"totalVolume": octets}}]}


def test_numbers_times_and_the_uri_are_filled_in() -> None:
    session = session_of("members: {chargingId: 7}")
    create = session.body_of(Kind.CREATE, {})
    assert create == {
        "chargingId": 7,
        "invocationTimeStamp": "2026-11-28T12:00:00.000005Z",
        "invocationSequenceNumber": 0,
        "notifyUri": URI,
    }
    trigger = {"triggerType": "FINAL", "triggerCategory": "IMMEDIATE_REPORT"}
    used = [{"totalVolume": 1}, {"totalVolume": 2, "triggers": [trigger]}]
    update = session.body_of(Kind.UPDATE, {"multipleUnitUsage": [{"ratingGroup": 1, "usedUnitContainer": used}]})
    assert update["invocationSequenceNumber"] == 1
    first, second = update["multipleUnitUsage"][0]["usedUnitContainer"]
    assert first == {"localSequenceNumber": 0, "totalVolume": 1}
    assert (second["localSequenceNumber"], second["triggerTimestamp"]) == (1, "2026-11-28T12:00:00.000005Z")
    event = session.body_of(Kind.EVENT, {})
    assert (event["oneTimeEvent"], event["oneTimeEventType"], event["invocationSequenceNumber"]) == (True, "IEC", 0)
    assert session.body_of(Kind.RELEASE, {})["invocationSequenceNumber"] == 2


def test_what_is_written_is_sent_and_null_is_left_out() -> None:
    session = session_of("members: {chargingId: 7, notifyUri: 'http://x/'}")
    body = session.body_of(
        Kind.CREATE, {"invocationSequenceNumber": 40, "chargingId": None, "invocationTimeStamp": "x"}
    )
    assert body == {"invocationTimeStamp": "x", "invocationSequenceNumber": 40, "notifyUri": URI}


def test_an_smf_that_does_not_count_sends_zeros() -> None:
    session = session_of("sequence: zero")
    used = {"multipleUnitUsage": [{"ratingGroup": 1, "usedUnitContainer": [{"totalVolume": 1}, {"totalVolume": 1}]}]}
    for kind in (Kind.CREATE, Kind.UPDATE, Kind.RELEASE):
        body = session.body_of(kind, used)
        assert body["invocationSequenceNumber"] == 0
        assert [one["localSequenceNumber"] for one in body["multipleUnitUsage"][0]["usedUnitContainer"]] == [0, 0]


def test_granted_is_what_was_granted_last_and_reported_once() -> None:
    session = session_of()
    session.learn(session.body_of(Kind.CREATE, {"multipleUnitUsage": [asks(10)]}), grants(10, 70))
    reports = {"multipleUnitUsage": [{"ratingGroup": 10, "usedUnitContainer": [{"totalVolume": "granted"}]}]}
    update = session.body_of(Kind.UPDATE, reports)
    assert update["multipleUnitUsage"][0]["usedUnitContainer"][0]["totalVolume"] == 70
    session.learn(update, {})
    with pytest.raises(NothingGranted, match="rating group 10 reports the totalVolume"):
        session.body_of(Kind.UPDATE, reports)


def test_reauthorisation_reports_and_asks_as_before() -> None:
    session = session_of()
    request = session.body_of(Kind.CREATE, {"multipleUnitUsage": [asks(10, uPFID="u"), asks(20)]})
    session.learn(request, grants(20, 5))
    (named,) = session.reauthorised([20], {20: ({"totalVolume": 3},)})["multipleUnitUsage"]
    assert (named["ratingGroup"], named["requestedUnit"]) == (20, {"totalVolume": 100})
    (container,) = named["usedUnitContainer"]
    assert container["totalVolume"] == 3
    assert [trigger["triggerType"] for trigger in container["triggers"]] == ["FORCED_REAUTHORISATION"]
    every = session.reauthorised([], {})["multipleUnitUsage"]
    assert [(usage["ratingGroup"], usage.get("uPFID")) for usage in every] == [(10, "u"), (20, None)]
    assert [usage["usedUnitContainer"][0]["totalVolume"] for usage in every] == [0, 0]


def test_each_upf_of_a_rating_group_has_what_it_was_granted() -> None:
    session = session_of()
    request = session.body_of(Kind.CREATE, {"multipleUnitUsage": [asks(10, uPFID="a"), asks(10, uPFID="b")]})
    granted = [
        {"ratingGroup": 10, "uPFID": upf, "grantedUnit": {"totalVolume": at}} for upf, at in (("a", 7), ("b", 9))
    ]
    session.learn(request, {"multipleUnitInformation": granted})
    used = {"usedUnitContainer": [{"totalVolume": "granted"}]}
    update = session.body_of(Kind.UPDATE, {"multipleUnitUsage": [{"ratingGroup": 10, "uPFID": "b", **used}]})
    assert update["multipleUnitUsage"][0]["usedUnitContainer"][0]["totalVolume"] == 9
    both = session.reauthorised([10], {10: ({"totalVolume": 3},)})["multipleUnitUsage"]
    assert [usage["uPFID"] for usage in both] == ["a", "b"]
    assert [usage["usedUnitContainer"][0]["totalVolume"] for usage in both] == [3, 0], "reported once"


def test_abort_reports_and_asks_for_nothing() -> None:
    session = session_of()
    assert session.aborted({}) == {}
    session.learn(session.body_of(Kind.CREATE, {"multipleUnitUsage": [asks(10)]}), {})
    (usage,) = session.aborted({10: ({"totalVolume": 4},)})["multipleUnitUsage"]
    assert "requestedUnit" not in usage
    assert usage["usedUnitContainer"][0]["totalVolume"] == 4


@pytest.mark.parametrize("release", ["rel17", "rel18"])
def test_bodies_of_the_samples_are_valid_by_3gpps_yaml(release: str) -> None:
    document = bundled(specifications() / "3gpp" / "openapi" / release)
    # The 3GPP files are of OpenAPI 3.0, whose schemas say `nullable`; nothing here is null.
    schema = {"$ref": "#/components/schemas/ChargingDataRequest", "components": document["components"]}
    validator = jsonschema_rs.Draft4Validator(schema)
    assert list(validator.iter_errors({})), "it requires something"
    count = 0
    for name in sample_names():
        scenario = read_scenario(SAMPLES / f"{name}.yaml")
        session = Session(scenario, URI, lambda: NOON)
        for step in scenario.steps:
            if step.kind in (Kind.WAIT, Kind.REPEAT):
                continue
            text = json.dumps(session.body_of(step.kind, step.body)).replace("-2147483648", "2147483648")
            faults = [f"{error.instance_path}: {error.message}" for error in validator.iter_errors(json.loads(text))]
            assert not faults, f"{name} {step.place}: {faults}"
            count += 1
    assert count >= 10

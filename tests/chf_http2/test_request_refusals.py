"""Bodies that can't be charged: refused before anything is, by the member and with the remedy."""

import json
from typing import Any

import pytest

from chf_http2.errors import RequestRefused
from chf_http2.routes import Operation
from tests.chf_http2.charging_bodies import request, usage
from tests.chf_http2.request_desk import SESSION, Desk
from vocabulary.limits import DIAMETER_MESSAGE_OCTETS_MAX, MSCCS_PER_REQUEST_MAX


@pytest.fixture(scope="module")
def desk() -> Desk:
    return Desk()


@pytest.mark.parametrize(
    ("said", "place"),
    [
        (request(1, (usage(1, used=({"totalVolume": -5},)),)), "/multipleUnitUsage/0/usedUnitContainer/0/totalVolume"),
        (
            request(1, (usage(1), usage(2, asks={"uplinkVolume": -1}))),
            "/multipleUnitUsage/1/requestedUnit/uplinkVolume",
        ),
        (
            request(1, (usage(1, used=({"uplinkVolume": 9, "downlinkVolume": -5},)),)),
            "/multipleUnitUsage/0/usedUnitContainer/0/downlinkVolume",
        ),
        (
            request(1, (usage(1, used=({"totalVolume": 2**53}, {"totalVolume": 1})),)),
            "/multipleUnitUsage/0/usedUnitContainer/1/totalVolume",
        ),
        (
            request(1, (usage(1, used=({"serviceSpecificUnits": 2**64 - 1},)),)),
            "/multipleUnitUsage/0/usedUnitContainer/0/serviceSpecificUnits",
        ),
        (request(1, tuple(usage(group) for group in range(MSCCS_PER_REQUEST_MAX + 1))), "/multipleUnitUsage"),
        (request(1, notifyUri="http://a/" + "b" * 1100), "/notifyUri"),
        (request(1, subscriberIdentifier="imsi-" + "1" * 200), "/subscriberIdentifier"),
        (
            request(1, pDUSessionChargingInformation={"userInformation": {"servedGPSI": "extid-" + "1" * 200}}),
            "/pDUSessionChargingInformation/userInformation/servedGPSI",
        ),
        (request(1, (usage(10), usage(20) | {"uPFID": "u" * 300})), "/multipleUnitUsage/1/uPFID"),
        (
            request(1, nfConsumerIdentification={"nodeFunctionality": "SMF", "nFName": "n" * 600}),
            "/nfConsumerIdentification/nFName",
        ),
    ],
)
def test_what_cannot_be_charged_is_refused_with_its_place(desk: Desk, said: dict[str, Any], place: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        desk.take(Operation.CREATE, None, said)
    problem = refused.value.problem
    cause = "MANDATORY_IE_INCORRECT" if place == "/subscriberIdentifier" else "OPTIONAL_IE_INCORRECT"
    assert (problem.status, problem.cause) == (400, cause)
    assert problem.invalid_params is not None
    assert problem.invalid_params[0].param == place


def test_too_many_rating_groups_are_refused_by_the_limit(desk: Desk) -> None:
    with pytest.raises(RequestRefused, match=rf"more rating groups, .* which is {MSCCS_PER_REQUEST_MAX}; nothing was"):
        desk.take(Operation.CREATE, None, request(1, tuple(usage(group) for group in range(MSCCS_PER_REQUEST_MAX + 1))))


@pytest.mark.parametrize(
    ("usages", "place"),
    [
        ((usage(1, asks={"serviceSpecificUnits": 0}),), "0/requestedUnit/serviceSpecificUnits"),
        ((usage(1, asks={}), usage(2, asks={"time": 0, "totalVolume": 0})), "1/requestedUnit/totalVolume"),
        ((usage(1, asks={}), usage(1, asks={"uplinkVolume": 0})), "1/requestedUnit/uplinkVolume"),
    ],
)
def test_a_one_time_event_of_nothing_is_refused(desk: Desk, usages: tuple[dict[str, Any], ...], place: str) -> None:
    event = request(0, usages, oneTimeEvent=True, oneTimeEventType="IEC")
    with pytest.raises(RequestRefused) as refused:
        desk.take(Operation.CREATE, None, event)
    problem = refused.value.problem
    assert (problem.status, problem.cause) == (400, "OPTIONAL_IE_INCORRECT")
    assert problem.invalid_params is not None
    assert problem.invalid_params[0].param == f"/multipleUnitUsage/{place}"
    assert desk.take(Operation.CREATE, None, request(0, usages)), "a session asks for what the price says"


@pytest.mark.parametrize("asks", [{}, {"serviceSpecificUnits": 2}, {"time": 0, "serviceSpecificUnits": 1}])
def test_a_one_time_event_of_something_is_taken(desk: Desk, asks: dict[str, int]) -> None:
    (row,) = desk.take(Operation.CREATE, None, request(0, (usage(1, asks=asks),), oneTimeEvent=True))
    assert row["mscc_count"] == 1


@pytest.mark.parametrize("operation", [Operation.CREATE, Operation.UPDATE])
@pytest.mark.parametrize("uri", ["", "not a uri", "/notify/1", "ftp://a/b", "http://"])
def test_a_notify_uri_that_is_none_is_refused_before_anything_is_charged(
    desk: Desk, operation: Operation, uri: str
) -> None:
    with pytest.raises(RequestRefused) as refused:
        desk.take(operation, None if operation is Operation.CREATE else SESSION, request(1, notifyUri=uri))
    problem = refused.value.problem
    assert (problem.status, problem.cause) == (400, "OPTIONAL_IE_INCORRECT")
    assert problem.invalid_params is not None
    assert problem.invalid_params[0].param == "/notifyUri"


def test_information_that_a_row_has_no_room_for_is_refused(desk: Desk) -> None:
    most = DIAMETER_MESSAGE_OCTETS_MAX - 1000
    (row,) = desk.take(
        Operation.CREATE, None, request(0, nEFChargingInformation={"aPIName": "n", "aPIContent": "x" * most})
    )
    assert most < row["message_length"] <= DIAMETER_MESSAGE_OCTETS_MAX
    with pytest.raises(RequestRefused) as refused:
        desk.take(
            Operation.CREATE,
            None,
            request(0, nEFChargingInformation={"aPIName": "n", "aPIContent": "x" * (most + 1000)}),
        )
    assert refused.value.problem.status == 413


def test_details_that_a_row_has_no_room_for_do_not_cost_the_report(desk: Desk) -> None:
    detail = {"pDUContainerInformation": {"chargingRuleBaseName": "r" * 400}}
    containers = [{"localSequenceNumber": place, "totalVolume": 3, **detail} for place in range(180)]
    body = request(1, multipleUnitUsage=[{"ratingGroup": 10, "usedUnitContainer": containers}])
    (row,) = desk.take(Operation.UPDATE, SESSION, body)
    octets = desk.batch.octets.tobytes()
    first, length = int(row["service_information_offset"]), int(row["service_information_length"])
    said = json.loads(octets[first : first + length])
    assert list(said) == ["omittedOctets", "multipleUnitUsage"], "a report, so that its record ends"
    assert said["omittedOctets"] > DIAMETER_MESSAGE_OCTETS_MAX
    assert int(desk.batch.msccs["used_octets"][0]) == 540


def test_what_triggered_reports_does_not_cost_them_where_a_row_has_no_room_for_it(desk: Desk) -> None:
    """Deferred containers of a long session: their units are charged, the record is without what closed them."""
    triggers = [{"triggerType": "VOLUME_LIMIT", "triggerCategory": "DEFERRED_REPORT"}]
    containers = [{"localSequenceNumber": place, "totalVolume": 3, "triggers": triggers} for place in range(700)]
    body = request(0, multipleUnitUsage=[{"ratingGroup": 10, "usedUnitContainer": containers}])
    assert len(json.dumps(body)) > DIAMETER_MESSAGE_OCTETS_MAX
    (row,) = desk.take(Operation.CREATE, None, body)
    assert row["message_length"] < 10_000
    assert int(desk.batch.msccs["used_octets"][0]) == 2100


def test_a_create_that_names_nobody_is_refused_by_the_member_that_is_missing(desk: Desk) -> None:
    body = request(0)
    del body["subscriberIdentifier"]
    with pytest.raises(RequestRefused) as refused:
        desk.take(Operation.CREATE, None, body)
    assert refused.value.problem.cause == "MANDATORY_IE_MISSING"
    assert refused.value.problem.invalid_params is not None
    assert refused.value.problem.invalid_params[0].param == "/subscriberIdentifier"
    assert desk.take(Operation.UPDATE, SESSION, body | {"invocationSequenceNumber": 1})["account_id"] == [77]

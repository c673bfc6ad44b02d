"""Causes and places of members: what the schema's lists of required members make of them."""

import json
from typing import Any

import msgspec
import pytest

from chf_http2.nrf_profile import StatusNotification
from chf_http2.problems import invalid, validation_problem
from chf_http2.schema import ChargingDataRequest
from chf_http2.schema_members import is_mandatory
from tests.chf_http2.charging_bodies import request, usage

MANDATORY, OPTIONAL, MISSING = "MANDATORY_IE_INCORRECT", "OPTIONAL_IE_INCORRECT", "MANDATORY_IE_MISSING"
_USED = "/multipleUnitUsage/0/usedUnitContainer/0"


@pytest.mark.parametrize(
    ("said", "cause", "place"),
    [
        ({"invocationTimeStamp": "now"}, MANDATORY, "/invocationTimeStamp"),
        (
            {"nfConsumerIdentification": {"nodeFunctionality": 7}},
            MANDATORY,
            "/nfConsumerIdentification/nodeFunctionality",
        ),
        (
            {"nfConsumerIdentification": {"nodeFunctionality": "SMF", "nFName": 7}},
            OPTIONAL,
            "/nfConsumerIdentification/nFName",
        ),
        ({"nfConsumerIdentification": {}}, MISSING, "/nfConsumerIdentification/nodeFunctionality"),
        ({"multipleUnitUsage": [{}]}, MISSING, "/multipleUnitUsage/0/ratingGroup"),
        ({"multipleUnitUsage": [usage(-1)]}, MANDATORY, "/multipleUnitUsage/0/ratingGroup"),
        ({"multipleUnitUsage": [usage(1, used=({"time": "x"},))]}, OPTIONAL, f"{_USED}/time"),
        (
            {"multipleUnitUsage": [usage(1, used=({"localSequenceNumber": "x"},))]},
            MANDATORY,
            f"{_USED}/localSequenceNumber",
        ),
        ({"multipleUnitUsage": 7}, OPTIONAL, "/multipleUnitUsage"),
        ({"triggers": ["FINAL"]}, OPTIONAL, "/triggers/0"),
        (
            {
                "locationReportingChargingInformation": {
                    "locationReportingMessageType": 1,
                    "presenceReportingAreaInformation": {"a.b": {"praId": 1}},
                }
            },
            OPTIONAL,
            "/locationReportingChargingInformation/presenceReportingAreaInformation",
        ),
    ],
)
def test_a_member_is_named_with_its_cause(said: dict[str, Any], cause: str, place: str) -> None:
    with pytest.raises(msgspec.ValidationError) as error:
        msgspec.json.decode(json.dumps(request(1) | said), type=ChargingDataRequest)
    problem = validation_problem(error.value)
    assert problem.invalid_params is not None
    assert (problem.status, problem.cause, problem.invalid_params[0].param) == (400, cause, place)


def test_bodies_of_others_have_lists_of_their_own() -> None:
    with pytest.raises(msgspec.ValidationError) as error:
        msgspec.json.decode(b'{"event": 1, "nfInstanceUri": "x"}', type=StatusNotification)
    assert validation_problem(error.value, StatusNotification).cause == MANDATORY
    assert not is_mandatory(ChargingDataRequest, "/event"), "which has no such member"


def test_whom_to_charge_is_needed_by_charging() -> None:
    assert invalid("/subscriberIdentifier", "too long").cause == MANDATORY
    assert invalid("/notifyUri", "too long").cause == OPTIONAL

"""Bodies that are sent to notifyUris, held against the specification, and what their answers mean."""

import json

import jsonschema_rs
import pytest

from chf_http2.notifications import Heard, abort_charging, heard, reauthorization
from tests.conformance.openapi_bundle import MAIN, component_schema
from tests.reference.specifications import specifications


def test_bodies_say_what_is_to_be_done() -> None:
    assert json.loads(abort_charging()) == {"notificationType": "ABORT_CHARGING"}
    assert json.loads(reauthorization([])) == {"notificationType": "REAUTHORIZATION"}
    assert json.loads(reauthorization([10, 2**32 - 1])) == {
        "notificationType": "REAUTHORIZATION",
        "reauthorizationDetails": [{"ratingGroup": 10}, {"ratingGroup": 2**32 - 1}],
    }


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (200, Heard.TAKEN),
        (204, Heard.TAKEN),
        (307, Heard.MOVED),
        (308, Heard.MOVED),
        (404, Heard.GONE),
        (410, Heard.GONE),
        (429, Heard.LATER),
        (500, Heard.LATER),
        (503, Heard.LATER),
        (400, Heard.REFUSED),
        (403, Heard.REFUSED),
        (501, Heard.LATER),
    ],
)
def test_a_status_says_what_becomes_of_the_session(status: int, said: Heard) -> None:
    assert heard(status) is said


@pytest.mark.parametrize("release", ["rel17", "rel18"])
def test_bodies_are_of_the_specification(release: str) -> None:
    schema = component_schema(specifications() / "3gpp" / "openapi" / release, MAIN, "ChargingNotifyRequest")
    validator = jsonschema_rs.Draft4Validator(schema)
    for body in (abort_charging(), reauthorization([]), reauthorization([0, 10, 2**32 - 1])):
        assert [error.message for error in validator.iter_errors(json.loads(body))] == []
    assert list(validator.iter_errors({"reauthorizationDetails": []})), "the check would say it"

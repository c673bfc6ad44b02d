"""What of an answer differs from what is expected."""

from typing import Any

import pytest

from runtime.simulate.expectations import differences

ANSWER = {
    "invocationSequenceNumber": 3,
    "multipleUnitInformation": [
        {"ratingGroup": 10, "resultCode": "SUCCESS", "triggers": [{"triggerType": "QHT"}, {"triggerType": "FINAL"}]},
        {"ratingGroup": 20, "resultCode": "QUOTA_LIMIT_REACHED"},
        {"ratingGroup": 40, "uPFID": "a", "resultCode": "SUCCESS"},
        {"ratingGroup": 40, "uPFID": "b", "resultCode": "RATING_FAILED"},
    ],
}


def information(**members: Any) -> dict[str, Any]:
    return {"multipleUnitInformation": [members]}


@pytest.mark.parametrize(
    "expected",
    [
        {},
        {"invocationSequenceNumber": 3},
        {"invocationResult": None},
        information(ratingGroup=10, resultCode="SUCCESS", grantedUnit=None),
        information(ratingGroup=20, resultCode="QUOTA_LIMIT_REACHED"),
        information(ratingGroup=10, triggers=[{"triggerType": "FINAL"}]),
        information(resultCode="SUCCESS"),
        information(ratingGroup=40, uPFID="b", resultCode="RATING_FAILED"),
    ],
)
def test_what_is_expected_is_there(expected: dict[str, Any]) -> None:
    assert differences(expected, ANSWER) == []


@pytest.mark.parametrize(
    ("expected", "words"),
    [
        ({"invocationSequenceNumber": 4}, "invocationSequenceNumber is 3, expected 4"),
        ({"invocationSequenceNumber": None}, "invocationSequenceNumber is 3, expected none"),
        ({"triggers": []}, "triggers is missing"),
        ({"invocationSequenceNumber": [3]}, "expected [3]"),
        ({"multipleUnitInformation": {}}, "expected {}"),
        (information(ratingGroup=30), "0 entries of rating group 30"),
        (information(ratingGroup=20, resultCode="SUCCESS"), "of rating group 20.resultCode is 'QUOTA_LIMIT_REACHED'"),
        (information(ratingGroup=10, triggers=[{"triggerType": "QOS_CHANGE"}]), "QOS_CHANGE"),
        (information(resultCode="CHARGING_FAILED"), "CHARGING_FAILED"),
        (information(ratingGroup=40), "2 entries of rating group 40"),
        (information(ratingGroup=40, uPFID="c"), "0 entries of rating group 40 and UPF c"),
    ],
)
def test_what_differs_is_told(expected: dict[str, Any], words: str) -> None:
    (line,) = differences(expected, ANSWER)
    assert words in line

"""Answers of every kind as the specification's YAML has them: what is said of a grant, and when a session opens."""

from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import product
from typing import Any

import jsonschema_rs
import msgspec
import pytest

from charging.final_units import FinalUnit, RedirectAddressType, by_number
from charging.tariff_tables import FinalAction
from chf_http2.responses import (
    UNIT_COLUMNS,
    Indications,
    Opening,
    json_stamp,
    opening_of,
    response_body,
    unit_information,
)
from chf_http2.schema import Trigger
from chf_http2.triggers import Triggers
from tests.conformance.openapi_bundle import bundled
from tests.reference.specifications import specifications
from vocabulary.outcomes import Outcome
from vocabulary.units import Unit

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TEXTS = by_number(
    [
        FinalUnit("https://top-up.example.net", RedirectAddressType.URL, "garden", "permit out ip from any to any"),
        FinalUnit("sip:top-up@example.net", RedirectAddressType.SIP_URI),
        FinalUnit("192.0.2.1", RedirectAddressType.IPV4),
        FinalUnit("2001:db8::1", RedirectAddressType.IPV6),
        FinalUnit(filter_id="garden"),
    ]
)


def row_of(**columns: int) -> tuple[int, ...]:
    """A granted row of UNIT_COLUMNS, unless the columns say otherwise."""
    said = {"outcome": int(Outcome.GRANTED), "unit": int(Unit.OCTETS), "has_grant": 1, "granted": 100} | columns
    return tuple(said.get(name, 0) for name in UNIT_COLUMNS)


def information_of(**columns: int) -> Any:
    """The rating group's member of an answer, as it is written."""
    indications = Indications()
    indications.use(TEXTS)
    return msgspec.json.decode(msgspec.json.encode(unit_information(10, None, row_of(**columns), indications)))


@pytest.mark.parametrize(
    ("unit", "member"),
    [
        (Unit.OCTETS, "volumeQuotaThreshold"),
        (Unit.SECONDS, "timeQuotaThreshold"),
        (Unit.EVENTS, "unitQuotaThreshold"),
    ],
)
def test_threshold_is_in_the_unit_of_its_grant_and_has_its_trigger(unit: Unit, member: str) -> None:
    said = information_of(unit=unit, threshold_units=20, holding_s=30, validity_s=60)
    assert (said[member], said["quotaHoldingTime"], said["validityTime"]) == (20, 30, 60)
    assert [trigger["triggerType"] for trigger in said["triggers"]] == [
        "QUOTA_EXHAUSTED",
        "VALIDITY_TIME",
        "QUOTA_THRESHOLD",
        "QHT",
    ]
    assert sum("Threshold" in name for name in said) == 1


@pytest.mark.parametrize(
    ("unit", "member"),
    [(Unit.OCTETS, "totalVolume"), (Unit.SECONDS, "time"), (Unit.EVENTS, "serviceSpecificUnits")],
)
def test_a_tariff_change_is_said_in_the_granted_unit_and_has_its_trigger(unit: Unit, member: str) -> None:
    change = datetime(2026, 9, 21, 18, tzinfo=UTC)
    said = information_of(unit=unit, tariff_change_s=int(change.timestamp()))
    assert said["grantedUnit"] == {member: 100, "tariffTimeChange": "2026-09-21T18:00:00Z"}
    assert said["triggers"][-1] == {"triggerType": "TARIFF_TIME_CHANGE", "triggerCategory": "DEFERRED_REPORT"}
    assert "tariffTimeChange" not in information_of(unit=unit)["grantedUnit"]


def test_nothing_is_said_that_nobody_wants() -> None:
    assert information_of() == {
        "ratingGroup": 10,
        "resultCode": "SUCCESS",
        "grantedUnit": {"totalVolume": 100},
        "triggers": [{"triggerCategory": "IMMEDIATE_REPORT", "triggerType": "QUOTA_EXHAUSTED"}],
    }
    assert information_of(has_grant=0) == {"ratingGroup": 10, "resultCode": "SUCCESS"}


LIMITS = Triggers(
    rating_group=(Trigger(trigger_type="RAT_CHANGE", trigger_category="DEFERRED_REPORT"),),
    offline=(Trigger(trigger_type="VOLUME_LIMIT", trigger_category="IMMEDIATE_REPORT", volume_limit64=2**40),),
)


@pytest.mark.parametrize(
    ("columns", "kinds"),
    [
        ({}, ["QUOTA_EXHAUSTED", "RAT_CHANGE"]),
        ({"has_grant": 0, "is_offline": 1}, ["VOLUME_LIMIT"]),
        ({"has_grant": 0, "outcome": int(Outcome.CREDIT_CONTROL_NOT_APPLICABLE)}, ["VOLUME_LIMIT"]),
        ({"has_grant": 0}, None),
        ({"has_grant": 0, "is_offline": 1, "outcome": int(Outcome.RATING_FAILED)}, None),
    ],
)
def test_triggers_of_settings_are_beside_those_of_quota_or_of_usage_without(
    columns: dict[str, int], kinds: list[str] | None
) -> None:
    said = unit_information(10, None, row_of(**columns), Indications(), LIMITS)
    assert (None if said.triggers is None else [one.trigger_type for one in said.triggers]) == kinds


def test_action_without_a_grant_is_said_with_its_validity() -> None:
    (number,) = (number for number, unit in TEXTS.items() if unit.filter_rule)
    said = information_of(has_grant=0, validity_s=60, final_action=FinalAction.REDIRECT, final_unit=number)
    assert "grantedUnit" not in said
    assert said["validityTime"] == 60
    assert said["finalUnitIndication"] == {
        "finalUnitAction": "REDIRECT",
        "filterId": "garden",
        "restrictionFilterRule": "permit out ip from any to any",
        "redirectServer": {
            "redirectAddressType": "URL",
            "redirectServerAddress": "https://top-up.example.net",
        },
    }


def test_texts_that_nobody_told_end_the_service() -> None:
    said = information_of(final_action=FinalAction.REDIRECT, final_unit=4711)
    assert said["finalUnitIndication"] == {"finalUnitAction": "TERMINATE"}


OPENINGS = {
    words: opening_of(*words)
    for words in product(
        ("unsaid", "supported", "not_supported"), ("unsaid", "terminate", "continue", "retry_and_terminate")
    )
}


def test_what_holds_for_a_session() -> None:
    def said(opening: Opening) -> Mapping[str, Any]:
        found: dict[str, Any] = msgspec.json.decode(response_body(json_stamp(NOW), 1, (), opening))
        return {name: value for name, value in found.items() if not name.startswith("invocationT")}

    assert said(OPENINGS["unsaid", "unsaid"]) == {"invocationSequenceNumber": 1}
    assert said(OPENINGS["supported", "retry_and_terminate"]) == {
        "invocationSequenceNumber": 1,
        "sessionFailover": "FAILOVER_SUPPORTED",
        "invocationResult": {"failureHandling": "RETRY_AND_TERMINATE"},
    }


def test_every_answer_is_one_of_the_specification() -> None:
    document = bundled(specifications() / "3gpp" / "openapi" / "rel18")
    schema = {"$ref": "#/components/schemas/ChargingDataResponse", "components": document["components"]}
    validator = jsonschema_rs.validator_for(schema)
    indications = Indications()
    indications.use(TEXTS)
    rows = [
        row_of(
            unit=unit,
            has_grant=has_grant,
            validity_s=validity_s,
            threshold_units=threshold_units * has_grant,
            holding_s=holding_s * has_grant,
            tariff_change_s=1_790_000_000 * has_grant * (holding_s > 0),
            final_action=action,
            final_unit=number if action > FinalAction.TERMINATE else 0,
        )
        for unit, has_grant, validity_s, threshold_units, holding_s, action, number in product(
            (Unit.OCTETS, Unit.SECONDS, Unit.EVENTS),
            (0, 1),
            (0, 60),
            (0, 2**32 - 1),
            (0, 9),
            FinalAction,
            (0, 4711, *TEXTS),
        )
    ]
    rows += [row_of(outcome=outcome, has_grant=0) for outcome in Outcome if outcome]
    openings = list(OPENINGS.values())
    for place, row in enumerate(rows):
        information = unit_information(10, None, row, indications)
        body = response_body(
            json_stamp(NOW), place, [msgspec.json.encode(information)], openings[place % len(openings)]
        )
        faults = [fault.message for fault in validator.iter_errors(msgspec.json.decode(body))]
        assert faults == [], (row, body)
    broken = response_body(json_stamp(NOW), 1, []).replace(b"invocationSequenceNumber", b"number")
    assert not validator.is_valid(msgspec.json.decode(broken)), "the check can fail"

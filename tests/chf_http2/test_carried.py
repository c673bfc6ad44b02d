"""What of a body goes to the charging record, against the members that the schema has."""

import json
from typing import Any

import msgspec
import pytest

from chf_http2.carried import ALONG, CARRIED, DETAILED, DETAILS, INTERPRETED, PERIODS, REPORTS, carried_information
from chf_http2.schema import ChargingDataRequest, MultipleUnitUsage, UsedUnitContainer
from tests.chf_http2.charging_bodies import octets, usage

OF_USAGE = {"ratingGroup", "requestedUnit", "usedUnitContainer", "uPFID"}
OF_CONTAINERS = {
    "localSequenceNumber",
    "quotaManagementIndicator",
    "triggers",  # of these some are (triggers.py)
    "triggerTimestamp",
    "time",
    "totalVolume",
    "uplinkVolume",
    "downlinkVolume",
    "serviceSpecificUnits",
}
"""Members of usage that charging reads, and that are of no interest once it has."""


def names_of(schema: type[msgspec.Struct]) -> list[str]:
    """The members of an object, as they are on the wire."""
    return [field.encode_name for field in msgspec.structs.fields(schema)]


def carried(said: dict[str, Any], *, opens: bool = False) -> dict[str, Any]:
    """The same as an object; none where nothing is carried."""
    found = carried_information(octets(said), opens=opens, has_conditions=False)
    assert found.octets or not found.has_reports
    return json.loads(found.octets or b"{}")


@pytest.mark.parametrize("name", names_of(ChargingDataRequest))
def test_each_member_of_a_request_is_read_or_carried(name: str) -> None:
    said = {name: {"any": name}}
    if name in INTERPRETED or name == DETAILED:
        assert carried(said, opens=True) == {}
    else:
        assert carried(said, opens=True) == said
        assert carried(said) == ({} if name in ALONG else said)
        assert carried(said | {"easid": "1"}) == said | {"easid": "1"}


@pytest.mark.parametrize(("schema", "read"), [(MultipleUnitUsage, OF_USAGE), (UsedUnitContainer, OF_CONTAINERS)])
def test_each_member_of_usage_is_read_or_a_detail(schema: type[msgspec.Struct], read: set[str]) -> None:
    assert set(names_of(schema)) - {json.loads(detail) for detail in DETAILS} == read


@pytest.mark.parametrize(("name", "word"), [(name, json.loads(word)) for name in REPORTS for word in REPORTS[name]])
def test_reports_are_carried_before_usage_and_states_behind_it(name: str, word: str) -> None:
    """So that who reads a record sees where they end."""
    types = {field.encode_name: field.type for field in msgspec.structs.fields(ChargingDataRequest)}
    (of,) = (one for one in types[name].__args__ if one is not type(None))
    assert word in names_of(of)
    usages = [usage(10, used=({"totalVolume": 5},))]
    said = {"chargingId": 1, DETAILED: usages, name: {word: []}, "easid": "1"}
    found = carried_information(octets(said), opens=False, has_conditions=False)
    assert found.has_reports
    report = {name: {word: []}} if name in PERIODS else {f"{name}.{word}": []}
    states = {"chargingId": 1, "easid": "1"}
    assert list(json.loads(found.octets)) == [*report, DETAILED, *states]
    assert json.loads(found.octets) == report | {DETAILED: usages} | states
    del said[DETAILED]
    assert carried(said) == report | {DETAILED: []} | states
    said[name] = {}
    found = carried_information(octets(said), opens=False, has_conditions=False)
    assert (json.loads(found.octets), found.has_reports) == (said, False)


def test_what_stands_beside_a_report_is_a_state_octet_for_octet() -> None:
    beside = rb'"chargingId" : 1e3, "a\"\u0062" : {"rANSecondaryRATUsageReport" : [ ]}'
    body = b'{"pDUSessionChargingInformation": {"rANSecondaryRATUsageReport" : {"x": [1.50]}, %s}}' % beside
    found = carried_information(body, opens=False, has_conditions=False)
    report = b'"pDUSessionChargingInformation.rANSecondaryRATUsageReport":{"x": [1.50]}'
    left = rb'{"chargingId":1e3,"a\"b":{"rANSecondaryRATUsageReport" : [ ]}}'
    state = b'"pDUSessionChargingInformation":%s' % left
    assert found == (b'{%s,"multipleUnitUsage":[],%s}' % (report, state), True)
    body = b"{%s}" % state  # the word of a report, deep in what isn't one
    assert carried_information(body, opens=False, has_conditions=False) == (body, False)


def test_values_are_carried_octet_for_octet() -> None:
    assert CARRIED
    body = b'{"easid" : "\\u0041","x":{},"chargingId":1e3 , "nSMChargingInformation": {"a": [1.50]} }'
    found = carried_information(body, opens=True, has_conditions=False)
    assert found == (b'{"easid":"\\u0041","chargingId":1e3,"nSMChargingInformation":{"a": [1.50]}}', False)

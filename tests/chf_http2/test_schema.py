"""Bodies as clients send them decode, broken ones are refused with the place, and what is absent isn't written."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chf_http2.schema import (
    ChargingDataRequest,
    ChargingDataResponse,
    ChargingNotifyRequest,
    FinalUnitIndication,
    GrantedUnit,
    InvocationResult,
    MultipleUnitInformation,
    MultipleUnitUsage,
    NFIdentification,
    ProblemDetails,
    ReauthorizationDetails,
    RedirectServer,
    RequestedUnit,
    Trigger,
    UsedUnitContainer,
)
from tests.chf_http2.bodies import free5gc_create, free5gc_release, free5gc_update, sigscale_update

DECODER = msgspec.json.Decoder(ChargingDataRequest)


def decoded(body: dict[str, Any]) -> ChargingDataRequest:
    return DECODER.decode(msgspec.json.encode(body))


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_nulls(inner) for key, inner in value.items() if inner is not None}
    return [without_nulls(inner) for inner in value] if isinstance(value, list) else value


def test_a_create_of_free5gc_is_read() -> None:
    request = decoded(free5gc_create())
    assert request.nf_consumer_identification.nf_name == "SMF"
    assert request.invocation_time_stamp.utcoffset() == timedelta(hours=8)
    assert request.invocation_time_stamp.microsecond in (123456, 123457)
    assert request.multiple_unit_usage is None
    session = request.pdu_session_charging_information
    assert session is not None
    assert session.pdu_session_information is not None
    assert session.pdu_session_information.dnn_id == "internet"


def test_an_update_of_free5gc_is_read_though_its_counts_wrapped() -> None:
    request = decoded(free5gc_update())
    assert request.triggers is None  # a null is an absent member
    assert request.multiple_unit_usage is not None
    (usage,) = request.multiple_unit_usage
    assert usage.upf_id is not None
    assert usage.used_unit_container is not None
    (container,) = usage.used_unit_container
    assert (container.total_volume, container.downlink_volume) == (-1, -(2**31))


def test_units_without_an_amount_differ_from_none() -> None:
    (usage,) = decoded(sigscale_update()).multiple_unit_usage or ()
    assert usage.requested_unit == RequestedUnit()
    assert usage.used_unit_container == (
        UsedUnitContainer(local_sequence_number=1, service_id=1, total_volume=2**64 - 1),
    )


@pytest.mark.parametrize("body", [free5gc_create, free5gc_update, free5gc_release, sigscale_update])
def test_bodies_are_written_as_they_came(body: Callable[[], dict[str, Any]]) -> None:
    written = msgspec.json.decode(msgspec.json.encode(decoded(body())))
    wanted = without_nulls(body())
    assert written.pop("invocationTimeStamp")[:19] == wanted.pop("invocationTimeStamp")[:19]
    assert str(written).replace(".500000+", ".5+") == str(wanted) or _sorted(written) == _sorted(wanted)


def _sorted(value: Any) -> Any:
    text = msgspec.json.encode(value, order="sorted").decode()
    return text.replace(".500000+", ".5+")


WRONG = [
    ("multipleUnitUsage", [{}], "$.multipleUnitUsage[0]", "ratingGroup"),
    ("multipleUnitUsage", [{"ratingGroup": "1"}], "$.multipleUnitUsage[0].ratingGroup", "int"),
    ("multipleUnitUsage", [{"ratingGroup": 2**32}], "$.multipleUnitUsage[0].ratingGroup", "<="),
    ("multipleUnitUsage", [{"ratingGroup": -1}], "$.multipleUnitUsage[0].ratingGroup", ">="),
    (
        "multipleUnitUsage",
        [{"ratingGroup": 1, "usedUnitContainer": [{"localSequenceNumber": 1, "totalVolume": -(2**31) - 1}]}],
        "$.multipleUnitUsage[0].usedUnitContainer[0].totalVolume",
        ">=",
    ),
    (
        "multipleUnitUsage",
        [{"ratingGroup": 1, "usedUnitContainer": [{"localSequenceNumber": 1, "totalVolume": 1.5}]}],
        "$.multipleUnitUsage[0].usedUnitContainer[0].totalVolume",
        "int",
    ),
    ("multipleUnitUsage", {}, "$.multipleUnitUsage", "array"),
    ("invocationTimeStamp", "yesterday", "$.invocationTimeStamp", "RFC3339"),
    ("invocationTimeStamp", "2024-05-04T10:00:00", "$.invocationTimeStamp", "timezone"),
    ("invocationSequenceNumber", True, "$.invocationSequenceNumber", "int"),
    ("subscriberIdentifier", "", "$.subscriberIdentifier", "length"),
    ("nfConsumerIdentification", {}, "$.nfConsumerIdentification", "nodeFunctionality"),
    ("oneTimeEvent", "yes", "$.oneTimeEvent", "bool"),
    ("triggers", [{}], "$.triggers[0]", "triggerCategory"),
    (
        "pDUSessionChargingInformation",
        {"pduSessionInformation": {"pduSessionID": 256, "dnnId": "internet"}},
        "$.pDUSessionChargingInformation.pduSessionInformation.pduSessionID",
        "<=",
    ),
    ("iMSChargingInformation", {"calledPartyAddress": 1}, "$.iMSChargingInformation.calledPartyAddress", "str"),
]


@pytest.mark.parametrize(("member", "value", "where", "why"), WRONG, ids=[f"{row[0]}-{row[3]}" for row in WRONG])
def test_what_is_wrong_is_refused_with_its_place(member: str, value: Any, where: str, why: str) -> None:
    with pytest.raises(msgspec.ValidationError) as refused:
        decoded(free5gc_create() | {member: value})
    assert where in str(refused.value)
    assert why in str(refused.value)


@pytest.mark.parametrize("member", ["nfConsumerIdentification", "invocationTimeStamp", "invocationSequenceNumber"])
def test_what_is_required_is_named_where_it_lacks(member: str) -> None:
    body = free5gc_create()
    del body[member]
    with pytest.raises(msgspec.ValidationError, match=f"missing required field `{member}`"):
        decoded(body)


@pytest.mark.parametrize("opening", ["[", '{"a":'])
@pytest.mark.parametrize("member", ["unknown", "triggers", "nSPAContainerInformation"])
def test_deep_nesting_is_refused(member: str, opening: str) -> None:
    body = msgspec.json.encode(free5gc_create()).decode()
    with pytest.raises((msgspec.DecodeError, RecursionError)):
        DECODER.decode(f'{body[:-1]},"{member}":{opening * 10_000}')


def test_what_later_releases_add_is_accepted() -> None:
    body = free5gc_create() | {"unknownMember": {"a": [1]}, "oneTimeEventType": "LATER"}
    body["nfConsumerIdentification"] |= {"nodeFunctionality": "NEWER_NF", "unknown": 1}
    body["triggers"] = [{"triggerType": "NEW_TRIGGER", "triggerCategory": "NEW_CATEGORY"}]
    request = decoded(body)
    assert request.nf_consumer_identification.node_functionality == "NEWER_NF"
    assert request.triggers == (Trigger(trigger_category="NEW_CATEGORY", trigger_type="NEW_TRIGGER"),)


def test_what_is_absent_is_not_written() -> None:
    answer = ChargingDataResponse(
        invocation_time_stamp=datetime(2024, 5, 4, tzinfo=UTC),
        invocation_sequence_number=0,
        multiple_unit_information=(
            MultipleUnitInformation(rating_group=1, granted_unit=GrantedUnit(total_volume=0), upf_id="upf"),
        ),
    )
    assert msgspec.json.decode(msgspec.json.encode(answer)) == {
        "invocationTimeStamp": "2024-05-04T00:00:00Z",
        "invocationSequenceNumber": 0,
        "multipleUnitInformation": [{"ratingGroup": 1, "grantedUnit": {"totalVolume": 0}, "uPFID": "upf"}],
    }


OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
TIMES = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=OFFSETS)
UINT32, UINT64 = st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1)
VOLUMES = st.integers(-(2**31), 2**64 - 1)
TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)


def objects(of: type, **members: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Objects of a type; those of its members that are optional are absent at times."""
    optional = {field.name for field in msgspec.structs.fields(of) if not field.required}
    return st.builds(
        of, **{name: st.none() | values if name in optional else values for name, values in members.items()}
    )


def many(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(values, max_size=3).map(tuple)


TRIGGERS = many(
    objects(
        Trigger,
        trigger_category=TEXT,
        trigger_type=TEXT,
        time_limit=UINT32,
        volume_limit64=UINT64,
        max_number_of_ccc=UINT32,
        tariff_time_change=TIMES,
    )
)
CONTAINERS = objects(
    UsedUnitContainer,
    local_sequence_number=UINT32,
    service_id=UINT32,
    quota_management_indicator=TEXT,
    triggers=TRIGGERS,
    trigger_timestamp=TIMES,
    time=UINT32,
    total_volume=VOLUMES,
    uplink_volume=VOLUMES,
    downlink_volume=VOLUMES,
    service_specific_units=UINT64,
    event_time_stamps=many(TIMES),
)
WISHES = objects(RequestedUnit, time=UINT32, total_volume=VOLUMES, service_specific_units=UINT64)
REQUESTS = objects(
    ChargingDataRequest,
    nf_consumer_identification=objects(NFIdentification, node_functionality=TEXT, nf_name=TEXT, nf_fqdn=TEXT),
    invocation_time_stamp=TIMES,
    invocation_sequence_number=UINT32,
    subscriber_identifier=TEXT,
    retransmission_indicator=st.booleans(),
    one_time_event=st.booleans(),
    one_time_event_type=TEXT,
    notify_uri=TEXT,
    multiple_unit_usage=many(
        objects(
            MultipleUnitUsage,
            rating_group=UINT32,
            requested_unit=WISHES,
            used_unit_container=many(CONTAINERS),
            upf_id=TEXT,
        )
    ),
    triggers=TRIGGERS,
)
FINALS = objects(
    FinalUnitIndication,
    final_unit_action=TEXT,
    filter_id_list=many(TEXT),
    redirect_server=objects(RedirectServer, redirect_address_type=TEXT, redirect_server_address=TEXT),
)
GRANTS = objects(GrantedUnit, tariff_time_change=TIMES, time=UINT32, total_volume=UINT64, service_specific_units=UINT64)
ANSWERS = objects(
    ChargingDataResponse,
    invocation_time_stamp=TIMES,
    invocation_sequence_number=UINT32,
    invocation_result=objects(InvocationResult, error=objects(ProblemDetails, cause=TEXT), failure_handling=TEXT),
    multiple_unit_information=many(
        objects(
            MultipleUnitInformation,
            rating_group=UINT32,
            result_code=TEXT,
            granted_unit=GRANTS,
            triggers=TRIGGERS,
            validity_time=UINT32,
            final_unit_indication=FINALS,
            volume_quota_threshold=UINT64,
        )
    ),
)
DETAILS = objects(ReauthorizationDetails, service_id=UINT32, rating_group=UINT32, quota_management_indicator=TEXT)
NOTIFICATIONS = objects(ChargingNotifyRequest, notification_type=TEXT, reauthorization_details=many(DETAILS))


@given(REQUESTS | ANSWERS | NOTIFICATIONS)
def test_what_is_written_reads_the_same(body: msgspec.Struct) -> None:
    octets = msgspec.json.encode(body)
    assert msgspec.json.decode(octets, type=type(body)) == body
    assert b"null" not in octets or "null" in str(body)

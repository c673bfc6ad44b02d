"""Bodies to rows of a batch: packed by Python, placed by a kernel, against what the body says."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charging.batch import (
    EVENT,
    HAS_REQUESTED,
    HAS_REQUESTED_ACTION,
    HAS_REQUESTED_OCTETS,
    HAS_USED,
    HAS_USED_BEFORE,
    HAS_USED_EVENTS,
    HAS_USED_OCTETS,
    HAS_USED_SECONDS,
    INITIAL,
    IS_RETRANSMISSION,
    REPORTS_ALONE,
    TERMINATION,
    UPDATE,
)
from chf_http2.charging_data_ref import SessionName
from chf_http2.routes import SERVICES, Operation
from tests.chf_http2.charging_bodies import octets, request, usage
from tests.chf_http2.request_desk import NOW_NS, SESSION, Desk
from vocabulary.ids import IdentityKind
from vocabulary.instants import INSTANT_NS_MAX, from_rfc3339
from vocabulary.limits import UNITS_MAX

CONSUMER = b'"nfConsumerIdentification":' + octets(request()["nfConsumerIdentification"])


@pytest.fixture(scope="module")
def desk() -> Desk:
    return Desk()


def test_create_names_who_what_and_when(desk: Desk) -> None:
    said = request(
        3,
        (usage(10, asks={}),),
        pDUSessionChargingInformation={
            "pduSessionInformation": {"pduSessionID": 1, "dnnId": "internet"},
            "userInformation": {"servedGPSI": "msisdn-491701"},
            "x": [1.50, "é"],
        },
    )
    (row,) = desk.take(Operation.CREATE, None, said)
    assert (row["request_type"], row["request_number"], row["account_id"]) == (INITIAL, 3, -1)
    assert row["service_context"] == 32255
    assert row["event_ns"] == from_rfc3339("2026-11-28T10:00:00Z")
    assert (row["received_ns"], row["tenant"], row["hop_by_hop"]) == (NOW_NS, 1, 0)
    assert desk.text(row, "session_id").startswith(b"nchf;")
    assert desk.text(row, "origin_host") == b"smf-1"
    assert desk.text(row, "origin_realm") == b"http://127.0.0.5:8000/notify/1"
    carried = b'{"nfConsumerIdentification":%s,"pDUSessionChargingInformation":%s}' % (
        octets(said["nfConsumerIdentification"]),
        octets(said["pDUSessionChargingInformation"]),
    )
    assert desk.text(row, "service_information") == carried
    assert row["identity_count"] == 2
    kinds = [
        (int(one["kind"]), desk.batch.octets[one["offset"] : one["offset"] + one["length"]].tobytes())
        for one in desk.batch.identities[:2]
    ]
    assert kinds == [(IdentityKind.IMSI, b"001010000000001"), (IdentityKind.E164, b"491701")]
    assert desk.batch.msccs[0]["presence"] == HAS_REQUESTED


@pytest.mark.parametrize("name", ["pDUContainerInformation", "serviceId", "multihomedPDUAddress", "eventTimeStamps"])
def test_usage_with_details_is_carried_whole_and_first(desk: Desk, name: str) -> None:
    values: dict[str, Any] = {
        "pDUContainerInformation": {"qFI": 9, "timeofFirstUsage": "2026-11-28T10:00:00Z"},
        "serviceId": 3,
        "eventTimeStamps": ["2026-11-28T10:00:00Z"],
    }
    plain = usage(10, used=({"totalVolume": 5},))
    detailed = usage(10, used=({"totalVolume": 5, **({name: values[name]} if name in values else {})},))
    if name not in values:
        detailed[name] = {"pduIPv4Address": "10.0.0.1"}
    session = {"pduSessionInformation": {"pduSessionID": 1, "dnnId": "internet"}}
    hashes = set()
    for number, one in enumerate((plain, detailed, detailed, detailed), 1):
        said = request(number, (one,), pDUSessionChargingInformation=session)
        (row,) = desk.take(Operation.UPDATE, SESSION, said)
        carried = b'%s,"pDUSessionChargingInformation":%s}' % (CONSUMER, octets(session))
        before = b"" if one is plain else b'"multipleUnitUsage":%s,' % octets(said["multipleUnitUsage"])  # type: ignore[arg-type]
        assert desk.text(row, "service_information") == b"{" + before + carried
        hashes.add(int(row["service_information_hash"]))
    assert len(hashes) == 4, "each of them is news to the journal"


@pytest.mark.parametrize(
    ("kind", "is_carried"),
    [
        ("VOLUME_LIMIT", True),
        ("RAT_CHANGE", True),
        ("SOMETHING_NEW", True),
        ("QUOTA_EXHAUSTED", False),
        ("FINAL", False),
    ],
)
def test_what_closed_a_container_is_carried_unless_it_was_quota(desk: Desk, kind: str, is_carried: bool) -> None:
    trigger = {"triggerType": kind, "triggerCategory": "DEFERRED_REPORT"}
    said = request(1, (usage(10, used=({"totalVolume": 5, "triggers": [trigger]},)),))
    (row,) = desk.take(Operation.UPDATE, SESSION, said)
    carried = b'{"multipleUnitUsage":%s,%s}' % (octets(said["multipleUnitUsage"]), CONSUMER)  # type: ignore[arg-type]
    assert desk.text(row, "service_information") == (carried if is_carried else b"")


def test_what_most_requests_repeat_is_carried_by_a_create_and_later_along_with_others(desk: Desk) -> None:
    triggers = [{"triggerType": "RAT_CHANGE", "triggerCategory": "IMMEDIATE_REPORT"}]
    session = {"pduSessionInformation": {"pduSessionID": 1, "dnnId": "internet"}}
    repeated = {"triggers": triggers, "chargingId": 7, "serviceSpecificationInfo": "32255@3gpp.org"}
    (row,) = desk.take(Operation.UPDATE, SESSION, request(1, **repeated))
    assert desk.text(row, "service_information") == b""
    carried = b'{%s,"triggers":%s,"chargingId":7,"serviceSpecificationInfo":"32255@3gpp.org"' % (
        CONSUMER,
        octets(triggers),  # type: ignore[arg-type]
    )
    (row,) = desk.take(Operation.CREATE, None, request(1, **repeated))
    assert desk.text(row, "service_information") == carried + b"}"
    said = request(2, **repeated, pDUSessionChargingInformation=session)
    (row,) = desk.take(Operation.UPDATE, SESSION, said)
    assert desk.text(row, "service_information") == carried + b',"pDUSessionChargingInformation":%s}' % octets(session)


def test_reports_at_command_level_are_each_news_to_the_journal(desk: Desk) -> None:
    said = {"roamingQBCInformation": {"multipleQFIcontainer": [{"localSequenceNumber": 1, "totalVolume": 7}]}}
    rows = desk.take(Operation.UPDATE, SESSION, request(1, **said), request(2, **said))
    assert len({int(row["service_information_hash"]) for row in rows}) == 2
    report = octets(said["roamingQBCInformation"]["multipleQFIcontainer"])  # type: ignore[arg-type]
    carried = b'{"roamingQBCInformation.multipleQFIcontainer":%s,"multipleUnitUsage":[],' % report
    assert desk.text(rows[0], "service_information").startswith(carried)


@pytest.mark.parametrize(("operation", "kind"), [(Operation.UPDATE, UPDATE), (Operation.RELEASE, TERMINATION)])
def test_later_requests_are_the_refs_sessions(desk: Desk, operation: Operation, kind: int) -> None:
    (row,) = desk.take(operation, SESSION, request(1))
    assert (row["request_type"], row["account_id"], row["identity_count"]) == (kind, 77, 0)
    assert desk.text(row, "session_id") == b"nchf;" + SESSION.name.encode()
    assert row["mscc_count"] == 0


def test_the_session_of_a_create_is_that_of_its_ref(desk: Desk) -> None:
    said = request(0)
    (row,) = desk.take(Operation.CREATE, None, said)
    created = int(row["session_high"]), int(row["session_low"])
    name = desk.text(row, "session_id").removeprefix(b"nchf;").decode()
    (row,) = desk.take(Operation.UPDATE, SessionName(name, 1), request(1))
    assert (int(row["session_high"]), int(row["session_low"])) == created


def test_units_of_containers_and_upfs_are_one_rating_groups(desk: Desk) -> None:
    first = usage(
        10,
        asks={"totalVolume": 500, "uplinkVolume": 200, "downlinkVolume": 300},
        used=({"totalVolume": 70, "uplinkVolume": 50, "downlinkVolume": 20}, {"uplinkVolume": 5, "downlinkVolume": 6}),
    )
    second = usage(20, used=({"time": 9, "serviceSpecificUnits": 2},))
    third = usage(10, asks={"downlinkVolume": 40}, used=({"totalVolume": 1},))
    (row,) = desk.take(Operation.UPDATE, SESSION, request(1, (first, second, third)))
    assert row["mscc_count"] == 2
    ten, twenty = desk.batch.msccs[:2]
    assert (ten["rating_group"], ten["requested_octets"], ten["used_octets"]) == (10, 540, 82)
    assert ten["presence"] == HAS_REQUESTED | HAS_REQUESTED_OCTETS | HAS_USED | HAS_USED_OCTETS
    assert (twenty["rating_group"], twenty["used_seconds"], twenty["used_events"]) == (20, 9, 2)
    assert twenty["presence"] == HAS_USED | HAS_USED_SECONDS | HAS_USED_EVENTS


UNKNOWN: dict[str, Any] = {"nfConsumerIdentification": {"nodeFunctionality": "SOMETHING_NEW"}}
PDU_SESSION = {"pduSessionInformation": {"pduSessionID": 1, "dnnId": "internet"}}
CHANGED = {"triggers": [{"triggerType": "TARIFF_TIME_CHANGE", "triggerCategory": "DEFERRED_REPORT"}]}
QOS_CHANGED = {"triggers": [{"triggerType": "QOS_CHANGE", "triggerCategory": "DEFERRED_REPORT"}]}


def test_usage_up_to_a_tariff_change_is_known_apart(desk: Desk) -> None:
    """Containers are in the order of time: those before the one that the change closed are before it, too."""
    first = usage(10, used=({"totalVolume": 7, **QOS_CHANGED}, {"totalVolume": 20, **CHANGED}, {"totalVolume": 300}))
    second = usage(10, used=({"uplinkVolume": 1, "downlinkVolume": 2, **CHANGED},))
    third = usage(20, used=({"time": 9, **QOS_CHANGED}, {"serviceSpecificUnits": 2}))
    fourth = usage(30, used=({"time": 9, "serviceSpecificUnits": 2, **CHANGED},))
    (row,) = desk.take(Operation.UPDATE, SESSION, request(1, (first, second, third, fourth)))
    assert row["mscc_count"] == 3
    found = [
        (
            m["used_octets"],
            m["before_octets"],
            m["before_seconds"],
            m["before_events"],
            bool(m["presence"] & HAS_USED_BEFORE),
        )
        for m in desk.batch.msccs[:3]
    ]
    assert found == [(330, 30, 0, 0, True), (0, 0, 0, 0, False), (0, 0, 9, 2, True)]


def test_a_tariff_change_does_not_say_when_the_usage_ended(desk: Desk) -> None:
    stamp = "2026-11-28T09:00:00Z"
    split = usage(1, used=({"totalVolume": 1, "triggerTimestamp": stamp, **CHANGED}, {"totalVolume": 2}))
    (row,) = desk.take(Operation.UPDATE, SESSION, request(1, (split,)))
    assert row["event_ns"] == from_rfc3339("2026-11-28T10:00:00Z"), "that of the request"


def test_reports_that_differ_in_what_was_before_a_change_are_two(desk: Desk) -> None:
    """Their units are the same, what they cost isn't."""
    bodies = [usage(1, used=({"totalVolume": 5, **said}, {"totalVolume": 5})) for said in (CHANGED, QOS_CHANGED)]
    hashes = {int(desk.take(Operation.UPDATE, SESSION, request(1, (one,)))[0]["body_hash"]) for one in bodies}
    assert len(hashes) == 2


def test_usage_is_of_the_instant_of_its_last_trigger(desk: Desk) -> None:
    used = ({"triggerTimestamp": "2026-11-28T09:00:00Z"}, {"triggerTimestamp": "2026-11-28T10:30:00+01:00"})
    (row,) = desk.take(Operation.UPDATE, SESSION, request(1, (usage(1, used=used),)))
    assert row["event_ns"] == from_rfc3339("2026-11-28T09:30:00Z")


def test_one_time_event_is_debited_at_once(desk: Desk) -> None:
    said = request(0, (usage(1, asks={"serviceSpecificUnits": 1}),), oneTimeEvent=True, oneTimeEventType="IEC")
    (row,) = desk.take(Operation.CREATE, None, said)
    assert row["request_type"] == EVENT
    assert row["presence"] & HAS_REQUESTED_ACTION
    assert row["requested_action"] == 0


def test_of_an_offline_only_event_what_is_reported_is_charged_and_nothing_else(desk: Desk) -> None:
    """Its bodies have no requestedUnit (TS 32.291 §6.2), and one that is there would make an engine debit a unit."""
    offline = next(one for one in SERVICES if one.is_offline_only)
    used = usage(2, asks={"serviceSpecificUnits": 9}, used=({"serviceSpecificUnits": 3},))
    said = request(0, (usage(1, asks={"serviceSpecificUnits": 5}), used, usage(3)), oneTimeEvent=True)
    (row,) = desk.take(Operation.CREATE, None, said, service=offline)
    (mscc,) = desk.batch.msccs[: int(row["mscc_count"])]
    assert (row["request_type"], mscc["rating_group"], mscc["used_events"]) == (EVENT, 2, 3)
    assert not mscc["presence"] & HAS_REQUESTED
    nothing = request(0, (usage(1, asks={"serviceSpecificUnits": 5}),), oneTimeEvent=True, oneTimeEventType="IEC")
    (row,) = desk.take(Operation.CREATE, None, nothing, service=offline)
    assert (row["request_type"], row["mscc_count"]) == (EVENT, 0)


def test_the_offline_only_service_reports_alone(desk: Desk) -> None:
    for service in SERVICES:
        (row,) = desk.take(Operation.CREATE, None, request(0), service=service)
        assert bool(row["presence"] & REPORTS_ALONE) == service.is_offline_only


@pytest.mark.parametrize(
    ("members", "context"),
    [
        ({"serviceSpecificationInfo": "32251@3gpp.org"}, 32251),
        ({"nfConsumerIdentification": {"nodeFunctionality": "SMSF"}}, 32274),
        ({"nfConsumerIdentification": {"nodeFunctionality": "IMS_Node"}}, 32260),
        ({"nfConsumerIdentification": {"nodeFunctionality": "SOMETHING_NEW"}}, -1),
        (UNKNOWN | {"pDUSessionChargingInformation": PDU_SESSION}, 32255),
        (UNKNOWN | {"pDUSessionChargingInformation": None, "sMSChargingInformation": {}}, 32274),
        (UNKNOWN | {"sMSChargingInformation": {}, "pDUSessionChargingInformation": PDU_SESSION}, 32255),
        (
            {"nfConsumerIdentification": {"nodeFunctionality": "SMSF"}, "pDUSessionChargingInformation": PDU_SESSION},
            32274,
        ),
        (UNKNOWN | {"serviceSpecificationInfo": "32260@3gpp.org", "sMSChargingInformation": {}}, 32260),
        ({"serviceSpecificationInfo": "somebody else's"}, 32255),
        ({"serviceSpecificationInfo": "9" * 400}, 32255),
    ],
)
def test_service_context(desk: Desk, members: dict[str, Any], context: int) -> None:
    (row,) = desk.take(Operation.CREATE, None, request(0, (), **members))
    assert row["service_context"] == context


def test_who_never_counts_is_told_by_bodies(desk: Desk) -> None:
    one, same, later = desk.take(
        Operation.UPDATE,
        SESSION,
        request(0, (usage(1, used=({"totalVolume": 7},)),)),
        request(0, (usage(1, used=({"totalVolume": 7},)),), retransmissionIndicator=True),
        request(0, (usage(1, used=({"totalVolume": 7},)),), invocationTimeStamp="2026-11-28T10:00:01Z"),
    )
    assert one["request_number"] == same["request_number"] != later["request_number"]
    assert one["body_hash"] == same["body_hash"] != later["body_hash"]
    assert [bool(row["presence"] & IS_RETRANSMISSION) for row in (one, same, later)] == [False, True, False]


def test_who_counts_is_told_by_numbers(desk: Desk) -> None:
    said = request(4, (usage(1, used=({"totalVolume": 7},)),))
    other = request(4, (usage(1, used=({"totalVolume": 8},)),))
    again = said | {"retransmissionIndicator": True, "invocationTimeStamp": "2026-11-28T10:00:09Z"}
    first, repeat, different = desk.take(Operation.UPDATE, SESSION, said, again, other)
    assert not first["presence"] & IS_RETRANSMISSION
    assert first["request_number"] == repeat["request_number"] == different["request_number"] == 4
    assert repeat["presence"] & IS_RETRANSMISSION
    assert first["body_hash"] == repeat["body_hash"] != different["body_hash"]


def test_a_create_sent_again_is_the_same_session_and_another_is_not(desk: Desk) -> None:
    said = request(0, (usage(1, asks={}),), chargingId=5)
    rows = desk.take(
        Operation.CREATE,
        None,
        said,
        said | {"retransmissionIndicator": True},
        said | {"chargingId": 6},
        said | {"notifyUri": "http://127.0.0.5:8000/notify/2"},
        said | {"invocationTimeStamp": "2026-11-28T10:00:00.001Z"},
    )
    names = [(int(row["session_high"]), int(row["session_low"])) for row in rows]
    assert names[0] == names[1]
    assert len(set(names)) == 4


SMS = {"recipientInfo": [{"recipientGPSI": "msisdn-491"}], "messageReference": "1"}
GPSI = {"userInformation": {"servedGPSI": "msisdn-492"}}


@pytest.mark.parametrize(
    ("said", "other"),
    [
        (
            request(0, oneTimeEvent=True, oneTimeEventType="IEC", sMSChargingInformation=SMS),
            {"sMSChargingInformation": SMS | {"recipientInfo": [{"recipientGPSI": "msisdn-492"}]}},
        ),
        (
            request(0, oneTimeEvent=True, oneTimeEventType="PEC", sMSChargingInformation=SMS),
            {"sMSChargingInformation": SMS | {"messageReference": "2"}},
        ),
        (
            request(0, iMSChargingInformation={"sIPEventType": {}, "iMSChargingIdentifier": "a"}),
            {"iMSChargingInformation": {"sIPEventType": {}, "iMSChargingIdentifier": "b"}},
        ),
        (
            request(0, subscriberIdentifier=None, pDUSessionChargingInformation=GPSI),
            {"pDUSessionChargingInformation": {"userInformation": {"servedGPSI": "msisdn-493"}}},
        ),
        (request(0, tenantIdentifier="a"), {"tenantIdentifier": "b"}),
        (request(0, serviceSpecificationInfo="32255@3gpp.org"), {"serviceSpecificationInfo": "32274@3gpp.org"}),
        (request(0), {"somethingNew": 1}),
    ],
)
def test_creates_of_one_instant_are_told_apart_by_all_that_they_say(
    desk: Desk, said: dict[str, Any], other: dict[str, Any]
) -> None:
    """Without a chargingId nothing else tells two events or two calls apart, nor whose they are where a GPSI alone says it."""
    said = {name: value for name, value in said.items() if value is not None}
    rows = desk.take(Operation.CREATE, None, said, said | {"retransmissionIndicator": True}, said | other)
    names = [(int(row["session_high"]), int(row["session_low"])) for row in rows]
    assert names[0] == names[1] != names[2]


def test_volumes_that_wrapped_are_taken_where_that_is_said() -> None:
    desk = Desk(wraps_volumes=True)
    used = ({"totalVolume": 3_000_000_000 - 2**32, "uplinkVolume": 1},)
    desk.take(Operation.UPDATE, SESSION, request(0, (usage(1, used=used),)))
    assert desk.batch.msccs[0]["used_octets"] == 3_000_000_000


AMOUNTS = st.one_of(st.none(), st.integers(0, 2**40))


@given(st.lists(st.tuples(st.integers(0, 5), AMOUNTS, st.lists(AMOUNTS, max_size=3)), max_size=6))
def test_sums_are_those_of_the_body(desk: Desk, groups: list[tuple[int, int | None, list[int | None]]]) -> None:
    usages = tuple(
        usage(
            group,
            asks=None if asked is None else {"totalVolume": asked},
            used=tuple({} if amount is None else {"totalVolume": amount} for amount in used),
        )
        for group, asked, used in groups
    )
    (row,) = desk.take(Operation.UPDATE, SESSION, request(1, usages))
    expected: dict[int, tuple[int, int]] = {}
    for group, asked, used in groups:
        so_far = expected.get(group, (0, 0))
        expected[group] = so_far[0] + (asked or 0), so_far[1] + sum(amount or 0 for amount in used)
    msccs = desk.batch.msccs[: int(row["mscc_count"])]
    assert {int(m["rating_group"]): (int(m["requested_octets"]), int(m["used_octets"])) for m in msccs} == expected
    assert all(amount <= UNITS_MAX for pair in expected.values() for amount in pair)


@pytest.mark.parametrize(
    ("stamp", "reported_ns"),
    [
        ("0001-01-01T00:00:00+14:00", -INSTANT_NS_MAX),
        ("0675-01-13T10:07:00.627+20:53", -INSTANT_NS_MAX),
        ("2200-01-01T00:00:00Z", INSTANT_NS_MAX),
        ("9999-12-31T23:59:59-23:59", INSTANT_NS_MAX),
    ],
)
def test_years_beyond_an_instant_are_its_first_or_last(desk: Desk, stamp: str, reported_ns: int) -> None:
    """They are no fault of the request, which is charged by its receipt; an engine takes no others from a front end."""
    (row,) = desk.take(Operation.CREATE, None, request(0, invocationTimeStamp=stamp))
    assert row["event_ns"] == reported_ns
    used = {"totalVolume": 1, "triggerTimestamp": stamp}
    (row,) = desk.take(Operation.UPDATE, SESSION, request(1, (usage(1, used=(used,)),)))
    assert row["event_ns"] == reported_ns


def test_quota_is_not_held_for_what_is_used_offline(desk: Desk) -> None:
    def reported(*indicators: str) -> tuple[bool, int]:
        containers = [
            {"localSequenceNumber": place, "totalVolume": 10, "quotaManagementIndicator": indicator}
            for place, indicator in enumerate(indicators)
        ]
        said = request(4, ({"ratingGroup": 10, "requestedUnit": {}, "usedUnitContainer": containers},))
        desk.take(Operation.UPDATE, SESSION, said)
        mscc = desk.batch.msccs[0]
        return bool(mscc["presence"] & HAS_REQUESTED), int(mscc["used_octets"])

    assert reported("OFFLINE_CHARGING") == (False, 10)
    assert reported("OFFLINE_CHARGING", "OFFLINE_CHARGING") == (False, 20)
    assert reported("OFFLINE_CHARGING", "ONLINE_CHARGING") == (True, 20)
    assert reported("QUOTA_MANAGEMENT_SUSPENDED") == (True, 10)
    assert reported() == (True, 0)

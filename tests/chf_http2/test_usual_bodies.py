"""The kernel that reads usual bodies against the reader that reads any: the same rows, octet for octet, or none of its own."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charging.batch import new_usage_batch
from chf_http2.arrivals import Arrivals
from chf_http2.charging_data_ref import Refs
from chf_http2.errors import RequestRefused
from chf_http2.requests import RequestReader
from chf_http2.routes import SERVICES, Operation, Route
from chf_http2.tick_memory import (
    HELD_TICK,
    TICK_IDENTITIES,
    TICK_MSCCS,
    TICK_OCTETS,
    TICK_REQUESTS,
    TickMemory,
    new_packed_rows,
    new_tick_memory,
)
from chf_http2.usual_bodies import NO_ROOM, UNUSUAL
from tests.chf_http2.bodies import free5gc_create, free5gc_update
from tests.chf_http2.charging_bodies import octets, request, usage
from vocabulary.held import Held
from vocabulary.limits import JSON_NESTING_MAX, MSCCS_PER_REQUEST_MAX, UNITS_MAX

SECRET = np.array([7, 11], np.uint64)
TENANT = 3
REFS = Refs(SECRET, TENANT)
REF = REFS.make(REFS.name_of(b"a session"), 77)
OFFLINE_REF = REFS.make(REFS.name_of(b"a session", gives_quota=False), 77, gives_quota=False)
READ = 0
Rows = tuple[bytes, bytes, bytes, bytes]


def route_of(operation: Operation, service: int = 0, ref: str | None = None) -> Route:
    """Of a session of that service, unless another ref is given."""
    if ref is None:
        ref = REF if SERVICES[service].gives_quota else OFFLINE_REF
    return Route(operation, "/base", "" if operation is Operation.CREATE else ref, SERVICES[service])


def rows_of(tick: TickMemory) -> Rows:
    """All that is packed."""
    counts, packed = tick.counts, tick.packed
    return (
        packed.requests[: counts[TICK_REQUESTS]].tobytes(),
        packed.msccs[: counts[TICK_MSCCS]].tobytes(),
        packed.identities[: counts[TICK_IDENTITIES]].tobytes(),
        packed.octets[: counts[TICK_OCTETS]].tobytes(),
    )


class TwoReaders:
    """Two front ends' memories, one filled by the kernel, the other by Python."""

    def __init__(self) -> None:
        self.tick, self._other = (
            Held(new_tick_memory(new_usage_batch(), new_packed_rows(), SECRET, TENANT), HELD_TICK) for _ in range(2)
        )
        self.arrivals = Arrivals(self.tick)
        self._reader = RequestReader(REFS, self._other.value, wraps_volumes=False)

    def read(self, route: Route, body: bytes) -> tuple[int, Rows]:
        """(why the kernel stopped, what it packed) for one request in an empty tick."""
        self.tick.value.counts[:] = 0
        self.arrivals.clear()
        self.arrivals.put(5, route, body)
        _, reason = self.arrivals.read(0)
        return reason, rows_of(self.tick.value)

    def take(self, route: Route, body: bytes) -> Rows:
        """What Python packs. RequestRefused."""
        self._other.value.counts[:] = 0
        self._reader.take(route, body, 5)
        return rows_of(self._other.value)

    def same(self, route: Route, body: bytes) -> bool:
        """Did the kernel read it? Then it packed what Python packs."""
        reason, rows = self.read(route, body)
        if reason != READ:
            assert reason == UNUSUAL
            return False
        assert rows == self.take(route, body)
        return True


@pytest.fixture(scope="module")
def readers() -> TwoReaders:
    return TwoReaders()


AMOUNT = st.none() | st.integers(0, 2**40) | st.integers(-2, 2**64) | st.just(UNITS_MAX)
STAMP = st.one_of(
    st.datetimes().map(lambda moment: moment.isoformat() + "Z"),
    st.sampled_from(
        [
            "2026-11-28T10:00:00Z",
            "2024-02-29T23:59:59.5+08:00",
            "2024-05-04T10:00:00.123456789+08:00",
            "2026-11-28T10:00:00.1234565-23:59",
            "2026-11-28T10:00:00.999999999Z",
            "2026-02-29T10:00:00Z",
            "2026-11-31T10:00:00Z",
            "2026-11-28t10:00:00z",
            "2026-11-28T24:00:00Z",
            "2026-11-28T10:00:00",
            "2026-11-28T10:00:00+24:00",
            "2026-11-28T10:00:00.Z",
            "1969-12-31T23:59:59Z",
            "2100-01-01T00:00:00Z",
        ]
    ),
)
TEXT = st.text('ab1@é"\\/ \n', max_size=8) | st.text("az09-", max_size=140)
CHANGED = [{"triggerType": "TARIFF_TIME_CHANGE", "triggerCategory": "DEFERRED_REPORT"}]
TRIGGERS = st.sampled_from(
    [
        CHANGED,
        [],
        [{"triggerCategory": "IMMEDIATE_REPORT"}],
        [{"triggerType": "FINAL"}],
        [{"triggerType": "FINAL", "triggerCategory": "IMMEDIATE_REPORT"}],
        [
            {"triggerType": "QHT", "triggerCategory": "IMMEDIATE_REPORT"},
            {"volumeLimit64": 7, "triggerCategory": "DEFERRED_REPORT", "triggerType": "VOLUME_LIMIT"},
        ],
        [{"triggerType": "SOMETHING_NEW", "triggerCategory": "SOMETHING_NEWER"}],
        [{"triggerType": None, "triggerCategory": "IMMEDIATE_REPORT"}],
        "FINAL",
        None,
    ]
)
AMOUNTS = {
    "time": AMOUNT,
    "totalVolume": AMOUNT,
    "uplinkVolume": AMOUNT,
    "downlinkVolume": AMOUNT,
    "serviceSpecificUnits": AMOUNT,
}
CONTAINER = st.fixed_dictionaries(
    {"localSequenceNumber": st.integers(-1, 9)},
    optional={
        **AMOUNTS,
        "triggers": TRIGGERS,
        "triggerTimestamp": STAMP,
        "quotaManagementIndicator": TEXT
        | st.sampled_from(["OFFLINE_CHARGING", "ONLINE_CHARGING", "QUOTA_MANAGEMENT_SUSPENDED"]),
        "pDUContainerInformation": st.sampled_from([{}, {"qoSCharacteristics": {}}, {"chargingRuleBaseName": "a"}, 7]),
    },
)
USAGE = st.fixed_dictionaries(
    {"ratingGroup": st.integers(0, 3)},
    optional={
        "requestedUnit": st.fixed_dictionaries({}, optional=AMOUNTS),
        "usedUnitContainer": st.lists(CONTAINER, max_size=3),
        "uPFID": TEXT | st.sampled_from(["", "upf-1", "upf-2"]),
    },
)
CONSUMER = st.fixed_dictionaries(
    {"nodeFunctionality": st.sampled_from(["SMF", "SMSF", "IMS_Node", "AMF", "SM", "NEW"])},
    optional={"nFName": TEXT, "nFIPv4Address": st.sampled_from(["127.0.0.1", "256.0.0.1"])},
)
SESSION = st.fixed_dictionaries(
    {"pduSessionInformation": st.just({"pduSessionID": 1, "dnnId": "internet"})},
    optional={"userInformation": st.fixed_dictionaries({}, optional={"servedGPSI": TEXT | st.just("msisdn-49170")})},
)
BODY = st.fixed_dictionaries(
    {
        "nfConsumerIdentification": CONSUMER,
        "invocationTimeStamp": STAMP,
        "invocationSequenceNumber": st.integers(0, 2) | st.integers(-1, 2**33),
    },
    optional={
        "subscriberIdentifier": TEXT | st.sampled_from(["imsi-00101", "nai-a@b", "msisdn-1", "extid-a", "imsi-"]),
        "notifyUri": TEXT
        | st.sampled_from(["http://10.0.0.1/notify", "HTTPS://a", "http:///a", "http://a b", "ftp://a"]),
        "chargingId": st.integers(-1, 2**33),
        "multipleUnitUsage": st.lists(USAGE, max_size=4),
        "triggers": TRIGGERS,
        "retransmissionIndicator": st.none() | st.booleans(),
        "oneTimeEvent": st.none() | st.booleans() | st.just("true"),
        "oneTimeEventType": TEXT,
        "serviceSpecificationInfo": TEXT | st.sampled_from(["32251@3gpp.org", "1234567890", "123456789", "@"]),
        "supportedFeatures": st.sampled_from(["", "0", "1f", "x"]),
        "pDUSessionChargingInformation": SESSION | st.none(),
        "sMSChargingInformation": st.just({"messageReference": "7"}),
        "roamingQBCInformation": st.sampled_from([None, {}, {"multipleQFIcontainer": []}]),
        "tenantIdentifier": TEXT,
        "easid": TEXT,
        "aMFId": st.sampled_from(["ABC123", "x"]),
        "somethingNew": st.just(1),
    },
)
LAYOUT = st.sampled_from(
    [{}, {"separators": (",", ":")}, {"indent": "\t"}, {"ensure_ascii": False}, {"sort_keys": True}]
)
OPERATION = st.sampled_from(list(Operation))


@given(BODY, LAYOUT, OPERATION, st.integers(0, len(SERVICES) - 1))
def test_what_the_kernel_reads_is_what_the_body_says(
    readers: TwoReaders, said: dict[str, Any], layout: dict[str, Any], operation: Operation, service: int
) -> None:
    readers.same(route_of(operation, service), json.dumps(said, **layout).encode())


WHOLE = octets(
    request(
        2,
        (usage(1, asks={"totalVolume": 5}, used=({"totalVolume": 70, "triggerTimestamp": "2026-11-28T09:00:00Z"},)),),
        pDUSessionChargingInformation={"userInformation": {"servedGPSI": "msisdn-49170"}},
    )
)
CHANGE = st.tuples(st.integers(0, len(WHOLE)), st.integers(0, 4), st.text('{}[]",:\\0-1.eE tn\x00é', max_size=3))


@given(st.lists(CHANGE, min_size=1, max_size=3), OPERATION)
def test_octets_changed_anywhere_are_read_alike_or_not_at_all(
    readers: TwoReaders, changes: list[tuple[int, int, str]], operation: Operation
) -> None:
    body = WHOLE
    for at, dropped, put in changes:
        body = body[:at] + put.encode() + body[at + dropped :]
    readers.same(route_of(operation), body)


@given(st.integers(0, len(WHOLE) - 1), OPERATION)
def test_a_body_that_is_cut_off_is_not_read(readers: TwoReaders, end: int, operation: Operation) -> None:
    assert not readers.same(route_of(operation), WHOLE[:end])


@given(st.binary(max_size=64))
def test_any_octets_are_borne(readers: TwoReaders, body: bytes) -> None:
    readers.same(route_of(Operation.CREATE), body)


STATES: dict[str, Any] = {
    "tenantIdentifier": "a",
    "chargingId": 7,
    "mnSConsumerIdentifier": "b",
    "serviceSpecificationInfo": "32255@3gpp.org",
    "easid": "c",
    "ednid": "d",
    "eASProviderIdentifier": "e",
    "aMFId": "ABC123",
}


@pytest.mark.parametrize(
    ("operation", "said"),
    [
        (Operation.CREATE, request(0, (usage(10, asks={}),), oneTimeEvent=True, oneTimeEventType="IEC")),
        (Operation.CREATE, request(0, pDUSessionChargingInformation={"userInformation": {"servedGPSI": "extid-a@b"}})),
        (Operation.UPDATE, request(1, (usage(1, asks={}, used=({"uplinkVolume": 5, "downlinkVolume": 6},)),) * 3)),
        (Operation.UPDATE, request(0, (usage(1, used=({"time": 7, "pDUContainerInformation": {}},)),))),
        (Operation.UPDATE, request(1, tuple(usage(group) for group in range(MSCCS_PER_REQUEST_MAX)))),
        (
            Operation.UPDATE,
            request(
                1, (usage(1, asks={"time": 1}, used=({"time": 7, "quotaManagementIndicator": "OFFLINE_CHARGING"},)),)
            ),
        ),
        (Operation.UPDATE, request(1, (usage(1, used=({"totalVolume": 5},)),), triggers=CHANGED)),
        (Operation.RELEASE, request(9, (usage(7) | {"uPFID": "upf-1"},), retransmissionIndicator=True)),
        (Operation.CREATE, free5gc_create()),
        (Operation.CREATE, request(0, **STATES)),
        (Operation.UPDATE, request(1, **STATES)),
    ],
)
def test_bodies_of_the_usual_form_are_read_by_the_kernel(
    readers: TwoReaders, operation: Operation, said: dict[str, Any]
) -> None:
    for service in range(len(SERVICES)):
        if service < 2 or not said.get("oneTimeEvent"):  # of the offline-only service: below
            assert readers.same(route_of(operation, service), octets(said))


@pytest.mark.parametrize(
    "said",
    [
        free5gc_update(),
        request(1, somethingNew=1),
        request(1, roamingQBCInformation={"multipleQFIcontainer": []}),
        request(1, (usage(1, used=({"totalVolume": 5, "triggers": CHANGED}, {"totalVolume": 1})),)),
        request(1, notifyUri="http://a/\u00e9"),
        request(1, notifyUri="http://a/" + "b" * 1100),
        request(1, notifyUri=""),
        request(1, pDUSessionChargingInformation={"x": json.loads("[" * JSON_NESTING_MAX + "]" * JSON_NESTING_MAX)}),
        request(1, subscriberIdentifier="imsi-" + "1" * 200),
        request(1, (usage(1, used=({"totalVolume": UNITS_MAX}, {"totalVolume": 1})),)),
        request(1, (usage(1, used=({"totalVolume": UNITS_MAX},)), usage(1, used=({"totalVolume": 1},)))),
        request(1, tuple(usage(group) for group in range(MSCCS_PER_REQUEST_MAX + 1))),
        request(1, pDUSessionChargingInformation={"userInformation": {"servedGPSI": 7}}),
        request(1, sMSChargingInformation={"messageReference": "7" * 66_000}),
        request(0, (usage(1, asks={"serviceSpecificUnits": 0}),), oneTimeEvent=True),
    ],
)
def test_others_are_left_to_the_reader(readers: TwoReaders, said: dict[str, Any]) -> None:
    assert not readers.same(route_of(Operation.CREATE), octets(said))


def test_an_offline_only_event_that_reports_nothing_of_a_group_is_left_to_the_reader(readers: TwoReaders) -> None:
    for reports in (True, False):
        used = ({"serviceSpecificUnits": 1},) if reports else ()
        said = request(0, (usage(1, asks={}, used=used),), oneTimeEvent=True)
        assert readers.same(route_of(Operation.CREATE, 2), octets(said)) == reports
        assert readers.same(route_of(Operation.CREATE, 0), octets(said))


def test_members_that_come_twice_are_left_to_the_reader(readers: TwoReaders) -> None:
    body = octets(request(1))
    assert readers.same(route_of(Operation.CREATE), body)
    assert not readers.same(route_of(Operation.CREATE), body[:-1] + b',"chargingId":1,"chargingId":2}')


def test_a_specification_too_long_for_the_memory_of_a_tick_is_left_to_the_reader(readers: TwoReaders) -> None:
    """It is written twice, to the record and among what tells creates apart."""
    assert readers.same(route_of(Operation.CREATE), octets(request(1, serviceSpecificationInfo="32255 17.0")))
    assert not readers.same(route_of(Operation.CREATE), octets(request(1, serviceSpecificationInfo="x" * 260_000)))


@pytest.mark.parametrize("ref", ["", "a", REF[:-1] + "0", REF.upper(), "0" * 64, "é" * 64, OFFLINE_REF])
def test_a_ref_that_we_did_not_give_out_is_refused(readers: TwoReaders, ref: str) -> None:
    route = route_of(Operation.UPDATE, ref=ref)
    assert not readers.same(route, octets(request(1)))
    with pytest.raises(RequestRefused):
        readers.take(route, octets(request(1)))


def test_a_value_is_accepted_once_and_then_known(readers: TwoReaders, monkeypatch: pytest.MonkeyPatch) -> None:
    body = octets(
        request(1, pDUSessionChargingInformation={"pduSessionInformation": {"pduSessionID": 9, "dnnId": "x"}})
    )
    assert readers.same(route_of(Operation.UPDATE), body)
    monkeypatch.setattr("chf_http2.arrivals.DECODERS", ())
    assert readers.same(route_of(Operation.UPDATE), body)


def test_a_value_accepted_as_one_member_is_not_as_another(readers: TwoReaders) -> None:
    assert readers.same(route_of(Operation.UPDATE), octets(request(1, supportedFeatures="1")))
    body = octets(request(1, triggers="1"))
    assert not readers.same(route_of(Operation.UPDATE), body)
    with pytest.raises(RequestRefused):
        readers.take(route_of(Operation.UPDATE), body)


def test_a_batch_that_is_full_leaves_the_rest_for_the_next(readers: TwoReaders) -> None:
    readers.tick.value.counts[:] = 0
    readers.arrivals.clear()
    body = octets(request(1, (usage(1, asks={}),), pDUSessionChargingInformation={"x": "y" * 50_000}))
    route = route_of(Operation.UPDATE)
    count = 0
    while readers.arrivals.has_room(route, body):
        readers.arrivals.put(count, route, body)
        count += 1
    readers.tick.value.counts[TICK_OCTETS] = 3_000_000
    at, reason = readers.arrivals.read(0)
    assert 0 < at < count
    assert reason == NO_ROOM
    readers.tick.value.counts[TICK_OCTETS] = 0
    assert readers.arrivals.read(at) == (count, READ)


@pytest.mark.parametrize(
    "written", ["OFFLINE_CHARGING", "ONLINE_CHARGING", "\\u004fFFLINE_CHARGING", "O\\u0046FLINE_CHARGING"]
)
def test_an_indicator_with_escapes_is_left_to_the_reader(readers: TwoReaders, written: str) -> None:
    container = {"localSequenceNumber": 1, "totalVolume": 9, "quotaManagementIndicator": "?"}
    body = octets(request(1, (usage(10, asks={}) | {"usedUnitContainer": [container]},)))
    said = body.replace(b'"?"', f'"{written}"'.encode())
    assert readers.same(route_of(Operation.UPDATE), said) == ("\\" not in written)

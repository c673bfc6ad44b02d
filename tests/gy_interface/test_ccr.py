"""CCRs to rows: what each AVP becomes."""

import numpy as np
import pytest
from diameter.message.avp.grouped import (
    MultipleServicesCreditControl,
    RequestedServiceUnit,
    SubscriptionId,
    UsedServiceUnit,
)
from diameter.message.commands import CreditControlRequest

from charging.batch import (
    COMMAND_LEVEL_LIMIT,
    HAS_EVENT_TIMESTAMP,
    HAS_MULTIPLE_SERVICES_INDICATOR,
    HAS_PROXY_INFO,
    HAS_REQUESTED,
    HAS_REQUESTED_ACTION,
    HAS_REQUESTED_EVENTS,
    HAS_REQUESTED_OCTETS,
    HAS_REQUESTED_SECONDS,
    HAS_USED,
    HAS_USED_BEFORE,
    HAS_USED_EVENTS,
    HAS_USED_OCTETS,
    HAS_USED_SECONDS,
    IS_PROXIABLE,
    IS_RETRANSMISSION,
    MULTIPLE_SERVICES_SUPPORTED,
    NEVER_COUNTS,
    UNITS_AT_COMMAND_LEVEL,
)
from tests.gy_interface.codec import RECEIVED_NS, SECRET, Codec, decode_one
from tests.gy_interface.diameter_octets import (
    SESSION_ID,
    VENDOR_3GPP,
    ccr,
    essentials,
    group,
    message,
    ps_information,
    subscription,
    text,
    u32,
    u64,
    update_of_700_octets,
)
from vocabulary.digest import digest128
from vocabulary.instants import from_diameter_time
from vocabulary.limits import (
    IDENTITIES_PER_REQUEST_MAX,
    UNITS_MAX,
)
from vocabulary.outcomes import Outcome


def test_everything_of_an_update_is_read() -> None:
    octets = update_of_700_octets(7)
    row = decode_one(octets, Codec(tenant=5, presence=NEVER_COUNTS))
    request, (mscc,) = row.request, row.msccs
    assert row.outcome == Outcome.UNDECIDED
    assert 650 < len(octets) < 750
    assert (request.request_type, request.request_number, request.service_context) == (2, 7, 32251)
    assert (request.hop_by_hop, request.end_to_end) == (0x11111111, 0x22222222)
    assert (request.connection, request.connection_epoch, request.peer, request.tenant) == (3, 7, 2, 5)
    assert request.presence == (
        HAS_EVENT_TIMESTAMP
        | HAS_MULTIPLE_SERVICES_INDICATOR
        | MULTIPLE_SERVICES_SUPPORTED
        | IS_PROXIABLE
        | NEVER_COUNTS
    )
    assert request.event_ns == from_diameter_time(0xEAEBECED)
    assert request.received_ns == RECEIVED_NS
    assert (row.session_id, row.origin_host, row.origin_realm) == (
        SESSION_ID.encode(),
        b"pgw1.example.net",
        b"example.net",
    )
    assert row.service_information == ps_information()
    assert row.identities == [(0, b"491700000001"), (1, b"001010123456789")]
    assert (mscc.rating_group, mscc.service_identifier, mscc.reporting_reason) == (10, -1, 3)
    assert (mscc.requested_octets, mscc.used_octets) == (1_000_000, 700_000)
    assert mscc.presence == HAS_REQUESTED | HAS_REQUESTED_OCTETS | HAS_USED | HAS_USED_OCTETS
    defaults = (request.account_id, request.slot, request.answered, request.command_id, request.credit_count)
    assert defaults == (-1, -1, -1, -1, 0)
    assert (request.requested_action, request.termination_cause, request.kind, request.moves) == (-1, -1, 0, 0)


def test_digests_name_session_and_first_identity_within_the_tenant() -> None:
    row = decode_one(ccr(subscription(1, "001010123456789"), subscription(0, "4917")), Codec(tenant=3))
    session = np.frombuffer(SESSION_ID.encode(), np.uint8).copy()
    identity = np.frombuffer(b"001010123456789", np.uint8).copy()
    assert (row.request.session_high, row.request.session_low) == digest128(session, 0, len(session), SECRET, 63)
    assert (row.request.identity_high, row.request.identity_low) == digest128(identity, 0, 15, SECRET, 49)
    other = decode_one(ccr(subscription(1, "001010123456789")), Codec(tenant=4))
    assert other.request.session_high != row.request.session_high
    assert other.request.identity_high != row.request.identity_high


def test_plus_of_a_number_is_no_part_of_it() -> None:
    with_plus, without = (decode_one(ccr(subscription(0, number))) for number in ("+491701", "491701"))
    assert with_plus.identities == without.identities == [(0, b"491701")]
    assert with_plus.request.identity_high == without.request.identity_high
    assert decode_one(ccr(subscription(2, "+491701@ims.net"))).identities == [(2, b"+491701@ims.net")]


def test_only_as_many_identities_as_are_tried() -> None:
    many = [subscription(1, f"00101000000000{digit}") for digit in range(6)]
    row = decode_one(ccr(*many))
    assert row.identities == [(1, f"00101000000000{digit}".encode()) for digit in range(IDENTITIES_PER_REQUEST_MAX)]
    assert row.outcome == Outcome.UNDECIDED


def test_empty_identity_is_none() -> None:
    row = decode_one(ccr(subscription(0, ""), subscription(0, "+"), subscription(1, "00101")))
    assert row.identities == [(1, b"00101")]
    assert decode_one(ccr(subscription(0, ""))).request.identity_high == 0


def test_identities_within_service_information_count_where_there_are_none_above() -> None:
    inside = group(873, subscription(0, "4917"), group(876, u32(829, 0, 10415), vendor=10415), vendor=10415)
    assert decode_one(ccr(inside)).identities == [(0, b"4917")]
    assert decode_one(ccr(inside, subscription(1, "00101"))).identities == [(1, b"00101")]


@pytest.mark.parametrize(
    ("context", "number"),
    [
        ("32251@3gpp.org", 32251),
        ("8.32251@3gpp.org", 32251),
        ("ext.01.001.8.32260@3gpp.org", 32260),
        ("gprs@op2.test", -1),
        ("@3gpp.org", -1),
        ("x@3gpp.org", -1),
        ("32251@3gpp.orgs", -1),
        ("3gpp.org", -1),
        ("", -1),
        ("123456789012345678901234567890@3gpp.org", 34567890),  # eight digits are enough
    ],
)
def test_service_context(context: str, number: int) -> None:
    row = decode_one(message(*essentials(context=context)))
    assert row.request.service_context == number
    assert row.outcome == Outcome.UNDECIDED


@pytest.mark.parametrize(
    ("units", "used", "presence"),
    [
        ((u64(421, 500),), (500, 0, 0), HAS_USED_OCTETS),
        ((u64(412, 300), u64(414, 200)), (500, 0, 0), HAS_USED_OCTETS),
        ((u64(414, 200),), (200, 0, 0), HAS_USED_OCTETS),
        ((u64(412, 300), u64(421, 555), u64(414, 200)), (555, 0, 0), HAS_USED_OCTETS),
        ((u32(420, 30), u64(421, 500)), (500, 30, 0), HAS_USED_OCTETS | HAS_USED_SECONDS),
        ((u64(417, 2),), (0, 0, 2), HAS_USED_EVENTS),
        ((u32(420, 2**32 - 1),), (0, 2**32 - 1, 0), HAS_USED_SECONDS),
        ((u64(421, 0),), (0, 0, 0), HAS_USED_OCTETS),
        ((u64(421, UNITS_MAX),), (UNITS_MAX, 0, 0), HAS_USED_OCTETS),
        ((), (0, 0, 0), 0),
    ],
)
def test_used_units(units: tuple[bytes, ...], used: tuple[int, int, int], presence: int) -> None:
    (mscc,) = decode_one(ccr(group(456, u32(432, 1), group(446, *units)))).msccs
    assert (mscc.used_octets, mscc.used_seconds, mscc.used_events) == used
    assert mscc.presence == HAS_USED | presence
    (mscc,) = decode_one(ccr(group(456, group(437, *units)))).msccs
    assert (mscc.requested_octets, mscc.requested_seconds, mscc.requested_events) == used
    assert mscc.presence == HAS_REQUESTED | (presence >> 4)
    assert mscc.rating_group == -1


def test_several_used_units_add_up() -> None:
    before = group(446, u32(452, 0), u64(412, 10), u64(414, 5))
    after = group(446, u32(452, 1), u64(421, 100), u32(420, 7))
    (mscc,) = decode_one(ccr(group(456, before, after, group(446, u32(420, 3))))).msccs
    assert (mscc.used_octets, mscc.used_seconds) == (115, 10)
    assert mscc.presence == HAS_USED | HAS_USED_OCTETS | HAS_USED_SECONDS | HAS_USED_BEFORE
    assert (mscc.before_octets, mscc.before_seconds, mscc.before_events) == (15, 0, 0)


@pytest.mark.parametrize(("change", "before"), [(0, (9, 8, 7)), (1, (0, 0, 0)), (2, (0, 0, 0))])
def test_units_before_a_tariff_change_are_known_apart(change: int, before: tuple[int, int, int]) -> None:
    """RFC 8506 §8.27: those that straddle it aren't among them."""
    used = group(446, u32(452, change), u64(421, 9), u32(420, 8), u64(417, 7))
    (mscc,) = decode_one(ccr(group(456, group(446, u64(421, 100)), used))).msccs
    assert (mscc.used_octets, mscc.used_seconds, mscc.used_events) == (109, 8, 7)
    assert (mscc.before_octets, mscc.before_seconds, mscc.before_events) == before
    assert mscc.presence & HAS_USED_BEFORE


def test_what_is_not_said_of_a_tariff_change_is_not_left_from_another_request() -> None:
    """A row of the batch is written anew."""
    codec = Codec()
    for inside, before in ((u32(452, 0), 5), (b"", 0)):
        (mscc,) = decode_one(ccr(group(456, group(446, inside, u64(421, 5)))), codec).msccs
        assert (mscc.before_octets, bool(mscc.presence & HAS_USED_BEFORE)) == (before, bool(inside))


def test_reporting_reason_of_the_mscc_goes_before_that_of_its_units() -> None:
    inside = group(446, u64(421, 1), u32(872, 3, VENDOR_3GPP))
    assert decode_one(ccr(group(456, inside))).msccs[0].reporting_reason == 3
    assert decode_one(ccr(group(456, inside, u32(872, 2, VENDOR_3GPP)))).msccs[0].reporting_reason == 2
    assert decode_one(ccr(group(456, u64(421, 1)))).msccs[0].reporting_reason == -1


def test_first_of_several_service_identifiers_and_absent_is_not_zero() -> None:
    row = decode_one(
        ccr(group(456, u32(439, 0), u32(439, 9), u32(432, 0)), group(456, u32(432, 2**32 - 1)), group(456))
    )
    assert [(mscc.rating_group, mscc.service_identifier) for mscc in row.msccs] == [(0, 0), (2**32 - 1, -1), (-1, -1)]


def test_requested_action_termination_cause_and_indicator() -> None:
    row = decode_one(ccr(u32(436, 0), u32(295, 4), u32(455, 0), request_type=4))
    assert (row.request.requested_action, row.request.termination_cause) == (0, 4)
    assert row.request.presence & HAS_REQUESTED_ACTION
    assert row.request.presence & HAS_MULTIPLE_SERVICES_INDICATOR
    assert not row.request.presence & MULTIPLE_SERVICES_SUPPORTED
    negative = decode_one(ccr(u32(436, -1), request_type=4))
    assert negative.request.requested_action == -1
    assert negative.request.presence & HAS_REQUESTED_ACTION


def test_header_bits() -> None:
    assert decode_one(message(*essentials(), flags=0x80)).request.presence == 0
    assert decode_one(message(*essentials(), flags=0x90)).request.presence == IS_RETRANSMISSION
    assert decode_one(message(*essentials(), flags=0xC0)).request.presence == IS_PROXIABLE


def test_units_outside_of_msccs_become_one_row() -> None:
    row = decode_one(ccr(group(437, u32(420, 60)), u32(439, 5)))
    (mscc,) = row.msccs
    assert (mscc.service_identifier, mscc.requested_seconds) == (5, 60)
    assert mscc.presence == HAS_REQUESTED | HAS_REQUESTED_SECONDS
    assert row.request.presence & UNITS_AT_COMMAND_LEVEL
    assert row.request.presence & COMMAND_LEVEL_LIMIT
    beside = decode_one(ccr(group(437, u32(420, 60)), u32(439, 5), group(456, u32(432, 1))))
    assert [mscc.rating_group for mscc in beside.msccs] == [1]
    assert not beside.request.presence & UNITS_AT_COMMAND_LEVEL


def test_event_is_never_without_a_row_to_charge() -> None:
    row = decode_one(ccr(u32(436, 0), u32(439, 7), request_type=4))
    assert [mscc.service_identifier for mscc in row.msccs] == [7]
    assert decode_one(ccr(request_type=1)).msccs == []


@pytest.mark.parametrize(
    ("total", "parts", "used"), [(0, (700, 300), 1000), (0, (0, 0), 0), (0, (), 0), (900, (700, 300), 900)]
)
def test_a_total_that_was_never_filled_does_not_make_usage_free(total: int, parts: tuple[int, ...], used: int) -> None:
    volumes = [u64(code, value) for code, value in zip((412, 414), parts, strict=False)]
    for units in ([u64(421, total), *volumes], [*volumes, u64(421, total)]):
        (mscc,) = decode_one(ccr(group(456, group(446, *units)), request_type=2)).msccs
        assert mscc.used_octets == used


# --- repeats ----------------------------------------------------------------------------------------------------------
def test_body_hash_knows_a_repeat_whatever_agents_add() -> None:
    parts = [*essentials(), text(293, "ocs1.example"), group(456, group(446, u64(421, 5))), ps_information()]
    first = decode_one(message(*parts)).request
    again = decode_one(
        message(
            *parts[:8],
            text(293, "ocs2.example"),
            *parts[9:],
            text(282, "dra.example"),
            group(284, text(280, "dra"), text(33, "state")),
            flags=0xD0,
            hop_by_hop=5,
        )
    ).request
    assert first.body_hash == again.body_hash
    assert again.presence & HAS_PROXY_INFO
    changed = decode_one(message(*parts[:9], group(456, group(446, u64(421, 6))), *parts[10:])).request
    assert changed.body_hash != first.body_hash
    swapped = decode_one(message(*parts[:9], parts[10], parts[9])).request
    assert swapped.body_hash != first.body_hash


def test_an_instant_taken_anew_is_a_repeat_where_numbers_tell_requests_apart() -> None:
    """Without numbers it is all that tells two equal reports apart, so there it is part of the body."""
    parts = [*essentials(), group(456, group(446, u64(421, 5)))]
    for presence, is_repeat in ((0, True), (COMMAND_LEVEL_LIMIT, True), (NEVER_COUNTS, False)):
        codec = Codec(presence=presence)
        first, later = (
            decode_one(message(*parts, u32(55, 3_900_000_000 + second)), codec).request for second in (0, 1)
        )
        assert (first.body_hash == later.body_hash) is is_repeat
        assert first.event_ns != later.event_ns


def test_service_information_hash_is_of_it_alone() -> None:
    one = decode_one(ccr(ps_information())).request
    two = decode_one(ccr(ps_information(), request_type=2, number=4)).request
    none = decode_one(ccr()).request
    assert one.service_information_hash == two.service_information_hash != 0
    assert none.service_information_hash == 0


# --- another implementation ------------------------------------------------------------------------------------------
def test_request_built_by_python_diameter() -> None:
    request = CreditControlRequest()
    request.header.application_id = 4
    request.header.hop_by_hop_identifier, request.header.end_to_end_identifier = 77, 88
    request.session_id = "peer;1;2"
    request.origin_host, request.origin_realm = b"peer", b"realm"
    request.destination_realm = b"farebox.example"
    request.service_context_id = "8.32251@3gpp.org"
    request.cc_request_type, request.cc_request_number = 2, 9
    request.subscription_id = [SubscriptionId(subscription_id_type=1, subscription_id_data="001010000000009")]
    request.multiple_services_indicator = 1
    request.multiple_services_credit_control = [
        MultipleServicesCreditControl(
            requested_service_unit=RequestedServiceUnit(cc_time=60, cc_total_octets=5000),
            used_service_unit=[UsedServiceUnit(cc_time=3, cc_input_octets=10, cc_output_octets=20)],
            rating_group=group_id,
        )
        for group_id in (100, 200)
    ]
    row = decode_one(request.as_bytes())
    assert row.outcome == Outcome.UNDECIDED
    assert (row.request.request_type, row.request.request_number, row.request.hop_by_hop) == (2, 9, 77)
    assert row.identities == [(1, b"001010000000009")]
    assert [mscc.rating_group for mscc in row.msccs] == [100, 200]
    for mscc in row.msccs:
        assert (mscc.requested_seconds, mscc.requested_octets) == (60, 5000)
        assert (mscc.used_seconds, mscc.used_octets) == (3, 30)
        assert not mscc.presence & HAS_REQUESTED_EVENTS

"""Messages of real clients, as their sources build them and as they were captured, become the rows that they mean."""

import json
from typing import Any

import pytest

from charging.batch import (
    HAS_MULTIPLE_SERVICES_INDICATOR,
    HAS_PROXY_INFO,
    HAS_REQUESTED,
    HAS_REQUESTED_ACTION,
    HAS_REQUESTED_OCTETS,
    HAS_REQUESTED_SECONDS,
    HAS_USED,
    HAS_USED_BEFORE,
    HAS_USED_OCTETS,
    HAS_USED_SECONDS,
    MULTIPLE_SERVICES_SUPPORTED,
    UNITS_AT_COMMAND_LEVEL,
)
from charging.tariff_tables import FinalAction
from tests.gy_interface.client_messages import INITIAL, TERMINATION, UPDATE, Magma, Open5gs, ergw, kamailio
from tests.gy_interface.codec import HOST, REALM, Codec, Decoded, grant
from tests.gy_interface.diameter_octets import avp, avps_of, ccr, group, u32, u64
from tests.reference.specifications import specifications
from vocabulary.instants import NS_PER_S, from_diameter_time
from vocabulary.outcomes import Outcome
from vocabulary.units import Unit


def decode_one(octets: bytes, codec: Codec) -> Decoded:
    (row,) = codec.decode(octets)
    assert row.outcome == Outcome.UNDECIDED, (row.outcome, row.failed, row.request.failed_code)
    return row


def codes_and_data(octets: bytes) -> list[tuple[int, bytes]]:
    return [(code, data) for code, _, _, data in avps_of(octets)]


class TestOpen5gs:
    """clients.md 6a."""

    def test_initial(self) -> None:
        row = decode_one(Open5gs().send(INITIAL), Codec(host=HOST, realm=REALM))
        (mscc,) = row.msccs
        assert (mscc.rating_group, mscc.service_identifier) == (-1, -1)
        assert (mscc.requested_octets, mscc.presence) == (1_000_000, HAS_REQUESTED | HAS_REQUESTED_OCTETS)
        presence = row.request.presence
        assert presence & HAS_MULTIPLE_SERVICES_INDICATOR
        assert not presence & MULTIPLE_SERVICES_SUPPORTED
        assert presence & HAS_REQUESTED_ACTION
        assert row.identities == [(1, b"001010000000001"), (0, b"491700000001")]
        assert (row.request.service_context, row.request.request_number) == (32251, 0)

    def test_update_sums_what_has_no_total(self) -> None:
        client = Open5gs()
        client.send(INITIAL)
        row = decode_one(client.send(UPDATE, seconds=9, up=300, down=700_000, reason=3), Codec(host=HOST, realm=REALM))
        (mscc,) = row.msccs
        assert (mscc.used_octets, mscc.used_seconds, mscc.reporting_reason) == (700_300, 9, 3)
        assert mscc.presence == (HAS_REQUESTED | HAS_REQUESTED_OCTETS | HAS_USED | HAS_USED_OCTETS | HAS_USED_SECONDS)
        later = decode_one(client.send(UPDATE, seconds=1, up=1, down=1, reason=4), Codec())
        assert later.msccs[0].reporting_reason == 4

    def test_termination(self) -> None:
        client = Open5gs()
        client.send(INITIAL)
        row = decode_one(client.send(TERMINATION, seconds=5, up=10, down=20), Codec())
        assert (row.request.termination_cause, row.msccs[0].used_octets, row.msccs[0].reporting_reason) == (1, 30, 2)
        assert row.msccs[0].presence == HAS_USED | HAS_USED_OCTETS | HAS_USED_SECONDS

    def test_answer_has_the_session_first_and_no_id_that_was_not_sent(self) -> None:
        codec = Codec()
        codec.decode(Open5gs().send(INITIAL))
        (answer,) = codec.encode(lambda _, msccs: grant(msccs[0], 1_000_000, Unit.OCTETS, 600))
        parts = codes_and_data(answer[20:])
        assert [code for code, _ in parts] == [263, 268, 264, 296, 258, 416, 415, 456]
        assert parts[-1][1] == group(431, u64(421, 1_000_000)) + u32(268, 2001) + u32(448, 600)

    @pytest.mark.parametrize("reason", [1, 2, 4, 6, 7, 9])
    def test_reasons_that_stand_in_the_mscc(self, reason: int) -> None:
        client = Open5gs()
        client.send(INITIAL)
        row = decode_one(client.send(UPDATE, seconds=1, up=2, down=3, reason=reason), Codec(host=HOST, realm=REALM))
        assert (row.msccs[0].reporting_reason, row.msccs[0].used_octets) == (reason, 5)

    @pytest.mark.parametrize("reason", [0, 3, 5])
    def test_reasons_that_stand_in_the_used_units(self, reason: int) -> None:
        client = Open5gs()
        client.send(INITIAL)
        row = decode_one(client.send(UPDATE, seconds=1, up=2, down=3, reason=reason), Codec(host=HOST, realm=REALM))
        assert (row.msccs[0].reporting_reason, row.msccs[0].used_octets) == (reason, 5)

    def test_first_answers_host_comes_back_as_destination(self) -> None:
        client = Open5gs()
        first, second = client.send(INITIAL), client.send(UPDATE, up=1, reason=3)
        assert 293 not in dict(codes_and_data(first[20:]))
        assert dict(codes_and_data(second[20:]))[293] == HOST.encode()
        assert decode_one(second, Codec(host=HOST, realm=REALM)).request.request_number == 1

    def test_direct_debiting_is_said_in_sessions_too_and_means_nothing(self) -> None:
        client = Open5gs()
        for request_type in (INITIAL, UPDATE, TERMINATION):
            request = decode_one(client.send(request_type), Codec()).request
            assert (request.request_type, request.requested_action) == (request_type, 0)
            assert request.presence & HAS_REQUESTED_ACTION

    def test_numbers_are_echoed_for_it_finds_its_request_by_them(self) -> None:
        client, codec = Open5gs(), Codec(host=HOST, realm=REALM)
        for number, request_type in enumerate((INITIAL, UPDATE, UPDATE, UPDATE, TERMINATION)):
            octets = client.send(request_type, up=number)
            codec.decode(octets)
            (answer,) = codec.encode()
            parts = dict(codes_and_data(answer[20:]))
            assert parts[415] == number.to_bytes(4, "big")
            assert parts[416] == request_type.to_bytes(4, "big")
            assert answer[12:20] == octets[12:20]

    def test_out_of_credit_is_said_in_the_one_mscc(self) -> None:
        codec = Codec()
        codec.decode(Open5gs().send(INITIAL))
        (answer,) = codec.encode(lambda _, msccs: msccs.__setitem__("outcome", Outcome.CREDIT_LIMIT_REACHED))
        parts = codes_and_data(answer[20:])
        assert (268, (2001).to_bytes(4, "big")) in parts
        assert [data for code, data in parts if code == 456] == [u32(268, 4012)]

    def test_time_and_volume_are_rated_by_what_the_price_counts(self) -> None:
        client, codec = Open5gs(), Codec()
        client.send(INITIAL)
        codec.decode(client.send(UPDATE, seconds=9, up=1, down=2, reason=3))
        (answer,) = codec.encode(lambda _, msccs: grant(msccs[0], 60, Unit.SECONDS))
        assert dict(codes_and_data(answer[20:]))[456] == group(431, u32(420, 60)) + u32(268, 2001)


class TestMagma:
    """clients.md 6b."""

    def test_msccs_before_everything_else(self) -> None:
        row = decode_one(Magma().send(INITIAL, {1: (0, 0), 2: (0, 0)}, has_host=True), Codec(host=HOST, realm=REALM))
        assert [(mscc.rating_group, mscc.service_identifier) for mscc in row.msccs] == [(2, 1002), (1, 1001)]
        assert all(mscc.requested_octets == 100_000 for mscc in row.msccs)
        assert row.request.presence & MULTIPLE_SERVICES_SUPPORTED
        assert row.identities == [(0, b"491700000002"), (1, b"001010000000002")]
        assert row.origin_host == b"magma.example"
        assert row.session_id.endswith(b"IMSI001010000000002")

    def test_total_is_not_added_to_its_parts(self) -> None:
        client = Magma(number_is_known=False)
        client.send(INITIAL, {1: (0, 0)})
        row = decode_one(client.send(UPDATE, {1: (400, 600)}, reason=3), Codec())
        assert (row.msccs[0].used_octets, row.msccs[0].reporting_reason) == (1000, 3)
        assert row.identities == [(1, b"001010000000002")]
        final = decode_one(client.send(TERMINATION, {1: (1, 2)}, reason=2), Codec())
        assert (final.msccs[0].used_octets, final.msccs[0].reporting_reason) == (3, 2)
        assert not final.msccs[0].presence & HAS_REQUESTED

    def test_empty_request_asks_for_what_we_think_right(self) -> None:
        (mscc,) = decode_one(Magma(is_empty_request=True).send(INITIAL, {1: (0, 0)}), Codec()).msccs
        assert (mscc.presence, mscc.requested_octets) == (HAS_REQUESTED, 0)

    def test_every_mscc_is_answered_with_rating_group_and_result(self) -> None:
        codec = Codec()
        codec.decode(Magma().send(INITIAL, {1: (0, 0), 2: (0, 0)}))

        def decide(answers: Any, msccs: Any) -> None:
            msccs[0]["outcome"] = Outcome.CREDIT_LIMIT_REACHED
            grant(msccs[1], 5)

        (answer,) = codec.encode(decide)
        parts = codes_and_data(answer[20:])
        assert (415, (0).to_bytes(4, "big")) in parts
        assert [data for code, data in parts if code == 456] == [
            u32(439, 1002) + u32(432, 2) + u32(268, 4012),
            group(431, u64(421, 5)) + u32(439, 1001) + u32(432, 1) + u32(268, 2001),
        ]

    @pytest.mark.parametrize("reason", [1, 2, 4, 6, 7])
    def test_reasons_outside_and_inside(self, reason: int) -> None:
        client = Magma()
        client.send(INITIAL, {1: (0, 0)})
        row = decode_one(client.send(UPDATE, {1: (5, 6), 2: (7, 8)}, reason=reason), Codec(host=HOST, realm=REALM))
        assert [(mscc.reporting_reason, mscc.used_octets) for mscc in row.msccs] == [(reason, 15), (reason, 11)]
        inside = decode_one(client.send(UPDATE, {1: (5, 6)}, reason=3), Codec(host=HOST, realm=REALM))
        assert inside.msccs[0].reporting_reason == 3

    def test_update_has_an_mscc_in_its_answer_even_where_no_more_is_asked(self) -> None:
        client, codec = Magma(), Codec()
        client.send(INITIAL, {1: (0, 0)})
        codec.decode(client.send(TERMINATION, {1: (1, 2)}, reason=2))
        (answer,) = codec.encode()
        assert dict(codes_and_data(answer[20:]))[456] == u32(439, 1001) + u32(432, 1) + u32(268, 2001)

    def test_final_unit_is_in_the_mscc(self) -> None:
        codec = Codec()
        codec.decode(Magma().send(INITIAL, {1: (0, 0)}))
        (answer,) = codec.encode(lambda _, msccs: grant(msccs[0], 9, Unit.OCTETS, 60, FinalAction.TERMINATE))
        expected = group(431, u64(421, 9)) + u32(439, 1001) + u32(432, 1) + u32(268, 2001) + u32(448, 60)
        assert dict(codes_and_data(answer[20:]))[456] == expected + group(430, u32(449, 0))

    def test_refusal_has_what_it_matches_answers_by(self) -> None:
        client, codec = Magma(), Codec()
        client.send(INITIAL, {1: (0, 0)})
        codec.decode(client.send(UPDATE, {1: (1, 2)}, reason=3))
        for outcome in (Outcome.TOO_BUSY, Outcome.UNKNOWN_SESSION_ID, Outcome.USER_UNKNOWN):
            (answer,) = codec.encode(lambda answers, _, outcome=outcome: answers.__setitem__("outcome", outcome))
            parts = dict(codes_and_data(answer[20:]))
            assert (parts[263], parts[415]) == (client.session_id.encode(), (1).to_bytes(4, "big"))
            assert {264, 296, 268, 416} <= set(parts)


def test_ergw_needs_rating_group_and_result_of_each_mscc() -> None:
    codec = Codec()
    codec.decode(ergw(UPDATE, 3))
    (answer,) = codec.encode(lambda _, msccs: grant(msccs[0], 1000, Unit.OCTETS, 600))
    parts = dict(codes_and_data(answer[20:]))
    assert parts[268] == (2001).to_bytes(4, "big")
    assert parts[456] == group(431, u64(421, 1000)) + u32(432, 3000) + u32(268, 2001) + u32(448, 600)
    assert decode_one(ergw(TERMINATION, 4), Codec(realm=REALM)).msccs[0].presence & HAS_REQUESTED == 0


def test_kamailio_is_granted_time() -> None:
    codec = Codec()
    codec.decode(kamailio(INITIAL, 0))
    (answer,) = codec.encode(lambda _, msccs: grant(msccs[0], 30, Unit.SECONDS, 600))
    parts = dict(codes_and_data(answer[20:]))
    assert parts[456] == group(431, u32(420, 30)) + u32(439, 1000) + u32(432, 100) + u32(268, 2001) + u32(448, 600)
    assert (parts[268], parts[258]) == ((2001).to_bytes(4, "big"), (4).to_bytes(4, "big"))


@pytest.mark.parametrize(("request_type", "number"), [(TERMINATION, 2), (TERMINATION, 1), (UPDATE, 5), (INITIAL, 1)])
def test_numbers_that_repeat_or_jump_are_taken(request_type: int, number: int) -> None:
    """clients.md 6e: some repeat the last number in the termination, some jump to 5, some begin at 1."""
    request = decode_one(ccr(group(456, u32(432, 1)), request_type=request_type, number=number), Codec()).request
    assert (request.request_type, request.request_number) == (request_type, number)


def test_units_without_an_mscc() -> None:
    """clients.md 6e: CGRateS' voice tests ask and report at command level, with a Huawei group beside."""
    huawei = avp(20300, b"in information", 2011, flags=0x80)
    row = decode_one(
        ccr(group(437, u32(420, 60)), group(446, u32(420, 12)), u32(439, 0), huawei, request_type=UPDATE), Codec()
    )
    (mscc,) = row.msccs
    assert (mscc.requested_seconds, mscc.used_seconds, mscc.rating_group) == (60, 12, -1)
    assert row.request.presence & UNITS_AT_COMMAND_LEVEL


def test_ergw() -> None:
    row = decode_one(ergw(UPDATE, 3), Codec(realm=REALM))
    (mscc,) = row.msccs
    assert (mscc.rating_group, mscc.used_octets, mscc.used_seconds, mscc.reporting_reason) == (3000, 300, 60, 4)
    assert mscc.presence == HAS_REQUESTED | HAS_USED | HAS_USED_OCTETS | HAS_USED_SECONDS | HAS_USED_BEFORE
    assert (mscc.before_octets, mscc.before_seconds) == (300, 60)  # it says so of all usage, there was a change or not
    assert row.request.service_context == 32251


def test_kamailio() -> None:
    row = decode_one(kamailio(INITIAL, 0), Codec(host=HOST, realm=REALM))
    (mscc,) = row.msccs
    assert (mscc.rating_group, mscc.service_identifier, mscc.requested_seconds) == (100, 1000, 30)
    assert mscc.presence == HAS_REQUESTED | HAS_REQUESTED_SECONDS
    assert row.origin_host == b"scscf.ims.example"
    assert row.identities == [(0, b"491700000004")]
    assert row.request.service_context == 32260
    assert decode_one(kamailio(TERMINATION, 2), Codec()).msccs[0].used_seconds == 12


# --- captures ---------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def captured() -> dict[str, bytes]:
    """Messages of public captures by id."""
    path = specifications() / "captures" / "diameter-gy" / "gy_messages.json"
    return {entry["id"]: bytes.fromhex(entry["hex"]) for entry in json.loads(path.read_text())["messages"]}


RSU = HAS_REQUESTED
RSU_OCTETS = HAS_REQUESTED | HAS_REQUESTED_OCTETS
USU_OCTETS = HAS_USED | HAS_USED_OCTETS
CAPTURED = {
    # id: (request type, number, context, event s since 1900, identity kinds,
    #      (rating group, service identifier, requested octets, used octets, reporting reason, presence) or None)
    "A-CCR-I": (1, 0, 32251, 0xED7483C1, [0, 1, 3], (1004, -1, 512000, 0, -1, RSU_OCTETS)),
    "A-CCR-U1": (2, 1, 32251, 0xED7483C1, [0, 1, 3], (1004, -1, 512000, 128000, 3, RSU_OCTETS | USU_OCTETS)),
    "A-CCR-U2": (2, 2, 32251, 0xED7483C3, [0, 1, 3], (1004, -1, 512000, 256000, 3, RSU_OCTETS | USU_OCTETS)),
    "A-CCR-T": (3, 3, 32251, 0xED7483C5, [0, 1, 3], (1004, -1, 0, 256000, 2, USU_OCTETS)),
    "B-CCR-T": (3, 2, 32251, 0xD6F7D59D, [0, 1], (199, 199, 0, 467568, 2, USU_OCTETS)),
    "C-CCR-U": (2, 3, -1, 0xD753C9CA, [0, 1], (2000000009, -1, 0, 392, 4, RSU | USU_OCTETS)),
    "D-CCR-I": (1, 0, 32251, 0xE77A79CB, [0, 1], None),
}


@pytest.mark.parametrize("name", CAPTURED)
def test_captured_request(captured: dict[str, bytes], name: str) -> None:
    request_type, number, context, event_s, kinds, service = CAPTURED[name]
    octets = captured[name]
    row = decode_one(octets, Codec(is_lenient=name == "D-CCR-I"))
    request = row.request
    assert (request.request_type, request.request_number, request.service_context) == (request_type, number, context)
    assert request.event_ns == from_diameter_time(event_s)
    assert request.event_ns % NS_PER_S == 0
    assert [kind for kind, _ in row.identities] == kinds
    assert (request.hop_by_hop, request.end_to_end) == tuple(
        int.from_bytes(octets[at : at + 4], "big") for at in (12, 16)
    )
    parts = dict(codes_and_data(octets[20:]))
    assert (row.session_id, row.origin_host, row.origin_realm) == (parts[263], parts[264], parts[296])
    assert row.service_information[12:] == parts[873]
    assert bool(request.presence & HAS_PROXY_INFO) == (284 in parts)
    found = [
        (
            mscc.rating_group,
            mscc.service_identifier,
            mscc.requested_octets,
            mscc.used_octets,
            mscc.reporting_reason,
            mscc.presence,
        )
        for mscc in row.msccs
    ]
    assert found == ([service] if service else [])


def test_captured_avp_of_an_operator_needs_a_lenient_peer(captured: dict[str, bytes]) -> None:
    (row,) = Codec().decode(captured["D-CCR-I"])
    assert (row.outcome, row.failed) == (Outcome.AVP_UNSUPPORTED, u32(256, 0, vendor=12645))


def test_captured_answers_are_none_of_ours_to_decode(captured: dict[str, bytes]) -> None:
    codec = Codec()
    stream = b"".join(captured.values())
    rows = codec.decode(stream)
    assert (len(rows), codec.others_count) == (len(CAPTURED), len(captured) - len(CAPTURED))


@pytest.mark.parametrize("name", ["A-CCA-I", "A-CCA-U1", "A-CCA-U2", "A-CCA-T", "B-CCA-T"])
def test_our_answer_says_what_the_captured_one_says(captured: dict[str, bytes], name: str) -> None:
    codec = Codec()
    codec.decode(captured[name.replace("CCA", "CCR")])
    (answer,) = codec.encode(lambda _, msccs: grant(msccs[0], 512000, Unit.OCTETS, 1800))
    theirs, ours = captured[name], answer
    assert (ours[4:12], ours[12:20]) == (theirs[4:12], theirs[12:20])
    left_out = {264, 296, 278}  # who answers, and the state id that is optional
    their_parts = {code: data for code, data in codes_and_data(theirs[20:]) if code not in left_out}
    our_parts = {code: data for code, data in codes_and_data(ours[20:]) if code not in left_out}
    if 456 in their_parts:
        assert sorted(codes_and_data(our_parts.pop(456))) == sorted(codes_and_data(their_parts.pop(456)))
    our_parts.pop(456, None)  # a termination's MSCC may be left out: that of capture A is
    assert our_parts == their_parts

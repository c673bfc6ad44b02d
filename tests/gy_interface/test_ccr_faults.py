"""What is wrong with a CCR becomes its outcome, with the AVP at fault; nothing of it is decided then."""

import pytest

from charging.batch import (
    NUMBER_UNREADABLE,
)
from tests.gy_interface.codec import HOST, REALM, Codec, decode_one
from tests.gy_interface.diameter_octets import (
    SESSION_ID,
    avp,
    ccr,
    essentials,
    group,
    message,
    subscription,
    text,
    u32,
    u64,
)
from vocabulary.limits import (
    MSCCS_PER_REQUEST_MAX,
    UNITS_MAX,
)
from vocabulary.outcomes import Outcome


@pytest.mark.parametrize("code", [263, 264, 296, 283, 461, 416, 415])
def test_missing_avp(code: int) -> None:
    kept = [part for part in essentials() if int.from_bytes(part[:4], "big") != code]
    row = decode_one(message(*kept, group(456, u32(432, 1)), subscription(1, "00101")))
    assert (row.outcome, row.failed, row.request.failed_code) == (Outcome.MISSING_AVP, b"", code)
    assert (row.msccs, row.identities) == ([], [])
    assert bool(row.request.presence & NUMBER_UNREADABLE) == (code == 415)


def test_application_id_may_stand_elsewhere_but_not_be_another() -> None:
    kept = [part for part in essentials() if int.from_bytes(part[:4], "big") != 258]
    assert decode_one(message(*kept)).outcome == Outcome.UNDECIDED
    vendor_specific = group(260, u32(266, 10415), u32(258, 4))
    assert decode_one(message(*kept, vendor_specific)).outcome == Outcome.UNDECIDED
    row = decode_one(message(*kept, u32(258, 16777238)))
    assert (row.outcome, row.failed) == (Outcome.INVALID_AVP_VALUE, u32(258, 16777238))


UNKNOWN = avp(9999, b"what", 4711)


@pytest.mark.parametrize(
    ("octets", "outcome", "failed"),
    [
        (ccr(request_type=0), Outcome.INVALID_AVP_VALUE, u32(416, 0)),
        (ccr(request_type=5), Outcome.INVALID_AVP_VALUE, u32(416, 5)),
        (ccr(u32(416, 1)), Outcome.AVP_OCCURS_TOO_MANY_TIMES, u32(416, 1)),
        (ccr(u32(415, 8)), Outcome.AVP_OCCURS_TOO_MANY_TIMES, u32(415, 8)),
        (ccr(text(263, "b")), Outcome.AVP_OCCURS_TOO_MANY_TIMES, text(263, "b")[:9]),
        (ccr(group(456, u32(432, 1), u32(432, 2))), Outcome.AVP_OCCURS_TOO_MANY_TIMES, u32(432, 2)),
        (ccr(group(456, group(437), group(437))), Outcome.AVP_OCCURS_TOO_MANY_TIMES, group(437)),
        (ccr(UNKNOWN), Outcome.AVP_UNSUPPORTED, UNKNOWN),
        (ccr(group(456, UNKNOWN)), Outcome.AVP_UNSUPPORTED, UNKNOWN),
        (ccr(avp(415, b"12")), Outcome.INVALID_AVP_LENGTH, avp(415, b"12")[:10]),
        (ccr(avp(55, b"12345")), Outcome.INVALID_AVP_LENGTH, avp(55, b"12345")[:13]),
        (ccr(group(456, avp(432, b""))), Outcome.INVALID_AVP_LENGTH, avp(432, b"")),
        (ccr(group(456, group(446, u32(421, 1)))), Outcome.INVALID_AVP_LENGTH, u32(421, 1)),
        (ccr(group(443, u64(450, 1), text(444, "1"))), Outcome.INVALID_AVP_LENGTH, u64(450, 1)),
        (ccr(subscription(1, "1" * 129)), Outcome.INVALID_AVP_LENGTH, text(444, "1" * 129)[:137]),
        (message(*essentials(session_id="")), Outcome.INVALID_AVP_LENGTH, text(263, "")),
        (message(*essentials(session_id="s" * 516)), Outcome.INVALID_AVP_LENGTH, text(263, "s" * 516)),
        (ccr(subscription(5, "1")), Outcome.INVALID_AVP_VALUE, u32(450, 5)),
        (ccr(group(456, group(446, u64(421, -1)))), Outcome.INVALID_AVP_VALUE, u64(421, -1)),
        (ccr(group(456, group(446, u32(452, 3)))), Outcome.INVALID_AVP_VALUE, u32(452, 3)),
        (ccr(group(456, group(437, u64(417, UNITS_MAX + 1)))), Outcome.INVALID_AVP_VALUE, u64(417, UNITS_MAX + 1)),
        (
            ccr(group(456, group(437, u64(412, UNITS_MAX), u64(414, 1)))),
            Outcome.INVALID_AVP_VALUE,
            group(437, u64(412, UNITS_MAX), u64(414, 1)),
        ),
    ],
)
def test_refused_with_the_avp_at_fault(octets: bytes, outcome: Outcome, failed: bytes) -> None:
    row = decode_one(octets)
    assert (row.outcome, row.failed) == (outcome, failed)
    assert (row.msccs, row.identities) == ([], [])
    assert row.session_id or b"\x00\x00\x01\x07" in failed


@pytest.mark.parametrize(
    ("tail", "code", "vendor"),
    [
        (b"\x00\x00\x01\xa0\x40\x00\x00\x10" + b"abcd", 416, 0),  # runs past the message
        (b"\x00\x00\x01\xa0\x40\x00\x00\x07", 416, 0),  # shorter than its header
        (b"\x00\x00\x03\x69\xc0\x00\x00\x0b" + b"\x00\x00\x28\xaf", 873, 10415),  # shorter than that of a vendor
        (b"\x00\x00\x03\x69\xc0\x00\x00\x0c", 873, 0),  # no room for the vendor
        (b"\x00\x00\x00\x37", 55, 0),  # no room for a header
    ],
)
def test_length_that_cannot_be_true_names_the_avp(tail: bytes, code: int, vendor: int) -> None:
    row = decode_one(ccr(tail))
    assert (row.outcome, row.failed) == (Outcome.INVALID_AVP_LENGTH, b"")
    assert (row.request.failed_code, row.request.failed_vendor) == (code, vendor)
    assert row.session_id == SESSION_ID.encode()


@pytest.mark.parametrize("level", [456, 443, 446])
def test_length_beyond_its_group(level: int) -> None:
    cut = u32(432, 1)[:4] + b"\x40\x00\x00\x10" + u32(432, 1)[8:]
    wrapped = group(456, group(446, cut)) if level == 446 else group(level, cut)
    row = decode_one(ccr(wrapped, subscription(1, "00101")))
    assert (row.outcome, row.request.failed_code) == (Outcome.INVALID_AVP_LENGTH, 432)


def test_subscription_without_type_or_data() -> None:
    assert decode_one(ccr(group(443, text(444, "1")))).request.failed_code == 450
    assert decode_one(ccr(group(443, u32(450, 1)))).request.failed_code == 444


MONEY = group(413, group(445, u64(447, 5)), u32(425, 978))
EVENT, ACTION = 4, u32(436, 0)


@pytest.mark.parametrize(
    ("parts", "failed"),
    [
        ((group(456, group(437, MONEY)),), MONEY),
        ((group(456, group(437, u64(417, 1), MONEY)),), MONEY),
        ((group(437, MONEY),), MONEY),
        ((group(456, group(437, u64(417, 0))),), u64(417, 0)),
        ((group(456, group(437, u64(421, 0), u64(412, 0))),), u64(421, 0)),
        ((group(437, u32(420, 0)),), u32(420, 0)),
        ((group(456, group(437)), group(456, group(437, u64(417, 0)))), u64(417, 0)),
    ],
)
def test_a_direct_debiting_is_of_units_above_zero(parts: tuple[bytes, ...], failed: bytes) -> None:
    row = decode_one(ccr(*parts, ACTION, request_type=EVENT))
    assert (row.outcome, row.failed, row.msccs) == (Outcome.INVALID_AVP_VALUE, failed, [])
    for octets in (ccr(*parts), ccr(*parts, u32(436, 1), request_type=EVENT), ccr(*parts, request_type=EVENT)):
        assert decode_one(octets).outcome == Outcome.UNDECIDED, (
            "no session asks so, and other actions are refused as such"
        )


@pytest.mark.parametrize(
    "parts",
    [
        (),
        (group(456, u32(432, 1)),),
        (group(437),),
        (group(456, group(437)),),
        (group(456, group(437, u64(421, 0), u64(412, 7))),),
        (group(456, group(437, u32(420, 0), u64(417, 1))),),
        (group(456, group(437, u64(417, 0)), group(446, u64(417, 2))),),
        (group(456, group(446, u64(417, 0))),),
    ],
)
def test_an_event_that_names_no_units_or_some_is_decided(parts: tuple[bytes, ...]) -> None:
    assert decode_one(ccr(*parts, ACTION, request_type=EVENT)).outcome == Outcome.UNDECIDED


def test_too_many_msccs() -> None:
    msccs = [group(456, u32(432, number)) for number in range(MSCCS_PER_REQUEST_MAX + 1)]
    assert len(decode_one(ccr(*msccs[:-1])).msccs) == MSCCS_PER_REQUEST_MAX
    row = decode_one(ccr(*msccs))
    assert (row.outcome, row.failed, row.msccs) == (Outcome.AVP_OCCURS_TOO_MANY_TIMES, msccs[-1], [])


def test_unknown_avp_without_m_or_of_a_lenient_sender_is_passed_over() -> None:
    quiet = avp(9999, b"what", 4711, flags=0x80)
    assert decode_one(ccr(quiet, group(456, quiet))).outcome == Outcome.UNDECIDED
    assert decode_one(ccr(UNKNOWN, group(456, UNKNOWN)), Codec(is_lenient=True)).outcome == Outcome.UNDECIDED
    deeper = group(873, group(874, UNKNOWN, vendor=10415), vendor=10415)
    assert decode_one(ccr(deeper)).outcome == Outcome.UNDECIDED


def test_first_fault_in_order_of_precedence_is_answered() -> None:
    row = decode_one(ccr(u32(415, 1), group(456, group(446, u64(421, -1))), UNKNOWN))
    assert row.outcome == Outcome.AVP_UNSUPPORTED
    assert (row.request.request_type, row.request.request_number) == (1, 1)


def test_who_it_is_meant_for() -> None:
    codec = Codec(host=HOST, realm=REALM)
    assert decode_one(ccr(text(293, HOST.upper())), codec).outcome == Outcome.UNDECIDED
    for host in ("other.example", HOST + "x", ""):
        assert decode_one(ccr(text(293, host)), codec).outcome == Outcome.UNABLE_TO_DELIVER
    elsewhere = [text(283, "other.realm") if part[3] == 283 & 0xFF else part for part in essentials()]
    assert decode_one(message(*elsewhere), codec).outcome == Outcome.UNABLE_TO_DELIVER
    assert decode_one(message(*elsewhere)).outcome == Outcome.UNDECIDED
    for realms in (essentials() + elsewhere[3:4], elsewhere[3:4] + essentials()):
        assert decode_one(message(*realms), codec).outcome == Outcome.UNDECIDED, "one of two is ours (clients.md 6d)"

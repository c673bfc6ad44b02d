"""What a CCR reports and nothing charges goes to the engine nevertheless: of a request at fault, and beside MSCCs."""

import pytest

from charging.batch import HAS_USED, HAS_USED_BEFORE, HAS_USED_OCTETS, UNITS_AT_COMMAND_LEVEL
from tests.gy_interface.codec import HOST, REALM, Codec, Decoded, decode_one, grant
from tests.gy_interface.diameter_octets import (
    avp,
    avps_of,
    ccr,
    essentials,
    group,
    message,
    subscription,
    text,
    u32,
    u64,
)
from vocabulary.limits import MSCCS_PER_REQUEST_MAX, UNITS_MAX
from vocabulary.outcomes import Outcome

USED = group(446, u64(421, 500))
GOOD = group(456, u32(432, 10), group(437), USED)
WHO = subscription(1, "00101")
INVALID = Outcome.INVALID_AVP_VALUE
MOST = MSCCS_PER_REQUEST_MAX
UNKNOWN = avp(9999, b"what", 4711)


def kept(row: Decoded) -> list[tuple[int, int, int, int]]:
    """(rating group, octets, seconds, events) of what goes on."""
    return [(mscc.rating_group, mscc.used_octets, mscc.used_seconds, mscc.used_events) for mscc in row.msccs]


@pytest.mark.parametrize(
    ("parts", "outcome", "reports"),
    [
        ((GOOD, group(456, u32(432, 20), group(446, u64(421, -1)))), INVALID, [(10, 500, 0, 0)]),
        ((GOOD, group(456, u32(432, 20), group(446, u64(421, -1), u32(420, 3)))), INVALID, [(10, 500, 0, 0), (20, 0, 3, 0)]),
        ((group(456, u32(432, 20), group(446, u32(452, 3), u64(421, 7))),), INVALID, [(20, 7, 0, 0)]),
        ((group(456, group(437, u64(417, UNITS_MAX + 1))), GOOD), INVALID, [(10, 500, 0, 0)]),
        ((group(456, u32(432, 1), *[group(446, u64(421, UNITS_MAX // 2 + 1))] * 2),), INVALID, [(1, UNITS_MAX // 2 + 1, 0, 0)]),
        ((group(456, u32(432, 1), group(446, u64(417, 2), u64(421, 3), u64(421, -1))),), INVALID, [(1, 3, 0, 2)]),
        ((GOOD, UNKNOWN), Outcome.AVP_UNSUPPORTED, [(10, 500, 0, 0)]),
        ((GOOD, u32(415, 8)), Outcome.AVP_OCCURS_TOO_MANY_TIMES, [(10, 500, 0, 0)]),
        ((GOOD, group(456, avp(432, b""))), Outcome.INVALID_AVP_LENGTH, [(10, 500, 0, 0)]),
        ((*[GOOD] * (MOST + 1),), Outcome.AVP_OCCURS_TOO_MANY_TIMES, [(10, 500, 0, 0)] * MOST),
        ((USED, UNKNOWN), Outcome.AVP_UNSUPPORTED, [(-1, 500, 0, 0)]),
    ],
    ids=[
        *("a value that can't be", "and another unit", "tariff change", "asked", "a sum that can't be", "twice", "unknown"),
        *("twice a number", "length", "too many", "at command level"),
    ],
)  # fmt: skip
def test_what_a_request_at_fault_reports_goes_on(
    parts: tuple[bytes, ...], outcome: Outcome, reports: list[tuple[int, int, int, int]]
) -> None:
    row = decode_one(ccr(WHO, *parts, request_type=2))
    assert (row.request.outcome, row.request.refusal) == (Outcome.UNDECIDED, outcome)
    assert (kept(row), row.identities) == (reports, [(1, b"00101")])
    assert all(mscc.presence & ~HAS_USED_BEFORE >= HAS_USED for mscc in row.msccs)
    assert all(mscc.presence < 2 * HAS_USED_BEFORE and not mscc.presence % HAS_USED for mscc in row.msccs), (
        "what it asks for is left out"
    )


@pytest.mark.parametrize(
    ("octets", "outcome"),
    [
        (ccr(WHO, UNKNOWN, group(456, group(437, u64(421, 5)), group(446, u64(421, 0)))), Outcome.AVP_UNSUPPORTED),
        (ccr(WHO, GOOD, request_type=5), INVALID),
        (message(*essentials(session_id=""), WHO, GOOD), Outcome.INVALID_AVP_LENGTH),
        (message(*essentials(session_id="s" * 516), WHO, GOOD), Outcome.INVALID_AVP_LENGTH),
        (ccr(WHO, GOOD, UNKNOWN, text(293, "other.example")), Outcome.UNABLE_TO_DELIVER),
    ],
    ids=["0 units", "no type", "no session", "no session that can be", "another server's"],
)
def test_what_reports_nothing_of_a_session_of_ours_is_answered_at_once(octets: bytes, outcome: Outcome) -> None:
    row = decode_one(octets, Codec(host=HOST, realm=REALM))
    assert (row.request.outcome, row.request.refusal) == (outcome, Outcome.UNDECIDED)
    assert (row.msccs, row.identities) == ([], [])


def test_the_answer_is_that_of_the_fault() -> None:
    """Once it is on record: Result-Code and Failed-AVP, and no MSCC."""
    bad = group(456, u32(432, 20), group(446, u32(452, 3), u64(421, 7)))
    codec = Codec()
    codec.decode(ccr(WHO, GOOD, bad, request_type=2))
    (answer,) = codec.encode()
    found = {code: data for code, _, _, data in avps_of(answer[20:])}
    assert found[268] == u32(268, 5004)[8:]
    assert found[279] == u32(452, 3)
    assert 456 not in found


def test_a_request_without_a_fault_has_no_refusal() -> None:
    codec = Codec()
    assert decode_one(ccr(WHO, GOOD, UNKNOWN), codec).request.refusal == Outcome.AVP_UNSUPPORTED
    assert decode_one(ccr(WHO, GOOD), codec).request.refusal == Outcome.UNDECIDED


# --- beside MSCCs ----------------------------------------------------------------------------------------------------
def test_used_units_beside_msccs_are_one_that_is_only_recorded() -> None:
    parts = (USED, u32(439, 5), group(446, u32(452, 0), u64(421, 20)), group(437, u64(421, 9)), u32(439, 6))
    row = decode_one(ccr(WHO, *parts[:2], GOOD, *parts[2:], request_type=2))
    first, beside = row.msccs
    assert (row.outcome, first.outcome, beside.outcome) == (Outcome.UNDECIDED, Outcome.UNDECIDED, INVALID)
    assert (beside.rating_group, beside.service_identifier, beside.used_octets, beside.before_octets) == (
        -1,
        5,
        520,
        20,
    )
    assert beside.presence == HAS_USED | HAS_USED_OCTETS | HAS_USED_BEFORE
    assert (first.used_octets, row.request.presence & UNITS_AT_COMMAND_LEVEL) == (500, 0)


def test_it_is_not_answered() -> None:
    codec = Codec()
    codec.decode(ccr(WHO, USED, GOOD, request_type=2))
    (answer,) = codec.encode(lambda _, msccs: [grant(mscc, 7) for mscc in msccs[:2]])
    assert [code for code, _, _, _ in avps_of(answer[20:])].count(456) == 1


@pytest.mark.parametrize("units", [(), (u64(421, 0),), (group(413, group(445, u64(447, 1))),)])
def test_nothing_beside_msccs_is_nothing(units: tuple[bytes, ...]) -> None:
    row = decode_one(ccr(WHO, GOOD, group(446, *units), request_type=2))
    assert (len(row.msccs), row.outcome) == (1, Outcome.UNDECIDED)


def test_beside_as_many_msccs_as_there_may_be_it_is_one_too_many() -> None:
    row = decode_one(ccr(WHO, USED, *[GOOD] * MSCCS_PER_REQUEST_MAX, request_type=2))
    assert (row.outcome, row.request.failed_code) == (Outcome.AVP_OCCURS_TOO_MANY_TIMES, 446)
    assert kept(row) == [(10, 500, 0, 0)] * MSCCS_PER_REQUEST_MAX


def test_a_fault_of_it_is_one_of_the_request() -> None:
    row = decode_one(ccr(WHO, group(446, u64(421, 20), u64(417, -1)), GOOD, request_type=2))
    assert (row.request.refusal, row.failed) == (INVALID, u64(417, -1))
    assert kept(row) == [(10, 500, 0, 0), (-1, 20, 0, 0)]

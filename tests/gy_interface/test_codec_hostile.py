"""Whatever octets arrive: the kernels end, read nothing that isn't theirs, and mean what the plain twin means."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from charging.batch import (
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
    MULTIPLE_SERVICES_SUPPORTED,
    NEVER_COUNTS,
    NUMBER_UNREADABLE,
    UNITS_AT_COMMAND_LEVEL,
    new_usage_batch,
)
from gy_interface.ccr import NEEDS_OCTETS, NOT_FRAMED
from tests.gy_interface.client_messages import INITIAL, TERMINATION, UPDATE, Magma, Open5gs, ergw, kamailio
from tests.gy_interface.codec import HOST, KEYS, REALM, RECEIVED_NS, Codec, Decoded, grant, rows_of
from tests.gy_interface.diameter_octets import (
    avp,
    avps_of,
    ccr,
    essentials,
    group,
    message,
    split,
    text,
    u32,
    u64,
    update_of_700_octets,
)
from tests.reference import ccr_twin
from vocabulary.limits import UNITS_MAX
from vocabulary.outcomes import Outcome

V = 10415
ROOT = Path(__file__).parents[2]
FAULTS_WITH_AN_AVP = (
    Outcome.AVP_UNSUPPORTED,
    Outcome.INVALID_AVP_LENGTH,
    Outcome.INVALID_AVP_VALUE,
    Outcome.MISSING_AVP,
    Outcome.AVP_OCCURS_TOO_MANY_TIMES,
)
quick = settings(max_examples=90, suppress_health_check=list(HealthCheck))

CORPUS = [
    update_of_700_octets(3),
    Open5gs().send(INITIAL),
    Open5gs().send(UPDATE, seconds=1, up=2, down=3, reason=3),
    Magma().send(UPDATE, {1: (5, 6), 2: (7, 8)}, reason=1),
    ergw(TERMINATION, 4),
    kamailio(UPDATE, 1),
    ccr(group(437, u64(417, 1)), u32(436, 0), request_type=4),
    message(*essentials(), group(284, text(280, "dra"), avp(33, b"x")), text(282, "dra")),
]

# --- any octets, and messages of any AVPs ----------------------------------------------------------------------------
counts = st.sampled_from([0, 1, 1000, UNITS_MAX // 2 + 1, UNITS_MAX, UNITS_MAX + 1, 2**63, 2**64 - 1])
small = st.sampled_from([0, 1, 2, 3, 4, 5, 100, 2**31 - 1, 2**31, 2**32 - 1])
words = st.sampled_from(["", "+", "+4917", "4917", "001010123456789", "x" * 129])
unit_avps = st.one_of(
    st.builds(u64, st.sampled_from([412, 414, 417, 421]), counts),
    st.builds(u32, st.sampled_from([420, 421, 452]), small),
    st.builds(lambda value: u32(872, value, V), small),
)
units = st.builds(lambda code, parts: group(code, *parts), st.sampled_from([437, 446]), st.lists(unit_avps, max_size=4))
oddities = st.one_of(
    st.builds(lambda data: avp(9999, data, 4711), st.binary(max_size=9)),
    st.builds(lambda data: avp(9999, data, 4711, flags=0x80), st.binary(max_size=9)),
    st.builds(avp, st.sampled_from([55, 258, 263, 415, 416, 432, 443, 455, 456]), st.binary(max_size=20)),
    st.binary(min_size=4, max_size=24).map(lambda data: data[: len(data) & ~3]),
)
mscc_avps = st.one_of(
    units,
    st.builds(u32, st.sampled_from([432, 439]), small),
    st.builds(lambda value: u32(872, value, V), small),
    oddities,
)
msccs = st.builds(lambda parts: group(456, *parts), st.lists(mscc_avps, max_size=5))
identities = st.builds(
    lambda kind, value, extra: group(443, u32(450, kind), text(444, value), *extra),
    st.integers(0, 6),
    words,
    st.lists(oddities, max_size=1),
)
command_avps = st.one_of(
    msccs,
    identities,
    units,
    st.builds(u32, st.sampled_from([55, 258, 278, 295, 415, 416, 436, 455]), small),
    st.builds(text, st.sampled_from([263, 264, 283, 293, 296]), st.sampled_from([HOST, REALM, "other.example", ""])),
    st.builds(text, st.just(461), st.sampled_from(["8.32251@3gpp.org", "@3gpp.org", "99999999999@3gpp.org", "a"])),
    st.builds(lambda parts: group(873, *parts, vendor=V), st.lists(st.one_of(identities, oddities), max_size=3)),
    st.just(group(284, text(280, "dra"), avp(33, b"s"))),
    oddities,
)


@st.composite
def messages_of_any_avps(draw: st.DrawFn) -> bytes:
    """A CCR of what it must have, most of the time, and of anything else, in any order."""
    parts = essentials(draw(st.sampled_from([1, 2, 3, 4, 4])), draw(small))
    parts += draw(st.lists(command_avps, max_size=6))
    if draw(st.booleans()):
        parts = draw(st.permutations(parts))
    if draw(st.integers(0, 4)) == 0:
        parts = parts[: draw(st.integers(0, len(parts)))]
    return message(*parts, flags=draw(st.sampled_from([0xC0, 0x80, 0xD0])))


MONEY = group(413, group(445, u64(447, 5)), u32(425, 978))
debited = st.builds(
    lambda parts: group(437, *parts), st.lists(st.one_of(unit_avps, st.just(MONEY), st.just(u64(417, 0))), max_size=3)
)
reported = st.builds(lambda count: group(446, u64(417, count)), st.integers(0, 1))


@st.composite
def direct_debitings(draw: st.DrawFn) -> bytes:
    """An event whose units stand in MSCCs or outside of them, among them money and nothing."""
    parts = draw(st.lists(st.one_of(debited, reported), max_size=3, unique_by=lambda part: part[:4]))
    if draw(st.booleans()):
        parts = [group(456, u32(432, 1)), *(group(456, part) for part in parts), group(456, *parts)]
    action = u32(436, draw(st.sampled_from([0, 0, 0, 1])))
    return message(*draw(st.permutations([*essentials(4, 1), *parts, action])))


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A client's message with a few octets changed, its end cut or doubled; its length says so, mostly."""
    octets = bytearray(draw(st.sampled_from(CORPUS)))
    for _ in range(draw(st.integers(0, 4))):
        octets[draw(st.integers(0, len(octets) - 1))] = draw(st.sampled_from([0, 1, 4, 7, 8, 0x40, 0x80, 0xC0, 0xFF]))
    if draw(st.booleans()):
        octets = octets[: draw(st.integers(20, len(octets))) & ~3]
        octets[1:4] = len(octets).to_bytes(3, "big")
    return bytes(octets)


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    """Several messages, and something behind them."""
    parts = draw(st.lists(st.one_of(messages_of_any_avps(), direct_debitings(), mutated()), max_size=4))
    return b"".join(parts) + draw(st.binary(max_size=30))


# --- the twin --------------------------------------------------------------------------------------------------------
UNITS = (("octets", HAS_USED_OCTETS), ("seconds", HAS_USED_SECONDS), ("events", HAS_USED_EVENTS))
assert HAS_REQUESTED_OCTETS << 4 == HAS_USED_OCTETS
assert HAS_REQUESTED_SECONDS << 4 == HAS_USED_SECONDS
assert HAS_REQUESTED_EVENTS << 4 == HAS_USED_EVENTS


def assert_same_msccs(row: Decoded, msccs: list[ccr_twin.Mscc]) -> None:
    for ours, theirs in zip(row.msccs, msccs, strict=True):
        assert ours.outcome == (Outcome.INVALID_AVP_VALUE if theirs.is_beside else Outcome.UNDECIDED)
        presence = HAS_REQUESTED * theirs.is_requested | HAS_USED * theirs.is_used | HAS_USED_BEFORE * theirs.has_change
        for unit, bit in UNITS:
            presence |= (bit >> 4) * (unit in theirs.requested) | bit * (unit in theirs.used)
            assert getattr(ours, f"requested_{unit}") == theirs.requested.get(unit, 0)
            assert getattr(ours, f"used_{unit}") == theirs.used.get(unit, 0)
            assert getattr(ours, f"before_{unit}") == theirs.before.get(unit, 0)
        assert ours.presence == presence
        assert ours.rating_group == (-1 if theirs.rating_group is None else theirs.rating_group)
        assert ours.service_identifier == (-1 if theirs.service_identifier is None else theirs.service_identifier)
        assert ours.reporting_reason == (-1 if theirs.reporting_reason is None else theirs.reporting_reason)


def assert_same(row: Decoded, twin: ccr_twin.Request) -> None:
    request, numbers = row.request, twin.numbers
    fault = twin.fault
    reports = twin.reports
    outcome = fault.outcome if fault else Outcome.UNDECIDED
    said = (Outcome.UNDECIDED, outcome) if reports else (outcome, Outcome.UNDECIDED)
    assert (request.outcome, request.refusal) == said
    if fault:
        assert row.failed == twin.octets[slice(*fault.span)]
        if not row.failed:
            assert request.failed_vendor << 32 | request.failed_code == fault.key
    assert_same_msccs(row, reports if fault else twin.msccs)
    assert row.identities == ([] if fault and not reports else twin.identities)
    assert row.session_id == twin.texts.get(263, b"")
    assert (row.origin_host, row.origin_realm) == (twin.texts.get(264, b""), twin.texts.get(296, b""))
    assert row.service_information == twin.service_information
    assert request.request_type == numbers.get(416, 0)
    assert request.request_number == numbers.get(415, 0)
    assert request.service_context == twin.service_context
    assert request.event_ns == ccr_twin.instant_of(twin, RECEIVED_NS)
    assert request.requested_action & 0xFFFFFFFF == numbers.get(436, 0xFFFFFFFF)
    assert request.termination_cause & 0xFFFFFFFF == numbers.get(295, 0xFFFFFFFF)
    assert request.body_hash == twin.body_hash
    assert request.service_information_hash == twin.service_information_hash
    bits = {
        HAS_EVENT_TIMESTAMP: 55 in numbers,
        HAS_REQUESTED_ACTION: 436 in numbers,
        HAS_MULTIPLE_SERVICES_INDICATOR: 455 in numbers,
        MULTIPLE_SERVICES_SUPPORTED: twin.supports_multiple_services,
        HAS_PROXY_INFO: twin.has_proxy_info,
        NUMBER_UNREADABLE: 415 not in twin.seen,
        UNITS_AT_COMMAND_LEVEL: twin.is_flat,
    }
    for bit, is_set in bits.items():
        assert bool(request.presence & bit) == is_set


@pytest.fixture(scope="module", params=["any", "ours", "lenient", "never counts"])
def pair(request: pytest.FixtureRequest) -> tuple[Codec, ccr_twin.Reader]:
    """Kernels and twin with the same rules."""
    host, realm = (HOST, REALM) if request.param == "ours" else ("", "")
    is_lenient = request.param == "lenient"
    never_counts = request.param == "never counts"
    codec = Codec(host=host, realm=realm, is_lenient=is_lenient, presence=NEVER_COUNTS if never_counts else 0)
    return codec, ccr_twin.Reader(set(KEYS), host, realm, is_lenient, never_counts)


@quick
@given(stream=streams())
def test_kernels_and_twin_agree(pair: tuple[Codec, ccr_twin.Reader], stream: bytes) -> None:
    codec, reader = pair
    rows = codec.decode(stream)
    requests, consumed, others, why = reader.stream(stream)
    assert codec.consumed == consumed
    assert codec.why == {"needs octets": NEEDS_OCTETS, "not framed": NOT_FRAMED}[why]
    assert codec.others[: codec.others_count].tolist() == [list(span) for span in others]
    assert len(rows) == len(requests)
    for row, request in zip(rows, requests, strict=True):
        assert_same(row, request)


@quick
@given(stream=streams())
def test_every_request_is_answered_with_octets_that_can_be_read(stream: bytes) -> None:
    codec = Codec(host=HOST)
    rows = codec.decode(stream)
    answers = codec.encode(lambda _, msccs: [grant(mscc, 2**40, validity_s=9, final_action=1) for mscc in msccs[:64]])
    assert len(answers) == len(rows)
    for row, answer in zip(rows, answers, strict=True):
        assert len(answer) == int.from_bytes(answer[1:4], "big")
        assert answer[4] & 0x80 == 0
        assert answer[12:20] == row.request.hop_by_hop.to_bytes(4, "big") + row.request.end_to_end.to_bytes(4, "big")
        codes = [code for code, _, _, _ in avps_of(answer[20:])]
        assert codes.count(268) == codes.count(264) == codes.count(296) == 1
        assert (codes[0] == 263) == bool(row.session_id)
        assert (279 in codes) == (row.outcome in FAULTS_WITH_AN_AVP)


@quick
@given(octets=st.binary(max_size=400))
def test_random_octets_end(octets: bytes) -> None:
    codec = Codec()
    codec.decode(octets)
    codec.decode(b"\x01" + octets[:2].ljust(3, b"\0") + b"\xc0\x00\x01\x10\x00\x00\x00\x04" + octets)


@quick
@given(octets=st.one_of(messages_of_any_avps(), mutated()), data=st.data())
def test_nothing_around_a_message_is_touched_or_read(octets: bytes, data: st.DataObject) -> None:
    """What lies before and behind in the buffers changes nothing, and stays as it is."""
    size = len(octets)
    results = []
    for filler in (0x00, 0xFF, 0x40):
        batch = new_usage_batch(64, 2048, size + 64)
        batch.octets[:] = filler
        codec = Codec(batch=batch)
        received = np.full(size + 64, filler, np.uint8)
        received[:size] = np.frombuffer(octets, np.uint8)
        before = received.copy()
        rows = codec.decode(received[:size].tobytes())
        results.append([(row.request, row.msccs, row.identities, row.failed) for row in rows])
        assert (received == before).all()
        assert (batch.octets[batch.counts[4] :] == filler).all()
    assert results[0] == results[1] == results[2]


@quick
@given(stream=streams(), cuts=st.lists(st.integers(0, 4000), max_size=4))
def test_fragments_give_the_rows_of_the_whole(stream: bytes, cuts: list[int]) -> None:
    whole, pieces = Codec(), Codec()
    expected = [(row.request, row.msccs, row.identities) for row in whole.decode(stream)]
    pieces.decode(b"")
    kept = b""
    edges = sorted({min(cut, len(stream)) for cut in cuts} | {len(stream)})
    for first, last in zip([0, *edges], edges, strict=False):
        kept += stream[first:last]
        pieces.append(kept)
        kept = kept[pieces.consumed :]
        if pieces.why == NOT_FRAMED:
            break
    assert [(row.request, row.msccs, row.identities) for row in rows_of(pieces.batch)] == expected


def test_deep_and_many_groups_take_no_longer() -> None:
    nested = u32(432, 1)
    for _ in range(3000):
        nested = group(456, nested)
    assert Codec().decode(ccr(nested))[0].msccs[0].rating_group == -1
    empty = ccr(*[avp(1, b"")] * 8000)
    assert Codec().decode(empty)[0].outcome == Outcome.UNDECIDED


# --- memory that may not be read -------------------------------------------------------------------------------------
def run_guarded(*arguments: str, **environment: str) -> str:
    """Decode and encode at the edge of memory in a process of its own: a read too far kills it."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.gy_interface.guarded_codec", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, f"ended with {done.returncode}: {done.stderr[-2000:]}"
    return done.stdout


def test_nothing_is_read_or_written_past_the_buffers() -> None:
    assert run_guarded("4000", "1").split()[:1] == ["4000"]


def test_a_read_too_far_would_be_seen() -> None:
    with pytest.raises(AssertionError, match="ended with -"):
        run_guarded("0", "1", "--read-too-far")


@pytest.mark.acceptance
def test_bounds_are_kept_with_checks_compiled_in(tmp_path: Path) -> None:
    assert run_guarded("4000", "2", NUMBA_BOUNDSCHECK="1", NUMBA_CACHE_DIR=str(tmp_path)).split()[:1] == ["4000"]


def test_corpus_is_good() -> None:
    for octets in CORPUS:
        assert split(octets) == [octets]
        assert Codec().decode(octets)[0].outcome == Outcome.UNDECIDED

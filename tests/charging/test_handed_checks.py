"""What is taken from another process is what a codec could have written, and nothing else: against a plain twin."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from charging.batch import UsageBatch, new_answer_batch, new_usage_batch
from charging.batch_rows import hold_answered
from charging.handed_checks import FAULTS, SOUND, find_row_fault, take_handed
from gy_interface.ccr import decode_requests
from gy_interface.codec_rules import new_decode_rules, new_sender
from tests.gy_interface.codec import HOST, KEYS, REALM, RECEIVED_NS, SECRET
from tests.gy_interface.diameter_octets import update_of_700_octets
from tests.reference.handed_checks_twin import MSCC_RANGES, RANGES, TEXTS, is_sound

ROWS = 3
NUMBERS = st.one_of(
    st.integers(-3, 5),
    st.sampled_from((-(2**63), -(2**31), 2**31 - 1, 2**32, 2**53, 2**53 + 1, 2**62 + 1, 2**63 - 1)),
    st.integers(0, 3000),
)
REQUEST_NAMES = (
    *RANGES,
    "message_offset",
    "mscc_first",
    "identity_first",
    *(f"{t}_{w}" for t in TEXTS for w in ("offset", "length")),
)
MSCC_NAMES = (*MSCC_RANGES, "request")
IDENTITY_NAMES = ("offset", "length", "kind", "request")
spoilings = st.lists(
    st.one_of(
        st.tuples(st.just("requests"), st.sampled_from(REQUEST_NAMES), st.integers(0, ROWS - 1), NUMBERS),
        st.tuples(st.just("msccs"), st.sampled_from(MSCC_NAMES), st.integers(0, ROWS - 1), NUMBERS),
        st.tuples(st.just("identities"), st.sampled_from(IDENTITY_NAMES), st.integers(0, ROWS - 1), NUMBERS),
        st.tuples(st.just("counts"), st.just(""), st.integers(0, 4), st.integers(0, ROWS)),
    ),
    max_size=3,
)


def decoded() -> UsageBatch:
    """What the codec makes of a few requests."""
    octets = b"".join(update_of_700_octets(1, f"pgw1.example.net;1;{number}") for number in range(ROWS))
    batch = new_usage_batch(ROWS, 40, 4096)
    rules = new_decode_rules(SECRET, KEYS, KEYS, HOST, REALM)
    received = np.frombuffer(octets, np.uint8).copy()
    decode_requests(
        received, len(octets), batch, new_sender(0, 1, 0, 1), rules, RECEIVED_NS, np.zeros((4, 2), np.int64)
    )
    assert batch.counts[0] == ROWS
    return batch


def test_what_the_codec_writes_is_sound_and_stamped() -> None:
    batch = decoded()
    batch.requests["front_end"] = 99
    assert take_handed(hold_answered(batch, new_answer_batch(ROWS, 40)).octets, 7, 8) == SOUND
    for name, value in (("front_end", 7), ("handed_tick", 8), ("slot", -1), ("answered", -1)):
        assert (batch.requests[name][:ROWS] == value).all(), name


@settings(max_examples=200, deadline=None)
@given(spoilings)
def test_spoiled_rows_are_found_as_the_twin_finds_them(spoiled: list[tuple[str, str, int, int]]) -> None:
    batch = decoded()
    for column, name, row, value in spoiled:
        if column == "counts":
            batch.counts[row] = value
            continue
        cells = getattr(batch, column)[name]
        limits = np.iinfo(cells.dtype)
        cells[row] = min(max(value, limits.min), limits.max)
    before = [batch.requests.tobytes(), batch.msccs.tobytes(), batch.identities.tobytes()]
    fault = int(find_row_fault(batch))
    assert (fault == SOUND) == is_sound(batch), FAULTS[fault]
    assert [batch.requests.tobytes(), batch.msccs.tobytes(), batch.identities.tobytes()] == before

"""What decoding and encoding cost a CCR of about 700 octets with one MSCC; run on a quiet machine (`-m acceptance`).

Both digests are included. The batch is of 1,000 requests of as many sessions, in buffers that are larger than the
processor's first caches; answers are looked at after the clock has stopped.
"""

from typing import Any

import numpy as np
import pytest

from charging.batch import new_answer_batch, new_usage_batch
from gy_interface.cca import ANSWER_SPAN_DTYPE, encode_answers, order_answers
from gy_interface.ccr import decode_requests
from gy_interface.codec_rules import new_answer_order, new_answer_rules, new_decode_rules, new_sender
from gy_interface.dictionary import failed_avp_examples
from tests.gy_interface.codec import HOST, KEYS, REALM, RECEIVED_NS, SECRET
from tests.gy_interface.diameter_octets import split, update_of_700_octets
from vocabulary.outcomes import Outcome
from vocabulary.units import Unit

pytestmark = pytest.mark.acceptance

REQUESTS = 1000
ROUNDS = 70
DECODE_US_MAX = 0.8
ENCODE_US_MAX = 0.5


@pytest.fixture
def decoded() -> dict[str, Any]:
    """A stream of requests, and the batch that it was decoded into."""
    octets = b"".join(update_of_700_octets(1, f"pgw1.example.net;1795032759;{number}") for number in range(REQUESTS))
    received = np.frombuffer(octets, np.uint8).copy()
    batch = new_usage_batch()
    rules = new_decode_rules(SECRET, KEYS, KEYS, HOST, REALM)
    arguments = (received, len(octets), batch, new_sender(0, 1, 0, 0), rules, RECEIVED_NS, np.zeros((64, 2), np.int64))
    decode_requests(*arguments)
    return {"batch": batch, "arguments": arguments, "octets": len(octets)}


def us_each(benchmark: Any) -> float:
    """The median of the rounds, a request."""
    each: float = benchmark.stats.stats.median / REQUESTS * 1e6
    benchmark.extra_info["us_each"] = round(each, 3)
    return each


def test_decode(benchmark: Any, decoded: dict[str, Any]) -> None:
    batch = decoded["batch"]

    def empty() -> None:
        batch.counts[:] = 0

    def decode() -> Any:
        return decode_requests(*decoded["arguments"])

    result = benchmark.pedantic(decode, setup=empty, rounds=ROUNDS, warmup_rounds=3)
    assert result == (decoded["octets"], 0, 0)
    assert batch.counts[0] == REQUESTS
    assert (batch.requests["outcome"][:REQUESTS] == Outcome.UNDECIDED).all()
    assert (batch.msccs["used_octets"][:REQUESTS] == 700_000).all()
    assert len(np.unique(batch.requests["session_high"][:REQUESTS])) == REQUESTS
    assert us_each(benchmark) <= DECODE_US_MAX


def test_encode(benchmark: Any, decoded: dict[str, Any]) -> None:
    batch, answers = decoded["batch"], new_answer_batch()
    answers.answers["outcome"] = answers.msccs["outcome"] = Outcome.GRANTED
    answers.msccs["has_grant"], answers.msccs["unit"], answers.msccs["granted"] = 1, Unit.OCTETS, 5_000_000
    answers.msccs["validity_s"] = 600
    rules, order = new_answer_rules(HOST, REALM, failed_avp_examples()), new_answer_order(256)
    out, spans = np.zeros(1 << 20, np.uint8), np.zeros(256, ANSWER_SPAN_DTYPE)

    def encode() -> Any:
        count = order_answers(batch, answers, order)
        return encode_answers(batch, answers, order, 0, count, rules, out, spans)

    place, span_count, length = benchmark.pedantic(encode, rounds=ROUNDS, warmup_rounds=3)
    assert (place, span_count) == (REQUESTS, 1)
    messages = split(out[:length].tobytes())
    assert len(messages) == REQUESTS
    assert all((5_000_000).to_bytes(8, "big") in octets for octets in messages)
    assert us_each(benchmark) <= ENCODE_US_MAX

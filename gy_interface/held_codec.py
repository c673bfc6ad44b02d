"""The codec for a front end that calls it again and again with the same memory: held octets and a few numbers.

decode_requests and order_answers with encode_answers say what each argument is and what comes back.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from charging.batch import UsageBatch, new_usage_batch
from charging.batch_rows import HELD_ANSWERED
from gy_interface.cca import ANSWER_SPAN_DTYPE, encode_answers, order_answers
from gy_interface.ccr import decode_requests
from gy_interface.codec_rules import (
    AnswerOrder,
    AnswerRules,
    DecodeRules,
    Sender,
    new_answer_order,
    new_answer_rules,
    new_decode_rules,
    new_sender,
)
from vocabulary.held import held, kind_of
from vocabulary.kernel import kernel


class ConnectionMemory(NamedTuple):
    """What decoding needs of a connection."""

    received: NDArray[np.uint8]
    sender: Sender


class TickMemory(NamedTuple):
    """What decoding needs of a front end."""

    batch: UsageBatch
    rules: DecodeRules
    others: NDArray[np.int64]  # (k, 2)


class AnswerMemory(NamedTuple):
    """What encoding needs of a front end."""

    order: AnswerOrder
    rules: AnswerRules
    out: NDArray[np.uint8]
    spans: NDArray[np.void]  # ANSWER_SPAN_DTYPE


_NO_OCTETS: Final = np.zeros(0, np.uint8)
HELD_CONNECTION: Final = kind_of(ConnectionMemory(_NO_OCTETS, new_sender(0, 0, 0, 0)))
HELD_TICK: Final = kind_of(
    TickMemory(new_usage_batch(1, 1, 1), new_decode_rules(np.zeros(2, np.uint64), (), ()), np.zeros((1, 2), np.int64))
)
HELD_ANSWERS: Final = kind_of(
    AnswerMemory(new_answer_order(1), new_answer_rules("", "", {}), _NO_OCTETS, np.zeros(0, ANSWER_SPAN_DTYPE))
)


@kernel
def decode_received(connection_octets, length, tick_octets, now_ns):
    """The CCRs of a connection's octets into the tick's batch: see decode_requests."""
    connection, tick = held(connection_octets, HELD_CONNECTION), held(tick_octets, HELD_TICK)
    return decode_requests(connection.received, length, tick.batch, connection.sender, tick.rules, now_ns, tick.others)


@kernel
def encode_batch(answered_octets, answers_octets, place, count):
    """The CCAs of a batch: (place to go on from, rows to answer, spans). From place 0 the rows are ordered first."""
    answered, memory = held(answered_octets, HELD_ANSWERED), held(answers_octets, HELD_ANSWERS)
    if place == 0:
        count = order_answers(answered.usage, answered.answers, memory.order)
    place, spans, _ = encode_answers(
        answered.usage, answered.answers, memory.order, place, count, memory.rules, memory.out, memory.spans
    )
    return place, count, spans

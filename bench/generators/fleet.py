"""The memory of a generator: sessions, queues, buffers and counts as arrays that the kernels work on, whatever the protocol.

A *slot* is one open session at most, with at most one request waiting for its answer. Slots that may send wait in a
ring, in the order in which their answers came; sending takes them from its head. What only one protocol knows (templates,
streams) is in `wire`, a tuple of arrays of its own.
"""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.books import LOG_DTYPE
from bench.latency_counts import new_counts
from bench.workload import IMSI_FIRST, LOG_REQUESTS_MIN, LOG_REQUESTS_PER_S, MSISDN_FIRST, RATING_GROUPS, LoadPlan

# Slot phases
IDLE: Final = 0
"""No session; the next send opens one."""
OPEN: Final = 1
"""In the ring, the next request of its session is known."""
WAITING: Final = 2
"""Its request is unanswered."""
RETIRED: Final = 3
"""Ended while draining."""

SLOT_DTYPE: Final = np.dtype(
    [
        ("ordinal", np.int64),  # counts sessions; the digits of the Session-Id, the chargingId
        ("sent_ns", np.int64),  # when the request was sent, or should have been (open loop)
        ("subscriber", np.int64),
        ("request_id", np.int64),  # what its answer is found by: hop-by-hop id, stream
        ("number", np.int64),  # CC-Request-Number, invocationSequenceNumber
        ("updates_left", np.int64),
        ("event_s", np.int64),  # Event-Timestamp, seconds since 1900
        ("cc_time_s", np.int64),
        ("place", np.uint8),  # which of the subscriber's sessions
        ("phase", np.uint8),
        ("request_type", np.uint8),  # of the request that waits, or of the next
        ("is_repeated", np.uint8),  # the used units are those of a request that was refused with 3004
        ("is_unanswered", np.uint8),  # was sent before and may have been decided: it is sent again as it was
    ],
    align=True,
)

# Counters
WAITING_COUNT: Final = 0
RING_HEAD: Final = 1
RING_TAIL: Final = 2
NEXT_ORDINAL: Final = 3
GENERATION: Final = 4
DUE_NS: Final = 5
"""When the next request of an open loop should leave."""
IS_MEASURING: Final = 6
IS_DRAINING: Final = 7
RETIRED_COUNT: Final = 8
LOG_COUNT: Final = 9
SENT_COUNT: Final = 10
ANSWERED_COUNT: Final = 11
OTHER_COUNT: Final = 12
"""Messages of the last turn that answer no request: `others` says where."""
WRONG_KEPT: Final = 13
REPEATED_COUNT: Final = 14
COUNTER_COUNT: Final = 16

# Reasons for which an answer is wrong
WRONG_REASONS: Final = (
    "frame",
    "request_unknown",
    "end_to_end",
    "session_id",
    "type_or_number",
    "result_code",
    "mscc",
    "grant",
    "location",
    "reset",
)
WRONG_FRAME, WRONG_REQUEST, WRONG_END_TO_END, WRONG_SESSION_ID, WRONG_NUMBER, WRONG_RESULT_CODE, WRONG_MSCC, WRONG_GRANT = (
    range(8)
)  # fmt: skip
WRONG_LOCATION, WRONG_RESET = 8, 9
RIGHT: Final = -1
"""In place of a reason."""
WRONG_KEPT_MAX: Final = 8
WRONG_KEPT_OCTETS: Final = 1024
RESULT_CODES_COUNT: Final = 6_000
MESSAGE_OCTETS_MAX: Final = 65_532
OTHERS_MAX: Final = 64
RECEIVE_OCTETS: Final = 1 << 21
DRAIN_REQUESTS_A_SESSION: Final = 4
"""Room that the log keeps for what is still answered once it counts as full: a turn, what waits, and each session's T."""

# Columns of `seen_mscc`
SEEN_PRESENT: Final = 0
SEEN_RESULT: Final = 1
SEEN_GRANTED: Final = 2
SEEN_HAS_GRANT: Final = 3
SEEN_FINAL: Final = 4
SEEN_COLUMNS: Final = 5

# Columns of `seen`
SEEN_SESSION_AT: Final = 0
SEEN_SESSION_LENGTH: Final = 1
SEEN_RESULT_CODE: Final = 2
SEEN_TYPE: Final = 3
SEEN_NUMBER: Final = 4
SEEN_MSCC_COUNT: Final = 5
SEEN_COUNT: Final = 6

# Parameters
OUTSTANDING: Final = 0
SUBSCRIBERS: Final = 1
PLACES: Final = 2
UPDATES_MIN: Final = 3
UPDATES_MAX: Final = 4
ASKED_OCTETS: Final = 5
SLOT_BITS: Final = 6
INTERVAL_NS: Final = 7
"""Between two requests of an open loop; 0 in a closed one."""
FIRST_MSISDN: Final = 8
FIRST_IMSI: Final = 9
REPEATS: Final = 10
"""1: what a server answers with nothing, or without a decision that is known, is sent again."""
PARAMETER_COUNT: Final = 11


class Fleet(NamedTuple):
    """All of it; kernels take it whole."""

    slots: NDArray[np.void]  # SLOT_DTYPE (sessions_open,)
    used: NDArray[np.int64]  # (sessions_open, MSCCs) octets of the next or waiting request
    granted: NDArray[np.int64]  # (sessions_open, MSCCs) octets of the last answer
    ring: NDArray[np.int32]  # (power of two,) slots that may send
    places_taken: NDArray[np.uint32]  # (subscribers,) bit a session
    cumulative: NDArray[np.float64]  # (subscribers,) share of sessions up to each; (0,) where uniform
    random: NDArray[np.uint64]  # (1,)
    incoming: NDArray[np.uint8]  # (connections, RECEIVE_OCTETS + a message)
    incoming_end: NDArray[np.int64]  # (connections,) octets received and not taken
    outgoing: NDArray[np.uint8]  # (connections, room for all that may be outstanding)
    outgoing_range: NDArray[np.int64]  # (connections, 2) first and last octet to send
    others: NDArray[np.int64]  # (OTHERS_MAX, 3) connection, offset, length of messages for Python, in `incoming_kept`
    others_kept: NDArray[np.uint8]  # (OTHERS_MAX * 4096,) their octets
    log: NDArray[np.void]  # books.LOG_DTYPE
    latency_counts: NDArray[np.int64]
    result_codes: NDArray[np.int64]  # (2, RESULT_CODES_COUNT) of requests, of their services; of the measured time
    answered_by_type: NDArray[np.int64]  # (5,) by CC-Request-Type, of the measured time
    busy_by_type: NDArray[np.int64]  # (5,) of them answered 3004
    wrong: NDArray[np.int64]  # (WRONG_REASONS,) of the whole run
    wrong_octets: NDArray[np.uint8]  # (WRONG_KEPT_MAX, WRONG_KEPT_OCTETS) the first wrong answers
    seen: NDArray[np.int64]  # (SEEN_COUNT,) scratch: the answer being read
    seen_mscc: NDArray[np.int64]  # (MSCCs, SEEN_COLUMNS) scratch
    rating_groups: NDArray[np.int64]  # (MSCCs,)
    counters: NDArray[np.int64]  # (COUNTER_COUNT,)
    parameters: NDArray[np.int64]  # (PARAMETER_COUNT,)
    wire: Any  # what the kernels of one protocol know besides, a NamedTuple of arrays


OTHER_OCTETS_MAX: Final = 4_096


def _power_of_two(at_least: int) -> int:
    return 1 << max(at_least - 1, 1).bit_length()


def _cumulative_shares(plan: LoadPlan) -> NDArray[np.float64]:
    if plan.zipf_exponent == 0:
        return np.zeros(0)
    weights = np.arange(1, plan.subscribers + 1, dtype=np.float64) ** -plan.zipf_exponent
    return np.cumsum(weights) / weights.sum()


def _parameters(plan: LoadPlan, slot_bits: int, outstanding: int) -> NDArray[np.int64]:
    """What the kernels read of a plan."""
    parameters = np.zeros(PARAMETER_COUNT, np.int64)
    parameters[OUTSTANDING] = outstanding
    parameters[SUBSCRIBERS] = plan.subscribers
    parameters[PLACES] = plan.sessions_per_subscriber
    parameters[UPDATES_MIN] = plan.updates_min
    parameters[UPDATES_MAX] = plan.updates_max
    parameters[ASKED_OCTETS] = plan.asked_octets
    parameters[SLOT_BITS] = slot_bits
    parameters[INTERVAL_NS] = 1_000_000_000 // plan.rate_per_s if plan.rate_per_s else 0
    parameters[FIRST_MSISDN] = MSISDN_FIRST + plan.first_subscriber
    parameters[FIRST_IMSI] = IMSI_FIRST + plan.first_subscriber
    parameters[REPEATS] = plan.reconnects
    return parameters


def new_fleet(plan: LoadPlan, wire: Any, message_octets: int) -> Fleet:
    """A fleet with no session open; its longest request has `message_octets`.

    Room for the log is reserved and only taken as it fills.
    """
    slots = np.zeros(plan.sessions_open, SLOT_DTYPE)
    slot_bits = max(plan.sessions_open - 1, 1).bit_length()
    ring = np.zeros(_power_of_two(plan.sessions_open + 1), np.int32)
    ring[: plan.sessions_open] = np.arange(plan.sessions_open)
    requests = max(int(LOG_REQUESTS_PER_S * (plan.warm_up_s + plan.measured_s)), LOG_REQUESTS_MIN)
    requests += DRAIN_REQUESTS_A_SESSION * plan.sessions_open
    outstanding = plan.outstanding if plan.rate_per_s == 0 else plan.waiting_max
    counters = np.zeros(COUNTER_COUNT, np.int64)
    counters[RING_TAIL] = plan.sessions_open
    counters[NEXT_ORDINAL] = 1
    return Fleet(
        slots=slots,
        used=np.zeros((plan.sessions_open, plan.mscc_count), np.int64),
        granted=np.zeros((plan.sessions_open, plan.mscc_count), np.int64),
        ring=ring,
        places_taken=np.zeros(plan.subscribers, np.uint32),
        cumulative=_cumulative_shares(plan),
        random=np.array([plan.seed], np.uint64),
        incoming=np.zeros((plan.connections, RECEIVE_OCTETS + MESSAGE_OCTETS_MAX), np.uint8),
        incoming_end=np.zeros(plan.connections, np.int64),
        outgoing=np.zeros((plan.connections, (outstanding + 64) * message_octets), np.uint8),
        outgoing_range=np.zeros((plan.connections, 2), np.int64),
        others=np.zeros((OTHERS_MAX, 3), np.int64),
        others_kept=np.zeros(OTHERS_MAX * OTHER_OCTETS_MAX, np.uint8),
        log=np.empty(requests * plan.mscc_count, LOG_DTYPE),
        latency_counts=new_counts(),
        result_codes=np.zeros((2, RESULT_CODES_COUNT), np.int64),
        answered_by_type=np.zeros(5, np.int64),
        busy_by_type=np.zeros(5, np.int64),
        wrong=np.zeros(len(WRONG_REASONS), np.int64),
        wrong_octets=np.zeros((WRONG_KEPT_MAX, WRONG_KEPT_OCTETS), np.uint8),
        seen=np.zeros(SEEN_COUNT, np.int64),
        seen_mscc=np.zeros((plan.mscc_count, SEEN_COLUMNS), np.int64),
        rating_groups=np.array(RATING_GROUPS[: plan.mscc_count], np.int64),
        counters=counters,
        parameters=_parameters(plan, slot_bits, outstanding),
        wire=wire,
    )

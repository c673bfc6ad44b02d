"""UsageBatch and AnswerBatch: the one port that Gy, Nchf, usage files and account commands fill and are answered through.

A batch is a few structured arrays: one row a request, child rows for its MSCCs, its identities and the credits of
account commands, and one array of octets that the rows point into (`*_offset`, `*_length`). Rows are copied whole when
requests of many connections meet in one partition's batch, which is why they are structured rows and not a column an
array (docs/decisions/0004). Child rows of request i are `mscc_first[i] .. mscc_first[i] + mscc_count[i]`, in order.

Absent is not zero: `rating_group` and `service_identifier` are -1 where absent, other values have a bit in `presence`.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vocabulary.limits import (
    BATCH_CREDITS_MAX,
    BATCH_IDENTITIES_MAX,
    BATCH_MSCCS_MAX,
    BATCH_OCTETS_MAX,
    BATCH_REQUESTS_MAX,
    MSCCS_PER_REQUEST_MAX,
)

# Kinds of rows
KIND_USAGE: Final = 0
"""A credit-control request of a peer."""
KIND_COMMAND: Final = 1
"""An account command; `command` says which, `credit_first/count` its amounts."""
KIND_EXPIRE: Final = 2
"""The sweeper's wake-up: apply what is due to one account."""

# CC-Request-Type, RFC 8506 §8.3
INITIAL: Final = 1
UPDATE: Final = 2
TERMINATION: Final = 3
EVENT: Final = 4

# Account commands (charging/account_commands.py, charging/session_commands.py)
COMMAND_OPEN: Final = 1
COMMAND_CHANGE: Final = 2
COMMAND_REAUTHORIZE: Final = 3
COMMAND_ABORT: Final = 4
COMMAND_END_SESSION: Final = 5

# Presence bits of a request
HAS_EVENT_TIMESTAMP: Final = 1
HAS_REQUESTED_ACTION: Final = 2
HAS_MULTIPLE_SERVICES_INDICATOR: Final = 4
MULTIPLE_SERVICES_SUPPORTED: Final = 8
IS_PROXIABLE: Final = 16
IS_RETRANSMISSION: Final = 32
"""T flag: a hint only; repeats are found by session, type, number and body."""
HAS_PROXY_INFO: Final = 64
COMMAND_LEVEL_LIMIT: Final = 128
"""The peer wants a credit limit said at command level (`peers.<name>.credit_limit_level`)."""
NEVER_COUNTS: Final = 256
"""The peer's request numbers say nothing (`peers.<name>.counts = "never"`): repeats match by body hash alone."""
NUMBER_UNREADABLE: Final = 512
"""The request has no number that can be read, so none is echoed; its outcome says why."""
UNITS_AT_COMMAND_LEVEL: Final = 1024
"""Its units stand outside of MSCCs (RFC 8506 §3.1): its one MSCC row is answered at command level."""
RENEWS_ROUTE: Final = 2048
"""An update that says how its client is reached from now on: the session's route is written again."""
ENDS_AT_TARIFF_CHANGE: Final = 4096
"""The peer can't split usage (`peers.<name>.tariff_change = "ends_grant"`): a grant of its ends where the price changes."""
REPORTS_ALONE: Final = 8192
"""The service gives no quota: its requests tell of what was used, also of an account that gives no credit."""

# Presence bits of an MSCC
HAS_REQUESTED: Final = 1
"""A Requested-Service-Unit, empty or not: new quota is wanted."""
HAS_REQUESTED_OCTETS: Final = 2
HAS_REQUESTED_SECONDS: Final = 4
HAS_REQUESTED_EVENTS: Final = 8
HAS_USED: Final = 16
"""At least one Used-Service-Unit."""
HAS_USED_OCTETS: Final = 32
HAS_USED_SECONDS: Final = 64
HAS_USED_EVENTS: Final = 128
HAS_USED_BEFORE: Final = 256
"""Some of it is said to have been used before a tariff change: before_octets and its like."""
IS_OFFLINE: Final = 512
"""Over Nchf: no quota is asked for, and its usage was used without. The answer's words depend on it, no decision does."""

REQUEST_DTYPE: Final = np.dtype(
    [
        ("session_high", np.uint64),  # digest128 of the Session-Id within the tenant
        ("session_low", np.uint64),
        (
            "identity_high",
            np.uint64,
        ),  # digest128 of the first identity; 0, 0 where the request has none
        ("identity_low", np.uint64),
        ("account_id", np.int64),  # -1 until found
        ("event_ns", np.int64),  # Event-Timestamp, believed or not
        ("received_ns", np.int64),
        ("hop_by_hop", np.uint32),
        ("end_to_end", np.uint32),
        ("request_number", np.uint32),
        (
            "body_hash",
            np.uint32,
        ),  # of the whole body but for what retransmission may change
        ("service_information_hash", np.uint32),
        ("presence", np.uint32),
        ("connection", np.int32),  # the front end's slot
        (
            "connection_epoch",
            np.int32,
        ),  # an answer for an older connection in that slot is dropped
        (
            "peer",
            np.int32,
        ),  # index into the front end's table of peers; the sender's Origin-Host follows from it
        ("tenant", np.int32),
        ("identity_epoch", np.int32),
        (
            "service_context",
            np.int32,
        ),  # 32251, 32260, 32274 ...; -1 where it is none of 3GPP's
        ("requested_action", np.int32),
        ("termination_cause", np.int32),
        (
            "slot",
            np.int32,
        ),  # the account's place in the arena of this batch; -1: no such account
        ("mscc_first", np.int32),
        ("mscc_count", np.int32),
        ("identity_first", np.int32),
        ("identity_count", np.int32),
        ("credit_first", np.int32),
        ("credit_count", np.int32),
        (
            "message_offset",
            np.int32,
        ),  # the whole message in `octets`; all offsets below are absolute, too
        ("message_length", np.int32),
        ("session_id_offset", np.int32),
        ("session_id_length", np.int32),
        ("origin_host_offset", np.int32),
        ("origin_host_length", np.int32),
        ("origin_realm_offset", np.int32),
        ("origin_realm_length", np.int32),
        (
            "service_information_offset",
            np.int32,
        ),  # the AVP with its header, as received; length 0 where absent
        ("service_information_length", np.int32),
        (
            "failed_offset",
            np.int32,
        ),  # the offending AVP as received; length 0: build one from failed_code
        ("failed_length", np.int32),
        ("failed_code", np.uint32),
        ("failed_vendor", np.uint32),
        (
            "answered",
            np.int32,
        ),  # row of RecordedAnswers for an EVENT; -1 for other requests
        (
            "command_id",
            np.int32,
        ),  # index of the command in the batcher's list; -1 for other kinds
        (
            "front_end",
            np.int32,
        ),  # whose the row is: 0 this process's own, else the number of the link that handed it over
        (
            "handed_tick",
            np.int32,
        ),  # of a row that was handed over: its tick there, and its row in that
        ("handed_row", np.int32),
        ("kind", np.uint8),
        ("request_type", np.uint8),
        ("command", np.uint8),
        (
            "outcome",
            np.uint8,
        ),  # what the codec or the lookup found; UNDECIDED where the engine decides
        ("moves", np.uint8),  # how often the row was handed to another owner
        (
            "refusal",
            np.uint8,
        ),  # what the codec refuses a request with that reports use: answered once that is on record; else UNDECIDED
    ],
    align=True,
)

MSCC_DTYPE: Final = np.dtype(
    [
        ("rating_group", np.int64),  # 0..2**32-1, -1 absent
        (
            "service_identifier",
            np.int64,
        ),  # 0..2**32-1, -1 absent; the first where several are sent
        ("requested_octets", np.int64),
        ("requested_seconds", np.int64),
        ("requested_events", np.int64),
        (
            "used_octets",
            np.int64,
        ),  # total as sent, else input + output, summed over USU instances
        ("used_seconds", np.int64),
        ("used_events", np.int64),
        ("before_octets", np.int64),  # of used_octets: before the tariff change (RFC 8506 §8.27)
        ("before_seconds", np.int64),
        ("before_events", np.int64),
        ("presence", np.uint32),
        (
            "upf",
            np.uint32,
        ),  # digest of the uPFID whose share of the rating group it is; 0: none is named, as in Gy
        ("request", np.int32),  # row of the request
        ("reporting_reason", np.int32),  # -1 absent
        (
            "outcome",
            np.uint8,
        ),  # UNDECIDED where the engine decides; else of what is only recorded, as uncharged, and not answered
    ],
    align=True,
)

IDENTITY_DTYPE: Final = np.dtype(
    [
        ("offset", np.int32),
        ("length", np.int32),
        ("kind", np.int32),
        ("request", np.int32),
    ],
    align=True,
)

CREDIT_DTYPE: Final = np.dtype(
    [
        ("amount", np.int64),
        ("from_ns", np.int64),
        ("to_ns", np.int64),
        ("allowance", np.int32),  # 0 for money
        (
            "bucket_id",
            np.int32,
        ),  # that bucket; 0: a credit's by unit, allowance and period, else a new one; a debit's in the order of usage
        ("unit", np.uint8),
        ("priority", np.uint8),
        (
            "movement",
            np.uint8,
        ),  # MovementKind: a credit, a debit, or EXPIRED: the allowance's buckets end at `to_ns`
        ("may_go_below_zero", np.uint8),  # of a debit
    ],
    align=True,
)

CHANGE_DTYPE: Final = np.dtype(
    [
        ("expires_ns", np.int64),
        ("credit_limit_micros", np.int64),
        ("product_from_ns", np.int64),
        ("product_to_ns", np.int64),
        ("ends_ns", np.int64),  # of `ends_offer`
        ("offer", np.int32),  # 0: no product
        ("release", np.int32),
        ("priority", np.int32),
        ("ends_offer", np.int32),  # 0: none ends
        ("currency", np.int32),
        ("status", np.int32),  # of COMMAND_CHANGE 0: stays
        ("sets_credit_limit", np.int32),  # of COMMAND_CHANGE 1: `credit_limit_micros` is the new one
    ],
    align=True,
)
"""What COMMAND_OPEN and COMMAND_CHANGE set beside their amounts; row i belongs to request i."""

ANSWER_DTYPE: Final = np.dtype(
    [
        ("outcome", np.uint8),  # command level
        ("is_duplicate", np.uint8),  # the recorded answer of an earlier request; of a command: it was so before
        (
            "is_silent",
            np.uint8,
        ),  # no answer leaves (its connection is gone, or nobody asked)
        (
            "opened_session",
            np.uint8,
        ),  # 1 opened, 2 open and its route is to be written again
        ("ended_session", np.uint8),  # 1 by this request
        ("keeps_answer", np.uint8),  # an EVENT whose answer is kept for its repeats
        (
            "failed_code",
            np.uint32,
        ),  # for Failed-AVP where the engine refuses (5031: Rating-Group)
        (
            "life_s",
            np.int64,
        ),  # of the session's route and index key, where it opened or is to be refreshed
        (
            "due_ns",
            np.int64,
        ),  # when something of the account is to expire, where the sweeper should be told; else 0
        ("remaining", np.int64),  # of the bucket that an account command credited or debited last
    ],
    align=True,
)

ANSWER_MSCC_DTYPE: Final = np.dtype(
    [
        ("granted", np.int64),  # in `unit`; meaningful where has_grant
        ("validity_s", np.int32),  # 0: no Validity-Time
        ("threshold_units", np.uint32),  # in `unit`, below `granted`; 0: no threshold
        ("holding_s", np.int32),  # 0: no Quota-Holding-Time
        ("final_unit", np.uint32),  # number of the texts of final_action (charging/final_units.py); 0: none
        ("tariff_change_s", np.uint32),  # Unix time at which the price changes while the grant is valid; 0: it doesn't
        ("outcome", np.uint8),
        ("unit", np.uint8),
        ("has_grant", np.uint8),
        (
            "final_action",
            np.uint8,
        ),  # 0 none, 1 terminate, 2 redirect, 3 restrict (FinalAction of charging.tariff_tables); without a grant: at once
    ],
    align=True,
)
"""Row j answers row j of the batch's MSCCs."""


class UsageBatch(NamedTuple):
    """Requests of one tick or of one partition; rows 0..count-1 of each array are valid, counts[...] says how many."""

    requests: NDArray[np.void]  # REQUEST_DTYPE (BATCH_REQUESTS_MAX,)
    msccs: NDArray[np.void]  # MSCC_DTYPE (BATCH_MSCCS_MAX,)
    identities: NDArray[np.void]  # IDENTITY_DTYPE (BATCH_IDENTITIES_MAX,)
    credits: NDArray[np.void]  # CREDIT_DTYPE (BATCH_CREDITS_MAX,)
    changes: NDArray[np.void]  # CHANGE_DTYPE (BATCH_REQUESTS_MAX,), by request row
    octets: NDArray[np.uint8]  # (BATCH_OCTETS_MAX,)
    counts: NDArray[np.int64]  # (5,): requests, msccs, identities, credits, octets


COUNT_REQUESTS: Final = 0
COUNT_MSCCS: Final = 1
COUNT_IDENTITIES: Final = 2
COUNT_CREDITS: Final = 3
COUNT_OCTETS: Final = 4


class AnswerBatch(NamedTuple):
    """Answers of a decided UsageBatch, row for row."""

    answers: NDArray[np.void]  # ANSWER_DTYPE (BATCH_REQUESTS_MAX,)
    msccs: NDArray[np.void]  # ANSWER_MSCC_DTYPE (BATCH_MSCCS_MAX,)


class AnsweredBatch(NamedTuple):
    """Requests and their answers, as a front end gets them."""

    usage: UsageBatch
    answers: AnswerBatch


RECORDED_OUTCOME: Final = 0
RECORDED_NUMBER: Final = 1
RECORDED_HASH: Final = 2
RECORDED_MSCC_COUNT: Final = 3
RECORDED_MSCCS: Final = 4
RECORDED_MSCC_WORDS: Final = 2
RECORDED_WORDS: Final = RECORDED_MSCCS + RECORDED_MSCC_WORDS * MSCCS_PER_REQUEST_MAX
"""Layout of a recorded answer of an event: int64 words; each MSCC is (outcome | unit << 8 | has_grant << 16, granted).

Its outcome is that of the command; 0 where there is no recorded answer.
"""


def new_recorded_answers(rows_max: int = BATCH_REQUESTS_MAX) -> NDArray[np.int64]:
    """Recorded answers of events, a row each, as loaded; `decide` writes those of the events that it decides."""
    return np.zeros((rows_max, RECORDED_WORDS), np.int64)


def new_usage_batch(
    requests_max: int = BATCH_REQUESTS_MAX,
    msccs_max: int = BATCH_MSCCS_MAX,
    octets_max: int = BATCH_OCTETS_MAX,
) -> UsageBatch:
    """An empty batch of the given capacities; its memory is touched only where rows are written."""
    return UsageBatch(
        requests=np.zeros(requests_max, REQUEST_DTYPE),
        msccs=np.zeros(msccs_max, MSCC_DTYPE),
        identities=np.zeros(BATCH_IDENTITIES_MAX, IDENTITY_DTYPE),
        credits=np.zeros(BATCH_CREDITS_MAX, CREDIT_DTYPE),
        changes=np.zeros(requests_max, CHANGE_DTYPE),
        octets=np.zeros(octets_max, np.uint8),
        counts=np.zeros(5, np.int64),
    )


def new_answer_batch(requests_max: int = BATCH_REQUESTS_MAX, msccs_max: int = BATCH_MSCCS_MAX) -> AnswerBatch:
    """Answers for a UsageBatch of the same capacities."""
    return AnswerBatch(
        answers=np.zeros(requests_max, ANSWER_DTYPE),
        msccs=np.zeros(msccs_max, ANSWER_MSCC_DTYPE),
    )

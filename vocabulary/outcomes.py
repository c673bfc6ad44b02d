"""What a decision can say, once: each outcome with its Diameter Result-Code, its Nchf words and whether a retry can help.

Kernels carry the small integer; encoders look the rest up in `RESULT_CODES`. Rows stand in order of precedence: where
several outcomes fit one request, the first of them is answered.
"""

from enum import IntEnum
from typing import Final, NamedTuple


class Outcome(IntEnum):
    """The result of a request or of one MSCC of it. 0 means not decided yet and never leaves the engine."""

    UNDECIDED = 0
    GRANTED = 1
    TOO_BUSY = 2
    AVP_UNSUPPORTED = 3
    INVALID_AVP_LENGTH = 4
    INVALID_AVP_VALUE = 5
    MISSING_AVP = 6
    AVP_OCCURS_TOO_MANY_TIMES = 7
    UNABLE_TO_COMPLY = 8
    UNKNOWN_SESSION_ID = 9
    USER_UNKNOWN = 10
    END_USER_SERVICE_DENIED = 11
    AUTHORIZATION_REJECTED = 12
    RATING_FAILED = 13
    CREDIT_CONTROL_NOT_APPLICABLE = 14
    CREDIT_LIMIT_REACHED = 15
    UNABLE_TO_DELIVER = 16


class OutcomeRow(NamedTuple):
    """One outcome in the words of both protocols."""

    outcome: Outcome
    result_code: int
    nchf: str
    retry_helps: bool
    clause: str


OUTCOMES: Final = (
    OutcomeRow(Outcome.TOO_BUSY, 3004, "NF_CONGESTION", True, "RFC 6733 §7.1.3"),
    OutcomeRow(Outcome.UNABLE_TO_DELIVER, 3002, "SYSTEM_FAILURE", True, "RFC 6733 §7.1.3"),
    OutcomeRow(Outcome.INVALID_AVP_LENGTH, 5014, "INVALID_MSG_FORMAT", False, "RFC 6733 §7.1.5"),
    OutcomeRow(Outcome.AVP_UNSUPPORTED, 5001, "INVALID_MSG_FORMAT", False, "RFC 6733 §7.1.5"),
    OutcomeRow(Outcome.MISSING_AVP, 5005, "MANDATORY_IE_MISSING", False, "RFC 6733 §7.1.5"),
    OutcomeRow(Outcome.INVALID_AVP_VALUE, 5004, "MANDATORY_IE_INCORRECT", False, "RFC 6733 §7.1.5"),
    OutcomeRow(Outcome.AVP_OCCURS_TOO_MANY_TIMES, 5009, "INVALID_MSG_FORMAT", False, "RFC 6733 §7.1.5"),
    OutcomeRow(Outcome.UNABLE_TO_COMPLY, 5012, "CHARGING_FAILED", False, "RFC 6733 §7.1.5"),
    OutcomeRow(Outcome.USER_UNKNOWN, 5030, "USER_UNKNOWN", False, "RFC 8506 §9.2"),
    OutcomeRow(Outcome.UNKNOWN_SESSION_ID, 5002, "CONTEXT_NOT_FOUND", False, "RFC 6733 §7.1.5"),
    OutcomeRow(Outcome.END_USER_SERVICE_DENIED, 4010, "END_USER_SERVICE_DENIED", False, "RFC 8506 §9.1"),
    OutcomeRow(Outcome.AUTHORIZATION_REJECTED, 5003, "END_USER_SERVICE_REJECTED", False, "RFC 6733 §7.1.5"),
    OutcomeRow(Outcome.RATING_FAILED, 5031, "RATING_FAILED", False, "RFC 8506 §9.2"),
    OutcomeRow(Outcome.CREDIT_CONTROL_NOT_APPLICABLE, 4011, "QUOTA_MANAGEMENT_NOT_APPLICABLE", False, "RFC 8506 §9.1"),
    OutcomeRow(Outcome.CREDIT_LIMIT_REACHED, 4012, "QUOTA_LIMIT_REACHED", True, "RFC 8506 §9.1"),
    OutcomeRow(Outcome.GRANTED, 2001, "SUCCESS", False, "RFC 6733 §7.1.2"),
)

WANT_OF_RIGHTS: Final = (
    Outcome.END_USER_SERVICE_DENIED,
    Outcome.AUTHORIZATION_REJECTED,
    Outcome.RATING_FAILED,
)
"""Refusals that another status of the account, another product or another price may put right."""

RESULT_CODES: Final = tuple(
    next((row.result_code for row in OUTCOMES if row.outcome == outcome), 0) for outcome in sorted(Outcome)
)
"""Result-Code by outcome, for kernels: RESULT_CODES[outcome]; 0 for UNDECIDED."""

assert sorted(row.outcome for row in OUTCOMES) == sorted(set(Outcome) - {Outcome.UNDECIDED})
assert [int(outcome) for outcome in sorted(Outcome)] == list(range(len(Outcome)))

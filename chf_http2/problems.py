"""Errors of a whole request as ProblemDetails (RFC 9457, TS 29.571), and which outcome of the engine is which."""

import re
from typing import Final, NamedTuple

import msgspec

from chf_http2.schema import ChargingDataRequest, InvalidParam, ProblemDetails
from chf_http2.schema_members import is_mandatory
from vocabulary.limits import SESSIONS_PER_ACCOUNT_MAX
from vocabulary.outcomes import Outcome


class Refusal(NamedTuple):
    """How an outcome of a whole request is said; `retry_after_s` 0: it is not.

    param    JSON pointer of the member that it is of; "" none
    reason   what is wrong, and what to do; "" where the title says it
    """

    status: int
    cause: str
    title: str
    retry_after_s: int = 0
    param: str = ""
    reason: str = ""


REFUSALS: Final = {
    Outcome.TOO_BUSY: Refusal(503, "NF_CONGESTION", "The charging function has more to do than it can, or no store", 1),
    Outcome.UNABLE_TO_DELIVER: Refusal(500, "SYSTEM_FAILURE", "The request can't be delivered"),
    Outcome.INVALID_AVP_LENGTH: Refusal(400, "INVALID_MSG_FORMAT", "A member has a wrong length"),
    Outcome.AVP_UNSUPPORTED: Refusal(400, "INVALID_MSG_FORMAT", "A member is not supported"),
    Outcome.MISSING_AVP: Refusal(400, "MANDATORY_IE_MISSING", "A member is missing"),
    Outcome.INVALID_AVP_VALUE: Refusal(
        400,
        "MANDATORY_IE_INCORRECT",
        "A member contradicts an earlier request",
        param="/invocationSequenceNumber",
        reason=(
            "a request of this session and kind with this number was answered, and its multipleUnitUsage had other units, or it"
            " is older than the two answers that are kept; nothing was charged: send a request again with the units that it"
            " had, and a new one with a number of its own"
        ),
    ),
    Outcome.AVP_OCCURS_TOO_MANY_TIMES: Refusal(400, "INVALID_MSG_FORMAT", "A member occurs too often"),
    Outcome.UNABLE_TO_COMPLY: Refusal(
        400,
        "CHARGING_FAILED",
        "The request can't be charged",
        reason=(
            f"the account has {SESSIONS_PER_ACCOUNT_MAX} open sessions, which is the most, or no room for another service, or"
            " an amount is beyond every limit: release sessions that are not used"
        ),
    ),
    Outcome.USER_UNKNOWN: Refusal(404, "USER_UNKNOWN", "No account has one of these identities"),
    Outcome.UNKNOWN_SESSION_ID: Refusal(404, "CONTEXT_NOT_FOUND", "No such charging session is open"),
    Outcome.END_USER_SERVICE_DENIED: Refusal(403, "END_USER_REQUEST_DENIED", "The account may not use the service now"),
    Outcome.AUTHORIZATION_REJECTED: Refusal(
        403, "END_USER_REQUEST_REJECTED", "The account's products don't have the service"
    ),
    Outcome.RATING_FAILED: Refusal(400, "CHARGING_FAILED", "No price is known for the service"),
    Outcome.CREDIT_CONTROL_NOT_APPLICABLE: Refusal(403, "CHARGING_NOT_APPLICABLE", "The service needs no quota"),
    Outcome.CREDIT_LIMIT_REACHED: Refusal(403, "QUOTA_LIMIT_REACHED", "The account has no credit left"),
}
"""TS 32.291 §6.1.7.3 and TS 29.500 §5.2.7.2 have the causes."""

REFUSED_BY_AVP: Final = {
    437: Refusal(
        400,
        "OPTIONAL_IE_INCORRECT",
        "An event of 0 units can't be charged",
        param="/multipleUnitUsage",
        reason=(
            "a requestedUnit names 0 of the unit that the price counts; nothing was charged: name more, or have it empty for"
            " one unit"
        ),
    ),
}
"""Of an INVALID_AVP_VALUE, where the engine names another AVP than CC-Request-Number: Requested-Service-Unit."""

assert set(REFUSALS) == set(Outcome) - {Outcome.UNDECIDED, Outcome.GRANTED}


class Status(NamedTuple):
    """A status that a refusal may have: its title, the causes that are said with it, and headers beside the body."""

    title: str
    causes: tuple[str, ...]
    headers: tuple[str, ...] = ()


STATUSES: Final = {
    400: Status(
        "The request is malformed, or can't be charged",
        (
            "INVALID_MSG_FORMAT",
            "MANDATORY_IE_MISSING",
            "MANDATORY_IE_INCORRECT",
            "OPTIONAL_IE_INCORRECT",
            "CHARGING_FAILED",
        ),
    ),
    401: Status("No access token, or none that is valid", (), ("WWW-Authenticate",)),
    403: Status(
        "The user or the service may not be charged, or the access token is for another service",
        (
            "END_USER_REQUEST_DENIED",
            "END_USER_REQUEST_REJECTED",
            "CHARGING_NOT_APPLICABLE",
            "QUOTA_LIMIT_REACHED",
        ),
        ("WWW-Authenticate",),
    ),
    404: Status(
        "No such path, user or session",
        ("RESOURCE_URI_STRUCTURE_NOT_FOUND", "USER_UNKNOWN", "CONTEXT_NOT_FOUND"),
    ),
    405: Status("The path doesn't take this method", ("METHOD_NOT_ALLOWED",), ("Allow",)),
    408: Status("The body took too long to come", ("UNSPECIFIED_MSG_FAILURE",)),
    413: Status("The body is too large", ("INVALID_MSG_FORMAT",)),
    415: Status(
        "The body is not JSON, or compressed in another way than gzip",
        ("UNSUPPORTED_MEDIA_TYPE",),
        ("Accept-Encoding",),
    ),
    500: Status("The charging function failed", ("SYSTEM_FAILURE",)),
    503: Status("More to do than can be done, or no store: nothing was charged", ("NF_CONGESTION",), ("Retry-After",)),
    504: Status("No answer came in time", ("TIMED_OUT_REQUEST",), ("3gpp-Sbi-Response-Info",)),
}
"""All that a request may be refused with: the description at /openapi and docs/nchf.md are made of it."""

assert all(refusal.cause in STATUSES[refusal.status].causes for refusal in REFUSALS.values())


def refusal_problem(outcome: Outcome, failed_code: int = 0) -> ProblemDetails:
    """The problem that an outcome of the engine is; `failed_code`: the AVP that the engine finds at fault."""
    refusal = REFUSED_BY_AVP.get(failed_code, REFUSALS[outcome])
    if not refusal.param:
        return ProblemDetails(
            title=refusal.title, status=refusal.status, cause=refusal.cause, detail=refusal.reason or None
        )
    return ProblemDetails(
        title=refusal.title,
        status=refusal.status,
        cause=refusal.cause,
        detail=f"{refusal.param}: {refusal.reason}",
        invalid_params=(InvalidParam(param=refusal.param, reason=refusal.reason),),
    )


def problem(status: int, cause: str | None, detail: str | None = None, *params: InvalidParam) -> ProblemDetails:
    """A problem that the front end finds; `cause` None: no specification has one for it."""
    assert cause is None or cause in STATUSES[status].causes
    return ProblemDetails(
        title=STATUSES[status].title, status=status, cause=cause, detail=detail, invalid_params=params or None
    )


def invalid(param: str, reason: str) -> ProblemDetails:
    """A member of a ChargingDataRequest whose value can't be charged."""
    return _incorrect(ChargingDataRequest, param, reason)


def _incorrect(body: type[msgspec.Struct], param: str, reason: str) -> ProblemDetails:
    """A member that has a wrong value; the schema's lists of required members say which cause that is."""
    cause = "MANDATORY_IE_INCORRECT" if is_mandatory(body, param) else "OPTIONAL_IE_INCORRECT"
    return problem(400, cause, f"{param}: {reason}", InvalidParam(param=param, reason=reason))


def missing(param: str, reason: str) -> ProblemDetails:
    """A member that the schema doesn't require, but charging does."""
    return problem(400, "MANDATORY_IE_MISSING", f"{param}: {reason}", InvalidParam(param=param, reason=reason))


_PLACE: Final = re.compile(r"(?P<what>.*) - at `\$(?P<place>.*)`", re.DOTALL)
_STEP: Final = re.compile(r"\.(?P<name>[^.\[]+)|\[(?P<index>[0-9]+)\]")
"""Of such a place; `[...]`, a value of a map whose key isn't said, is none."""
_MISSING: Final = re.compile(r"missing required field `(?P<name>[^`]*)`")


def validation_problem(
    error: msgspec.ValidationError, body: type[msgspec.Struct] = ChargingDataRequest
) -> ProblemDetails:
    """What the schema of a body found, with a JSON pointer to the member (TS 29.500 §5.2.7.2)."""
    found = _PLACE.fullmatch(str(error))
    what, place = (found["what"], found["place"]) if found else (str(error), "")
    pointer = _pointer(place)
    missed = _MISSING.search(what)
    if missed:
        pointer = f"{pointer}/{missed['name']}"
        return problem(400, "MANDATORY_IE_MISSING", f"{pointer}: {what}", InvalidParam(param=pointer, reason=what))
    if not pointer:
        return problem(400, "INVALID_MSG_FORMAT", f"the body: {what}", InvalidParam(param="", reason=what))
    return _incorrect(body, pointer, what)


def _pointer(place: str) -> str:
    """The JSON pointer of a place as msgspec writes it, as far as it is known: `.a[0].b` is `/a/0/b`."""
    pointer, at = "", 0
    while (step := _STEP.match(place, at)) is not None:
        pointer += f"/{step['name'] or step['index']}"
        at = step.end()
    return pointer

"""What a request may be refused with: one table of statuses and codes, and the exceptions that carry them (TMF630 §3.4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, NamedTuple

import msgspec


class Problem(Enum):
    """Codes of refusals, as clients see them."""

    MALFORMED_BODY = "malformedBody"
    INVALID_BODY = "invalidBody"
    INVALID_QUERY = "invalidQuery"
    INVALID_HEADER = "invalidHeader"
    NO_TOKEN = "noToken"
    INVALID_TOKEN = "invalidToken"
    NOT_PERMITTED = "notPermitted"
    NOT_FOUND = "notFound"
    METHOD_NOT_SERVED = "methodNotServed"
    CONFLICT = "conflict"
    STALE = "stale"
    BODY_TOO_LONG = "bodyTooLong"
    WRONG_CONTENT_TYPE = "wrongContentType"
    IDEMPOTENCY_KEY_REUSED = "idempotencyKeyReused"
    NO_IF_MATCH = "noIfMatch"
    TOO_MANY_REQUESTS = "tooManyRequests"
    INTERNAL = "internal"
    UNAVAILABLE = "unavailable"


class ProblemRow(NamedTuple):
    """How a problem is answered.

    adds  is the status one that TM Forum's files don't have?
    """

    problem: Problem
    status: int
    reason: str
    remedy: str
    headers: tuple[str, ...] = ()
    adds: bool = False


PROBLEMS: Final = {
    row.problem: row
    for row in (
        ProblemRow(Problem.MALFORMED_BODY, 400, "The body is no JSON object", "send one JSON object in UTF-8"),
        ProblemRow(
            Problem.INVALID_BODY, 400, "Members of the body are missing, unknown or wrong", "the message names each"
        ),
        ProblemRow(Problem.INVALID_QUERY, 400, "A query parameter can't be used", "the message says what can be"),
        ProblemRow(Problem.INVALID_HEADER, 400, "A header can't be read", "the message names it and its form"),
        ProblemRow(
            Problem.NO_TOKEN,
            401,
            "The request has no access token",
            "get one from /oauth2/token",
            ("WWW-Authenticate",),
        ),
        ProblemRow(
            Problem.INVALID_TOKEN,
            401,
            "The access token is not valid or has expired",
            "get another one from /oauth2/token",
            ("WWW-Authenticate",),
        ),
        ProblemRow(
            Problem.NOT_PERMITTED,
            403,
            "The access token's scope doesn't have what this takes",
            "ask for the scope that the message names",
            ("WWW-Authenticate",),
        ),
        ProblemRow(Problem.NOT_FOUND, 404, "There is no such resource", "look the id up by a list"),
        ProblemRow(
            Problem.METHOD_NOT_SERVED,
            405,
            "The resource doesn't take this method",
            "Allow has those it takes",
            ("Allow",),
        ),
        ProblemRow(
            Problem.CONFLICT, 409, "The resource's state or another resource stands against it", "the message says what"
        ),
        ProblemRow(
            Problem.STALE,
            412,
            "The resource was changed since it was read",
            "read it again, and send its new ETag",
            adds=True,
        ),
        ProblemRow(Problem.BODY_TOO_LONG, 413, "The body is too long", "the message has the maximum", adds=True),
        ProblemRow(
            Problem.WRONG_CONTENT_TYPE,
            415,
            "The body is of a type that isn't taken",
            "the message has the right one",
            adds=True,
        ),
        ProblemRow(
            Problem.IDEMPOTENCY_KEY_REUSED,
            422,
            "The idempotency key was used with another body",
            "use a new key for each new request",
            adds=True,
        ),
        ProblemRow(
            Problem.NO_IF_MATCH,
            428,
            "A change needs If-Match",
            "send the ETag that you read, or * for whatever is there",
            adds=True,
        ),
        ProblemRow(
            Problem.TOO_MANY_REQUESTS, 429, "Too many requests are under way", "wait", ("Retry-After",), adds=True
        ),
        ProblemRow(Problem.INTERNAL, 500, "Something failed here", "the log of the server says what"),
        ProblemRow(
            Problem.UNAVAILABLE,
            503,
            "What this needs is away",
            "try again; use an idempotency key",
            ("Retry-After",),
            adds=True,
        ),
    )
}


@dataclass(frozen=True, slots=True)
class Refusal(Exception):
    """A request is refused.

    message  what is wrong here, and the remedy, for whoever sent the request
    headers  of the answer
    """

    problem: Problem
    message: str
    headers: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return self.message


def error_document(refusal: Refusal, public_url: str) -> dict[str, Any]:
    """The body of the answer: TM Forum's Error. `referenceError` is the row of the table on our page of errors."""
    row = PROBLEMS[refusal.problem]
    return {
        "code": refusal.problem.value,
        "reason": row.reason,
        "message": refusal.message,
        "status": str(row.status),
        "referenceError": f"{public_url}/docs/errors#{refusal.problem.value}",
        "@type": "Error",
    }


def error_schema() -> dict[str, Any]:
    """JSON Schema of `error_document`."""
    text = {"type": "string"}
    return {
        "type": "object",
        "required": ["code", "reason", "message", "status", "referenceError"],
        "properties": {
            "code": {"type": "string", "enum": [one.value for one in Problem]},
            "reason": text,
            "message": text,
            "status": text,
            "referenceError": {"type": "string", "format": "uri"},
            "@type": {"type": "string", "enum": ["Error"]},
        },
    }


def error_body(refusal: Refusal, public_url: str) -> bytes:
    """The body as JSON."""
    return msgspec.json.encode(error_document(refusal, public_url))


def rows_of(statuses: Sequence[int]) -> list[ProblemRow]:
    """The problems with one of some statuses, in order of the table."""
    return [row for row in PROBLEMS.values() if row.status in statuses]

"""Headers that requests carry: ETags (RFC 9110 §13.1.1), idempotency keys, access tokens."""

import re
from typing import Final

from bss.api.limits import RETRY_AFTER_S
from bss.api.problems import Problem, Refusal
from bss.idempotency import KEY_CHARACTERS_MAX

_ETAG: Final = re.compile(r'\s*(W/)?"([!#-~]*)"\s*', re.ASCII)
_KEY: Final = re.compile(rf"[!-~]{{1,{KEY_CHARACTERS_MAX}}}", re.ASCII)
_SCHEME: Final = "bearer "
RETRY: Final = (("Retry-After", str(RETRY_AFTER_S)),)
"""When to come back; of refusals that pass."""


def etag_of(revision: int) -> str:
    """The ETag of a row's revision."""
    return f'"{revision}"'


def revision_wanted(if_match: str | None, revision: int) -> int | None:
    """The revision that a change is for: the current one, or None where any will do (`*`).

    Refusal: the header is missing, no list of ETags, or has none of the current revision.
    """
    if if_match is None:
        raise Refusal(Problem.NO_IF_MATCH, "send If-Match with the ETag of the resource as you read it")
    if if_match.strip() == "*":
        return None
    found = [_ETAG.fullmatch(part) for part in if_match.split(",")]
    if any(one is None for one in found):
        raise Refusal(Problem.INVALID_HEADER, 'If-Match has to be an ETag, such as "3", or *')
    if not any(one is not None and not one[1] and one[2] == str(revision) for one in found):
        raise Refusal(Problem.STALE, f"the resource is at {etag_of(revision)} and If-Match says {if_match}")
    return revision


def idempotency_key(header: str | None) -> str | None:
    """The key. Refusal: it is empty, too long or not of visible ASCII."""
    if header is not None and not _KEY.fullmatch(header):
        raise Refusal(
            Problem.INVALID_HEADER,
            f"Idempotency-Key has to be 1 to {KEY_CHARACTERS_MAX} visible ASCII characters",
        )
    return header


def bearer_token(header: str | None) -> str:
    """The token. Refusal: there is none, or it is of another scheme."""
    if header is None:
        raise unauthenticated(Problem.NO_TOKEN, "send Authorization: Bearer and an access token of /oauth2/token")
    if header[: len(_SCHEME)].lower() != _SCHEME:
        raise unauthenticated(Problem.INVALID_TOKEN, "the Authorization header is not of the scheme Bearer")
    return header[len(_SCHEME) :].strip(" ")


def unauthenticated(problem: Problem, message: str) -> Refusal:
    """A 401 with its challenge (RFC 6750 §3): without an error where there was no token at all."""
    error = ', error="invalid_token"' if problem is Problem.INVALID_TOKEN else ""
    return Refusal(problem, message, (("WWW-Authenticate", f'Bearer realm="farebox"{error}'),))


def not_permitted(permission: str) -> Refusal:
    """A 403 with its challenge."""
    challenge = f'Bearer realm="farebox", error="insufficient_scope", scope="{permission}"'
    return Refusal(Problem.NOT_PERMITTED, f"this takes the scope {permission}", (("WWW-Authenticate", challenge),))


def unavailable(message: str) -> Refusal:
    """A 503: what the request needs isn't there now."""
    return Refusal(Problem.UNAVAILABLE, message, RETRY)

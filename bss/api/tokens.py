"""Access tokens: JWTs signed with ES256 by a key of this installation, and what they say.

A token that was verified is remembered by its digest until it expires: a request costs a hash and a look into a dict instead of
a signature. What was refused isn't remembered, so that a stranger's tokens take no memory.
"""

import hashlib
from collections.abc import Mapping
from typing import Final, Protocol

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from bss.access import Caller
from bss.api.headers import unauthenticated
from bss.api.limits import TOKEN_LIFE_S, TOKEN_OCTETS_MAX, TOKENS_KEPT_MAX
from bss.api.problems import Problem, Refusal
from vocabulary.instants import NS_PER_S

ALGORITHM: Final = "ES256"
ISSUER: Final = "farebox"


class Claims(msgspec.Struct, frozen=True):
    """What a token says. Times are seconds since the epoch."""

    iss: str
    aud: str
    sub: str
    tenant: str
    scope: str
    iat: int
    exp: int


class TokenCheck(Protocol):
    """Who may call, for the APIs; tests have others."""

    def verify(self, token: str, now_ns: int) -> Caller:
        """Whose token it is. Refusal: it isn't valid."""


class Tokens:
    """Issues tokens and verifies them, with one key pair. Used by the threads of one process together."""

    def __init__(self, keys: Mapping[str, ECKey], signing_key_id: str) -> None:
        """`keys` by their ids: tokens of former ones stay valid until they expire."""
        self._keys = dict(keys)
        self._signing_key_id = signing_key_id
        self._claims = msgspec.json.Decoder(Claims)
        self._known: dict[bytes, Caller] = {}

    @property
    def known_count(self) -> int:
        """Tokens that are remembered."""
        return len(self._known)

    def issue(self, *, tenant: str, subject: str, permissions: frozenset[str], now_ns: int) -> str:
        """A token that is valid for TOKEN_LIFE_S."""
        now_s = now_ns // NS_PER_S
        claims = Claims(
            iss=ISSUER,
            aud=ISSUER,
            sub=subject,
            tenant=tenant,
            scope=" ".join(sorted(permissions)),
            iat=now_s,
            exp=now_s + TOKEN_LIFE_S,
        )
        header = {"alg": ALGORITHM, "typ": "at+jwt", "kid": self._signing_key_id}
        return jws.serialize_compact(header, msgspec.json.encode(claims), self._keys[self._signing_key_id])

    def verify(self, token: str, now_ns: int) -> Caller:
        """Whose token it is. Refusal: it isn't signed by us, isn't for us, or has expired."""
        if len(token) > TOKEN_OCTETS_MAX:
            raise _invalid(f"the access token has more than {TOKEN_OCTETS_MAX} octets")
        digest = hashlib.sha256(token.encode("utf-8", "replace")).digest()
        found = self._known.get(digest)
        if found is None:
            found = self._verified(token)
            if len(self._known) >= TOKENS_KEPT_MAX:
                self._forget(now_ns)
            self._known[digest] = found
        if found.expires_ns <= now_ns:
            self._known.pop(digest, None)
            raise _invalid("the access token has expired")
        return found

    def _verified(self, token: str) -> Caller:
        try:
            extracted = jws.extract_compact(token.encode())
            key = self._keys.get(str(extracted.headers().get("kid")))
            if key is None:
                raise _invalid("the access token is signed with a key that isn't ours")
            payload = jws.deserialize_compact(token, key, algorithms=[ALGORITHM]).payload
            claims = self._claims.decode(payload)
        except (JoseError, msgspec.MsgspecError, ValueError, TypeError, RecursionError):
            raise _invalid("the access token is none of ours") from None
        if claims.iss != ISSUER or claims.aud != ISSUER:
            raise _invalid("the access token is for another service")
        permissions = frozenset(claims.scope.split())
        return Caller(claims.tenant, claims.sub, permissions, claims.exp * NS_PER_S)

    def _forget(self, now_ns: int) -> None:
        """Make room: what has expired goes, else the token that was verified first."""
        for digest in [digest for digest, one in list(self._known.items()) if one.expires_ns <= now_ns]:
            self._known.pop(digest, None)
        while len(self._known) >= TOKENS_KEPT_MAX:
            self._known.pop(next(iter(self._known)), None)


def _invalid(message: str) -> Refusal:
    return unauthenticated(Problem.INVALID_TOKEN, message)

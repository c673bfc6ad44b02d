"""OAuth2 access tokens of the NRF: who may use which service (TS 33.501 §13.4.1, TS 29.510 §6.3.5.2.4, TS 29.500 §6.7.3).

A token that was verified is remembered by its text until it expires, so that a request costs a look into a dict. What was
refused isn't: a stranger's tokens take no memory.
"""

from typing import Final, NamedTuple

import msgspec
from jwt.api_jws import PyJWS
from jwt.exceptions import PyJWTError

from chf_http2.errors import RequestRefused
from chf_http2.problems import problem
from chf_http2.token_keys import TokenKey
from vocabulary.instants import INSTANT_NS_MAX, NS_PER_S

NF_TYPE: Final = "CHF"
TOKEN_OCTETS_MAX: Final = 4096
TOKENS_KEPT_MAX: Final = 1024
EARLY_S: Final = 5
"""How far the NRF's clock may be ahead of ours where a token says from when on it is valid."""
_NEVER_S: Final = INSTANT_NS_MAX // NS_PER_S
"""Tokens may be good until the year 9999 and longer, which no instant of ours is."""
_SCHEME: Final = "Bearer "
_ALGORITHMS: Final = ("ES256", "RS256")


class PlmnId(msgspec.Struct, frozen=True):
    """A network (TS 29.571 §5.4.4.3)."""

    mcc: str
    mnc: str


class Claims(msgspec.Struct, frozen=True, rename="camel"):
    """AccessTokenClaims (TS 29.510 §6.3.5.2.4), as far as they are checked."""

    iss: str
    sub: str
    aud: str | tuple[str, ...]
    scope: str
    exp: float
    nbf: float | None = None
    producer_plmn_id: PlmnId | None = None


class TokenRules(NamedTuple):
    """What a token must say."""

    audiences: frozenset[str]
    """in lower case: our NF instance id and NF type; one of a token's must be among them"""
    issuers: frozenset[str]
    """NF instance ids of NRFs, in lower case; empty: any who has a key"""
    plmns: frozenset[tuple[str, str]]
    """our networks, (MCC, MNC); empty: the network that a token is for isn't looked at"""


class Verified(NamedTuple):
    """What a token is good for."""

    expires_s: float
    """since the epoch"""
    scope: frozenset[str]


class TokenChecker:
    """Checks Authorization headers of one front end."""

    def __init__(self, rules: TokenRules, keys: tuple[TokenKey, ...]) -> None:
        self._rules = rules
        self._keys = keys
        self._signatures = PyJWS(algorithms=list(_ALGORITHMS))
        self._claims = msgspec.json.Decoder(Claims)
        self._known: dict[str, Verified] = {}
        """by the header's text"""

    @property
    def known_count(self) -> int:
        """Tokens that are remembered."""
        return len(self._known)

    def verified(self, authorization: str) -> Verified | None:
        """What is remembered of a header; None."""
        return self._known.get(authorization)

    def use_keys(self, keys: tuple[TokenKey, ...]) -> None:
        """Other keys from now on; what the former ones verified is verified again."""
        self._keys = keys
        self._known.clear()

    def check(self, authorization: str | None, service: str, now_s: float) -> None:
        """RequestRefused: the header has no token that allows the service; 401, or 403 where the token is valid."""
        found = self._known.get(authorization) if authorization is not None else None
        if found is None or found.expires_s <= now_s:
            found = self._verify(authorization, service, now_s)
        if service not in found.scope:
            raise RequestRefused(
                problem(403, None, f"the access token's scope doesn't have {service}"),
                _challenge(service, f'error="insufficient_scope", scope="{service}"'),
            )

    def _verify(self, authorization: str | None, service: str, now_s: float) -> Verified:
        if authorization is None:
            raise RequestRefused(problem(401, None, "the request has no access token"), _challenge(service))
        try:
            claims = self._verified_claims(authorization)
            self._check_claims(claims, now_s)
        except _Invalid as error:
            self._known.pop(authorization, None)
            raise RequestRefused(problem(401, None, str(error)), _challenge(service, 'error="invalid_token"')) from None
        if len(self._known) >= TOKENS_KEPT_MAX:
            self._forget(now_s)
        found = self._known[authorization] = Verified(min(claims.exp, _NEVER_S), frozenset(claims.scope.split(" ")))
        return found

    def _verified_claims(self, authorization: str) -> Claims:
        """What a token says whose signature is one of the NRF's."""
        if authorization[: len(_SCHEME)].lower() != _SCHEME.lower():
            raise _Invalid("the Authorization header is not of the scheme Bearer")
        token = authorization[len(_SCHEME) :].strip(" ")
        if len(token) > TOKEN_OCTETS_MAX:
            raise _Invalid(f"the access token has more than {TOKEN_OCTETS_MAX} octets")
        try:
            header = self._signatures.get_unverified_header(token)
        except (PyJWTError, UnicodeError, ValueError):
            raise _Invalid("the access token is no signed JWT") from None
        if header.get("alg") not in _ALGORITHMS:
            raise _Invalid("the access token is signed with neither ES256 nor RS256")
        if "crit" in header:
            raise _Invalid("the access token's header has members that must be understood and aren't (crit)")
        for one in self._candidates(header["alg"], header.get("kid")):
            try:
                payload = self._signatures.decode(token, one.key, algorithms=[one.algorithm])
            except (PyJWTError, ValueError):
                continue
            try:
                return self._claims.decode(payload)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
                raise _Invalid(f"the access token's claims are none of an NRF: {error}") from None
        raise _Invalid("the access token is not signed with a key of the NRF")

    def _candidates(self, algorithm: str, kid: object) -> list[TokenKey]:
        """Keys of the algorithm: the one that the token names where it is known, else those without a name."""
        fitting = [one for one in self._keys if one.algorithm == algorithm]
        if kid is None:
            return fitting
        named = [one for one in fitting if one.kid == kid]
        return named or [one for one in fitting if not one.kid]

    def _check_claims(self, claims: Claims, now_s: float) -> None:
        rules = self._rules
        if claims.exp <= now_s:
            raise _Invalid("the access token has expired")
        if claims.nbf is not None and claims.nbf > now_s + EARLY_S:
            raise _Invalid("the access token is not valid yet")
        audiences = (claims.aud,) if isinstance(claims.aud, str) else claims.aud
        if not any(one.lower() in rules.audiences for one in audiences):
            raise _Invalid("the access token is for another network function (aud)")
        if rules.issuers and claims.iss.lower() not in rules.issuers:
            raise _Invalid("the access token is of an NRF that isn't ours (iss)")
        plmn = claims.producer_plmn_id
        if plmn is not None and rules.plmns and (plmn.mcc, plmn.mnc) not in rules.plmns:
            raise _Invalid("the access token is for another network (producerPlmnId)")

    def _forget(self, now_s: float) -> None:
        """Make room: what has expired goes, else the token that was verified first."""
        for text in [text for text, (expires_s, _) in self._known.items() if expires_s <= now_s]:
            del self._known[text]
        while len(self._known) >= TOKENS_KEPT_MAX:
            del self._known[next(iter(self._known))]


class _Invalid(Exception):
    """Why a token is none that is valid."""


def _challenge(service: str, error: str = "") -> tuple[str, str]:
    """WWW-Authenticate (RFC 6750 §3): without an error where the request had no token at all."""
    return "www-authenticate", f'Bearer realm="{service}"' + (f", {error}" if error else "")

"""Access tokens: which are taken, which aren't and how that is said, and what is remembered."""

import hashlib
import hmac
import tracemalloc
from typing import Any

import jwt
import pytest

from chf_http2.access_tokens import EARLY_S, TOKEN_OCTETS_MAX, TOKENS_KEPT_MAX, TokenChecker, TokenRules
from chf_http2.errors import RequestRefused
from chf_http2.token_keys import keys_of
from tests.chf_http2.token_signing import (
    CONVERGED,
    NF_INSTANCE_ID,
    NOW_S,
    NRF,
    OFFLINE_ONLY,
    SMF,
    bearer,
    claims,
    ec_key,
    forged,
    part,
    public_pem,
    rsa_key,
    token,
)
from vocabulary.instants import INSTANT_NS_MAX, NS_PER_S

RULES = TokenRules(frozenset({"chf", NF_INSTANCE_ID}), frozenset(), frozenset())
KEYS = (*keys_of(public_pem(ec_key())), *keys_of(public_pem(rsa_key())))


def checker(**rules: Any) -> TokenChecker:
    return TokenChecker(RULES._replace(**rules), KEYS)


def refusal(checks: TokenChecker, header: str | None, service: str = CONVERGED, now_s: float = NOW_S) -> RequestRefused:
    with pytest.raises(RequestRefused) as refused:
        checks.check(header, service, now_s)
    (name, _) = refused.value.headers[0]
    assert name == "www-authenticate"
    return refused.value


@pytest.mark.parametrize(
    "text",
    [
        token(),
        token(rsa_key()),
        token(aud=[NF_INSTANCE_ID.upper()]),
        token(aud=[SMF, NF_INSTANCE_ID]),
        token(scope=f"{OFFLINE_ONLY} {CONVERGED}"),
        token(nbf=NOW_S + EARLY_S),
        token(exp=NOW_S + 0.5, consumerPlmnId={"mcc": "262", "mnc": "01"}, anything=[1]),
        token(headers={"kid": "a name that no key has"}),
    ],
)
def test_tokens_that_are_taken(text: str) -> None:
    checks = checker()
    for header in (bearer(text), bearer(text), f"bearer  {text} "):
        checks.check(header, CONVERGED, NOW_S)
    assert checks.known_count == 2, "the same text is verified once"


def hs256_by_the_public_key() -> str:
    """The oldest trick: the public key, which everybody has, taken for a secret."""
    signed = f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{part(claims())}"
    return f"{signed}.{part(hmac.new(public_pem(rsa_key()), signed.encode(), hashlib.sha256).digest())}"


def cut(text: str) -> str:
    """With other claims under the same signature."""
    header, _, signature = text.split(".")
    return f"{header}.{part(claims(aud='CHF', exp=NOW_S + 10**6))}.{signature}"


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (bearer(token(exp=NOW_S)), "expired"),
        (bearer(token(exp=-1)), "expired"),
        (bearer(token(nbf=NOW_S + EARLY_S + 1)), "not valid yet"),
        (bearer(token(aud="SMF")), "aud"),
        (bearer(token(aud=[SMF])), "aud"),
        (bearer(token(aud=[])), "aud"),
        (bearer(token(ec_key("stranger"))), "not signed with a key"),
        (bearer(token(rsa_key(3072))), "not signed with a key"),
        (bearer(cut(token())), "not signed with a key"),
        (bearer(forged({"alg": "none"})), "neither ES256 nor RS256"),
        (bearer(forged({"alg": "None"})), "neither ES256 nor RS256"),
        (bearer(forged({"alg": ["ES256"]})), "neither ES256 nor RS256"),
        (bearer(forged({"typ": "JWT"})), "neither ES256 nor RS256"),
        (bearer(forged({"alg": "ES256"})), "not signed with a key"),
        (bearer(forged({"alg": "RS256"}, part(b"x" * 256))), "not signed with a key"),
        (bearer(hs256_by_the_public_key()), "neither ES256 nor RS256"),
        (bearer(jwt.encode(claims(), "secret" * 11, "HS512")), "neither ES256 nor RS256"),
        (bearer(forged({"alg": "ES256", "crit": ["x"]})), "signed JWT|crit"),
        (bearer(forged({"alg": "ES256", "kid": 7})), "signed JWT"),
        (bearer(token(exp=None)), "claims"),
        (bearer(token(scope=None)), "claims"),
        (bearer(token(exp="tomorrow")), "claims"),
        (bearer(token(aud={"chf": 1})), "claims"),
        (bearer(token(producerPlmnId="262-01")), "claims"),
        (bearer(""), "signed JWT"),
        (bearer("a.b"), "signed JWT"),
        (bearer("a.b.c.d"), "signed JWT"),
        (bearer("é.é.é"), "signed JWT"),
        (bearer(f"{part(b'[' * 3000)}.{part({})}."), "signed JWT"),
        (bearer("." * TOKEN_OCTETS_MAX), "signed JWT"),
        (bearer(token(padding="x" * TOKEN_OCTETS_MAX)), "more than"),
        ("Basic Y2hmOmNoZg==", "scheme"),
        ("", "scheme"),
    ],
)
def test_tokens_that_are_not(header: str, reason: str) -> None:
    checks = checker()
    refused = refusal(checks, header)
    assert refused.problem.status == 401
    with pytest.raises(RequestRefused, match=reason):
        raise refused
    assert refused.headers[0][1] == f'Bearer realm="{CONVERGED}", error="invalid_token"'
    assert checks.known_count == 0, "what is refused takes no memory"


def test_a_request_without_a_token_is_told_how_to_ask_and_of_no_error() -> None:
    refused = refusal(checker(), None)
    assert (refused.problem.status, refused.headers[0][1]) == (401, f'Bearer realm="{CONVERGED}"')


def test_another_service_needs_another_scope() -> None:
    checks = checker()
    checks.check(bearer(token()), CONVERGED, NOW_S)
    for text in (token(), token(scope="nchf-convergedchargin"), token(scope=""), token(scope=f"{CONVERGED}x")):
        refused = refusal(checks, bearer(text), OFFLINE_ONLY)
        assert refused.problem.status == 403
        expected = f'Bearer realm="{OFFLINE_ONLY}", error="insufficient_scope", scope="{OFFLINE_ONLY}"'
        assert refused.headers[0][1] == expected


def test_issuers_and_networks_are_checked_where_they_are_set() -> None:
    checks = checker(issuers=frozenset({NRF}), plmns=frozenset({("262", "01")}))
    checks.check(bearer(token()), CONVERGED, NOW_S)
    checks.check(bearer(token(iss=NRF.upper(), producerPlmnId={"mcc": "262", "mnc": "01"})), CONVERGED, NOW_S)
    assert "iss" in str(refusal(checks, bearer(token(iss=SMF))))
    assert "producerPlmnId" in str(refusal(checks, bearer(token(producerPlmnId={"mcc": "262", "mnc": "02"}))))


def test_a_token_that_was_taken_expires() -> None:
    checks, header = checker(), bearer(token(exp=NOW_S + 10))
    checks.check(header, CONVERGED, NOW_S + 9.9)
    refused = refusal(checks, header, now_s=NOW_S + 10)
    assert "expired" in str(refused)
    assert checks.known_count == 0


@pytest.mark.parametrize("exp", [253_402_300_799, 1e308])
def test_a_token_without_end_is_kept_to_the_last_instant(exp: float) -> None:
    checks, header = checker(), bearer(token(exp=exp))
    checks.check(header, CONVERGED, NOW_S)
    known = checks.verified(header)
    assert known is not None
    assert int(known.expires_s * NS_PER_S) <= INSTANT_NS_MAX


def test_as_many_tokens_are_remembered_as_there_is_room_for() -> None:
    checks = checker()
    headers = [bearer(token(sub=str(number))) for number in range(TOKENS_KEPT_MAX + 50)]
    for header in headers:
        checks.check(header, CONVERGED, NOW_S)
        assert checks.known_count <= TOKENS_KEPT_MAX
    short = bearer(token(exp=NOW_S + 1))
    checks.check(short, CONVERGED, NOW_S)
    later = NOW_S + 5000
    checks.check(bearer(token(exp=later + 1)), CONVERGED, later)
    assert checks.known_count == 1, "what has expired goes first"


def test_a_known_token_costs_no_signature(monkeypatch: pytest.MonkeyPatch) -> None:
    checks, header = checker(), bearer(token())
    checks.check(header, CONVERGED, NOW_S)
    monkeypatch.setattr(checks, "_verify", None)
    checks.check(header, CONVERGED, NOW_S)
    with pytest.raises(TypeError):
        checks.check(bearer(token()), CONVERGED, NOW_S)


def test_other_keys_take_the_place_of_the_former() -> None:
    checks, former = checker(), bearer(token())
    checks.check(former, CONVERGED, NOW_S)
    checks.use_keys(keys_of(public_pem(ec_key("next"))))
    checks.check(bearer(token(ec_key("next"))), CONVERGED, NOW_S)
    assert refusal(checks, former).problem.status == 401


def test_tokens_that_are_refused_fill_no_memory() -> None:
    checks, large = checker(), "A" * 3000
    refusal(checks, bearer(f"first.{large}"))
    tracemalloc.start()
    try:
        for number in range(3000):
            refusal(checks, bearer(f"{number}.{large}"))
        grown, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert grown < 1 << 20, "of 9 MB that were sent"

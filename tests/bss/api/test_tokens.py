"""Access tokens: what is refused, what is remembered, and the key's file."""

import hmac
import json
import stat
import threading
from base64 import urlsafe_b64decode, urlsafe_b64encode
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc import jws
from joserfc.jwk import ECKey

from bss.api.limits import TOKEN_LIFE_S, TOKEN_OCTETS_MAX, TOKENS_KEPT_MAX
from bss.api.problems import Refusal
from bss.api.tokens import Tokens
from bss.edge.token_keys import token_key
from tests.bss.api.conftest import GADGETS_AT, KEY
from tests.bss.conftest import NOW_NS
from vocabulary.instants import NS_PER_S

NOW_S = NOW_NS // NS_PER_S
CLAIMS = {
    "iss": "farebox",
    "aud": "farebox",
    "sub": "client:shop",
    "tenant": "default",
    "scope": "gadget:read",
    "iat": NOW_S,
    "exp": NOW_S + 60,
}


def signed(claims: dict[str, Any], key: ECKey = KEY, **header: Any) -> str:
    return jws.serialize_compact({"alg": "ES256", "kid": "1"} | header, json.dumps(claims).encode(), key)


def issued(tokens: Tokens, subject: str = "client:shop") -> str:
    return tokens.issue(tenant="default", subject=subject, permissions=frozenset({"a:read", "b:write"}), now_ns=NOW_NS)


def test_a_token_says_who_calls_and_for_how_long() -> None:
    tokens = Tokens({"1": KEY}, "1")
    token = issued(tokens)
    for _ in range(2):
        caller = tokens.verify(token, NOW_NS)
        assert (caller.tenant, caller.subject, caller.permissions) == ("default", "client:shop", {"a:read", "b:write"})
        assert caller.expires_ns == (NOW_S + TOKEN_LIFE_S) * NS_PER_S
        assert tokens.known_count == 1
    with pytest.raises(Refusal, match="expired"):
        tokens.verify(token, NOW_NS + TOKEN_LIFE_S * NS_PER_S)
    assert tokens.known_count == 0
    with pytest.raises(Refusal, match="expired"):
        tokens.verify(token, NOW_NS + TOKEN_LIFE_S * NS_PER_S)


def _with_payload(token: str, **claims: Any) -> str:
    head, payload, signature = token.split(".")
    said = json.loads(urlsafe_b64decode(payload + "=="))
    return f"{head}.{_text(json.dumps(said | claims).encode())}.{signature}"


def _text(octets: bytes) -> str:
    return urlsafe_b64encode(octets).decode().rstrip("=")


def _begun(claims: dict[str, Any], algorithm: str) -> str:
    return f"{_text(json.dumps({'alg': algorithm, 'kid': '1'}).encode())}.{_text(json.dumps(claims).encode())}"


def _by_public_key(claims: dict[str, Any]) -> str:
    """HS256 with the public key as secret: the oldest trick."""
    begun = _begun(claims, "HS256")
    return f"{begun}.{_text(hmac.digest(KEY.as_pem(private=False), begun.encode(), 'sha256'))}"


FORGED = {
    "nothing": "",
    "no token": "abc",
    "three dots": "...",
    "not ASCII": "ä.ö.ü",
    "too long": "x" * (TOKEN_OCTETS_MAX + 1),
    "another key": signed(CLAIMS, ECKey.generate_key("P-256")),
    "another key's id": signed(CLAIMS, kid="2"),
    "more scope": _with_payload(signed(CLAIMS), scope="gadget:read gadget:write"),
    "another tenant": _with_payload(signed(CLAIMS), tenant="somebody"),
    "no signature": signed(CLAIMS).rpartition(".")[0] + ".",
    "alg none": _begun(CLAIMS, "none") + ".",
    "HS256 by the public key": _by_public_key(CLAIMS),
    "expired": signed(CLAIMS | {"exp": NOW_S}),
    "another issuer": signed(CLAIMS | {"iss": "somebody"}),
    "another audience": signed(CLAIMS | {"aud": "console"}),
    "no claims": signed({}),
    "claims of other types": signed(CLAIMS | {"exp": "soon"}),
}


@pytest.mark.parametrize("token", FORGED.values(), ids=FORGED)
def test_what_isnt_ours_is_refused_and_not_remembered(token: str) -> None:
    tokens = Tokens({"1": KEY}, "1")
    with pytest.raises(Refusal) as refused:
        tokens.verify(token, NOW_NS)
    assert refused.value.problem.value == "invalidToken"
    assert tokens.known_count == 0


def test_a_signed_token_of_these_claims_would_do() -> None:
    assert Tokens({"1": KEY}, "1").verify(signed(CLAIMS), NOW_NS).permissions == {"gadget:read"}


@pytest.mark.parametrize("token", [token or "-" for token in FORGED.values()], ids=FORGED)
def test_forged_tokens_over_http(nobody: httpx.Client, token: str) -> None:
    answer = nobody.get(GADGETS_AT, headers={"Authorization": f"Bearer {token}".encode("latin-1")})
    assert (answer.status_code, answer.json()["code"]) == (401, "invalidToken")
    assert answer.headers["www-authenticate"] == 'Bearer realm="farebox", error="invalid_token"'


def test_requests_without_a_token(nobody: httpx.Client) -> None:
    answer = nobody.get(GADGETS_AT)
    assert (answer.status_code, answer.json()["code"]) == (401, "noToken")
    assert answer.headers["www-authenticate"] == 'Bearer realm="farebox"'
    answer = nobody.post(GADGETS_AT, json={}, headers={"Authorization": "Basic YTpi"})
    assert (answer.status_code, answer.json()["code"]) == (401, "invalidToken")


def test_the_first_that_was_verified_is_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bss.api.tokens.TOKENS_KEPT_MAX", 3)
    tokens = Tokens({"1": KEY}, "1")
    for number in range(5):
        tokens.verify(issued(tokens, f"client:{number}"), NOW_NS)
    assert tokens.known_count == 3
    assert TOKENS_KEPT_MAX > 3


def test_the_keys_file_is_made_once_and_for_its_user_alone(tmp_path: Path) -> None:
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(token_key(tmp_path / "keys")[0])) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1, "several processes start at the same time"
    (file,) = (tmp_path / "keys").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    key_id, key = token_key(tmp_path / "keys")
    tokens = Tokens({key_id: key}, key_id)
    assert tokens.verify(issued(tokens), NOW_NS).tenant == "default"


def test_a_file_that_holds_no_key_is_named(tmp_path: Path) -> None:
    (tmp_path / "token-key.pem").write_text("nothing")
    with pytest.raises(ValueError, match=r"token-key\.pem holds no key .* remove it"):
        token_key(tmp_path)

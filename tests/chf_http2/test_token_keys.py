"""Files of keys: what is read from them, and what is wrong with others."""

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from chf_http2.access_tokens import TokenChecker, TokenRules
from chf_http2.config import ChfConfig
from chf_http2.errors import ChfConfigError, RequestRefused
from chf_http2.token_keys import KEYS_MAX, keys_of
from tests.chf_http2.token_signing import (
    CONVERGED,
    NOW_S,
    bearer,
    ec_key,
    jwk_of,
    private_pem,
    public_pem,
    rsa_key,
    token,
)

CERTIFICATE = Path(__file__).parent / "edge" / "certificates" / "server.pem"


def jwk_set(*keys: dict[str, Any]) -> bytes:
    return json.dumps({"keys": keys}).encode()


def test_pem_files_have_a_key_without_a_name() -> None:
    assert [key[:2] for key in keys_of(public_pem(ec_key()))] == [("", "ES256")]
    assert [key[:2] for key in keys_of(public_pem(rsa_key()))] == [("", "RS256")]
    assert [key[0] for key in keys_of(CERTIFICATE.read_bytes())] == [""]


def test_a_set_has_keys_with_names_and_others_are_passed_over() -> None:
    octets = jwk_set(
        jwk_of(ec_key(), "a"),
        jwk_of(rsa_key(), "b", alg="RS256", use="sig"),
        jwk_of(rsa_key(), "c", use="enc"),
        jwk_of(rsa_key(), "d", alg="PS256"),
        {"kty": "oct", "k": "c2VjcmV0"},
        {"kty": "EC", "crv": "P-521", "x": "", "y": ""},
    )
    assert [key[:2] for key in keys_of(octets)] == [("a", "ES256"), ("b", "RS256")]


def test_a_token_names_its_key() -> None:
    keys = keys_of(jwk_set(jwk_of(ec_key(), "a"), jwk_of(ec_key("next"), "b")))
    checks = TokenChecker(TokenRules(frozenset({"chf"}), frozenset(), frozenset()), keys)
    checks.check(bearer(token(ec_key("next"), {"kid": "b"})), CONVERGED, NOW_S)
    checks.check(bearer(token(ec_key("next"))), CONVERGED, NOW_S)
    for kid in ("a", "c"):
        with pytest.raises(RequestRefused, match="not signed with a key"):
            checks.check(bearer(token(ec_key("next"), {"kid": kid})), CONVERGED, NOW_S)


@pytest.mark.parametrize(
    ("octets", "fault"),
    [
        (b"", "."),
        (b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "."),
        (private_pem(ec_key()), "private key"),
        (jwk_set(jwk_of(ec_key(), "a", d="AAAA")), "private key"),
        (public_pem(ec.generate_private_key(ec.SECP384R1())), "neither P-256 nor RSA"),
        (public_pem(ed25519.Ed25519PrivateKey.generate()), "neither P-256 nor RSA"),
        (public_pem(rsa_key(1024)), "1024 bits: 2048 at least"),
        (jwk_set(), "0 keys"),
        (jwk_set(*[jwk_of(ec_key(), "a")] * (KEYS_MAX + 1)), f"{KEYS_MAX + 1} keys"),
        (jwk_set(jwk_of(rsa_key(), "a", alg="ES256")), "that is RS256"),
        (jwk_set({"kty": "EC", "crv": "P-256", "x": 1, "y": "!"}), "no JWK set"),
        (b'{"keys": [7]}', "no JWK set"),
        (b'{"keys": ', "."),
        (b"{}", "no JWK set"),
        (b" " * (2 << 20), "octets"),
    ],
)
def test_files_that_are_wrong(octets: bytes, fault: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=fault):
        keys_of(octets)
    (tmp_path / "keys").write_bytes(octets)
    with pytest.raises(ChfConfigError, match=r"token_keys has '.*keys', which"):
        ChfConfig(token_keys=(str(tmp_path / "keys"),))


def test_all_mistakes_are_said_together() -> None:
    with pytest.raises(ChfConfigError) as refused:
        ChfConfig(token_keys=("nowhere.pem",), nf_instance_id="chf-1", plmns=("26201", "262-01"))
    assert str(refused.value).splitlines() == [
        "nf_instance_id is 'chf-1': write a UUID, or nothing",
        "plmns has '26201': write MCC and MNC as 262-01",
        "token_keys has 'nowhere.pem': No such file or directory",
    ]
    with pytest.raises(ChfConfigError, match="token_issuers has no sense without token_keys"):
        ChfConfig(token_issuers=("a",))

"""Keys that access tokens are signed with: PEM (public key or certificate), or a JWK set (RFC 7517).

The kind of a key alone says which algorithm it verifies, so that no token can choose another for it.
"""

import json
from typing import Any, Final, NamedTuple

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from cryptography.x509 import load_pem_x509_certificate
from jwt import PyJWK
from jwt.exceptions import PyJWTError

KEYS_MAX: Final = 64
RSA_BITS_MIN: Final = 2048
KEY_FILE_OCTETS_MAX: Final = 1 << 20
_CERTIFICATE: Final = b"-----BEGIN CERTIFICATE-----"
_PRIVATE: Final = b"PRIVATE KEY-----"


class TokenKey(NamedTuple):
    """A key of the NRF."""

    kid: str
    """its name in a JWK set; empty: it has none"""
    algorithm: str
    """ES256 or RS256 (TS 33.501 §13.4.1, RFC 7518 §3.1)"""
    key: EllipticCurvePublicKey | RSAPublicKey


def keys_of(octets: bytes) -> tuple[TokenKey, ...]:
    """The keys of a file. ValueError says what is wrong with it, without a name."""
    if len(octets) > KEY_FILE_OCTETS_MAX:
        raise ValueError(f"has more than {KEY_FILE_OCTETS_MAX} octets: name a PEM file or a JWK set")
    keys = _keys_of_set(octets) if octets.lstrip()[:1] == b"{" else (_key_of_pem(octets),)
    if not 0 < len(keys) <= KEYS_MAX:
        raise ValueError(f"has {len(keys)} keys for signatures: give 1..{KEYS_MAX}")
    return keys


def _key_of_pem(octets: bytes) -> TokenKey:
    if _PRIVATE in octets:
        raise ValueError("has a private key: give the public key or the certificate alone")
    try:
        if _CERTIFICATE in octets:
            return _token_key("", load_pem_x509_certificate(octets).public_key())
        return _token_key("", load_pem_public_key(octets))
    except UnsupportedAlgorithm as error:
        raise ValueError(f"has a key that is not understood ({error}): give P-256 or RSA") from None


def _keys_of_set(octets: bytes) -> tuple[TokenKey, ...]:
    """Keys for signatures alone; those of other uses, kinds and algorithms are passed over (RFC 7517 §5)."""
    try:
        said = json.loads(octets)["keys"]
        return tuple(_key_of_member(one) for one in said if _is_for_signatures(one))
    except (KeyError, TypeError, AttributeError, RecursionError, PyJWTError) as error:
        raise ValueError(f"is no JWK set ({error!r}): see RFC 7517 §5") from None


def _is_for_signatures(one: dict[str, Any]) -> bool:
    is_known = one["kty"] == "RSA" or (one["kty"] == "EC" and one.get("crv") == "P-256")
    return is_known and one.get("use", "sig") == "sig" and one.get("alg", "ES256") in ("ES256", "RS256")


def _key_of_member(one: dict[str, Any]) -> TokenKey:
    if "d" in one:
        raise ValueError("has a private key: give public keys alone")
    algorithm = "RS256" if one["kty"] == "RSA" else "ES256"
    if one.get("alg", algorithm) != algorithm:
        raise ValueError(f"has a key of kty {one['kty']} with alg {one['alg']}: that is {algorithm}")
    return _token_key(str(one.get("kid", "")), PyJWK(one, algorithm).key)


def _token_key(kid: str, key: object) -> TokenKey:
    if isinstance(key, RSAPublicKey):
        if key.key_size < RSA_BITS_MIN:
            raise ValueError(f"has an RSA key of {key.key_size} bits: {RSA_BITS_MIN} at least")
        return TokenKey(kid, "RS256", key)
    if isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1):
        return TokenKey(kid, "ES256", key)
    raise ValueError("has a key that is neither P-256 nor RSA: tokens are signed with ES256 or RS256")

"""An NRF's keys and tokens for tests: good ones, and whatever is wrong with one."""

import base64
import json
from functools import cache
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

NF_INSTANCE_ID: Final = "9f1c5a44-6d7e-4a0b-8f62-3d1f0a5b7c21"
"""ours"""
NRF: Final = "0c765084-9cc5-49c6-9876-ae2f5fa2a63f"
SMF: Final = "6d3b7a52-0a27-4f0e-8d0d-2b1a1f8c3e11"
NOW_S: Final = 1_800_000_000
CONVERGED: Final = "nchf-convergedcharging"
OFFLINE_ONLY: Final = "nchf-offlineonlycharging"

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@cache
def ec_key(name: str = "nrf") -> ec.EllipticCurvePrivateKey:
    """A P-256 key, another a name."""
    return ec.generate_private_key(ec.SECP256R1())


@cache
def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    """An RSA key."""
    return rsa.generate_private_key(65537, bits)


def public_pem(key: Any) -> bytes:
    """The public half, as a file has it."""
    octets: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return octets


def private_pem(key: Any) -> bytes:
    """The whole key, which no file of ours shall have."""
    octets: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return octets


def jwk_of(key: PrivateKey, kid: str, **more: Any) -> dict[str, Any]:
    """The public half as a member of a JWK set."""
    algorithm = (
        jwt.algorithms.ECAlgorithm if isinstance(key, ec.EllipticCurvePrivateKey) else jwt.algorithms.RSAAlgorithm
    )
    return json.loads(algorithm.to_jwk(key.public_key())) | {"kid": kid} | more  # type: ignore[no-any-return]


def claims(**other: Any) -> dict[str, Any]:
    """What a good token says, with some members changed; None: without it."""
    said = {"iss": NRF, "sub": SMF, "aud": "CHF", "scope": CONVERGED, "exp": NOW_S + 3600} | other
    return {name: value for name, value in said.items() if value is not None}


def token(key: PrivateKey | None = None, headers: dict[str, Any] | None = None, **other: Any) -> str:
    """A signed token: ES256 by a P-256 key, RS256 by an RSA key."""
    key = key or ec_key()
    algorithm = "ES256" if isinstance(key, ec.EllipticCurvePrivateKey) else "RS256"
    return jwt.encode(claims(**other), key, algorithm, headers=headers)


def bearer(text: str) -> str:
    """The Authorization header."""
    return f"Bearer {text}"


def part(said: Any) -> str:
    """A part of a JWT, not signed."""
    octets = said if isinstance(said, bytes) else json.dumps(said).encode()
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def forged(header: dict[str, Any], signature: str = "", **other: Any) -> str:
    """A token whose header says what it likes."""
    return f"{part(header)}.{part(claims(**other))}.{signature}"

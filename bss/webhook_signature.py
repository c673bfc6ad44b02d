"""Signatures of webhooks as Standard Webhooks 1.0 says: HMAC-SHA256 over id, timestamp and body, base64, each secret one.

While secrets are rotated a message has several signatures, the newest secret's first; who receives it needs one that fits.
"""

import base64
import binascii
import hmac
from collections.abc import Sequence
from hashlib import sha256
from typing import Final

PREFIX: Final = "whsec_"
SECRET_OCTETS: Final = 32
SECRETS_MAX: Final = 2
"""Of a hub: the one in use, and the one before, while receivers change over."""
_OCTETS_MIN, _OCTETS_MAX = 24, 64
_VERSION: Final = "v1"


class SecretInvalid(ValueError):
    """A text that is no secret; the message says what is."""


def secret_text(octets: bytes) -> str:
    """A secret as its receiver is told it: whsec_ and base64."""
    return PREFIX + base64.b64encode(octets).decode()


def secret_octets(text: str) -> bytes:
    """The octets of a secret. SecretInvalid; the message doesn't repeat the text."""
    try:
        octets = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        octets = b""
    if not text.startswith(PREFIX) or not _OCTETS_MIN <= len(octets) <= _OCTETS_MAX:
        raise SecretInvalid(f"a webhook secret is {PREFIX} and the base64 of {_OCTETS_MIN} to {_OCTETS_MAX} octets")
    return octets


def signed_headers(message_id: str, at_s: int, body: bytes, secrets: Sequence[str]) -> dict[str, str]:
    """Headers of a message: its id, when it is sent (s since the Unix epoch), a signature a secret. SecretInvalid."""
    content = b"%b.%d.%b" % (message_id.encode(), at_s, body)
    signatures = [
        f"{_VERSION},{base64.b64encode(hmac.digest(secret_octets(secret), content, sha256)).decode()}"
        for secret in secrets
    ]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(at_s),
        "webhook-signature": " ".join(signatures),
    }

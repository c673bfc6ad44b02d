"""Signatures of webhooks, against the example of Standard Webhooks and a receiver's own arithmetic."""

import base64
import hmac

import pytest

from bss.webhook_signature import SecretInvalid, secret_octets, secret_text, signed_headers

# Published with the specification, for implementers to compare with.
EXAMPLE_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
EXAMPLE_ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
EXAMPLE_AT_S = 1_614_265_330
EXAMPLE_BODY = b'{"test": 2432232314}'
EXAMPLE_SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def is_signed(headers: dict[str, str], body: bytes, secret: str) -> bool:
    """What a receiver does: any of the signatures fits."""
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    mine = base64.b64encode(hmac.new(base64.b64decode(secret[6:]), content, "sha256").digest()).decode()
    return f"v1,{mine}" in headers["webhook-signature"].split(" ")


def test_the_example_of_the_specification() -> None:
    headers = signed_headers(EXAMPLE_ID, EXAMPLE_AT_S, EXAMPLE_BODY, [EXAMPLE_SECRET])
    assert headers == {
        "webhook-id": EXAMPLE_ID,
        "webhook-timestamp": str(EXAMPLE_AT_S),
        "webhook-signature": EXAMPLE_SIGNATURE,
    }


def test_while_secrets_are_rotated_each_signs() -> None:
    old, new, other = (secret_text(bytes([octet]) * 32) for octet in (1, 2, 3))
    headers = signed_headers("e1", 5, b"{}", [new, old])
    assert [is_signed(headers, b"{}", secret) for secret in (new, old, other)] == [True, True, False]
    assert not is_signed(headers, b"{ }", new)
    assert secret_octets(new) == b"\x02" * 32


@pytest.mark.parametrize(
    "text", ["", "whsec_", "whsec_AAAA", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_!!!!", "whsec_" + "A" * 200]
)
def test_what_is_no_secret_is_not_repeated(text: str) -> None:
    with pytest.raises(SecretInvalid, match="24 to 64 octets") as caught:
        signed_headers("e1", 5, b"{}", [text])
    assert len(text) < 8 or text not in str(caught.value)

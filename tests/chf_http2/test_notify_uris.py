"""Which texts can be a notifyUri: by the form, and by the kernel, which says the same."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chf_http2.notify_uris import has_notify_uri, is_notify_uri
from tests.chf_http2.bodies import free5gc_create


def says_kernel(text: str) -> bool:
    octets = np.frombuffer(bytearray(f"?{text}?".encode()), np.uint8)
    return bool(has_notify_uri(octets, 1, octets.size - 2))


@pytest.mark.parametrize(
    "text",
    [
        free5gc_create()["notifyUri"],
        "http://127.0.0.5:8000/notify/1",
        "https://smf_1.example:8443",
        "HTTP://[2001:db8::1]/a?b=c#d",
        "http://a/{odd}|names",
        "http://a",
    ],
)
def test_what_consumers_send_is_one(text: str) -> None:
    assert is_notify_uri(text)
    assert says_kernel(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not a uri",
        "/notify/1",
        "10.0.0.1:8000/notify",
        "http:",
        "http://",
        "https:///notify",
        "http://?a",
        "httpx://a",
        "ftp://a/b",
        "urn:uuid:7f0d4a4e-6d34-4a4e-9d0c-0d1f8d3c7a11",
        "http://a b",
        "http://a/\n",
        "http://a\n",
        "http://\u00e9/",
        "http\u017f://a",
        " http://a",
    ],
)
def test_others_are_none(text: str) -> None:
    assert not is_notify_uri(text)
    assert not says_kernel(text)


@given(st.text("htpsHTPS:/?# a1\x7f\u00e9", max_size=12) | st.text("/?#[]@a \x00", max_size=5).map("http://".__add__))
def test_both_say_the_same(text: str) -> None:
    assert is_notify_uri(text) == says_kernel(text)

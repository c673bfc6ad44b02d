"""Identities are written as people do and looked up as front ends do: both come to one key."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balances.keys import identity_key
from runtime.account_look_up import normal
from runtime.subscriber_identities import IDENTITY_COLUMNS, IdentityInvalid, key_of, possible_keys, shown_identity
from vocabulary.ids import IDENTITY_WORDS
from vocabulary.limits import IDENTITY_OCTETS_MAX

SOUND = {
    "msisdn": ("491700000001", "+491700000001", "112"),
    "imsi": ("001010000000001", "123456"),
    "sip": ("sip:alice@ims.example", "sips:+49@x", "tel:+4930123"),
    "nai": ("alice@realm", "@realm", "6001010000000001@nai.epc.mnc01.mcc001.3gppnetwork.org"),
    "private": ("k", "a:b", "\u00e9"),
}
FAULTY = {
    "msisdn": ("", "12", "1" * 16, "49 170", "+", "++49", "\u0661\u0662\u0663"),
    "imsi": ("12345", "1" * 16, "+123456", "12345x"),
    "sip": ("alice", "sip:", "sip: a", "http://x"),
    "nai": ("alice", "a@b@c", "a@", "a b@c"),
    "private": ("", "a b", "a\tb", "\x00", "\u200e"),
}
PAIRS = [(name, text) for name, texts in SOUND.items() for text in texts]


@pytest.mark.parametrize(("name", "text"), PAIRS)
def test_a_key_is_what_front_ends_look_up(name: str, text: str) -> None:
    kind = next(column.kind for column in IDENTITY_COLUMNS if column.name == name)
    key = key_of(7, name, text)
    assert key == identity_key(7, IDENTITY_WORDS[kind], normal(kind, text))
    assert shown_identity(key) == f"{name} {normal(kind, text)}"
    assert possible_keys(7, text)[name] == key


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in FAULTY.items() for text in texts])
def test_what_is_none_is_named(name: str, text: str) -> None:
    with pytest.raises(IdentityInvalid, match=f"no {name}") as caught:
        key_of(1, name, text)
    assert caught.value.remedy.startswith("Write ")


def test_a_long_one_is_refused() -> None:
    assert key_of(1, "private", "x" * IDENTITY_OCTETS_MAX)
    with pytest.raises(IdentityInvalid, match="has 129 octets"):
        key_of(1, "private", "x" * (IDENTITY_OCTETS_MAX + 1))


def test_what_was_typed_may_say_its_kind() -> None:
    assert possible_keys(1, "imsi:123456") == {"imsi": "1:imsi:123456"}
    assert list(possible_keys(1, "123456")) == ["msisdn", "imsi", "private"]
    assert list(possible_keys(1, "sip:a@b")) == ["sip", "nai", "private"]
    with pytest.raises(IdentityInvalid):
        possible_keys(1, "imsi:12")
    with pytest.raises(IdentityInvalid, match='"a b" is no identity'):
        possible_keys(1, "a b")


@given(st.text(max_size=140))
def test_any_text_is_keys_or_a_fault(text: str) -> None:
    try:
        keys = possible_keys(1, text)
    except IdentityInvalid:
        keys = {}
    assert all(shown_identity(key).startswith(f"{name} ") for name, key in keys.items())

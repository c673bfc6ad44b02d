"""Identities of subscribers as people write them, and the store's keys of them. A table of the five kinds."""

import re
from typing import Final, NamedTuple

from balances.keys import identity_key
from vocabulary.ids import IDENTITY_WORDS, IdentityKind
from vocabulary.limits import IDENTITY_OCTETS_MAX


class IdentityColumn(NamedTuple):
    """A kind of identity: its column in files and its option, what it looks like, what to write."""

    name: str
    kind: IdentityKind
    pattern: re.Pattern[str]
    expected: str


IDENTITY_COLUMNS: Final = (
    IdentityColumn("msisdn", IdentityKind.E164, re.compile(r"\+?[0-9]{3,15}"), "3 to 15 digits, with or without +"),
    IdentityColumn("imsi", IdentityKind.IMSI, re.compile(r"[0-9]{6,15}"), "6 to 15 digits"),
    IdentityColumn(
        "sip", IdentityKind.SIP_URI, re.compile(r"(sips?|tel):[^\s:]\S*"), "a URI such as sip:alice@ims.example"
    ),
    IdentityColumn("nai", IdentityKind.NAI, re.compile(r"[^\s@]*@[^\s@]+"), "user@realm"),
    IdentityColumn("private", IdentityKind.PRIVATE, re.compile(r"\S+"), "a text without spaces"),
)
"""In the order in which an identity without a kind is tried."""

_BY_NAME: Final = {column.name: column for column in IDENTITY_COLUMNS}


class IdentityInvalid(ValueError):
    """A text that is no identity of its kind; the message says what is wrong, `remedy` what to write."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.remedy = remedy


def key_of(tenant: int, name: str, text: str) -> str:
    """The store's key of an identity, `name` being that of its column. IdentityInvalid where it is none.

    The key has what front ends look up (runtime/batcher.py): E.164 numbers without their plus, the rest as it is sent.
    """
    column = _BY_NAME[name]
    if not column.pattern.fullmatch(text) or not text.isprintable():
        raise IdentityInvalid(f'"{text[:40]}" is no {name}', f"Write {column.expected}")
    if len(text.encode()) > IDENTITY_OCTETS_MAX:
        raise IdentityInvalid(f"{name} has {len(text.encode())} octets", f"At most {IDENTITY_OCTETS_MAX} fit")
    value = text.removeprefix("+") if column.kind == IdentityKind.E164 else text
    return identity_key(tenant, IDENTITY_WORDS[column.kind], value)


def possible_keys(tenant: int, text: str) -> dict[str, str]:
    """Keys by kind of what somebody typed: `imsi:001010000000001` is one kind, without a kind all that it fits.

    IdentityInvalid where it fits none.
    """
    name, colon, value = text.partition(":")
    if colon and name in _BY_NAME and name != "sip":
        return {name: key_of(tenant, name, value)}
    keys = {}
    for column in IDENTITY_COLUMNS:
        try:
            keys[column.name] = key_of(tenant, column.name, text)
        except IdentityInvalid:
            continue
    if not keys:
        raise IdentityInvalid(f'"{text[:40]}" is no identity', "Write an IMSI, a number, a SIP URI, or imsi:<digits>")
    return keys


def shown_identity(key: str) -> str:
    """An identity's key for people: `msisdn 491700000001`."""
    _, word, value = key.split(":", 2)
    column = next(column for column in IDENTITY_COLUMNS if IDENTITY_WORDS[column.kind] == word)
    return f"{column.name} {value}"

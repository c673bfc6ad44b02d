"""ChargingDataRef: names a charging session, leads to its account without a look-up, and can't be made by others.

`<32 digits: name><16 digits: account id><16 digits: code>`, hexadecimal. The name is derived from what makes a create
unlike any other, so that a create which is sent again names the same session, whichever front end gets it. The code is
keyed with the secret of the store: a ref that we didn't give out leads nowhere. Names and codes of the offline-only service
are other ones than those of converged charging: a session is a resource of one of them, and has no ref below the other.
Kernels, since each request has one.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vocabulary.digest import digest128
from vocabulary.ids import (
    NCHF_NAME_DOMAIN,
    NCHF_OFFLINE_NAME_DOMAIN,
    NCHF_OFFLINE_REF_DOMAIN,
    NCHF_REF_DOMAIN,
)
from vocabulary.kernel import kernel

NAME_DIGITS: Final = 32
_WORD_DIGITS: Final = 16
_SIGNED_DIGITS: Final = NAME_DIGITS + _WORD_DIGITS
"""Name and account id, which the code is of."""
REF_DIGITS: Final = _SIGNED_DIGITS + _WORD_DIGITS
SESSION_PREFIX: Final = "nchf;"
"""What a session's id in records begins with; its name follows."""
_NO_ACCOUNT_FROM: Final = 1 << 63
_DOMAINS_PER_TENANT = 16
_DIGITS = np.frombuffer(b"0123456789abcdef", np.uint8)
_ZERO, _NINE, _A, _F = 48, 57, 97, 102


class SessionName(NamedTuple):
    """Which session a ref is of."""

    name: str
    """NAME_DIGITS hexadecimal digits"""
    account_id: int


NO_SESSION: Final = SessionName("", -1)


def session_of_text(text: str) -> tuple[str, int | None]:
    """(Session-Id, account) of the session that a ref names, as its Location ends; any other text as it is, and no account."""
    if len(text) != REF_DIGITS or any(digit not in "0123456789abcdef" for digit in text):
        return text, None
    account_id = int(text[NAME_DIGITS:_SIGNED_DIGITS], 16)
    return f"{SESSION_PREFIX}{text[:NAME_DIGITS]}", account_id if account_id < _NO_ACCOUNT_FROM else None


@kernel
def _name_domain(tenant, gives_quota):
    return np.int64(tenant) * _DOMAINS_PER_TENANT + (NCHF_NAME_DOMAIN if gives_quota else NCHF_OFFLINE_NAME_DOMAIN)


@kernel
def _ref_domain(tenant, gives_quota):
    return np.int64(tenant) * _DOMAINS_PER_TENANT + (NCHF_REF_DOMAIN if gives_quota else NCHF_OFFLINE_REF_DOMAIN)


@kernel
def write_digits(word, out, at):
    """The sixteen digits of a word at out[at:]; the place behind them."""
    for index in range(_WORD_DIGITS):
        out[at + index] = _DIGITS[np.int64((np.uint64(word) >> np.uint64(60 - 4 * index)) & np.uint64(15))]
    return at + _WORD_DIGITS


@kernel
def _read_digits(octets, at):
    """(is it one, the word) of sixteen lower-case digits."""
    word = np.uint64(0)
    for index in range(at, at + _WORD_DIGITS):
        octet = octets[index]
        if _ZERO <= octet <= _NINE:
            digit = octet - _ZERO
        elif _A <= octet <= _F:
            digit = octet - _A + 10
        else:
            return False, word
        word = (word << np.uint64(4)) | np.uint64(digit)
    return True, word


@kernel
def write_name(octets, at, length, secret, tenant, gives_quota, out, place):
    """The name of the session that a create opens, which is unlike others in octets[at:]; the place behind it."""
    high, low = digest128(octets, at, length, secret, _name_domain(tenant, gives_quota))
    return write_digits(low, out, write_digits(high, out, place))


@kernel
def write_ref_end(account_id, secret, tenant, gives_quota, out, at):
    """Account id and code behind the name at out[at:]; the place behind them."""
    behind = write_digits(account_id, out, at + NAME_DIGITS)
    return write_digits(digest128(out, at, _SIGNED_DIGITS, secret, _ref_domain(tenant, gives_quota))[0], out, behind)


@kernel
def account_of_ref(octets, at, length, secret, tenant, gives_quota):
    """The account of the ref at octets[at:]; -1 where we gave out no such ref of that service."""
    if length != REF_DIGITS:
        return np.int64(-1)
    is_account, account_id = _read_digits(octets, at + NAME_DIGITS)
    is_code, code = _read_digits(octets, at + _SIGNED_DIGITS)
    right = digest128(octets, at, _SIGNED_DIGITS, secret, _ref_domain(tenant, gives_quota))[0]
    return np.int64(account_id) if is_account and is_code and code == right else np.int64(-1)


class Refs:
    """Makes and reads refs of one store, in Python.

    secret   uint64[2] of the store; other stores' refs are not ours
    tenant   whose they are: another's ref leads nowhere
    gives_quota   of its methods: is it converged charging's? Else the offline-only service's
    """

    def __init__(self, secret: NDArray[np.uint64], tenant: int) -> None:
        self._secret = secret
        self._tenant = tenant
        self._out = np.zeros(REF_DIGITS, np.uint8)

    def name_of(self, what_is_unlike_others: bytes, *, gives_quota: bool = True) -> str:
        """The name of the session that a create opens."""
        unlike = np.frombuffer(bytearray(what_is_unlike_others), np.uint8)
        write_name(unlike, 0, unlike.size, self._secret, self._tenant, gives_quota, self._out, 0)
        return self._out[:NAME_DIGITS].tobytes().decode()

    def make(self, name: str, account_id: int, *, gives_quota: bool = True) -> str:
        """The ref of a session."""
        self._out[:NAME_DIGITS] = np.frombuffer(bytearray(name.encode()), np.uint8)
        write_ref_end(account_id, self._secret, self._tenant, gives_quota, self._out, 0)
        return self._out.tobytes().decode()

    def read(self, ref: str, *, gives_quota: bool = True) -> SessionName | None:
        """The session that a ref names; None where we gave out no such ref."""
        octets = np.frombuffer(bytearray(ref.encode("utf-8", "replace")), np.uint8)
        account_id = int(account_of_ref(octets, 0, octets.size, self._secret, self._tenant, gives_quota))
        return None if account_id < 0 else SessionName(ref[:NAME_DIGITS], account_id)

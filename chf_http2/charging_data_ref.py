"""ChargingDataRef: names a charging session, leads to its account without a look-up, and can't be made by others.

`<32 digits: name><16 digits: account id><16 digits: code>`, hexadecimal. The name is derived from what makes a create
unlike any other, so that a create which is sent again names the same session, whichever front end gets it. The code is
keyed with the secret of the store: a ref that we didn't give out leads nowhere.
"""

from functools import lru_cache
from hashlib import blake2b
from hmac import compare_digest
from typing import Final, NamedTuple

NAME_DIGITS: Final = 32
_ACCOUNT_DIGITS: Final = 16
_CODE_OCTETS: Final = 8
REF_DIGITS: Final = NAME_DIGITS + _ACCOUNT_DIGITS + 2 * _CODE_OCTETS
REFS_KNOWN: Final = 65536
"""So many refs that were read are known again without a code: an open session's comes with each of its requests."""
SESSION_PREFIX: Final = "nchf;"
"""What a session's id in records begins with; its name follows."""


class SessionName(NamedTuple):
    """Which session a ref is of."""

    name: str
    """NAME_DIGITS hexadecimal digits"""
    account_id: int


class Refs:
    """Makes and reads refs of one store.

    secret   of the store, 16 octets; other stores' refs are not ours
    tenant   whose they are: another's ref leads nowhere
    """

    def __init__(self, secret: bytes, tenant: int) -> None:
        self._keyed = blake2b(tenant.to_bytes(4, "big"), digest_size=_CODE_OCTETS, key=secret, person=b"nchf ref")
        self.read = lru_cache(REFS_KNOWN)(self._read)
        """The session that a ref names; None where we gave out no such ref."""
        self._naming = blake2b(tenant.to_bytes(4, "big"), digest_size=NAME_DIGITS // 2, key=secret, person=b"nchf name")

    def name_of(self, what_is_unlike_others: bytes) -> str:
        """The name of the session that a create opens."""
        naming = self._naming.copy()
        naming.update(what_is_unlike_others)
        return naming.hexdigest()

    def make(self, name: str, account_id: int) -> str:
        """The ref of a session."""
        text = f"{name}{account_id:016x}"
        return text + self._code(text)

    def _read(self, ref: str) -> SessionName | None:
        text, code = ref[: NAME_DIGITS + _ACCOUNT_DIGITS], ref[NAME_DIGITS + _ACCOUNT_DIGITS :]
        if len(ref) != REF_DIGITS or not ref.isascii() or not compare_digest(code, self._code(text)):
            return None
        return SessionName(text[:NAME_DIGITS], int(text[NAME_DIGITS:], 16))

    def _code(self, text: str) -> str:
        keyed = self._keyed.copy()
        keyed.update(text.encode())
        return keyed.hexdigest()

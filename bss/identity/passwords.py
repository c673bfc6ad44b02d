"""Passwords: argon2id hashes (RFC 9106), one-time passwords, what a password has to have. Salts and draws are arguments."""

import base64
from typing import Final

from argon2 import Parameters, PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from bss.errors import Invalid

SALT_OCTETS: Final = 16
PASSWORD_CHARACTERS_MIN: Final = 12
PASSWORD_CHARACTERS_MAX: Final = 200
ONE_TIME_OCTETS: Final = 15
TOKEN_OCTETS: Final = 32
COST: Final = Parameters(
    type=Type.ID, version=19, salt_len=16, hash_len=32, time_cost=2, memory_cost=19_456, parallelism=1
)
"""19 MiB and two passes: one login costs a tenth of a second of one processor and no more memory than that."""
_HASHER: Final = PasswordHasher.from_parameters(COST)


def hash_password(password: str, salt: bytes) -> str:
    """What is kept of a password."""
    return _HASHER.hash(password, salt=salt)


def is_password(password: str, kept: str) -> bool:
    """Is it the password whose hash was kept? Takes as long where it isn't."""
    if len(password) > PASSWORD_CHARACTERS_MAX:
        return False
    try:
        return _HASHER.verify(kept, password)
    except (VerificationError, InvalidHashError, UnicodeEncodeError):
        return False


NOBODYS_HASH: Final = (
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$gL0iVLWaBgvLNRmgzOJfMXwh02Ty6GjPvPhiy6MhjM8"
)
"""What a password is compared with where there is no such user, so that the answer takes as long: a hash at COST
that was made before, because whoever imports this needn't wait for one."""


def check_password(password: str, login: str) -> None:
    """Invalid where a password is too short, too long, or says the user's name."""
    if not PASSWORD_CHARACTERS_MIN <= len(password) <= PASSWORD_CHARACTERS_MAX:
        raise Invalid(
            "password",
            f"it has {len(password)} characters",
            f"Choose {PASSWORD_CHARACTERS_MIN}..{PASSWORD_CHARACTERS_MAX}, such as four words",
        )
    if login.casefold() in password.casefold() or len(set(password)) < 5:
        raise Invalid("password", "it is easily guessed", "Choose one without your name and with different characters")
    if any("\ud800" <= sign <= "\udfff" for sign in password):
        raise Invalid("password", "it has characters that no text has", "Leave them out")


def one_time_password(octets: bytes) -> str:
    """A password of drawn octets (ONE_TIME_OCTETS), in groups that can be read out."""
    text = base64.b32encode(octets).decode().lower()
    return "-".join(text[start : start + 6] for start in range(0, len(text), 6))


def token_of(octets: bytes) -> str:
    """A session's token of drawn octets (TOKEN_OCTETS)."""
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()

"""A new SIM or another number: identities join an account and leave it, in one step of the store (docs/decisions/0027).

Nothing of the account's record changes, so no engine is asked. Front ends remember whose an identity is; each that changes
hands is said in a stream that they follow, and they ask the store anew.
"""

from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Protocol

import msgpack

from balances.command_checks import CommandError, check_address
from balances.commands import IdentityTaken, check_identities

_DIGITS: Final = 32


@dataclass(frozen=True, slots=True)
class MoveIdentities:
    """Give an account identity keys that are nobody's, and take from it some that it has; all of it or nothing."""

    command_id: str
    tenant: int
    account_id: int
    add: tuple[str, ...] = ()
    """keys (balances.keys.identity_key) that it is to have"""
    remove: tuple[str, ...] = ()
    """keys that are to be nobody's"""

    def __post_init__(self) -> None:
        check_address(self.command_id, self.tenant, self.account_id)
        if not self.add and not self.remove:
            raise CommandError("identities to add and to remove are both missing: name at least one")
        check_identities((*self.add, *self.remove))
        foreign = [key for key in (*self.add, *self.remove) if not key.startswith(f"{self.tenant}:")]
        if foreign:
            raise CommandError(
                f"identity {foreign[0]!r} is not of tenant {self.tenant}: begin its key with {self.tenant}:"
            )

    def digest(self) -> str:
        """32 hex digits of what is asked, without the id."""
        body = [self.tenant, self.account_id, sorted(self.add), sorted(self.remove)]
        return sha256(msgpack.packb(body)).hexdigest()[:_DIGITS]


@dataclass(frozen=True, slots=True)
class IdentitiesMoved:
    """It is done, now or when the same id was sent before."""


@dataclass(frozen=True, slots=True)
class IdentityNotHeld:
    """An identity that was to be removed isn't the account's; nothing was changed."""

    identity: str
    account_id: int
    """whose it is; 0: nobody's"""


MoveResult = IdentitiesMoved | IdentityTaken | IdentityNotHeld


@dataclass(frozen=True, slots=True)
class IdentityMove:
    """An identity that changed hands, as the stream has it."""

    position: str
    key: str


class IdentityLog(Protocol):
    """Where identities change hands. Each call is safe to repeat."""

    async def move_identities(self, move: MoveIdentities) -> MoveResult:
        """Do all of it or nothing. CommandIdUsed where the id was used for another move."""

    async def last_identity_move(self) -> str:
        """Position of the last entry of the stream; 0-0 where there is none."""

    async def identity_moves(self, after: str, count: int, *, wait_ms: int = 0) -> list[IdentityMove]:
        """Entries behind a position, at most `count`; waits for the first of them where there is none."""

"""What others may ask of an account: open it, change it (account_change.py), and what session_commands.py asks of its
sessions. Typed commands and what they come to; command_octets.py has both as octets.

A command is appended to its partition's stream, becomes a row of the owner's batch and is decided like usage
(docs/charging.md §9). Its id makes it safe to send again: the engine loads `command:<id>` with the batch and answers a
command that is already answered with that answer. Values are checked where a command is built, so that a command that
exists is well-formed; whether the account can take it is the engine's to say.
"""

from dataclasses import dataclass, field
from typing import Final, Protocol

from balances.account_change import Change as Change
from balances.account_change import ProductEnd as ProductEnd
from balances.account_change import ProductPeriod as ProductPeriod
from balances.amounts import Amount as Amount
from balances.amounts import Credit as Credit
from balances.amounts import Debit as Debit
from balances.amounts import check_period
from balances.amounts import fee as fee
from balances.command_checks import INT64_MAX, check_address
from balances.command_checks import CommandError as CommandError
from balances.command_checks import check_range as _check
from balances.record import AccountStatus
from balances.session_commands import SessionCommand
from vocabulary.instants import FOREVER_NS
from vocabulary.limits import (
    COMMAND_ID_OCTETS_MAX,
    CREDITS_PER_COMMAND_MAX,
    IDENTITIES_PER_REQUEST_MAX,
    IDENTITY_OCTETS_MAX,
    MICROS_MAX,
    TENANTS_MAX,
)
from vocabulary.outcomes import Outcome
from vocabulary.units import Unit

OPENING_PREFIX: Final = "opening:"
"""How the ids of openings begin, so that no caller's id is one: `opening:<batch id>.<row>`."""
GIVEN_ID_OCTETS_MAX: Final = COMMAND_ID_OCTETS_MAX - len(OPENING_PREFIX) - len(".1000000")
"""Octets of an id that a caller gives, so that an opening's fits as well."""


class CommandIdUsed(CommandError):
    """An id that stands for another command already; nothing of the one that was given was done."""

    def __init__(self, command_id: str) -> None:
        super().__init__(f"id {command_id} was used for another command: choose another")


@dataclass(frozen=True, slots=True)
class Terms:
    """What an account is opened with."""

    currency: int
    """ISO 4217 number"""
    offer: int = 0
    """number_of_name of the offer; 0: no product"""
    release: int = 0
    """pinned release; 0 follows the one in force"""
    product_from_ns: int = 0
    product_to_ns: int = FOREVER_NS
    status: AccountStatus = AccountStatus.ACTIVE
    credit_limit_micros: int = 0
    """how much may be owed on the bill; 0: the account has no bill"""
    expires_ns: int = FOREVER_NS
    credits: tuple[Credit, ...] = ()

    def __post_init__(self) -> None:
        _check("currency", self.currency, 1, 999)
        _check("offer", self.offer, 0, 2**31 - 1)
        _check("release", self.release, 0, 2**31 - 1)
        check_period("product", self.product_from_ns, self.product_to_ns)
        _check("status", int(self.status), AccountStatus.ACTIVE, max(AccountStatus))
        _check("credit_limit_micros", self.credit_limit_micros, 0, MICROS_MAX)
        _check("expires_ns", self.expires_ns, 0, INT64_MAX)
        _check("count of credits", len(self.credits), 0, CREDITS_PER_COMMAND_MAX)
        if any(credit.unit == Unit.BILL for credit in self.credits):
            raise CommandError("credits settle a bill on which nothing is owed yet: leave them out of an opening")


@dataclass(frozen=True, slots=True)
class Open:
    """Open an account whose number was handed out and whose identity keys are claimed."""

    command_id: str
    tenant: int
    account_id: int
    identities: tuple[str, ...]
    """its keys (balances.keys.identity_key)"""
    terms: Terms

    def __post_init__(self) -> None:
        check_address(self.command_id, self.tenant, self.account_id)
        check_identities(self.identities)


AccountCommand = Open | Change | SessionCommand


@dataclass(frozen=True, slots=True)
class Opening:
    """An account that somebody wants, before it has a number: identities that must be free, and terms."""

    tenant: int
    identities: tuple[str, ...]
    terms: Terms

    def __post_init__(self) -> None:
        _check("tenant", self.tenant, 1, TENANTS_MAX)
        check_identities(self.identities)


def check_identities(identities: tuple[str, ...]) -> None:
    """CommandError where there are none, too many, or one that is no key."""
    _check("count of identities", len(identities), 1, IDENTITIES_PER_REQUEST_MAX)
    for identity in identities:
        parts = identity.split(":", 2)
        if len(parts) != 3 or not parts[2] or len(identity.encode()) > IDENTITY_OCTETS_MAX + 16:
            raise CommandError(
                f"identity {identity!r} is no key <tenant>:<kind>:<value> of at most {IDENTITY_OCTETS_MAX}"
            )
    if len(set(identities)) != len(identities):
        raise CommandError(f"identities {identities!r} say one twice")


def check_given_id(command_id: str) -> None:
    """CommandError where an id that a caller gives, for a command or a batch of openings, does not fit."""
    octets = len(command_id.encode())
    if not 0 < octets <= GIVEN_ID_OCTETS_MAX or not command_id.isprintable():
        shown = command_id if octets <= GIVEN_ID_OCTETS_MAX else command_id[:20] + "..."
        raise CommandError(f"id {shown!r} of {octets} octets: choose 1..{GIVEN_ID_OCTETS_MAX} printable ones")
    if command_id.startswith(OPENING_PREFIX):
        raise CommandError(f"id {command_id!r}: ids of opened accounts begin with {OPENING_PREFIX}: choose another")


@dataclass(frozen=True, slots=True)
class Applied:
    """The command was decided, and what it says is so."""

    account_id: int
    remaining: int
    """of the bucket that was credited or debited last, in its unit"""
    was_so: bool = False
    """it was so before, by another command: this one changed nothing"""


@dataclass(frozen=True, slots=True)
class Refused:
    """The command was decided and changed nothing."""

    account_id: int
    outcome: Outcome


CommandAnswer = Applied | Refused
"""What the deciding commit leaves under `command:<id>`."""


@dataclass(frozen=True, slots=True)
class IdentityTaken:
    """An identity belongs to another account; the command was not sent."""

    identity: str
    account_id: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """The command is in the store and not decided yet; ask again with the same id."""

    reason: str


CommandResult = Applied | Refused | IdentityTaken | Waiting


@dataclass(frozen=True, slots=True)
class CommandRow:
    """A command as it lies in its partition's stream."""

    position: str
    """id in the stream; what commits write as the position"""
    octets: bytes = field(repr=False)


class CommandLog(Protocol):
    """Where account commands wait, and what surrounds them. Each call is safe to repeat."""

    async def allot_accounts(self, batch_id: str, count: int, asked: str = "") -> int:
        """First of `count` account numbers for the openings of a batch; the same again for the same batch.

        asked   digest of the openings where the batch's id doesn't name its content; CommandIdUsed where the id came
                with another, or with another count
        """

    async def claim_commands(self, claims: list[tuple[str, str]]) -> list[bool]:
        """Have each (command id, digest of what is asked) stand for that; False where the id stands for something else."""

    async def claim_identities(self, claims: list[tuple[str, int]]) -> list[int | None]:
        """Claim each (identity key, account id) that is free. None where it is the account's, else who has it."""

    async def release_identities(self, claims: list[tuple[str, int]]) -> None:
        """Give claims back; what is another account's by now stays."""

    async def append_commands(self, partition: int, commands: list[bytes]) -> None:
        """Append encoded commands, in order."""

    async def read_commands(self, partition: int, after: str, count: int, *, wait_ms: int = 0) -> list[CommandRow]:
        """Commands behind a position, at most `count`; waits for the first of them where there is none."""

    async def command_answers(self, partition: int, command_ids: list[str]) -> list[bytes | None]:
        """What lies under `command:<id>` of each."""

    async def has_owner(self, partition: int) -> bool:
        """Is an owner of the partition connected to the store?"""

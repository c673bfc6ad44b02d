"""What others may ask of an account: open and top up, and what session_commands.py asks of its sessions. Typed commands,
their results, and both as octets.

A command is appended to its partition's stream, becomes a row of the owner's batch and is decided like usage
(docs/charging.md §9). Its id makes it safe to send again: the engine loads `command:<id>` with the batch and answers a
command that is already answered with that answer. Values are checked where a command is built, so that a command that
exists is well-formed; whether the account can take it is the engine's to say.
"""

import functools
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import msgpack

from balances.command_checks import INT64_MAX, check_address
from balances.command_checks import CommandError as CommandError
from balances.command_checks import check_range as _check
from balances.journal import FIRST_DEBIT, MovementKind
from balances.record import AccountStatus
from balances.session_commands import SessionAction, SessionCommand
from vocabulary.instants import FOREVER_NS
from vocabulary.limits import (
    COMMAND_ID_OCTETS_MAX,
    COMMAND_OCTETS_MAX,
    CREDITS_PER_COMMAND_MAX,
    IDENTITIES_PER_REQUEST_MAX,
    IDENTITY_OCTETS_MAX,
    MICROS_MAX,
    TENANTS_MAX,
    UNITS_MAX,
)
from vocabulary.outcomes import Outcome
from vocabulary.units import MONEY_UNITS, UNIT_NAMES, Unit

COMMAND_VERSION: Final = 1
_OPEN: Final = 1
_TOP_UP: Final = 2
_OF_SESSIONS: Final = frozenset(SessionAction)
"""Kinds of session commands: the action's number."""
_TERMS_KEPT: Final = 256
"""Terms and credits that are remembered decoded."""


OPENING_PREFIX: Final = "opening:"
"""How the ids of openings begin, so that no caller's id is one: `opening:<batch id>.<row>`."""
GIVEN_ID_OCTETS_MAX: Final = COMMAND_ID_OCTETS_MAX - len(OPENING_PREFIX) - len(".1000000")
"""Octets of an id that a caller gives, so that an opening's fits as well."""


class CommandIdUsed(CommandError):
    """An id that stands for another command already; nothing of the one that was given was done."""

    def __init__(self, command_id: str) -> None:
        super().__init__(f"id {command_id} was used for another command: choose another")


def _check_period(name: str, from_ns: int, to_ns: int) -> None:
    _check(f"{name} from_ns", from_ns, 0, INT64_MAX)
    _check(f"{name} to_ns", to_ns, 0, INT64_MAX)
    if to_ns <= from_ns:
        raise CommandError(f"{name} ends at {to_ns}, not after it starts at {from_ns}")


@dataclass(frozen=True, slots=True)
class Credit:
    """An amount for one bucket: micros of money or of what the bill is settled by, or units of an allowance."""

    unit: Unit
    amount: int
    allowance: int = 0
    """vocabulary.ids.number_of_name of the allowance; 0 for money and the bill."""
    from_ns: int = 0
    to_ns: int = FOREVER_NS
    priority: int = 0
    """0..255, lower is used first"""
    kind: MovementKind = MovementKind.TOPPED_UP

    def __post_init__(self) -> None:
        _check("unit", int(self.unit), 0, max(Unit))
        _check(
            f"amount in {UNIT_NAMES[self.unit]}", self.amount, 1, MICROS_MAX if self.unit in MONEY_UNITS else UNITS_MAX
        )
        _check("allowance", self.allowance, 0, 2**31 - 1)
        if (self.allowance == 0) != (self.unit in MONEY_UNITS):
            raise CommandError(
                f"allowance is {self.allowance} for {UNIT_NAMES[self.unit]}: 0 for money, a number for units"
            )
        _check_period("credit", self.from_ns, self.to_ns)
        _check("priority", self.priority, 0, 255)
        _check("kind", int(self.kind), MovementKind.OPENED, FIRST_DEBIT - 1)
        if (self.unit == Unit.BILL) != (self.kind == MovementKind.SETTLED):
            raise CommandError(
                f"kind {self.kind.name} for {UNIT_NAMES[self.unit]}: a bill is SETTLED, and nothing else is"
            )
        if self.unit == Unit.BILL and (self.from_ns, self.to_ns) != (0, FOREVER_NS):
            raise CommandError("a bill has no period: leave from_ns and to_ns out")


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
        _check_period("product", self.product_from_ns, self.product_to_ns)
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


@dataclass(frozen=True, slots=True)
class TopUp:
    """Raise buckets of an account."""

    command_id: str
    tenant: int
    account_id: int
    credits: tuple[Credit, ...]

    def __post_init__(self) -> None:
        check_address(self.command_id, self.tenant, self.account_id)
        _check("count of credits", len(self.credits), 1, CREDITS_PER_COMMAND_MAX)


AccountCommand = Open | TopUp | SessionCommand


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
    """The command was decided and did what it says."""

    account_id: int
    remaining: int
    """of the bucket that was credited last, in its unit"""


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


def encode_command(command: AccountCommand) -> bytes:
    """Octets for the stream."""
    if isinstance(command, TopUp):
        body: list[Any] = [_pack_credit(credit) for credit in command.credits]
        kind = _TOP_UP
    elif isinstance(command, SessionCommand):
        body = [command.session_high, command.session_low]
        kind = int(command.action)
    else:
        terms = command.terms
        body = [
            command.identities,
            [
                terms.currency,
                terms.offer,
                terms.release,
                terms.product_from_ns,
                terms.product_to_ns,
                int(terms.status),
                terms.credit_limit_micros,
                terms.expires_ns,
            ],
            [_pack_credit(credit) for credit in terms.credits],
        ]
        kind = _OPEN
    packed: bytes = msgpack.packb([COMMAND_VERSION, kind, command.command_id, command.tenant, command.account_id, body])
    return packed


def decode_command(octets: bytes) -> AccountCommand:
    """The command of these octets. CommandError says what is wrong with them."""
    try:
        if len(octets) > COMMAND_OCTETS_MAX:
            raise CommandError(f"an account command of {len(octets)} octets: at most {COMMAND_OCTETS_MAX}")
        version, kind, command_id, tenant, account_id, body = msgpack.unpackb(octets, use_list=False)
        if version != COMMAND_VERSION:
            raise CommandError(f"an account command of version {version}: this release knows {COMMAND_VERSION}")
        if kind == _TOP_UP:
            return TopUp(command_id, tenant, account_id, _credits_of(msgpack.packb(body)))
        if kind == _OPEN:
            identities, *terms = body
            return Open(command_id, tenant, account_id, identities, _terms_of(msgpack.packb(terms)))
        if kind in _OF_SESSIONS:
            return SessionCommand(command_id, tenant, account_id, SessionAction(kind), *body)
        raise CommandError(f"an account command of kind {kind}: this release knows {_OPEN} to {max(_OF_SESSIONS)}")
    except CommandError:
        raise
    except Exception as error:  # msgpack raises a dozen kinds, and wrong shapes fail in unpacking
        raise CommandError(f"these {len(octets)} octets are no account command: {error}") from error


@functools.lru_cache(maxsize=_TERMS_KEPT)
def _terms_of(octets: bytes) -> Terms:
    """The terms of an opening. Those of an import are the same few a hundred thousand times, so they are made once each.

    octets   of [fixed, credits]: equal octets are equal values of equal types, which equal tuples aren't (1 is True)
    """
    fixed, credits = msgpack.unpackb(octets, use_list=False)
    currency, offer, release, from_ns, to_ns, status, limit, expires_ns = fixed
    return Terms(
        currency=currency,
        offer=offer,
        release=release,
        product_from_ns=from_ns,
        product_to_ns=to_ns,
        status=AccountStatus(status),
        credit_limit_micros=limit,
        expires_ns=expires_ns,
        credits=tuple(_unpack_credit(row) for row in credits),
    )


@functools.lru_cache(maxsize=_TERMS_KEPT)
def _credits_of(octets: bytes) -> tuple[Credit, ...]:
    """The credits of a top-up, likewise."""
    return tuple(_unpack_credit(row) for row in msgpack.unpackb(octets, use_list=False))


def encode_answer(answer: CommandAnswer) -> bytes:
    """Octets for `command:<id>`."""
    outcome, remaining = (Outcome.GRANTED, answer.remaining) if isinstance(answer, Applied) else (answer.outcome, 0)
    packed: bytes = msgpack.packb({"outcome": int(outcome), "account_id": answer.account_id, "remaining": remaining})
    return packed


def decode_answer(octets: bytes) -> CommandAnswer:
    """The answer of these octets; ValueError where they are none."""
    try:
        answer = msgpack.unpackb(octets)
        outcome, account_id, remaining = Outcome(answer["outcome"]), int(answer["account_id"]), int(answer["remaining"])
    except Exception as error:  # msgpack raises a dozen kinds
        raise ValueError(f"these {len(octets)} octets are no answer of an account command: {error!r}") from error
    return Applied(account_id, remaining) if outcome == Outcome.GRANTED else Refused(account_id, outcome)


def _pack_credit(credit: Credit) -> list[int]:
    return [
        int(credit.unit),
        credit.amount,
        credit.allowance,
        credit.from_ns,
        credit.to_ns,
        credit.priority,
        int(credit.kind),
    ]


def _unpack_credit(row: tuple[int, ...]) -> Credit:
    unit, amount, allowance, from_ns, to_ns, priority, kind = row
    return Credit(Unit(unit), amount, allowance, from_ns, to_ns, priority, MovementKind(kind))


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

"""What the business side may ask of the engine. `runtime/bss_engine.py` asks the live one; `bss/engine_in_memory.py` stands
for it in tests and dry runs. One suite of tests runs against both.

Every call returns: after its time-out it says NoEngine, or Unknown where something may have been done. Each command has
an id, and the same command under the same id is done once: so who gets NoEngine or Unknown sends it again, unchanged, until
it is Done or Refused, and compensates only then.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from balances.commands import Change, SessionCommand, Terms
from balances.keys import identity_key
from balances.queries import AccountView, SessionView
from catalog_loader.check import CheckedRelease
from catalog_loader.faults import Fault
from vocabulary.ids import IDENTITY_WORDS, IdentityKind
from vocabulary.limits import IDENTITIES_PER_REQUEST_MAX, IDENTITY_OCTETS_MAX

IDENTITY_TAKEN: Final = "identity_taken"
IDENTITY_NOT_HELD: Final = "identity_not_held"
ID_USED: Final = "id_used"
"""Codes of Refused beside the engine's outcomes (vocabulary.outcomes), which are theirs in small letters."""


@dataclass(frozen=True, slots=True)
class Identity:
    """An MSISDN, an IMSI, a SIP URI ... of a subscriber."""

    kind: IdentityKind
    value: str
    """E.164 with or without its plus"""

    def __post_init__(self) -> None:
        octets = len(self.value.encode())
        if not 0 < octets <= IDENTITY_OCTETS_MAX or not self.value.isprintable():
            raise ValueError(f"identity {self.value[:40]!r}: 1 to {IDENTITY_OCTETS_MAX} printable octets fit")

    def key(self, tenant: int) -> str:
        """The store's key of it."""
        value = self.value.removeprefix("+") if self.kind == IdentityKind.E164 else self.value
        return identity_key(tenant, IDENTITY_WORDS[self.kind], value)


@dataclass(frozen=True, slots=True)
class OpenAccount:
    """Open an account that has these identities; its number is in Done. Nothing is done where one is another's."""

    command_id: str
    tenant: int
    """see EnginePort.tenant_number"""
    identities: tuple[Identity, ...]
    terms: Terms


@dataclass(frozen=True, slots=True)
class MoveIdentities:
    """A new SIM, another number, or the last identities of who leaves: all of it in one step, or nothing.

    What is added must be nobody's, what is removed the account's own. Open sessions stay the account's.
    """

    command_id: str
    tenant: int
    account_id: int
    add: tuple[Identity, ...] = ()
    remove: tuple[Identity, ...] = ()

    def __post_init__(self) -> None:
        named = len(self.add) + len(self.remove)
        if not 1 <= named <= 2 * IDENTITIES_PER_REQUEST_MAX:
            raise ValueError(f"{named} identities to move: 1 to {2 * IDENTITIES_PER_REQUEST_MAX} fit")


EngineCommand = OpenAccount | MoveIdentities | Change | SessionCommand


@dataclass(frozen=True, slots=True)
class Done:
    """The command was done, now or when it was sent before."""

    account_id: int
    remaining: int = 0
    """of the bucket that was credited last, in its unit"""


@dataclass(frozen=True, slots=True)
class Refused:
    """The command was looked at and changed nothing; the same again is refused as long as nothing else changes."""

    code: str
    """an outcome of the engine in small letters, or one of the codes above"""
    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """It may be done, or may yet be done: send it again under the same id."""

    reason: str


@dataclass(frozen=True, slots=True)
class NoEngine:
    """Nobody decides now. A command may wait in the store and be done when an engine starts: send it again, same id."""

    reason: str


SendResult = Done | Refused | Unknown | NoEngine


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A session that is open at this moment."""

    key: str
    """32 hex digits"""
    session_id: str
    """the Session-Id or ChargingDataRef; the key where it isn't known"""
    account_id: int
    client: str
    """who asks for credit; '' where it isn't known"""
    view: SessionView
    owed: str
    """in words, what its client will be told; '': nothing"""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a session was answered as it was, in words."""

    session: OpenSession
    facts: tuple[tuple[str, str], ...]
    """(what, how it is), in the order in which people want to read"""
    services: tuple[tuple[tuple[str, str], ...], ...]
    """the same of each service of the session"""


@dataclass(frozen=True, slots=True)
class ReleasePublished:
    """The release is published, now or before."""

    is_new: bool
    engines: tuple[str, ...]
    """those that decide with it"""
    waiting: tuple[str, ...]
    """those that run and don't yet"""


@dataclass(frozen=True, slots=True)
class ReleaseRefused:
    """The release may not follow those that are published; nothing was changed."""

    faults: tuple[Fault, ...]


class EnginePort(Protocol):
    """The engine, as the business sees it. Calls block, at most for the time-out that it was made with."""

    def tenant_number(self, tenant: str) -> int | NoEngine:
        """The engine's number of a tenant; one that it hears of the first time gets one."""

    def send(self, command: EngineCommand) -> SendResult:
        """Have a command done. balances.commands.CommandError where it could never be: its message names the field."""

    def find_accounts(self, tenant: int, identities: Sequence[Identity]) -> tuple[int | None, ...] | NoEngine:
        """Whose each identity is; None: nobody's."""

    def read_account(self, tenant: int, account_id: int) -> AccountView | NoEngine | None:
        """The account as it was decided last, offers and allowances by name; None where there is none."""

    def open_sessions(self, tenant: int, account_id: int) -> tuple[OpenSession, ...] | NoEngine:
        """Its open sessions."""

    def explain(self, session: str) -> Explanation | NoEngine | None:
        """The open session with this Session-Id or key; None where there is none."""

    def publish_release(
        self, checked: CheckedRelease, *, now_ns: int
    ) -> ReleasePublished | ReleaseRefused | Unknown | NoEngine:
        """Publish a release of `checked.release.tenant`, and wait for running engines to decide with it. Safe to repeat.

        now_ns   what is in force is known by it
        """

"""EnginePort without an engine: accounts in this process's memory, for tests and dry runs. It charges nothing.

What commands come to, their ids and their refusals are the live engine's; tests/bss/test_engine_port.py holds both to it.
`is_away` and `reply_is_lost` let a test see what its work makes of NoEngine and Unknown.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from balances.command_digest import digest_of_command, digest_of_openings
from balances.commands import (
    AccountStatus,
    Change,
    Opening,
    SessionAction,
    SessionCommand,
    check_given_id,
)
from balances.queries import AccountView, AskedView, SessionView, name_of_bucket
from bss.account_in_memory import CommandRefused, change_account, open_account
from bss.engine_port import (
    ID_USED,
    IDENTITY_NOT_HELD,
    IDENTITY_TAKEN,
    Done,
    EngineCommand,
    EnginePort,
    Explanation,
    Identity,
    MoveIdentities,
    NoEngine,
    OpenAccount,
    OpenSession,
    Refused,
    ReleasePublished,
    ReleaseRefused,
    SendResult,
    Unknown,
)
from catalog_loader.check import CheckedRelease, succession_faults
from catalog_loader.faults import Fault
from catalog_loader.names import CatalogueNames, names_of
from vocabulary.command_refusals import said_of
from vocabulary.instants import FOREVER_NS
from vocabulary.outcomes import Outcome

_AWAY = NoEngine("no engine runs here: it was put away")
_NOT_ASKED = AskedView(0, 0, 0, Outcome.GRANTED)


@dataclass(slots=True)
class _Account:
    """An account; it is replaced whole, so that who has a view keeps it."""

    view: AccountView
    sessions: dict[str, OpenSession]
    """by Session-Id"""


class MemoryEngine:
    """EnginePort in memory. `now_ns` says when accounts change."""

    def __init__(self, now_ns: Callable[[], int]) -> None:
        self.is_away = False
        """no call does anything"""
        self.reply_is_lost = False
        """the next command is done, and the caller doesn't hear of it"""
        self.sent: list[EngineCommand] = []
        """every command that came, repeats too: what a dry run would do"""
        self._now_ns = now_ns
        self._tenants: dict[str, int] = {}
        self._accounts: dict[tuple[int, int], _Account] = {}
        self._identities: dict[str, int] = {}
        self._answers: dict[tuple[bool, str], tuple[str, Done]] = {}
        """by (is it an opening's, id): what was asked, and what it came to"""
        self._releases: dict[tuple[str, int], CheckedRelease] = {}
        self._last_account = 0

    # --- EnginePort
    def tenant_number(self, tenant: str) -> int | NoEngine:
        """See EnginePort."""
        return _AWAY if self.is_away else self._tenants.setdefault(tenant, len(self._tenants) + 1)

    def send(self, command: EngineCommand) -> SendResult:
        """See EnginePort."""
        check_given_id(command.command_id)
        if self.is_away:
            return _AWAY
        self.sent.append(command)
        kind, asked = _digest(command)
        known = self._answers.get((kind, command.command_id))
        result: Done | Refused
        if known is None:
            result = self._do(command)
            if isinstance(result, Done):
                self._answers[kind, command.command_id] = (asked, result)
        elif known[0] == asked:
            result = known[1]
        else:
            result = Refused(ID_USED, f"id {command.command_id} was used for another command: choose another")
        if self.reply_is_lost:
            self.reply_is_lost = False
            return Unknown("the reply was lost")
        return result

    def find_accounts(self, tenant: int, identities: Sequence[Identity]) -> tuple[int | None, ...] | NoEngine:
        """See EnginePort."""
        if self.is_away:
            return _AWAY
        return tuple(self._identities.get(identity.key(tenant)) for identity in identities)

    def read_account(self, tenant: int, account_id: int) -> AccountView | NoEngine | None:
        """See EnginePort."""
        if self.is_away:
            return _AWAY
        account = self._accounts.get((tenant, account_id))
        return None if account is None else self._named(account.view)

    def open_sessions(self, tenant: int, account_id: int) -> tuple[OpenSession, ...] | NoEngine:
        """See EnginePort."""
        if self.is_away:
            return _AWAY
        account = self._accounts.get((tenant, account_id))
        return () if account is None else tuple(account.sessions.values())

    def explain(self, session: str) -> Explanation | NoEngine | None:
        """See EnginePort."""
        if self.is_away:
            return _AWAY
        for account in self._accounts.values():
            for live in account.sessions.values():
                if session in (live.key, live.session_id):
                    facts = (("session", live.session_id), ("key", live.key), ("client", live.client))
                    return Explanation(live, facts, ())
        return None

    def publish_release(
        self, checked: CheckedRelease, *, now_ns: int
    ) -> ReleasePublished | ReleaseRefused | Unknown | NoEngine:
        """See EnginePort."""
        if self.is_away:
            return _AWAY
        release = checked.release
        self._tenants.setdefault(release.tenant, len(self._tenants) + 1)
        before = self._releases.get((release.tenant, release.number))
        if before is not None and before.hash == checked.hash:
            return ReleasePublished(False, (), ())
        if before is not None:
            problem = f"release {release.number} of tenant {release.tenant} has another text in the store"
            return ReleaseRefused(
                (Fault(None, "", problem, "A published release never changes: write another number"),)
            )
        own = [each.release for (tenant, _), each in self._releases.items() if tenant == release.tenant]
        faults = succession_faults(checked, own, len(self._releases), now_ns)
        if faults:
            return ReleaseRefused(faults)
        self._releases[release.tenant, release.number] = checked
        return ReleasePublished(True, (), ())

    # --- what the network does to it, in tests
    def begin_session(self, tenant: int, identity: Identity, session_id: str) -> OpenSession:
        """A client opens a session; KeyError where the identity is nobody's."""
        account = self._accounts[tenant, self._identities[identity.key(tenant)]]
        tag = len(account.sessions) + 1
        now_ns = self._now_ns()
        view = SessionView(
            key_high=account.view.account_id,
            key_low=tag,
            tag=tag,
            opened_ns=now_ns,
            expires_ns=FOREVER_NS,
            service_context=0,
            service_information=0,
            answers=1,
            initial_mix=0,
            last=_NOT_ASKED,
            previous=_NOT_ASKED,
            highest_number=0,
            unanswered=(),
            third_hash=0,
            fourth_hash=0,
            services=(),
        )
        key = f"{view.key_high:016x}{view.key_low:016x}"
        live = OpenSession(key, session_id, account.view.account_id, "client", view, "")
        account.sessions[session_id] = live
        account.view = replace(account.view, sessions=(*account.view.sessions, view))
        return live

    # --- commands
    def _do(self, command: EngineCommand) -> Done | Refused:
        if isinstance(command, OpenAccount):
            return self._open(command)
        account = self._accounts.get((command.tenant, command.account_id))
        if account is None:
            return _refused(Outcome.USER_UNKNOWN)
        if isinstance(command, MoveIdentities):
            return self._move(command)
        if isinstance(command, SessionCommand):
            return _of_sessions(account, command)
        return self._change(account, command)

    def _open(self, command: OpenAccount) -> Done | Refused:
        keys = [identity.key(command.tenant) for identity in command.identities]
        for key in sorted(keys):
            if self._is_held(command.tenant, key):
                return Refused(IDENTITY_TAKEN, f"{_shown(key)} belongs to account {self._identities[key]}")
        account_id = self._last_account + 1
        try:
            view, remaining = open_account(command.tenant, account_id, command.terms, self._now_ns())
        except CommandRefused as refused:
            return _refused(refused.outcome)
        self._last_account = account_id
        self._identities.update(dict.fromkeys(keys, account_id))
        self._accounts[command.tenant, account_id] = _Account(view, {})
        return Done(account_id, remaining)

    def _is_held(self, tenant: int, key: str) -> bool:
        """Is the identity somebody's who keeps it? Of a closed account the next who wants it gets it."""
        holder = self._accounts.get((tenant, self._identities.get(key, 0)))
        return holder is not None and holder.view.status != AccountStatus.CLOSED

    def _move(self, command: MoveIdentities) -> Done | Refused:
        add = [identity.key(command.tenant) for identity in command.add]
        remove = [identity.key(command.tenant) for identity in command.remove]
        for key in add:
            holder = self._identities.get(key, command.account_id)
            if holder != command.account_id and self._is_held(command.tenant, key):
                return Refused(IDENTITY_TAKEN, f"{_shown(key)} belongs to account {holder}")
        for key in remove:
            if self._identities.get(key) != command.account_id:
                whose = f"account {self._identities[key]}'s" if key in self._identities else "nobody's"
                return Refused(IDENTITY_NOT_HELD, f"{_shown(key)} is {whose}, not account {command.account_id}'s")
        self._identities.update(dict.fromkeys(add, command.account_id))
        for key in remove:
            del self._identities[key]
        return Done(command.account_id)

    def _change(self, account: _Account, command: Change) -> Done | Refused:
        try:
            changed, remaining = change_account(account.view, command, self._now_ns())
        except CommandRefused as refused:
            return _refused(refused.outcome)
        was_so = changed is account.view
        account.view = changed
        return Done(changed.account_id, remaining, was_so)

    def _named(self, view: AccountView) -> AccountView:
        """With the names that published releases give to offers and allowances."""
        own = [each for (tenant, _), each in self._releases.items() if self._tenants[tenant] == view.tenant]
        names: CatalogueNames = names_of([(view.tenant, each.release, each.hash) for each in own])
        offers = {number: name.id for (_, number), name in names.offers.items()}
        allowances = {number: name.id for (_, number), name in names.allowances.items()}
        return replace(
            view,
            products=tuple(replace(each, name=offers.get(each.offer, "")) for each in view.products),
            buckets=tuple(
                replace(each, name=name_of_bucket(each.unit, each.allowance, allowances)) for each in view.buckets
            ),
        )


def _digest(command: EngineCommand) -> tuple[bool, str]:
    """(is it an opening, whose ids are apart; what is asked, without its id). CommandError."""
    if isinstance(command, OpenAccount):
        keys = tuple(identity.key(command.tenant) for identity in command.identities)
        return True, digest_of_openings([Opening(command.tenant, keys, command.terms)])
    if isinstance(command, MoveIdentities):
        add, remove = (sorted(each.key(command.tenant) for each in some) for some in (command.add, command.remove))
        return False, repr((command.account_id, add, remove))
    return False, digest_of_command(command)


def _refused(outcome: Outcome) -> Refused:
    return Refused(outcome.name.lower(), said_of(outcome))


def _shown(key: str) -> str:
    _, word, value = key.split(":", 2)
    return f"{word} {value}"


def _of_sessions(account: _Account, command: SessionCommand) -> Done | Refused:
    """Only END changes something; what others ask is the notifier's to tell, and there is none."""
    account_id = account.view.account_id
    key = f"{command.session_high:016x}{command.session_low:016x}"
    named = [live for live in account.sessions.values() if live.key == key]
    if not int(key, 16):
        return _refused(Outcome.UNABLE_TO_COMPLY) if command.action == SessionAction.END else Done(account_id)
    if not named:
        return _refused(Outcome.UNKNOWN_SESSION_ID)
    if command.action == SessionAction.END:
        del account.sessions[named[0].session_id]
        left = tuple(view for view in account.view.sessions if view != named[0].view)
        account.view = replace(account.view, sessions=left)
    return Done(account_id)


if TYPE_CHECKING:
    _KEPT_CONTRACT: type[EnginePort] = MemoryEngine

"""Sending one account command: options that every such command takes, and its way from what is asked to what is said of it."""

import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

import typer

from runtime.cli.catalog import run_with_catalogue
from runtime.cli.contexts import works_on
from runtime.cli.options import ConfigOption, DataDirOption, StoreOption, fail, settings_or_exit
from runtime.cli.subscriber_answers import CommandIdOption, applied_or_exit, id_said, new_id
from runtime.cli.subscriber_lookup import (
    EXIT_REFUSED,
    EXIT_WAITS,
    TenantOption,
    catalogue_of,
    check_id,
    find_account,
)

if TYPE_CHECKING:
    from balances.commands import Applied, Change
    from balances.edge.redis_store import RedisStore
    from balances.queries import AccountView
    from runtime.cli.subscriber_lookup import Catalogue
    from runtime.settings import Settings
    from vocabulary.outcomes import Outcome

T = TypeVar("T")
_NOBODY_ASKED: Final = "nobody can be asked whether that is meant: say --yes"


@dataclass(frozen=True, slots=True)
class Asked:
    """A command, and what people are told of it."""

    command: "Change"
    question: str
    """asked before it is sent; '': nothing of value is taken"""
    done: str
    was_so: str
    refusals: "Mapping[Outcome, str] | None" = None


Ask = Callable[["Catalogue", "AccountView", str, int], Asked]
"""(catalogue, account, command id, now) to what is asked."""


@dataclass(frozen=True, slots=True)
class AccountCommands:
    """Where commands are sent, for whose accounts, and under which id."""

    tenant: str
    command_id: str | None
    settings: "Settings"

    def id_for(self, word: str) -> str:
        """The id that was given, else a new one."""
        return self.command_id or new_id(word)

    def run(self, work: "Callable[[RedisStore], Awaitable[T]]") -> T:
        """What `work` does with the opened store."""
        return run_with_catalogue(self.settings, work)

    def change(self, identity: str, word: str, ask: Ask, *, yes: bool = False) -> None:
        """Read the account, ask where something is taken, send the command and say what it came to."""
        asked_id = self.id_for(word)

        async def work(opened: "RedisStore") -> "tuple[Asked, Applied]":
            from balances.command_checks import CommandError
            from balances.edge.command_sender import CommandSender
            from runtime.moved_clock import clock_of
            from runtime.subscriber_terms import TermsInvalid

            now_ns = clock_of(self.settings).now_ns()
            catalogue = await catalogue_of(opened, self.tenant, now_ns)
            account = await _read_account(opened, catalogue, identity)
            try:
                asked = ask(catalogue, account, asked_id, now_ns)
            except TermsInvalid as error:
                fail(*(f"--{fault.name}: {fault.problem}. {fault.remedy}" for fault in error.faults))
            except CommandError as error:
                fail(str(error))
            if asked.question and not yes:
                _confirm(asked.question)
            with id_said():
                (result,) = await CommandSender(opened, opened.meta.partition_count).send([asked.command])
            return asked, applied_or_exit(result, asked_id, asked.refusals)

        asked, applied = self.run(work)
        if applied.was_so and asked.was_so:
            print(asked.was_so)
        else:
            print(f"{asked.done}; `farebox subscriber show {identity}` shows it")


def _account_commands(
    tenant: TenantOption = "default",
    command_id: CommandIdOption = None,
    config: ConfigOption = None,
    store: StoreOption = None,
    data_dir: DataDirOption = None,
) -> AccountCommands:
    settings = settings_or_exit(config, store, data_dir)
    check_id(command_id)
    return AccountCommands(tenant, command_id, settings)


by_account_command: Final = works_on(_account_commands)
"""The command gets AccountCommands first."""


async def _read_account(store: "RedisStore", catalogue: "Catalogue", identity: str) -> "AccountView":
    """The account as it is now; ends where it is nobody's, not open yet, or can't be read."""
    from balances.keys import partition_of
    from balances.queries import RecordError, decode_record
    from catalog_loader.edge.publish import read_releases
    from catalog_loader.names import names_of
    from runtime.subscriber_view import names_of_tenant

    _, account_id = await find_account(store, catalogue.tenant, identity)
    partition = partition_of(account_id, store.meta.partition_count)
    (octets,) = await store.read_accounts(partition, [(catalogue.tenant, account_id)])
    if octets is None:
        print(f"farebox: the account of {identity} is not open yet: its command waits", file=sys.stderr)
        raise typer.Exit(EXIT_WAITS)
    releases = await read_releases(store.client, catalogue.tenant)
    names = names_of([(catalogue.tenant, release, "") for release in releases])
    try:
        return decode_record(octets, names_of_tenant(names, catalogue.tenant))
    except RecordError as error:
        fail(f"the account's {error}")


def _confirm(question: str) -> None:
    """Ends where the answer is no, or nobody is there to give one."""
    if not sys.stdin.isatty():
        fail(f"{question}; {_NOBODY_ASKED}")
    if not typer.confirm(f"{question}. Go on?"):
        print("farebox: nothing was done", file=sys.stderr)
        raise typer.Exit(EXIT_REFUSED)

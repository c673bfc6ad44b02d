"""`farebox subscriber bar | unbar | close | apply | end-product | adjust`: one account command each, whole or not at all."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

import typer

from runtime.cli.catalog import run_with_catalogue
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

IdentityArgument = Annotated[
    str, typer.Argument(help="IMSI, number, SIP URI ..., or with its kind, such as imsi:001010000000001.")
]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why, for people; it is kept in the journal.")]
YesOption = Annotated[bool, typer.Option("--yes", help="Do it without asking.")]
OfferOption = Annotated[str, typer.Option("--offer", help="Which product: id of its offer.", show_default=False)]


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


def register_changes(group: typer.Typer) -> None:
    """Add the commands to `farebox subscriber`."""
    group.command("bar")(bar)
    group.command("unbar")(unbar)
    group.command("close")(close)
    group.command("apply")(apply)
    group.command("end-product")(end_product)
    group.command("adjust")(adjust)


def bar(
    identity: IdentityArgument,
    reason: ReasonOption = "",
    tenant: TenantOption = "default",
    command_id: CommandIdOption = None,
    config: ConfigOption = None,
    store: StoreOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Give an account no credit until it is unbarred.

    Its open sessions are told to ask again; what they report is charged, new quota is refused (4010). Money may still come in.
    """
    said = (
        f"{identity} is barred: it gets no credit until `farebox subscriber unbar`",
        f"{identity} was barred before",
    )
    _set_status(identity, "bar", "BARRED", reason, said, tenant, command_id, settings_or_exit(config, store, data_dir))


def unbar(
    identity: IdentityArgument,
    reason: ReasonOption = "",
    tenant: TenantOption = "default",
    command_id: CommandIdOption = None,
    config: ConfigOption = None,
    store: StoreOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Give a barred account credit again; sessions that were refused meanwhile are told to ask again."""
    said = (f"{identity} is active", f"{identity} was active before")
    _set_status(
        identity, "unbar", "ACTIVE", reason, said, tenant, command_id, settings_or_exit(config, store, data_dir)
    )


def close(
    identity: IdentityArgument,
    reason: ReasonOption = "",
    yes: YesOption = False,
    tenant: TenantOption = "default",
    command_id: CommandIdOption = None,
    config: ConfigOption = None,
    store: StoreOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Close an account for good. Its identities are free for the next that is opened with them.

    Open sessions are aborted, and charged for what they report. Money that is left stays where it is until it is paid out
    with `farebox subscriber adjust --take`; nothing can be topped up or applied any more.
    """
    from runtime.subscriber_view import amount_text, currency_of
    from vocabulary.units import Unit

    def ask(_: "Catalogue", account: "AccountView", asked_id: str, __: int) -> Asked:
        from balances.commands import Change
        from balances.record import AccountStatus

        remaining, _reserved = account.total()
        left = amount_text(Unit.MONEY, remaining, currency_of(account))
        sessions = f", {len(account.sessions)} open sessions are aborted" if account.sessions else ""
        return Asked(
            Change(asked_id, account.tenant, account.account_id, status=AccountStatus.CLOSED, reason=reason),
            f"account {account.account_id} ({identity}) is closed for good; {left} stay on it{sessions}",
            f"account {account.account_id} is closed; {identity} is free for another",
            f"account {account.account_id} was closed before",
        )

    _change(identity, "close", ask, tenant, command_id, settings_or_exit(config, store, data_dir), yes=yes)


def apply(
    identity: IdentityArgument,
    offer: OfferOption,
    starts: Annotated[
        str, typer.Option("--from", help="Begin of the period.", show_default="where the last one ends, or now")
    ] = "",
    until: Annotated[str, typer.Option("--until", help="End of it.", show_default="as the offer says")] = "",
    fee: Annotated[str, typer.Option("--fee", help="What it costs; 0 for nothing.", show_default="the offer's")] = "",
    yes: YesOption = False,
    tenant: TenantOption = "default",
    command_id: CommandIdOption = None,
    config: ConfigOption = None,
    store: StoreOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Activate or renew a product: take its fee, have it last for a period, give the allowances of that.

    All of it or nothing: where the money doesn't pay the fee, nothing changes. A period is known by its product and its
    begin, and is applied once; asked for again, nothing is taken. So a command with an --id names its --from as well.

    \b
        farebox subscriber apply 491700000001 --offer data-monthly
        farebox subscriber apply 491700000001 --offer data-monthly --from 2026-02-01 --until 2026-03-01 --fee 4.99
    """
    if command_id and not starts:
        fail("--from: it is needed with --id, because the same command again is about the same period")

    def ask(catalogue: "Catalogue", account: "AccountView", asked_id: str, now_ns: int) -> Asked:
        from balances.commands import Change
        from catalog_loader.amounts import money_text
        from runtime.subscriber_changes import WantedPeriod, period_change
        from vocabulary.instants import FOREVER_NS, to_rfc3339
        from vocabulary.outcomes import Outcome

        change = period_change(catalogue.release, account, WantedPeriod(offer, starts, until, fee), now_ns)
        period, cost = change.period, money_text(change.fee_micros, catalogue.release.currency)
        end = "without end" if period.to_ns == FOREVER_NS else f"to {to_rfc3339(period.to_ns)}"
        lasts = f"from {to_rfc3339(period.from_ns)} {end}"
        return Asked(
            Change(asked_id, account.tenant, account.account_id, applies=period, amounts=change.amounts),
            f"{cost} are taken from account {account.account_id} for {offer} {lasts}" if change.fee_micros else "",
            f"account {account.account_id} has {offer} {lasts}" + (f" for {cost}" if change.fee_micros else ""),
            f"account {account.account_id} had {offer} {lasts} already: nothing was taken",
            {
                Outcome.CREDIT_LIMIT_REACHED: f"its money doesn't pay {cost}; nothing was changed",
                Outcome.UNABLE_TO_COMPLY: "a later period of the product was applied, or there is no room for another"
                " product or balance",
            },
        )

    _change(identity, "apply", ask, tenant, command_id, settings_or_exit(config, store, data_dir), yes=yes)


def end_product(
    identity: IdentityArgument,
    offer: OfferOption,
    at: Annotated[str, typer.Option("--at", help="When it ends.", show_default="now")] = "",
    with_allowances: Annotated[
        bool, typer.Option("--with-allowances", help="What is left of the offer's allowances ends then as well.")
    ] = False,
    reason: ReasonOption = "",
    yes: YesOption = False,
    tenant: TenantOption = "default",
    command_id: CommandIdOption = None,
    config: ConfigOption = None,
    store: StoreOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """End a product: from then on the offer's prices don't hold for the account. Allowances stay until their own end."""

    def ask(catalogue: "Catalogue", account: "AccountView", asked_id: str, now_ns: int) -> Asked:
        from balances.commands import Change
        from runtime.subscriber_changes import product_end
        from vocabulary.instants import to_rfc3339

        end = product_end(catalogue.release, account, offer, at, now_ns, with_allowances=with_allowances)
        takes = " and takes what is left of its allowances with it" if with_allowances else ""
        return Asked(
            Change(asked_id, account.tenant, account.account_id, ends=end, reason=reason),
            f"{offer} of account {account.account_id} ends at {to_rfc3339(end.at_ns)}{takes}",
            f"{offer} of account {account.account_id} ends at {to_rfc3339(end.at_ns)}",
            f"{offer} of account {account.account_id} ended before",
        )

    _change(identity, "end-product", ask, tenant, command_id, settings_or_exit(config, store, data_dir), yes=yes)


def adjust(
    identity: IdentityArgument,
    reason: Annotated[str, typer.Option("--reason", help="Why; it is kept in the journal.", show_default=False)],
    give: Annotated[str, typer.Option("--give", help='Such as "2.50", or 100MiB.', show_default=False)] = "",
    take: Annotated[str, typer.Option("--take", help='Such as "2.50", or 100MiB.', show_default=False)] = "",
    allowance: Annotated[str, typer.Option("--allowance", help="Of which allowance.", show_default="money")] = "",
    bucket: Annotated[
        int, typer.Option("--balance", min=0, help="Number of one balance, as show has it.", show_default="by itself")
    ] = 0,
    below_zero: Annotated[bool, typer.Option("--below-zero", help="Take money whatever is there.")] = False,
    yes: YesOption = False,
    tenant: TenantOption = "default",
    command_id: CommandIdOption = None,
    config: ConfigOption = None,
    store: StoreOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Put a balance right: give or take money or units of an allowance, for a reason. Closed accounts are settled so, too.

    \b
        farebox subscriber adjust 491700000001 --give 2.50 --reason "charged twice, ticket 17"
        farebox subscriber adjust 491700000001 --take 100MiB --allowance data-1gib --reason "given by mistake"
    """

    def ask(catalogue: "Catalogue", account: "AccountView", asked_id: str, now_ns: int) -> Asked:
        from balances.commands import Change
        from runtime.subscriber_changes import WantedAdjustment, adjustment, amount_words
        from vocabulary.outcomes import Outcome

        wanted = WantedAdjustment(give, take, allowance, bucket, below_zero)
        amount = adjustment(catalogue.release, account, wanted, now_ns)
        names = {each.allowance: each.name for each in account.buckets if each.name} | (
            {amount.allowance: allowance} if allowance else {}
        )
        words = amount_words(amount, catalogue.release, names)
        taken = f"{words} are taken from account {account.account_id} ({identity})"
        return Asked(
            Change(asked_id, account.tenant, account.account_id, amounts=(amount,), reason=reason),
            taken if take else "",
            taken if take else f"account {account.account_id} got {words}",
            "",
            {Outcome.CREDIT_LIMIT_REACHED: f"there are not {words} to take; nothing was changed"},
        )

    _change(identity, "adjust", ask, tenant, command_id, settings_or_exit(config, store, data_dir), yes=yes)


# --- inside ----------------------------------------------------------------------------------------------------------

_NOBODY_ASKED: Final = "nobody can be asked whether that is meant: say --yes"


def _set_status(
    identity: str,
    word: str,
    status: str,
    reason: str,
    said: tuple[str, str],
    tenant: str,
    command_id: str | None,
    settings: "Settings",
) -> None:
    def ask(_: "Catalogue", account: "AccountView", asked_id: str, __: int) -> Asked:
        from balances.commands import Change
        from balances.record import AccountStatus

        command = Change(asked_id, account.tenant, account.account_id, status=AccountStatus[status], reason=reason)
        return Asked(command, "", *said)

    _change(identity, word, ask, tenant, command_id, settings)


def _change(
    identity: str,
    word: str,
    ask: Ask,
    tenant: str,
    command_id: str | None,
    settings: "Settings",
    *,
    yes: bool = False,
) -> None:
    """Read the account, ask where something is taken, send the command and say what it came to."""
    check_id(command_id)
    asked_id = command_id or new_id(word)

    async def work(opened: "RedisStore") -> "tuple[Asked, Applied]":
        from balances.command_checks import CommandError
        from balances.edge.command_sender import CommandSender
        from runtime.moved_clock import clock_of
        from runtime.subscriber_terms import TermsInvalid

        now_ns = clock_of(settings).now_ns()
        catalogue = await catalogue_of(opened, tenant, now_ns)
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

    asked, applied = run_with_catalogue(settings, work)
    if applied.was_so and asked.was_so:
        print(asked.was_so)
    else:
        print(f"{asked.done}; `farebox subscriber show {identity}` shows it")


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

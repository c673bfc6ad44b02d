"""`farebox subscriber bar | unbar | close | apply | end-product | adjust | credit-limit`: one account command each."""

from typing import TYPE_CHECKING, Annotated

import typer

from runtime.cli.account_commands import AccountCommands, Asked, by_account_command
from runtime.cli.options import fail

if TYPE_CHECKING:
    from balances.queries import AccountView
    from runtime.cli.subscriber_lookup import Catalogue

IdentityArgument = Annotated[
    str, typer.Argument(help="IMSI, number, SIP URI ..., or with its kind, such as imsi:001010000000001.")
]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why, for people; it is kept in the journal.")]
YesOption = Annotated[bool, typer.Option("--yes", help="Do it without asking.")]
OfferOption = Annotated[str, typer.Option("--offer", help="Which product: id of its offer.", show_default=False)]


def register_changes(group: typer.Typer) -> None:
    """Add the commands to `farebox subscriber`."""
    group.command("bar")(bar)
    group.command("unbar")(unbar)
    group.command("close")(close)
    group.command("apply")(apply)
    group.command("end-product")(end_product)
    group.command("adjust")(adjust)
    group.command("credit-limit")(credit_limit)


@by_account_command
def bar(
    commands: AccountCommands,
    identity: IdentityArgument,
    reason: ReasonOption = "",
) -> None:
    """Give an account no credit until it is unbarred.

    Its open sessions are told to ask again; what they report is charged, new quota is refused (4010). Money may still come in.
    """
    said = (
        f"{identity} is barred: it gets no credit until `farebox subscriber unbar`",
        f"{identity} was barred before",
    )
    _set_status(commands, identity, "bar", "BARRED", reason, said)


@by_account_command
def unbar(
    commands: AccountCommands,
    identity: IdentityArgument,
    reason: ReasonOption = "",
) -> None:
    """Give a barred account credit again; sessions that were refused meanwhile are told to ask again."""
    said = (f"{identity} is active", f"{identity} was active before")
    _set_status(commands, identity, "unbar", "ACTIVE", reason, said)


@by_account_command
def close(
    commands: AccountCommands,
    identity: IdentityArgument,
    reason: ReasonOption = "",
    yes: YesOption = False,
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

    commands.change(identity, "close", ask, yes=yes)


@by_account_command
def apply(
    commands: AccountCommands,
    identity: IdentityArgument,
    offer: OfferOption,
    starts: Annotated[
        str, typer.Option("--from", help="Begin of the period.", show_default="where the last one ends, or now")
    ] = "",
    until: Annotated[str, typer.Option("--until", help="End of it.", show_default="as the offer says")] = "",
    fee: Annotated[str, typer.Option("--fee", help="What it costs; 0 for nothing.", show_default="the offer's")] = "",
    yes: YesOption = False,
) -> None:
    """Activate or renew a product: take its fee, have it last for a period, give the allowances of that.

    All of it or nothing: where the money doesn't pay the fee, nothing changes. A period is known by its product and its
    begin, and is applied once; asked for again, nothing is taken. So a command with an --id names its --from as well.

    \b
        farebox subscriber apply 491700000001 --offer data-monthly
        farebox subscriber apply 491700000001 --offer data-monthly --from 2026-02-01 --until 2026-03-01 --fee 4.99
    """
    if commands.command_id and not starts:
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

    commands.change(identity, "apply", ask, yes=yes)


@by_account_command
def end_product(
    commands: AccountCommands,
    identity: IdentityArgument,
    offer: OfferOption,
    at: Annotated[str, typer.Option("--at", help="When it ends.", show_default="now")] = "",
    with_allowances: Annotated[
        bool, typer.Option("--with-allowances", help="What is left of the offer's allowances ends then as well.")
    ] = False,
    reason: ReasonOption = "",
    yes: YesOption = False,
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

    commands.change(identity, "end-product", ask, yes=yes)


@by_account_command
def adjust(
    commands: AccountCommands,
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

    commands.change(identity, "adjust", ask, yes=yes)


@by_account_command
def credit_limit(
    commands: AccountCommands,
    identity: IdentityArgument,
    limit: Annotated[
        str, typer.Option("--to", help='How much may be owed on the bill, such as "50.00"; 0 for nothing.')
    ],
    reason: ReasonOption = "",
    yes: YesOption = False,
) -> None:
    """Raise or lower how much an account may owe on its bill.

    Where more is owed already than it may from now on, nothing is taken back: what sessions hold and report is charged, and
    new quota on the bill is refused (4012) until enough is settled. An account that had no bill gets one.

    \b
        farebox subscriber credit-limit 491700000001 --to 80.00 --reason "pays on time"
    """

    def ask(catalogue: "Catalogue", account: "AccountView", asked_id: str, _: int) -> Asked:
        from balances.commands import Change
        from catalog_loader.amounts import money_text
        from runtime.subscriber_changes import credit_limit_micros

        micros, currency = credit_limit_micros(catalogue.release, limit), catalogue.release.currency
        before = money_text(account.credit_limit_micros, currency)
        may_owe = f"account {account.account_id} ({identity}) may owe {money_text(micros, currency)} on its bill"
        owed = f"; {money_text(account.owed_micros, currency)} are owed" if account.owed_micros else ""
        return Asked(
            Change(asked_id, account.tenant, account.account_id, reason=reason, credit_limit_micros=micros),
            f"{may_owe} instead of {before}{owed}" if micros < account.credit_limit_micros else "",
            f"{may_owe}, {before} before",
            f"{may_owe}, as before",
        )

    commands.change(identity, "credit-limit", ask, yes=yes)


# --- inside ----------------------------------------------------------------------------------------------------------


def _set_status(
    commands: AccountCommands, identity: str, word: str, status: str, reason: str, said: tuple[str, str]
) -> None:
    def ask(_: "Catalogue", account: "AccountView", asked_id: str, __: int) -> Asked:
        from balances.commands import Change
        from balances.record import AccountStatus

        command = Change(asked_id, account.tenant, account.account_id, status=AccountStatus[status], reason=reason)
        return Asked(command, "", *said)

    commands.change(identity, word, ask)

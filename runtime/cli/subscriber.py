"""`farebox subscriber`: open accounts, look at them, top them up, import many from a file."""

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from runtime.cli.account_commands import AccountCommands, by_account_command
from runtime.cli.catalog import run_with_catalogue
from runtime.cli.contexts import add_group
from runtime.cli.options import (
    ConfigOption,
    DataDirOption,
    JsonOption,
    StoreOption,
    fail,
    settings_or_exit,
)
from runtime.cli.subscriber_answers import applied_or_exit, id_said
from runtime.cli.subscriber_change import register_changes
from runtime.cli.subscriber_import import IMPORT_HELP, import_file
from runtime.cli.subscriber_lookup import (
    EXIT_REFUSED,
    EXIT_WAITS,
    TenantOption,
    catalogue_of,
    find_account,
    tenant_number,
)

if TYPE_CHECKING:
    from balances.commands import CommandResult, Opening
    from balances.edge.redis_store import RedisStore
    from runtime.cli.subscriber_lookup import Catalogue
    from runtime.subscriber_terms import WantedTerms

MoneyOption = Annotated[
    str, typer.Option("--money", help='Decimal text in the catalogue\'s currency, such as "12.50".', show_default=False)
]
AllowancesOption = Annotated[
    str, typer.Option("--allowances", help="Such as data-booster;voice-100min=50min.", show_default=False)
]
IdentityArgument = Annotated[
    str, typer.Argument(help="IMSI, number, SIP URI ..., or with its kind, such as imsi:001010000000001.")
]

_HELP: Final = """Subscribers: an account each, with identities, products and balances.

\b
    farebox subscriber add --imsi 001010000000001 --msisdn 491700000001 --offer prepaid-start
    farebox subscriber show 491700000001
    farebox subscriber top-up 491700000001 --money 10.00
    farebox subscriber import subscribers.csv --dry-run
    farebox subscriber bar 491700000001 --reason "lost phone"       unbar takes it back, close is for good
    farebox subscriber apply 491700000001 --offer data-monthly      a period of a product: its fee, its allowances
    farebox subscriber end-product 491700000001 --offer data-monthly
    farebox subscriber adjust 491700000001 --give 2.50 --reason "ticket 17"
    farebox subscriber credit-limit 491700000001 --to 80.00         how much may be owed on the bill

Nothing is written into accounts from here: commands wait in the store for the engine, which decides them like usage.
Exit codes: 1 refused, 2 could not be asked, 3 the command waits for an engine.
"""


def register(app: typer.Typer) -> None:
    """Add `farebox subscriber`."""
    group = add_group(app, "subscriber", _HELP, (("add", add), ("show", show), ("top-up", top_up)))
    group.command("import", help=IMPORT_HELP)(import_file)
    register_changes(group)


@by_account_command
def add(
    commands: AccountCommands,
    offer: Annotated[
        str, typer.Option("--offer", help="What the subscriber gets: id of an offer; - for none.", show_default=False)
    ],
    msisdn: Annotated[str, typer.Option("--msisdn", help="E.164 number.", show_default=False)] = "",
    imsi: Annotated[str, typer.Option("--imsi", help="6 to 15 digits.", show_default=False)] = "",
    sip: Annotated[str, typer.Option("--sip", help="Such as sip:alice@ims.example.", show_default=False)] = "",
    nai: Annotated[str, typer.Option("--nai", help="user@realm.", show_default=False)] = "",
    private: Annotated[str, typer.Option("--private", help="Any other name.", show_default=False)] = "",
    money: Annotated[
        str, typer.Option("--money", help='Opening balance, such as "12.50".', show_default="the offer's")
    ] = "",
    credit_limit: Annotated[
        str, typer.Option("--credit-limit", help="How much may be owed on the bill.", show_default="the offer's")
    ] = "",
    allowances: Annotated[
        str, typer.Option("--allowances", help="Such as data-1gib=512MiB; - for none.", show_default="the offer's")
    ] = "",
    expires: Annotated[str, typer.Option("--expires", help="End of the account.", show_default="never")] = "",
) -> None:
    """Open an account with one or several identities and an offer of the release in force."""
    from runtime.moved_clock import clock_of
    from runtime.subscriber_identities import shown_identity
    from runtime.subscriber_terms import NOTHING, WantedTerms

    asked_id = commands.id_for("add")
    now_ns = clock_of(commands.settings).now_ns()
    given = {"msisdn": msisdn, "imsi": imsi, "sip": sip, "nai": nai, "private": private}
    named = {name: text for name, text in given.items() if text}
    if not named:
        fail("no identity is given: add --imsi, --msisdn, --sip, --nai or --private")
    wanted = WantedTerms(offer, money, credit_limit, allowances, expires)

    async def work(opened: "RedisStore") -> "tuple[tuple[str, ...], CommandResult]":
        from balances.edge.command_sender import CommandSender

        opening = _opening(await catalogue_of(opened, commands.tenant, now_ns), named, wanted, now_ns)
        sender = CommandSender(opened, opened.meta.partition_count)
        with id_said():
            (result,) = await sender.open_accounts(asked_id, [opening])
        return opening.identities, result

    identities, result = commands.run(work)
    account_id = applied_or_exit(result, asked_id).account_id
    of_offer = "no offer" if offer == NOTHING else f"offer {offer}"
    print(f"account {account_id} is open: {', '.join(map(shown_identity, identities))}, {of_offer}")


def show(
    identity: IdentityArgument,
    tenant: TenantOption = "default",
    as_json: JsonOption = False,
    config: ConfigOption = None,
    store: StoreOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Show an account: balances, products, open sessions."""

    async def work(opened: "RedisStore") -> tuple[dict[str, str], bytes | None, dict[int, str]]:
        from balances.edge.identity_claims import accounts_that_never_came
        from balances.keys import partition_of
        from catalog_loader.edge.publish import read_releases
        from catalog_loader.names import names_of
        from runtime.subscriber_view import names_of_tenant

        number = await tenant_number(opened, tenant)
        kinds, account_id = await find_account(opened, number, identity)
        partition = partition_of(account_id, opened.meta.partition_count)
        if await accounts_that_never_came(opened, opened.meta.partition_count, [(number, account_id)]):
            print(
                f"farebox: {identity} is claimed, and no account has it: the opening was cut off before its command was"
                " sent. The next `farebox subscriber add` of it takes it over",
                file=sys.stderr,
            )
            raise typer.Exit(EXIT_REFUSED)
        (octets,) = await opened.read_accounts(partition, [(number, account_id)])
        releases = await read_releases(opened.client, number)
        names = names_of([(number, release, "") for release in releases])
        return kinds, octets, names_of_tenant(names, number)

    kinds, octets, names = run_with_catalogue(settings_or_exit(config, store, data_dir), work)
    if octets is None:
        print(f"farebox: {identity} has a number, but its account is not open yet: the command waits", file=sys.stderr)
        raise typer.Exit(EXIT_WAITS)
    _print_account(kinds, octets, names, as_json=as_json)


@by_account_command
def top_up(
    commands: AccountCommands,
    identity: IdentityArgument,
    money: MoneyOption = "",
    allowances: AllowancesOption = "",
) -> None:
    """Raise an account's money, give it allowances of the catalogue, or both."""
    from balances.commands import Change
    from runtime.moved_clock import clock_of
    from runtime.subscriber_terms import TermsInvalid, credit_text, top_up_credits

    asked_id = commands.id_for("top-up")
    now_ns = clock_of(commands.settings).now_ns()

    async def work(opened: "RedisStore") -> "tuple[str, CommandResult]":
        from balances.edge.command_sender import CommandSender
        from catalog_loader.names import names_of

        catalogue = await catalogue_of(opened, commands.tenant, now_ns)
        try:
            credits = top_up_credits(catalogue.release, money, allowances, now_ns)
        except TermsInvalid as error:
            fail(*(f"--{fault.name}: {fault.problem}. {fault.remedy}" for fault in error.faults))
        _, account_id = await find_account(opened, catalogue.tenant, identity)
        names = names_of([(catalogue.tenant, catalogue.release, "")])
        texts = [
            credit_text(credit, catalogue.release.currency, names.allowance(catalogue.tenant, credit.allowance))
            for credit in credits
        ]
        command = Change(asked_id, catalogue.tenant, account_id, amounts=credits)
        with id_said():
            (result,) = await CommandSender(opened, opened.meta.partition_count).send([command])
        return " and ".join(texts), result

    text, result = commands.run(work)
    account_id = applied_or_exit(result, asked_id).account_id
    print(f"account {account_id} got {text}; `farebox subscriber show {identity}` shows its balances")


# --- inside ----------------------------------------------------------------------------------------------------------


def _opening(catalogue: "Catalogue", named: dict[str, str], wanted: "WantedTerms", now_ns: int) -> "Opening":
    """What the options of `add` say; every mistake in them ends the command at once."""
    from balances.commands import Opening
    from runtime.subscriber_identities import IdentityInvalid, key_of
    from runtime.subscriber_terms import TermsInvalid, terms_of
    from vocabulary.limits import IDENTITIES_PER_REQUEST_MAX

    faults, keys = [], []
    for name, text in named.items():
        try:
            keys.append(key_of(catalogue.tenant, name, text))
        except IdentityInvalid as error:
            faults.append(f"--{name}: {error}. {error.remedy}")
    try:
        terms = terms_of(catalogue.release, wanted, now_ns)
    except TermsInvalid as error:
        faults += [f"--{fault.name.replace('_', '-')}: {fault.problem}. {fault.remedy}" for fault in error.faults]
        fail(*faults)
    if len(keys) > IDENTITIES_PER_REQUEST_MAX:
        faults.append(f"{len(keys)} identities: at most {IDENTITIES_PER_REQUEST_MAX} fit")
    if faults:
        fail(*faults)
    return Opening(catalogue.tenant, tuple(keys), terms)


def _print_account(kinds: dict[str, str], octets: bytes, names: dict[int, str], *, as_json: bool) -> None:
    from balances.queries import RecordError, decode_record
    from runtime import subscriber_view
    from runtime.cli.tables import print_pairs, print_table

    try:
        view = decode_record(octets, names)
    except RecordError as error:
        fail(f"the account's {error}")
    if as_json:
        print(json.dumps(subscriber_view.account_json(view, kinds), indent=1))
        return
    print_pairs([*kinds.items(), *subscriber_view.account_pairs(view)])
    print()
    right = ("remaining", "reserved", "priority")
    print_table("Balances", _titles(subscriber_view.BalanceRow), subscriber_view.balance_rows(view), right=right)
    print_table("Products", _titles(subscriber_view.ProductRow), subscriber_view.product_rows(view), right=right)
    print_table("Open sessions", _titles(subscriber_view.SessionRow), subscriber_view.session_rows(view))


def _titles(row: Any) -> list[str]:
    return [name.rstrip("_") for name in row._fields]

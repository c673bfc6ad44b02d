"""`farebox subscriber`: open accounts, look at them, top them up, import many from a file."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple, NoReturn

import typer

from runtime.cli.catalog import run_with_catalogue
from runtime.cli.options import (
    ConfigOption,
    DataDirOption,
    JsonOption,
    StoreOption,
    fail,
    settings_or_exit,
)

if TYPE_CHECKING:
    from balances.commands import CommandResult
    from balances.edge.redis_store import RedisStore
    from catalog_loader.release import Release
    from runtime.subscriber_import import CellFault, ImportOutcome, ImportPlan

EXIT_REFUSED: Final = 1
"""It was looked at and refused: an identity is taken, a file has faults, the engine says no."""
EXIT_WAITS: Final = 3
"""The command is in the store and waits for an engine."""

TenantOption = Annotated[str, typer.Option("--tenant", help="Whose subscribers.")]
CommandIdOption = Annotated[
    str | None,
    typer.Option(
        "--id", help="Name of this command: the same again is done once.", show_default="a new one for each call"
    ),
]
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

    farebox subscriber add --imsi 001010000000001 --msisdn 491700000001 --offer prepaid-start
    farebox subscriber show 491700000001
    farebox subscriber top-up 491700000001 --money 10.00
    farebox subscriber import subscribers.csv --dry-run

Nothing is written into accounts from here: commands wait in the store for the engine, which decides them like usage.
Exit codes: 1 refused, 2 could not be asked, 3 the command waits for an engine.
"""

_IMPORT_COLUMNS_HELP: Final = """
Columns, in any order, named by a header line, separated by commas, UTF-8:

    msisdn, imsi, sip, nai, private   identities; at least one a row
    offer          id of an offer of the release in force; --offer where empty
    money          opening balance instead of the offer's, such as 12.50, in the catalogue's currency
    credit_limit   how far money may fall below zero; 0 where empty
    allowances     instead of the offer's: data-1gib=512 MiB;voice-100min, or - for none
    expires        end of the account, a date or date and time with offset; never where empty

All rows are checked before any account is opened, also against the store; faults name line and column. An import that
was cut off goes on when the same file is imported again; nothing is opened twice.
"""


def register(app: typer.Typer) -> None:
    """Add `farebox subscriber`."""
    group = typer.Typer(name="subscriber", help=_HELP, no_args_is_help=True, rich_markup_mode=None)
    group.command("add")(add)
    group.command("show")(show)
    group.command("top-up")(top_up)
    group.command("import", help=f"Open an account for each row of a CSV file.\n{_IMPORT_COLUMNS_HELP}")(import_file)
    app.add_typer(group)


class _Catalogue(NamedTuple):
    """A tenant, and its release in force."""

    tenant: int
    release: "Release"


def add(
    offer: Annotated[
        str, typer.Option("--offer", help="What the subscriber gets: id of an offer.", show_default=False)
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
        str, typer.Option("--credit-limit", help="How far money may fall below zero.", show_default="0")
    ] = "",
    allowances: Annotated[
        str, typer.Option("--allowances", help="Such as data-1gib=512MiB; - for none.", show_default="the offer's")
    ] = "",
    expires: Annotated[str, typer.Option("--expires", help="End of the account.", show_default="never")] = "",
    tenant: TenantOption = "default",
    command_id: CommandIdOption = None,
    config: ConfigOption = None,
    store: StoreOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Open an account with one or several identities and an offer of the release in force."""
    from balances.commands import Opening
    from runtime.clock import SystemClock
    from runtime.subscriber_identities import IdentityInvalid, key_of, shown_identity
    from runtime.subscriber_terms import TermsInvalid, WantedTerms, terms_of

    now_ns = SystemClock().now_ns()
    given = {"msisdn": msisdn, "imsi": imsi, "sip": sip, "nai": nai, "private": private}
    named = {name: text for name, text in given.items() if text}
    if not named:
        fail("no identity is given: add --imsi, --msisdn, --sip, --nai or --private")

    async def work(opened: "RedisStore") -> "tuple[tuple[str, ...], CommandResult]":
        from balances.edge.command_sender import CommandSender

        catalogue = await _catalogue(opened, tenant, now_ns)
        faults, keys = [], []
        for name, text in named.items():
            try:
                keys.append(key_of(catalogue.tenant, name, text))
            except IdentityInvalid as error:
                faults.append(f"--{name}: {error}. {error.remedy}")
        try:
            terms = terms_of(catalogue.release, WantedTerms(offer, money, credit_limit, allowances, expires), now_ns)
        except TermsInvalid as error:
            faults += [f"--{fault.name.replace('_', '-')}: {fault.problem}. {fault.remedy}" for fault in error.faults]
            fail(*faults)
        if faults:
            fail(*faults)
        identities = tuple(keys)
        sender = CommandSender(opened, opened.meta.partition_count)
        (result,) = await sender.open_accounts(
            command_id or _new_id("add"), [Opening(catalogue.tenant, identities, terms)]
        )
        return identities, result

    identities, result = run_with_catalogue(settings_or_exit(config, store, data_dir), work)
    account_id = _account_or_exit(result)
    print(f"account {account_id} is open: {', '.join(map(shown_identity, identities))}, offer {offer}")


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
        from balances.keys import partition_of
        from catalog_loader.edge.publish import load_published
        from runtime.subscriber_view import names_of_tenant

        number = await _tenant(opened, tenant)
        kinds, account_id = await _find(opened, number, identity)
        partition = partition_of(account_id, opened.meta.partition_count)
        (octets,) = await opened.read_accounts(partition, [(number, account_id)])
        _, names = await load_published(opened.client)
        return kinds, octets, names_of_tenant(names, number)

    kinds, octets, names = run_with_catalogue(settings_or_exit(config, store, data_dir), work)
    if octets is None:
        print(f"farebox: {identity} has a number, but its account is not open yet: the command waits", file=sys.stderr)
        raise typer.Exit(EXIT_WAITS)
    _print_account(kinds, octets, names, as_json=as_json)


def top_up(
    identity: IdentityArgument,
    money: MoneyOption = "",
    allowances: AllowancesOption = "",
    tenant: TenantOption = "default",
    command_id: CommandIdOption = None,
    config: ConfigOption = None,
    store: StoreOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Raise an account's money, give it allowances of the catalogue, or both."""
    from balances.commands import TopUp
    from runtime.clock import SystemClock
    from runtime.subscriber_terms import TermsInvalid, credit_text, top_up_credits

    now_ns = SystemClock().now_ns()

    async def work(opened: "RedisStore") -> "tuple[str, CommandResult]":
        from balances.edge.command_sender import CommandSender
        from catalog_loader.names import names_of

        catalogue = await _catalogue(opened, tenant, now_ns)
        try:
            credits = top_up_credits(catalogue.release, money, allowances, now_ns)
        except TermsInvalid as error:
            fail(*(f"--{fault.name}: {fault.problem}. {fault.remedy}" for fault in error.faults))
        _, account_id = await _find(opened, catalogue.tenant, identity)
        names = names_of([(catalogue.tenant, catalogue.release, "")])
        texts = [
            credit_text(credit, catalogue.release.currency, names.allowance(catalogue.tenant, credit.allowance))
            for credit in credits
        ]
        command = TopUp(command_id or _new_id("top-up"), catalogue.tenant, account_id, credits)
        (result,) = await CommandSender(opened, opened.meta.partition_count).send([command])
        return " and ".join(texts), result

    text, result = run_with_catalogue(settings_or_exit(config, store, data_dir), work)
    account_id = _account_or_exit(result)
    print(f"account {account_id} got {text}; `farebox subscriber show {identity}` shows its balances")


def import_file(
    file: Annotated[Path, typer.Argument(help="CSV file.")],
    offer: Annotated[str, typer.Option("--offer", help="Offer of rows that name none.", show_default=False)] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything, open nothing.")] = False,
    tenant: TenantOption = "default",
    config: ConfigOption = None,
    store: StoreOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """See _IMPORT_COLUMNS_HELP, which typer shows."""
    from runtime.clock import SystemClock
    from runtime.subscriber_import import plan_import, run_import, taken_identities

    try:
        octets = file.read_bytes()
    except OSError as error:
        fail(f"{file} can't be read: {error.strerror}")
    now_ns = SystemClock().now_ns()

    async def work(opened: "RedisStore") -> "tuple[ImportPlan, int, ImportOutcome | None]":
        catalogue = await _catalogue(opened, tenant, now_ns)
        plan = plan_import(
            octets,
            file=str(file),
            tenant=catalogue.tenant,
            release=catalogue.release,
            opened_ns=now_ns,
            default_offer=offer,
        )
        taken, resumed = await taken_identities(opened, plan)
        plan.faults.extend(taken)
        if plan.faults or dry_run:
            return plan, resumed, None
        with _progress(len(plan.openings)) as progress:
            return plan, resumed, await run_import(opened, plan, progress=progress)

    plan, resumed, outcome = run_with_catalogue(settings_or_exit(config, store, data_dir), work)
    if plan.faults:
        _end_with(plan.faults, "nothing was opened")
    again = f", {resumed} of them claimed by an earlier try" if resumed else ""
    if outcome is None:
        print(f"sound: {len(plan.openings)} accounts{again}; nothing was opened (--dry-run)")
        return
    print(f"{outcome.opened} of {len(plan.openings)} accounts are open{again}")
    if outcome.faults:
        _end_with(list(outcome.faults), "the other rows were taken")
    if outcome.waiting:
        print(f"farebox: {outcome.waiting} commands wait: {outcome.waiting_reason}", file=sys.stderr)
        raise typer.Exit(EXIT_WAITS)


# --- inside ----------------------------------------------------------------------------------------------------------


def _new_id(what: str) -> str:
    from uuid import uuid4

    return f"{what}-{uuid4().hex}"


async def _tenant(store: "RedisStore", name: str) -> int:
    tenants = await store.tenants()
    if name not in tenants:
        known = ", ".join(sorted(tenants)) or "none yet"
        fail(f"tenant {name} is not known (known: {known}): `farebox catalog publish` of its release makes it known")
    return tenants[name]


async def _catalogue(store: "RedisStore", tenant: str, now_ns: int) -> _Catalogue:
    """The tenant's release in force, which says what offers give."""
    from catalog_loader.edge.publish import read_releases
    from catalog_loader.release import in_force

    number = await _tenant(store, tenant)
    releases = await read_releases(store.client, number)
    release = in_force(releases, now_ns)
    if release is None:
        fail(f"tenant {tenant} has no release in force: `farebox catalog publish FILES` gives it one")
    return _Catalogue(number, release)


async def _find(store: "RedisStore", tenant: int, identity: str) -> tuple[dict[str, str], int]:
    """(identities of the account among what was typed, by kind; its number). Ends where it is nobody's, or several's."""
    from runtime.subscriber_identities import IdentityInvalid, possible_keys

    try:
        keys = possible_keys(tenant, identity)
    except IdentityInvalid as error:
        fail(f"{error}. {error.remedy}")
    found = await store.find_accounts(list(keys.values()))
    accounts = {kind: account[0] for kind, account in zip(keys, found, strict=True) if account is not None}
    if not accounts:
        fail(f"no account has {identity} as {' or '.join(keys)}")
    if len(set(accounts.values())) > 1:
        fail(f"{identity} belongs to several accounts: write {' or '.join(f'{kind}:{identity}' for kind in accounts)}")
    values = {kind: keys[kind].split(":", 2)[2] for kind in accounts}
    return values, next(iter(accounts.values()))


def _account_or_exit(result: "CommandResult") -> int:
    """The account that the command was applied to; anything else is said and ends the command."""
    from balances.commands import Applied, IdentityTaken, Refused
    from runtime.subscriber_identities import shown_identity

    if isinstance(result, Applied):
        return result.account_id
    if isinstance(result, IdentityTaken):
        print(
            f"farebox: {shown_identity(result.identity)} belongs to account {result.account_id} already",
            file=sys.stderr,
        )
        raise typer.Exit(EXIT_REFUSED)
    if isinstance(result, Refused):
        print(f"farebox: refused for account {result.account_id}: {result.outcome.name}", file=sys.stderr)
        raise typer.Exit(EXIT_REFUSED)
    print(f"farebox: {result.reason}", file=sys.stderr)
    raise typer.Exit(EXIT_WAITS)


def _end_with(faults: "list[CellFault]", end: str) -> NoReturn:
    from runtime.subscriber_import import FAULTS_SHOWN_MAX

    ordered = sorted(faults, key=lambda fault: fault.line)
    for fault in ordered[:FAULTS_SHOWN_MAX]:
        print(fault, file=sys.stderr)
    if len(ordered) > FAULTS_SHOWN_MAX:
        print(f"... and {len(ordered) - FAULTS_SHOWN_MAX} faults more", file=sys.stderr)
    print(f"farebox: {len(ordered)} fault{'s' if len(ordered) != 1 else ''}; {end}", file=sys.stderr)
    raise typer.Exit(EXIT_REFUSED)


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int], None]]:
    """A bar on the terminal for so many rows; silent where standard error is none."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("opening accounts"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("rows", total=total)
        yield lambda count: bar.update(task, completed=count)


def _print_account(kinds: dict[str, str], octets: bytes, names: dict[int, str], *, as_json: bool) -> None:
    from balances.queries import decode_record
    from runtime import subscriber_view
    from runtime.cli.tables import print_pairs, print_table

    view = decode_record(octets, names)
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

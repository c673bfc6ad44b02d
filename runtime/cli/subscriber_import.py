"""`farebox subscriber import`: a CSV file, checked whole, then opened row by row with a bar that shows how far it is."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NoReturn

import typer

from runtime.cli.catalog import run_with_catalogue
from runtime.cli.options import ConfigOption, DataDirOption, StoreOption, fail, settings_or_exit
from runtime.cli.subscriber_lookup import EXIT_REFUSED, EXIT_WAITS, TenantOption, catalogue_of

if TYPE_CHECKING:
    from balances.edge.redis_store import RedisStore
    from runtime.subscriber_import import CellFault, ImportOutcome, ImportPlan

IMPORT_HELP: Final = """Open an account for each row of a CSV file.

Columns, in any order, named by a header line, separated by commas, UTF-8:

\b
    msisdn, imsi, sip, nai, private   identities; at least one a row
    offer         id of an offer of the release in force; --offer where empty
    money         opening balance instead of the offer's, such as 12.50, in
                  the catalogue's currency
    credit_limit  how much may be owed on the bill instead of the offer's, such
                  as 50.00; 0 for no bill
    allowances    instead of the offer's, such as
                  data-1gib=512 MiB;voice-100min, or - for none
    expires       end of the account: a date, or date and time with offset;
                  never where empty

All rows are checked before any account is opened, also against the store; faults name line and column. An import that
was cut off goes on when the same file is imported again; nothing is opened twice.
"""


def import_file(
    file: Annotated[Path, typer.Argument(help="CSV file.")],
    offer: Annotated[str, typer.Option("--offer", help="Offer of rows that name none.", show_default=False)] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything, open nothing.")] = False,
    tenant: TenantOption = "default",
    config: ConfigOption = None,
    store: StoreOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """See IMPORT_HELP, which typer shows."""
    from runtime.moved_clock import clock_of
    from runtime.subscriber_import import FILE_OCTETS_MAX, plan_import, run_import, taken_identities

    try:
        with file.open("rb") as opened_file:
            # One octet more than the limit shows that there is more; a huge file is not read whole.
            octets = opened_file.read(FILE_OCTETS_MAX + 1)
    except OSError as error:
        fail(f"{file} can't be read: {error.strerror}")
    settings = settings_or_exit(config, store, data_dir)
    now_ns = clock_of(settings).now_ns()

    async def work(opened: "RedisStore") -> "tuple[ImportPlan, int, ImportOutcome | None]":
        catalogue = await catalogue_of(opened, tenant, now_ns)
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

    try:
        plan, resumed, outcome = run_with_catalogue(settings, work)
    except KeyboardInterrupt:
        fail(f"cut off: import {file} again, unchanged, to go on; nothing is opened twice")
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

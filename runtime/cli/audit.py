"""`farebox audit`: every balance must follow from the journal. Safe on a store that serves; exit code 1 where it doesn't."""

import json
import sys
from typing import TYPE_CHECKING, Final

import typer

from runtime.cli.options import (
    ConfigOption,
    DataDirOption,
    JsonOption,
    StoreOption,
    fail,
    run_on_store,
    settings_or_exit,
)

if TYPE_CHECKING:
    from rich.console import Console

    from balances.audit_report import AuditReport, UnitTotals
    from balances.edge.redis_store import RedisStore
    from runtime.settings import Settings

EXIT_FAULTS: Final = 1
FAULTS_SHOWN: Final = 20


def audit(
    config: ConfigOption = None,
    store: StoreOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fold the whole journal and compare every account with it, to the last micro.

    Credits minus debits must be what is left and reserved, in each bucket of each account; sessions, charges and the
    journal itself are checked, too. It may run while Farebox serves. Exit code 0: all is sound. 1: there are faults,
    each named with its account or entry. 2: the audit could not run.
    """
    settings = settings_or_exit(config, store, data_dir)
    report = _run(settings, shows_progress=not as_json and sys.stderr.isatty())
    if as_json:
        print(json.dumps(report.to_dict(), indent=2))
    else:
        print_report(report)
    if not report.is_sound:
        raise typer.Exit(EXIT_FAULTS)


def _run(settings: "Settings", *, shows_progress: bool) -> "AuditReport":
    """Audit the store of the settings; what hinders it is printed, exit 2."""
    from rich.console import Console

    from balances.segments import SegmentError
    from runtime.audit_store import audit_store
    from runtime.data_folder import DataFolder

    folder = DataFolder(settings.store.data_dir).segments
    console = Console(stderr=True)

    async def work(store: "RedisStore") -> "AuditReport":
        if not shows_progress:
            return await audit_store(store, folder)
        with console.status("auditing ...") as status:

            def progress(partition: int, request_count: int) -> None:
                status.update(f"partition {partition}: {request_count:,} requests folded")

            return await audit_store(store, folder, progress=progress)

    try:
        return run_on_store(settings, work)
    except SegmentError as error:
        fail(str(error))


def print_report(report: "AuditReport", console: "Console | None" = None) -> None:
    """The report as tables and a verdict."""
    from rich.console import Console
    from rich.table import Table

    from vocabulary.units import UNIT_NAMES

    console = console or Console()
    counts = Table(title="journal and records", title_justify="left", show_header=False)
    for name, count in (
        ("partitions", len(report.partitions)),
        ("journal entries", report.entry_count),
        ("requests", report.request_count),
        ("usage rows", report.usage_count),
        ("movements", report.movement_count),
        ("accounts", report.account_count),
        ("open sessions", report.session_count),
    ):
        counts.add_row(name, f"{count:,}")
    console.print(counts)
    if report.totals:
        balance = Table(title="what came, what went, what is there", title_justify="left", show_footer=False)
        balance.add_column("")
        for totals in report.totals:
            balance.add_column(UNIT_NAMES[totals.unit], justify="right")
        for label, amounts, style in _balance_lines(report.totals):
            balance.add_row(label, *amounts, style=style)
        console.print(balance)
    if report.voided_count:
        ids = ", ".join(report.voided_ids[:3]) + (" ..." if report.voided_count > 3 else "")
        console.print(f"{report.voided_count:,} entries are void: the store lost them ({ids})", style="yellow")
    _print_verdict(report, console)


def _balance_lines(all_totals: "tuple[UnitTotals, ...]") -> "list[tuple[str, list[str], str]]":
    """(label, an amount a unit, style) of the balance, top to bottom."""
    from balances.journal import FIRST_DEBIT

    lines: list[tuple[str, list[str], str]] = []
    kinds = sorted({kind for totals in all_totals for kind in totals.by_kind})
    for kind in kinds:
        sign = "-" if kind >= FIRST_DEBIT else "+"
        label = f"{sign} {kind.name.lower().replace('_', ' ')}"
        lines.append((label, [f"{totals.by_kind.get(kind, 0):,}" for totals in all_totals], ""))
    lines.append(("= must be there", [f"{totals.credits - totals.debits:,}" for totals in all_totals], "bold"))
    lines.append(("remaining", [f"{totals.remaining:,}" for totals in all_totals], ""))
    lines.append(("reserved", [f"{totals.reserved:,}" for totals in all_totals], ""))
    style = "bold red" if any(totals.difference for totals in all_totals) else "green"
    lines.append(("difference", [f"{totals.difference:,}" for totals in all_totals], style))
    return lines


def _print_verdict(report: "AuditReport", console: "Console") -> None:
    from rich.markup import escape

    from balances.audit_report import FAULT_MEANINGS

    if report.is_sound:
        console.print("Sound: every balance follows from the journal.", style="bold green")
        return
    for fault in report.faults[:FAULTS_SHOWN]:
        console.print(escape(str(fault)), style="red", highlight=False, soft_wrap=True)
    if report.fault_count > FAULTS_SHOWN:
        console.print(f"... and {report.fault_count - FAULTS_SHOWN:,} more; --json lists up to 1,000", style="red")
    for kind, count in sorted(report.fault_counts.items()):
        console.print(f"{count:,} x {kind}: {FAULT_MEANINGS[kind]}", highlight=False)
    word = "fault" if report.fault_count == 1 else "faults"
    console.print(f"Not sound: {report.fault_count:,} {word}.", style="bold red")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(audit)

"""`farebox order due`: what will be done by itself, and when; what failed and is tried again."""

from typing import Annotated

import typer

from runtime.cli.business import Business, Found, cells, finds, shown


@finds
def due(
    business: Business,
    failed: Annotated[bool, typer.Option("--failed", help="Only what failed and is tried again.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="How many rows.")] = 50,
) -> Found:
    """Show what is due: future-dated orders, renewals, ends of reservations and quarantines, tries, tickets."""
    from bss.views.due_rows import due_counts, due_rows
    from runtime.cli.tables import print_table

    counts, rows = business.read(lambda work: (due_counts(work), due_rows(work, failed_only=failed, limit=limit)))

    def show() -> None:
        lines = [cells(each.kind, each.row_count, each.failed_count, shown(each.next_ns)) for each in counts]
        print_table("Scheduled", ("what", "count", "failed", "next"), lines, right=("count", "failed"))
        print_table(
            "Failed, and tried again" if failed else "Next",
            ("what", "of", "at", "tries", "why"),
            [cells(row.kind, row.resource_id, shown(row.at_ns), row.attempts, row.error) for row in rows],
        )

    return Found(rows, show)

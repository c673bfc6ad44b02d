"""Automation: what is due and when, what failed and is tried again."""

from nicegui import ui

from bss.console.frame import page
from bss.console.rows import show_rows
from bss.console.site import ROOT, Site, Viewer
from bss.console.words import instant
from bss.views.due_rows import due_counts, due_rows

PATH = f"{ROOT}/automation"
_SHOWN_MAX = 100


def register(site: Site) -> None:
    """The page."""

    @page(site, PATH, "Automation", "automation:read")
    async def automation(viewer: Viewer) -> None:
        ui.label("What will be done by itself").props("role=heading aria-level=2").classes("text-lg font-semibold")
        counts = await viewer.read(due_counts)
        show_rows(
            ("what", "scheduled", "failed so far", "next"),
            [(each.kind, f"{each.row_count:,}", f"{each.failed_count:,}", instant(each.next_ns)) for each in counts],
            empty=("Nothing is scheduled", "Renewals, reservations and future-dated orders are seen here"),
        )
        failed = await viewer.read(lambda work: due_rows(work, failed_only=True, limit=_SHOWN_MAX))
        ui.label("Failed, and tried again").props("role=heading aria-level=2").classes("text-lg font-semibold")
        show_rows(
            ("what", "of", "tries", "again at", "why"),
            [
                (each.kind, each.resource_id, str(each.attempts), instant(each.at_ns), each.error or "")
                for each in failed
            ],
            empty=("Nothing failed", "What fails is tried again after a pause that grows"),
        )
        coming = await viewer.read(lambda work: due_rows(work, limit=_SHOWN_MAX))
        ui.label("Next").props("role=heading aria-level=2").classes("text-lg font-semibold")
        show_rows(
            ("what", "of", "when"),
            [(each.kind, each.resource_id, instant(each.at_ns)) for each in coming],
            empty=("Nothing is scheduled", "Nothing to do until something is ordered"),
        )

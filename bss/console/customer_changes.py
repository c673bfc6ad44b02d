"""The audit trail of a customer: who changed what, when, and what was before and after."""

from typing import Any

from nicegui import ui

from bss.audit_trail import AuditEntry
from bss.console.customers import PATH
from bss.console.frame import page
from bss.console.rows import show_rows
from bss.console.site import Site, Viewer
from bss.console.words import instant, person, words_of
from bss.views.customer_changes import changes_of_customer

SHOWN_MAX = 50


def register(site: Site) -> None:
    """The page."""

    @page(site, f"{PATH}/{{customer_id}}/changes", "Changes", "audit:read")
    async def changes(viewer: Viewer, customer_id: str, before: str = "") -> None:
        here = f"{PATH}/{customer_id}"
        ui.link("The customer", here)
        found = await viewer.read(
            lambda work: changes_of_customer(work, customer_id, before_id=before, limit=SHOWN_MAX)
        )
        show_rows(
            ("when", "who", "did what", "of", "field", "before", "after"),
            [row for entry in found for row in _rows_of(entry)],
            empty=("No changes", "Whatever is changed from now on is seen here"),
        )
        if len(found) == SHOWN_MAX:
            ui.link("Earlier changes", f"{here}/changes?before={found[-1].id}")


def _rows_of(entry: AuditEntry) -> list[tuple[str, ...]]:
    """A row a field; when and who stand in each, so that a row says all of it."""
    before, after = entry.before or {}, entry.after or {}
    did = entry.operation.rpartition(".")[2].replace("_", " ")
    head = (instant(entry.at_ns), person(entry.subject), did, entry.resource.replace("_", " "))
    return [(*head, name, _shown(name, before), _shown(name, after)) for name in sorted({*before, *after})]


def _shown(name: str, values: dict[str, Any]) -> str:
    return words_of(name, values[name]) if name in values else ""

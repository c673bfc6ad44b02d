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
_NOT_SHOWN = frozenset({"name_key", "given_key"})
"""Made of names, for searching."""


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
            ("when", "who", "did what", "of", "before", "after"),
            [_row_of(entry) for entry in found],
            empty=("No changes", "Whatever is changed from now on is seen here"),
        )
        if len(found) == SHOWN_MAX:
            ui.link("Earlier changes", f"{here}/changes?before={found[-1].id}")


def _row_of(entry: AuditEntry) -> tuple[str, ...]:
    """A row a change: its fields stand below each other, in the same order before and after."""
    did = entry.operation.rpartition(".")[2].replace("_", " ")
    what = entry.resource.replace("_", " ")
    return instant(entry.at_ns), person(entry.subject), did, what, _shown(entry.before), _shown(entry.after)


def _shown(values: dict[str, Any] | None) -> str:
    shown = {name: value for name, value in sorted((values or {}).items()) if name not in _NOT_SHOWN}
    return "\n".join(f"{name}: {words_of(name, value)}" for name, value in shown.items())

"""Finding a customer by number, IMSI or name."""

from nicegui import ui

from bss.console.frame import SEARCH_TITLE, focus_on_slash, page, show_empty
from bss.console.site import ROOT, Site, Viewer
from bss.views.customer_search import Hit, search_customers

PATH = f"{ROOT}/customers"
FOUND_MAX = 20
_WAIT_MS = 250
"""Typing pauses so long before it is looked up."""


def register(site: Site) -> None:
    """The search."""

    @page(site, PATH, SEARCH_TITLE, "customer:read")
    async def search(viewer: Viewer, q: str = "") -> None:
        box = (
            ui.input(label="Number, IMSI or name", value=q, placeholder="+49 151 ... or Ahn")
            .props(f'autofocus clearable outlined debounce={_WAIT_MS} aria-label="Number, IMSI or name"')
            .classes("w-full max-w-xl")
        )
        ui.label("Press / to search again, Enter to open the first one.").classes("text-slate-700 text-sm")
        found_here = ui.column().classes("w-full")
        shown: list[Hit] = []

        async def look_up() -> None:
            text = (box.value or "").strip()
            found = await viewer.read(lambda work: search_customers(work, text, limit=FOUND_MAX)) if text else []
            shown[:] = found
            found_here.clear()
            with found_here:
                _show(text, found)

        focus_on_slash(box)
        box.on_value_change(look_up)
        box.on("keydown.enter", lambda: ui.navigate.to(_place(shown[0])) if shown else None)
        await look_up()


def _place(hit: Hit) -> str:
    """The customer's page, with the line that was found, should they have many."""
    return f"{PATH}/{hit.customer_id}{f'?line={hit.number or hit.imsi}' if hit.product_id else ''}"


def _show(text: str, found: list[Hit]) -> None:
    if not text:
        show_empty(
            "Whom do you look for?", "Three digits of a number or an IMSI are enough, or the beginning of a name"
        )
        return
    if not found:
        show_empty(f"Nobody is found by {text!r}", "Names are searched from their beginning: try fewer letters")
        return
    with ui.list().props("bordered separator").classes("w-full rounded"):
        for line in found:
            with ui.item(on_click=lambda line=line: ui.navigate.to(_place(line))):
                with ui.item_section():
                    ui.item_label(line.name or "(erased)").classes("font-semibold")
                    by = f"{line.number} {line.imsi} ({line.product_status})" if line.product_id else line.customer_id
                    ui.item_label(by)
                with ui.item_section().props("side"):
                    ui.badge(line.customer_status).props("outline")
    if len(found) >= FOUND_MAX:
        ui.label(f"The first {FOUND_MAX}: type more to see others.").classes("text-slate-700")

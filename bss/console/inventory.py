"""Numbers and SIMs: how many are in which state, and those that begin with some digits."""

from nicegui import ui

from bss.console.frame import page
from bss.console.rows import show_rows
from bss.console.site import ROOT, Site, Viewer
from bss.console.words import digits_of, instant
from bss.inventory.kinds import KINDS, Resource, name_of
from bss.inventory.queries import resource_counts, resources
from bss.inventory.records import Sim

PATH = f"{ROOT}/inventory"
_SHOWN_MAX = 100


def register(site: Site) -> None:
    """The page."""

    @page(site, PATH, "Inventory", "inventory:read")
    async def inventory(viewer: Viewer, kind: str = "msisdn", begins: str = "") -> None:
        chosen = kind if kind in KINDS else "msisdn"
        counts = await viewer.read(resource_counts)
        show_rows(
            ("what", "pool", "state", "how many"),
            [(KINDS[each.kind].words, each.pool, each.state, f"{each.row_count:,}") for each in counts],
            empty=("No numbers and no SIMs", "Load them from CSV: farebox inventory import"),
        )
        with ui.row().classes("items-center gap-4"):
            ui.toggle(
                {each: f"{row.words}s" for each, row in KINDS.items()},
                value=chosen,
                on_change=lambda event: ui.navigate.to(f"{PATH}?kind={event.value}"),
            ).props("no-caps")
            box = ui.input("Begins with", value=begins).props("outlined dense clearable")
            box.on("keydown.enter", lambda: ui.navigate.to(f"{PATH}?kind={chosen}&begins={digits_of(box.value)}"))
        found = await viewer.read(
            lambda work: resources(work, chosen, begins=digits_of(begins), limit=_SHOWN_MAX)  # type: ignore[arg-type]
        )
        show_rows(
            (KINDS[chosen].words, "IMSI", "state", "since", "until", "product"),
            [_row(each) for each in found],
            empty=("None begins so", "Look for fewer digits"),
        )
        if len(found) == _SHOWN_MAX:
            ui.label(f"The first {_SHOWN_MAX}: give more digits to see others.").classes("text-slate-700")


def _row(resource: Resource) -> tuple[str, ...]:
    return (
        name_of(resource),
        resource.imsi if isinstance(resource, Sim) else "",
        resource.state,
        instant(resource.state_since_ns),
        instant(resource.state_until_ns),
        resource.product_id or "",
    )

"""Lists of a page: a table that readers of screens understand, with a link in its first column, and what is shown where it is
empty.
"""

from collections.abc import Sequence
from typing import Final

from nicegui import ui

from bss.console.frame import show_empty

_LINKED = (
    '<q-td :props="props"><a v-if="props.row.link" :href="props.row.link" class="text-primary">{{ props.value }}</a>'
    "<span v-else>{{ props.value }}</span></q-td>"
)
_NARROW: Final = "window.innerWidth < 640"
_CARD: Final = (
    '<div class="w-full pb-2"><q-card flat bordered class="q-pa-sm">'
    '<div v-for="col in props.cols" :key="col.name" class="row no-wrap items-baseline">'
    '<div class="text-slate-700 w-28 shrink-0 pr-2">{{ col.label }}</div>'
    '<div style="white-space: pre-line; overflow-wrap: anywhere">'
    '<a v-if="props.row.link && col.name === \'0\'" :href="props.row.link" class="text-primary">{{ col.value }}</a>'
    "<span v-else>{{ col.value }}</span></div></div></q-card></div>"
)
"""A row on a phone: names and values below each other, since a table would have to be pushed sideways."""


def show_rows(
    names: Sequence[str], rows: Sequence[Sequence[str]], *, links: Sequence[str] = (), empty: tuple[str, str]
) -> None:
    """A table of texts; `links` has where each row's first column leads; `empty` is said where there is no row."""
    if not rows:
        show_empty(*empty)
        return
    columns = [{"name": str(at), "label": name, "field": str(at), "align": "left"} for at, name in enumerate(names)]
    shown = [
        {"id": number, "link": links[number] if links else ""} | {str(at): text for at, text in enumerate(row)}
        for number, row in enumerate(rows)
    ]
    table = ui.table(columns=columns, rows=shown, row_key="id").props("flat bordered wrap-cells").classes("w-full")
    table.props(f':grid="{_NARROW}"')
    table.add_slot("body-cell-0", _LINKED)
    table.add_slot("item", _CARD)


def show_facts(facts: Sequence[tuple[str, str]]) -> None:
    """Name and value, one below the other."""
    with ui.element("dl").classes("grid grid-cols-[max-content_1fr] gap-x-4 gap-y-1 m-0"):
        for name, value in facts:
            with ui.element("dt").classes("text-slate-700"):
                ui.label(name)
            with ui.element("dd").classes("m-0"):
                ui.label(value)

"""Live operations: rate, latency, results, sessions and connections of the engine, each second."""

from collections import deque
from typing import Final

from nicegui import ui
from starlette.concurrency import run_in_threadpool

from bss.console.frame import page, show_error
from bss.console.site import ROOT, Site, Viewer
from bss.live_figures import Counters, LiveFigures, figures_between

EVERY_S: Final = 1.0
KEPT_S: Final = 120
"""Seconds that the charts show."""
RESULT_WORDS: Final = {
    "2001": "granted",
    "3004": "too busy",
    "4010": "service denied",
    "4011": "no credit control",
    "4012": "credit limit reached",
    "5002": "unknown session",
    "5003": "not authorised",
    "5030": "unknown subscriber",
    "5031": "no price",
}


class LiveBoard:
    """What the page shows; a reading a second while it is open."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._before: Counters | None = None
        self._rates: deque[float | None] = deque([None] * KEPT_S, KEPT_S)
        self._p99s: deque[float | None] = deque([None] * KEPT_S, KEPT_S)
        self.tiles: dict[str, ui.label] = {}

    def draw(self) -> None:
        """The empty board."""
        self.trouble = ui.column().classes("w-full")
        with ui.element("div").classes("grid grid-cols-2 lg:grid-cols-5 gap-3 w-full"):
            for name in ("requests a second", "p50, ms", "p99, ms", "open sessions", "refused a second"):
                with ui.card().classes("gap-0 p-3").props("flat bordered"):
                    ui.label(name).classes("text-slate-700 text-sm")
                    self.tiles[name] = ui.label("-").classes("text-2xl font-semibold tabular-nums")
        with ui.element("div").classes("grid grid-cols-1 lg:grid-cols-2 gap-3 w-full"):
            self.rate_chart = _chart("Requests a second", "#0b4f6c")
            self.latency_chart = _chart("p99 of an answer, ms", "#b45309")
        with ui.element("div").classes("grid grid-cols-1 lg:grid-cols-3 gap-3 w-full"):
            self.results = _table("Answers a second, by result", "result", "a second")
            self.peers = _table("Connections, by peer", "peer", "connections")
            self.processes = _table("Processes", "process", "state")

    async def refresh(self) -> None:
        """Read the counters once more and show what rose since the last time."""
        try:
            now = await run_in_threadpool(self._site.counters.read)
        except OSError as error:
            self._before = None
            self.trouble.clear()
            with self.trouble:
                show_error("The engine can't be seen", str(error))
            return
        self.trouble.clear()
        before, self._before = self._before, now
        if before is not None:
            self._show(figures_between(before, now))

    def _show(self, figures: LiveFigures) -> None:
        self.tiles["requests a second"].text = f"{figures.requests_per_s:,.0f}"
        self.tiles["p50, ms"].text = _ms(figures.latency_ms_p50)
        self.tiles["p99, ms"].text = _ms(figures.latency_ms_p99)
        self.tiles["open sessions"].text = f"{figures.sessions_open:,}"
        self.tiles["refused a second"].text = f"{figures.refused_per_s:,.0f}"
        self._rates.append(round(figures.requests_per_s, 1))
        self._p99s.append(None if figures.latency_ms_p99 is None else round(figures.latency_ms_p99, 2))
        for chart, values in ((self.rate_chart, self._rates), (self.latency_chart, self._p99s)):
            chart.options["series"][0]["data"] = list(values)
            chart.update()
        self.results.rows = [
            {"name": f"{code} {RESULT_WORDS.get(code, '')}".strip(), "value": f"{rate:,.1f}"}
            for code, rate in sorted(figures.answers_per_s.items())
        ]
        self.peers.rows = [{"name": peer, "value": f"{count:,}"} for peer, count in sorted(figures.connections.items())]
        self.processes.rows = [{"name": name, "value": state} for name, state in sorted(figures.processes.items())]


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _chart(title: str, colour: str) -> ui.echart:
    with ui.card().classes("p-3 w-full gap-1").props("flat bordered"):
        ui.label(title).props("role=heading aria-level=2").classes("font-semibold")
        return (
            ui.echart(
                {
                    "animation": False,
                    "grid": {"left": 50, "right": 10, "top": 10, "bottom": 24},
                    "xAxis": {"type": "category", "data": [f"-{KEPT_S - at - 1} s" for at in range(KEPT_S)]},
                    "yAxis": {"type": "value", "min": 0},
                    "series": [
                        {
                            "type": "line",
                            "showSymbol": False,
                            "data": [],
                            "color": colour,
                            "areaStyle": {"opacity": 0.1},
                        }
                    ],
                }
            )
            .classes("h-48 w-full")
            .props(f'role=img aria-label="{title}, the last {KEPT_S} seconds"')
        )


def _table(title: str, name: str, value: str) -> ui.table:
    columns = [
        {"name": "name", "label": name, "field": "name", "align": "left"},
        {"name": "value", "label": value, "field": "value", "align": "right"},
    ]
    with ui.card().classes("p-3 w-full gap-1").props("flat bordered"):
        ui.label(title).props("role=heading aria-level=2").classes("font-semibold")
        return ui.table(columns=columns, rows=[], row_key="name").props("flat dense").classes("w-full")


def register(site: Site) -> None:
    """The page at the console's root."""

    @page(site, ROOT, "Live operations", "balance:read")
    async def live(viewer: Viewer) -> None:
        board = LiveBoard(viewer.site)
        board.draw()
        await board.refresh()
        ui.timer(EVERY_S, board.refresh)

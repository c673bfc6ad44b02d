"""Sessions of an account and why they were answered so: an open one as it stands, those that are over, what was refused."""

from nicegui import ui
from starlette.concurrency import run_in_threadpool

from bss.console.rows import show_facts
from bss.console.site import Viewer
from bss.console.words import instant
from bss.engine_port import NoEngine, OpenSession
from bss.session_stories import ToldSession, ToldStep
from bss.views.customer_360 import explain_session

ENDED_SHOWN = 5


def open_session(viewer: Viewer, session: OpenSession) -> None:
    """A row that opens to what the session has now, and to each decision with its reasons."""
    with ui.expansion(session.session_id, caption=f"{session.client}, since {instant(session.view.opened_ns)}").classes(
        "w-full border rounded"
    ) as row:
        why = ui.column().classes("w-full gap-1")

    async def explain() -> None:
        if not row.value:
            return
        found = await run_in_threadpool(lambda: explain_session(viewer.site.engine, session.key))
        told = await run_in_threadpool(
            lambda: viewer.site.stories.of_open(viewer.caller.tenant, session.account_id, session.key)
        )
        why.clear()
        with why:
            if isinstance(found, str):
                ui.label(found)
                return
            for facts in (found.facts, *found.services):
                show_facts(facts)
            if isinstance(told, NoEngine):
                ui.label(f"Its decisions can't be told: {told.reason}").classes("text-red-800")
            elif told is not None:
                _steps(told)

    row.on_value_change(explain)


def ended_sessions(viewer: Viewer, account_id: int) -> None:
    """A row that opens to the last sessions that are over and requests that were refused: looked for when it is opened."""
    with ui.expansion("Ended and refused", caption=f"the last {ENDED_SHOWN}, and why").classes(
        "w-full border rounded"
    ) as row:
        here = ui.column().classes("w-full gap-2")

    async def look_up() -> None:
        if not row.value:
            return
        here.clear()
        with here:
            ui.spinner()
        found = await run_in_threadpool(
            lambda: viewer.site.stories.last_ended(viewer.caller.tenant, account_id, ENDED_SHOWN)
        )
        here.clear()
        with here:
            if isinstance(found, NoEngine):
                ui.label(f"They can't be told: {found.reason}").classes("text-red-800")
                return
            if not found:
                ui.label("None in the charging records: what ends is there some seconds later.").classes(
                    "text-slate-700"
                )
            for told in found:
                _ended(told)

    row.on_value_change(look_up)


def _ended(told: ToldSession) -> None:
    with ui.column().classes("w-full gap-0 border-l-4 border-slate-300 pl-3"):
        ui.label(told.session_id).classes("font-medium break-all")
        ends = f"{told.client}, {instant(told.opened_ns)} to {instant(told.closed_ns)} {told.how}"
        ui.label(ends).classes("text-slate-700 text-sm")
        _steps(told)


def _steps(told: ToldSession) -> None:
    if told.missing:
        ui.label(f"... {told.missing}").classes("text-slate-700 text-sm")
    for step in told.steps:
        _step(step)


def _step(step: ToldStep) -> None:
    with ui.column().classes("w-full gap-0 pl-2"):
        ui.label(f"{step.at} {step.what}: {step.outcome}").classes("text-sm font-medium")
        for line in step.lines:
            ui.label(line).classes("text-sm text-slate-700 pl-3")

"""The fallout queue: orders that a step holds, and what a person may decide."""

from collections.abc import Callable

from nicegui import ui
from starlette.concurrency import run_in_threadpool

from bss.console.forms import Asked, ask, given
from bss.console.frame import act, page, show_empty
from bss.console.orders import PATH as ORDERS
from bss.console.site import ROOT, Site, Viewer
from bss.console.words import instant, step_words
from bss.orchestration.manual_tasks import MAKING_STEPS, finish_by_hand, skip, take_in_hand
from bss.orders.fallout import retry
from bss.orders.operations import cancel
from bss.orders.queries import fallout
from bss.orders.records import Fallout, Order, OrderStep
from bss.orders.states import StepState
from bss.work import Work

PATH = f"{ROOT}/fallout"
Decision = Callable[[Work, str, str], Order]
_DECISIONS: dict[str, tuple[str, Decision]] = {
    "Try again": ("The step is done once more.", lambda work, order, note: retry(work, order_id=order, note=note)),
    "Skip": ("The order goes on without this step.", lambda work, order, note: skip(work, order_id=order, note=note)),
    "Do it by hand": (
        "The step is yours: say so when it is done.",
        lambda work, order, note: take_in_hand(work, order_id=order, note=note),
    ),
    "Cancel the order": (
        "What was done is undone, step by step.",
        lambda work, order, note: cancel(work, order_id=order, reason=note),
    ),
}
_FINISH = "It is done"
_WHY = Asked("note", "Why", rule=given("Say why: it is kept with the step"))
_TOLD = {
    "account_id": Asked(
        "account_id", "Account", hint="its number; empty: the one that has the product's number and SIM"
    )
}
"""How what a person made by hand is asked for (MakingStep.told)."""


def register(site: Site) -> None:
    """The queue."""

    @page(site, PATH, "Fallout", "order:repair")
    async def queue(viewer: Viewer) -> None:
        found = await viewer.read(lambda work: fallout(work))
        if not found:
            show_empty("Nothing fell out", "Orders that a step holds wait here for a decision")
        for each in found:
            _card(viewer, each)


def _card(viewer: Viewer, fallen: Fallout) -> None:
    step = fallen.step
    with ui.card().classes("w-full gap-2 p-4").props("flat bordered"):
        with ui.row().classes("w-full items-center justify-between"):
            ui.link(f"Order {fallen.order.id}", f"{ORDERS}/{fallen.order.id}").classes("font-semibold")
            ui.badge(step.state).props("outline")
        tried = "tried once" if step.attempts == 1 else f"tried {step.attempts} times"
        ui.label(f"{step_words(step.kind)}, {tried}, since {instant(step.started_ns)}")
        ui.label(f"{step.error_code}: {step.error}").classes("text-red-800")
        if step.note:
            ui.label(f"Note: {step.note}").classes("text-slate-700")
        with ui.row():
            if step.state == StepState.MANUAL:
                ui.button(_FINISH, on_click=lambda: _finish(viewer, fallen)).props("outline dense")
            for word, (text, decide) in _DECISIONS.items():
                if _is_offered(word, step):
                    ui.button(
                        word,
                        on_click=lambda word=word, text=text, decide=decide: _decide(
                            viewer, fallen, word, text, decide
                        ),
                    ).props("outline dense")


def _is_offered(word: str, step: OrderStep) -> bool:
    """What a step makes for those behind it isn't left out, and what only the step can make isn't made by hand."""
    making = MAKING_STEPS.get(step.kind) if step.state != StepState.UNDO_FAILED else None
    return making is None or word not in {"Skip", *(() if making.told else ("Do it by hand",))}


async def _decide(viewer: Viewer, fallen: Fallout, word: str, text: str, decide: Decision) -> None:
    asked = await ask(f"{word}?", [_WHY], word, text=text)
    if asked is None:
        return
    done = await act(
        lambda: viewer.write(lambda work: decide(work, fallen.order.id, asked["note"])), f"{word}: decided"
    )
    if done is not None:
        ui.navigate.reload()


async def _finish(viewer: Viewer, fallen: Fallout) -> None:
    making = MAKING_STEPS.get(fallen.step.kind)
    told = [_TOLD[making.told]] if making is not None and making.told else []
    asked = await ask(f"{_FINISH}?", [_WHY, *told], _FINISH, text="The step was done by hand, and the order goes on.")
    if asked is None:
        return
    note = asked.pop("note")
    made = {name: value for name, value in asked.items() if value}

    async def do() -> Order:
        site = viewer.site
        caller = site.who(viewer.cookie)
        return await run_in_threadpool(
            lambda: finish_by_hand(site.database, site.engine, caller, order_id=fallen.order.id, note=note, made=made)
        )

    if await act(do, f"{_FINISH}: decided") is not None:
        ui.navigate.reload()

"""The fallout queue: orders that a step holds, and what a person may decide."""

from collections.abc import Callable

from nicegui import ui

from bss.console.forms import Asked, ask, given
from bss.console.frame import act, page, show_empty
from bss.console.orders import PATH as ORDERS
from bss.console.site import ROOT, Site, Viewer
from bss.console.words import instant, step_words
from bss.orders.fallout import finish_by_hand, retry, skip, take_in_hand
from bss.orders.operations import cancel
from bss.orders.queries import fallout
from bss.orders.records import Fallout, Order
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
_FINISH = (
    "The step was done by hand, and the order goes on.",
    lambda work, order, note: finish_by_hand(work, order_id=order, note=note),
)


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
            decisions = _DECISIONS if step.state != StepState.MANUAL else {"It is done": _FINISH, **_DECISIONS}
            for word, (text, decide) in decisions.items():
                ui.button(
                    word,
                    on_click=lambda word=word, text=text, decide=decide: _decide(viewer, fallen, word, text, decide),
                ).props("outline dense")


async def _decide(viewer: Viewer, fallen: Fallout, word: str, text: str, decide: Decision) -> None:
    note = Asked("note", "Why", rule=given("Say why: it is kept with the step"))
    asked = await ask(f"{word}?", [note], word, text=text)
    if asked is None:
        return
    done = await act(
        lambda: viewer.write(lambda work: decide(work, fallen.order.id, asked["note"])), f"{word}: decided"
    )
    if done is not None:
        ui.navigate.reload()

"""Orders: those there are, one with its steps as a graph, and what may be done with it."""

from nicegui import ui

from bss.console.frame import act, confirmed, page
from bss.console.rows import show_facts, show_rows
from bss.console.site import ROOT, Site, Viewer
from bss.console.words import instant, step_words
from bss.orders.operations import cancel
from bss.orders.queries import list_orders, show
from bss.orders.records import OrderStep, OrderView
from bss.orders.states import ENDED, OrderState, StepState

PATH = f"{ROOT}/orders"
EVERY_S = 1.0
"""An order that is under way is looked at so often while its page is open."""
_COLOURS = {
    StepState.WAITING: "fill:#f1f5f9,stroke:#64748b",
    StepState.RUNNING: "fill:#dbeafe,stroke:#1d4ed8",
    StepState.DONE: "fill:#dcfce7,stroke:#15803d",
    StepState.SKIPPED: "fill:#f5f5f4,stroke:#78716c",
    StepState.FAILED: "fill:#fee2e2,stroke:#b91c1c",
    StepState.MANUAL: "fill:#fef3c7,stroke:#b45309",
    StepState.UNDOING: "fill:#ffedd5,stroke:#c2410c",
    StepState.UNDONE: "fill:#e7e5e4,stroke:#57534e",
    StepState.UNDO_FAILED: "fill:#fee2e2,stroke:#7f1d1d",
}
_STATES = ("", *(value for name, value in vars(OrderState).items() if name.isupper()))


def register(site: Site) -> None:
    """The list and the page of one order."""

    @page(site, PATH, "Orders", "order:read")
    async def orders(viewer: Viewer, state: str = "") -> None:
        with ui.row().classes("items-center gap-4"):
            ui.select(
                {each: each or "every state" for each in _STATES},
                value=state if state in _STATES else "",
                label="State",
                on_change=lambda event: ui.navigate.to(f"{PATH}?state={event.value}"),
            ).props("outlined dense").classes("w-56")
            if viewer.caller.may("order:write"):
                ui.button("New order", on_click=lambda: ui.navigate.to(f"{PATH}/new"))
        found = await viewer.read(lambda work: list_orders(work, state=state or None, limit=100))
        show_rows(
            ("order", "state", "customer", "placed", "completed"),
            [
                (order.id, order.state, order.customer_id, instant(order.created_ns), instant(order.completed_ns))
                for order in found
            ],
            links=[f"{PATH}/{order.id}" for order in found],
            empty=("No orders", "Place one with New order, over TMF622, or with farebox order place"),
        )

    @page(site, f"{PATH}/{{order_id}}", "Order", "order:read")
    async def order(viewer: Viewer, order_id: str) -> None:
        shown = await viewer.read(lambda work: show(work, order_id=order_id))
        here = ui.column().classes("w-full gap-4")
        drawn = [shown]

        async def refresh() -> None:
            view = await viewer.read(lambda work: show(work, order_id=order_id))
            if view != drawn[0]:
                drawn[0] = view
                here.clear()
                with here:
                    _draw(viewer, view)
            if view.order.state in ENDED:
                timer.cancel()

        with here:
            _draw(viewer, shown)
        timer = ui.timer(EVERY_S, refresh, active=shown.order.state not in ENDED)


def _draw(viewer: Viewer, view: OrderView) -> None:
    order = view.order
    with ui.row().classes("items-center gap-3"):
        ui.label(order.id).classes("font-semibold")
        ui.badge(order.state).props("outline")
        if order.state not in ENDED and not order.is_cancelling and viewer.caller.may("order:write"):
            ui.button("Cancel the order", on_click=lambda: _cancel(viewer, view)).props("outline dense color=negative")
    facts = [
        ("placed", instant(order.created_ns)),
        ("wanted from", instant(order.requested_start_ns) if order.requested_start_ns else "at once"),
        ("completed", instant(order.completed_ns)),
        *((f"item {item.number}", f"{item.action} {item.offering_id}") for item in view.items),
    ]
    if order.cancellation_reason:
        facts.append(("cancelled because", order.cancellation_reason))
    show_facts(facts)
    ui.link("The customer", f"{ROOT}/customers/{order.customer_id}")
    ui.mermaid(graph_of(view.steps)).classes("w-full").props('role=img aria-label="Steps of the order as a graph"')
    show_rows(
        ("step", "state", "attempts", "began", "ended", "what went wrong"),
        [
            (
                step_words(step.kind),
                step.state,
                str(step.attempts),
                instant(step.started_ns),
                instant(step.ended_ns),
                " ".join(filter(None, (step.error_code, step.error, step.note))),
            )
            for step in view.steps
        ],
        empty=("No steps", "The order changes nothing"),
    )


def graph_of(steps: tuple[OrderStep, ...]) -> str:
    """The steps in Mermaid's words: what comes after what, in the colour of its state."""
    lines = ["graph LR"]
    for step in steps:
        mark = " *" if step.is_point_of_no_return else ""
        lines.append(f'  s{step.place}["{step_words(step.kind)}{mark}<br/>{step.state}"]')
        lines.append(f"  style s{step.place} {_COLOURS.get(step.state, '')},color:#0f172a")
        lines.extend(f"  s{before} --> s{step.place}" for before in step.after)
    return "\n".join(lines)


async def _cancel(viewer: Viewer, view: OrderView) -> None:
    text = "What was done is undone, step by step. What is past its point of no return stays."
    if not await confirmed("Cancel this order?", text, "Cancel the order"):
        return
    await act(
        lambda: viewer.write(lambda work: cancel(work, order_id=view.order.id, reason="cancelled at the console")),
        "The order is being cancelled",
    )

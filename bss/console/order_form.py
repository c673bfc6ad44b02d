"""A new order: a customer, an offering, a dry run with price and steps, and then the order itself."""

from nicegui import ui

from bss.catalog.pricing import PricePreview
from bss.catalog.queries import release_in_force
from bss.catalog.records import LifecycleStatus
from bss.console.frame import act, confirmed, page, show_error
from bss.console.orders import PATH
from bss.console.rows import show_facts, show_rows
from bss.console.site import Site, Viewer
from bss.console.words import instant, money, step_words
from bss.errors import BusinessError
from bss.orchestration.order_placing import AskedItem, PreviewedItem, place_order, preview_order
from bss.orders.records import Action
from bss.views.customer_search import search_customers
from bss.work import Work

CHANNEL = "console"
_WAIT_MS = 250


def register(site: Site) -> None:
    """The form."""

    @page(site, f"{PATH}/new", "New order", "order:write")
    async def form(viewer: Viewer, customer: str = "") -> None:
        release = await viewer.read(release_in_force)
        sold = {
            each.id: each.name
            for each in release.offerings
            if each.is_sellable and each.lifecycle_status == LifecycleStatus.ACTIVE
        }
        box = (
            ui.input("Customer: number, IMSI or name").props(f"outlined debounce={_WAIT_MS}").classes("w-full max-w-xl")
        )
        who = ui.select({}, label="Which of them").props("outlined").classes("w-full max-w-xl")
        what = ui.select(sold, label="Offering").props("outlined").classes("w-full max-w-xl")
        preview = ui.column().classes("w-full gap-3")

        async def look_up() -> None:
            text = (box.value or "").strip()
            found = await viewer.read(lambda work: search_customers(work, text)) if text else []
            who.set_options({each.customer_id: f"{each.name} {each.number}" for each in found})
            if len(found) == 1:
                who.value = found[0].customer_id

        async def show_preview() -> None:
            preview.clear()
            if not who.value or not what.value:
                return
            item, chosen = AskedItem(action=Action.ADD, offering_id=what.value), who.value
            try:
                previewed = await viewer.read(lambda work: _preview(work, chosen, item))
            except BusinessError as error:
                with preview:
                    show_error(f"{error.field}: {error.reason}", error.remedy)
                return
            with preview:
                _show_preview(previewed)
                ui.button("Place the order", on_click=lambda: _place(viewer, chosen, item, previewed.price))

        box.on_value_change(look_up)
        who.on_value_change(show_preview)
        what.on_value_change(show_preview)
        if customer:
            who.set_options({customer: customer}, value=customer)


def _preview(work: Work, customer_id: str, item: AskedItem) -> PreviewedItem:
    return preview_order(work, customer_id=customer_id, items=[item], channel=CHANNEL)[0]


def _show_preview(previewed: PreviewedItem) -> None:
    ui.label("What it would do").props("role=heading aria-level=2").classes("text-lg font-semibold")
    price = previewed.price
    if price is not None:
        show_facts(
            [
                ("due now", money(price.due_now_micros, price.currency)),
                *((charge.name, money(charge.amount_micros, price.currency)) for charge in price.charges),
                *((given.what, f"{given.amount}, {_end_of(given.expires_ns)}") for given in price.given),
                *((usage.name, f"{usage.services}: {usage.charge}") for usage in price.usage),
            ]
        )
    show_rows(
        ("step", "is undone by", "remark"),
        [
            (
                step_words(step.kind),
                step_words(step.compensation),
                "from here on it can't be cancelled" if step.is_point_of_no_return else "",
            )
            for step in previewed.item.steps
        ],
        empty=("No steps", "The order changes nothing"),
    )


def _end_of(expires_ns: int | None) -> str:
    return f"until {instant(expires_ns)}" if expires_ns else "without end"


async def _place(viewer: Viewer, customer_id: str, item: AskedItem, price: PricePreview | None) -> None:
    due = money(price.due_now_micros, price.currency) if price is not None else "nothing"
    if not await confirmed("Place the order?", f"{item.offering_id}; due now: {due}.", "Place the order"):
        return

    def place(work: Work) -> str:
        return place_order(work, customer_id=customer_id, items=[item], channel=CHANNEL).id

    placed = await act(lambda: viewer.write(place), "The order is placed")
    if placed is not None:
        ui.navigate.to(f"{PATH}/{placed}")

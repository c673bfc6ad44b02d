"""`farebox order`: orders of the business side, as an operator places, follows and repairs them by hand."""

import hashlib
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from runtime.cli.business import Business, Found, finds, on_business, on_business_and_store
from runtime.cli.contexts import add_group
from runtime.cli.due_rows import due
from runtime.cli.options import fail, store_url

if TYPE_CHECKING:
    from bss.orders.records import Order, OrderView
    from bss.work import Work

OrderArgument = Annotated[str, typer.Argument(help="Id of the order.", show_default=False)]
NoteOption = Annotated[str, typer.Option("--note", help="Why; it is kept with the step.")]
ItemOption = Annotated[
    list[str],
    typer.Option(
        "--item",
        help="add:OFFERING, suspend:PRODUCT, resume:PRODUCT or delete:PRODUCT; behind a comma what is chosen, such as"
        " msisdn=48600100200 or sim=ICCID, reservation=WHAT where they are kept for something, or a characteristic."
        " Several are one order.",
        show_default=False,
    ),
]
CustomerOption = Annotated[str, typer.Option("--customer", help="Id of the customer.", show_default=False)]
PayerOption = Annotated[
    str | None, typer.Option("--billing-account", help="Who pays for it.", show_default="the customer's first")
]
StartOption = Annotated[
    str | None, typer.Option("--start", help="An instant (RFC 3339) at which it begins.", show_default="now")
]
_RESOURCES = ("msisdn", "sim")
_NAMED_BY_ACTION: Final = {
    "add": "offering_id",
    "suspend": "product_id",
    "resume": "product_id",
    "delete": "product_id",
}
"""What an item names behind its action. Migrations of the catalogue order the other action, of all products at once."""


@finds
def place(
    business: Business,
    customer: CustomerOption,
    item: ItemOption,
    billing_account: PayerOption = None,
    start: StartOption = None,
    key: Annotated[
        str | None, typer.Option("--key", help="Makes it safe to repeat: the same key places it once.")
    ] = None,
) -> Found:
    """Place an order. A worker (`farebox up`) does it; `farebox order show` says how far it is."""
    from bss.idempotency import Idempotency
    from bss.orchestration.order_placing import place_order

    asked = {"customer_id": customer, "billing_account_id": billing_account, "start": start, "items": item}
    idempotency = None
    if key is not None:
        digest = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
        idempotency = Idempotency("farebox order place", key, digest)

    def write(work: "Work") -> str:
        return place_order(work, **_arguments(customer, item, billing_account, start)).id

    order_id = business.write(write, idempotency=idempotency)
    return Found({"id": order_id}, lambda: print(order_id))


@on_business
def dry_run(
    business: Business,
    customer: CustomerOption,
    item: ItemOption,
    billing_account: PayerOption = None,
    start: StartOption = None,
) -> None:
    """Show what an order would do and cost; nothing is written."""
    from bss.catalog.periods import period_words
    from bss.orchestration.order_placing import preview_order
    from catalog_loader.amounts import money_text

    arguments = _arguments(customer, item, billing_account, start)
    previewed = business.read(lambda work: preview_order(work, **arguments))
    for number, each in enumerate(previewed, 1):
        print(f"item {number}: {each.item.action} {each.item.offering_id} {each.item.product_id}".rstrip())
        for step in each.item.steps:
            undo = f", undone by {step.compensation}" if step.compensation else ""
            last = ", point of no return" if step.is_point_of_no_return else ""
            print(f"  {step.kind}{undo}{last}")
        if each.price is not None:
            for charge in each.price.charges:
                price = money_text(charge.amount_micros, each.price.currency)
                each_period = period_words(charge.period_length, charge.period_type)
                print(f"  {charge.name}: {price} {each_period}".rstrip())
            print(f"  due now: {money_text(each.price.due_now_micros, each.price.currency)}")


@finds
def show(business: Business, order: OrderArgument) -> Found:
    """Show an order: its steps, how far each is, and which come after which."""
    from bss.orders import queries

    view = business.read(lambda work: queries.show(work, order_id=order))
    return Found(view, lambda: _print_order(view))


def _print_order(view: "OrderView") -> None:
    print(f"order {view.order.id}: {view.order.state}, customer {view.order.customer_id}")
    for item in view.items:
        print(f"item {item.number}: {item.action} {item.offering_id}, product {item.product_id or '-'}")
        for step in (step for step in view.steps if step.item_id == item.id):
            after = f"after {', '.join(map(str, step.after))}" if step.after else "first"
            last = "  point of no return" if step.is_point_of_no_return else ""
            print(f"  {step.place:>2}  {step.kind:<20} {step.state:<12} {after:<10} tries {step.attempts}{last}")
            for words in filter(None, (f"{step.error_code}: {step.error}" if step.error else "", step.note)):
                print(f"      {words}")


@on_business
def list_(
    business: Business,
    state: Annotated[
        str | None, typer.Option("--state", help="TMF622 state, such as held.", show_default="all")
    ] = None,
    customer: Annotated[str | None, typer.Option("--customer", help="Of this customer.", show_default="all")] = None,
    fallout: Annotated[bool, typer.Option("--fallout", help="Only those that wait for a person, with why.")] = False,
) -> None:
    """List orders, the newest first; or the fallout queue, the oldest first."""
    from bss.orders import queries
    from vocabulary.instants import to_rfc3339

    if fallout:
        for each in business.read(queries.fallout):
            reason = f"{each.step.error_code}: {each.step.error}" if each.step.error else each.step.note
            print(f"{each.order.id}  {each.step.kind:<20} {each.step.state:<12} {reason}".rstrip())
        return
    orders = business.read(lambda work: queries.list_orders(work, state=state, customer_id=customer))
    for order in orders:
        print(f"{order.id}  {to_rfc3339(order.created_ns)}  {order.state:<20} {order.customer_id}")


@on_business
def retry(business: Business, order: OrderArgument, note: NoteOption = "") -> None:
    """Have the step that holds an order done again."""
    from bss.orders import fallout

    _change(business, lambda work: fallout.retry(work, order_id=order, note=note))


@on_business
def skip(business: Business, order: OrderArgument, note: NoteOption) -> None:
    """Go on without the step that holds an order, where those behind it can do without what it makes."""
    from bss.orchestration import manual_tasks

    _change(business, lambda work: manual_tasks.skip(work, order_id=order, note=note))


@on_business
def take(business: Business, order: OrderArgument, note: NoteOption) -> None:
    """Make the step that holds an order a manual task: a person does it, and says so with `farebox order done`."""
    from bss.orchestration import manual_tasks

    _change(business, lambda work: manual_tasks.take_in_hand(work, order_id=order, note=note))


@on_business_and_store
def done(
    business: Business,
    order: OrderArgument,
    note: NoteOption,
    made: Annotated[
        list[str] | None,
        typer.Option(
            "--made",
            help="account_id=7 of a task that opens an account.",
            show_default="the account that has the product's number and SIM",
        ),
    ] = None,
) -> None:
    """Say that the manual task of an order is done; it goes on. An account that was opened is looked at in the engine."""
    from bss.orchestration.manual_tasks import finish_by_hand
    from runtime.bss_ports import make_ports

    outcome = _pairs(made or [], "--made")
    engine = make_ports(business.settings, lambda: store_url(business.settings)).engine
    _say(
        business.run(
            lambda database, caller: finish_by_hand(database, engine, caller, order_id=order, note=note, made=outcome)
        )
    )


@on_business
def cancel(
    business: Business,
    order: OrderArgument,
    reason: Annotated[str, typer.Option("--reason", help="Why; it is kept with the order.")] = "",
) -> None:
    """Undo what was done of an order, and do no more of it."""
    from bss.orders import operations

    _change(business, lambda work: operations.cancel(work, order_id=order, reason=reason))


def _arguments(customer: str, items: list[str], billing_account: str | None, start: str | None) -> dict[str, Any]:
    from vocabulary.instants import from_rfc3339

    starts_ns = None
    if start is not None:
        try:
            starts_ns = from_rfc3339(start)
        except ValueError as error:
            fail(f"--start {start}: {error}. Write an instant such as 2026-03-01T08:00:00Z")
    return {
        "customer_id": customer,
        "items": [_item(text) for text in items],
        "billing_account_id": billing_account,
        "requested_start_ns": starts_ns,
    }


def _item(text: str) -> Any:
    from bss.orchestration.order_placing import AskedItem

    what, *chosen = text.split(",")
    action, colon, name = what.partition(":")
    if not colon or not name or action not in _NAMED_BY_ACTION:
        fail(
            f"--item {text}: write add:OFFERING, or suspend, resume, delete and a product's id",
            "products get another offering by a release of the catalogue (farebox catalog release --migrate)",
        )
    values = _pairs(chosen, "--item")
    resources = {key: values.pop(key) for key in _RESOURCES if key in values}
    reservation = values.pop("reservation", "")
    named = {_NAMED_BY_ACTION[action]: name}
    return AskedItem(action=action, resources=resources, reservation=reservation, characteristics=values, **named)


def _pairs(texts: list[str], option: str) -> dict[str, str]:
    """Values by name; each name is said once, or one of its values would be taken without a word."""
    found: dict[str, str] = {}
    for name, value in (_pair(text, option) for text in texts):
        if name in found:
            fail(f"{option}: {name} is said twice, {found[name]} and {value}. Write one of them")
        found[name] = value
    return found


def _pair(text: str, option: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        fail(f"{option} {text}: write NAME=VALUE")
    return name, value


def _change(business: Business, function: "Callable[[Work], Order]") -> None:
    _say(business.write(function))


def _say(order: "Order") -> None:
    print(f"order {order.id}: {order.state}")


def register(app: typer.Typer) -> None:
    """Add `farebox order`."""
    commands = (
        ("place", place),
        ("dry-run", dry_run),
        ("show", show),
        ("list", list_),
        ("retry", retry),
        ("skip", skip),
        ("take", take),
        ("done", done),
        ("cancel", cancel),
        ("due", due),
    )
    add_group(app, "order", "Orders: placed, followed and repaired by hand.", commands)

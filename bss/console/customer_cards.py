"""What is known of a customer, a card a subject: contacts, who pays, products, orders, what happened."""

from nicegui import ui

from bss.console.forms import Asked, ask, given
from bss.console.frame import act, show_card
from bss.console.rows import show_facts
from bss.console.site import ROOT, Viewer
from bss.console.words import digits_of, instant, money, person
from bss.crm.care_operations import DIRECTIONS, record_interaction
from bss.crm.operations import add_contact_medium
from bss.crm.records import BillingAccount, ContactMedium, TimelineEntry
from bss.inventory.renewals import Renewal
from bss.inventory.states import ProductStatus
from bss.prepay.records import ActionKind, ActionState, BalanceAction
from bss.views.customer_360 import PRODUCTS_SHOWN, TIMELINE_ENTRIES, Lines, Profile

_CHANNELS = ("phone", "shop", "mail", "chat", "letter")
_MEDIA = {"email": "email_address", "phone": "phone_number"}
_MOVES = {
    ActionKind.TOP_UP: "Top-up of",
    ActionKind.ADJUST: "Adjustment of",
    ActionKind.CREDIT_LIMIT: "Credit limit of",
}
_NEEDS = "This needs the permission {}."


def contacts_card(viewer: Viewer, profile: Profile) -> None:
    """How the party is reached, the preferred way first."""
    with show_card("Contacts"):
        if viewer.caller.may("customer:write") and profile.party.erased_ns is None:
            ui.button("Add a contact", on_click=lambda: _add_contact(viewer, profile)).props("outline dense")
        if not profile.contacts:
            ui.label("None known.").classes("text-slate-700")
        show_facts([(each.medium_type, _address(each)) for each in profile.contacts])


def _address(contact: ContactMedium) -> str:
    street = ", ".join(filter(None, (contact.street1, contact.post_code, contact.city, contact.country)))
    value = contact.email_address or contact.phone_number or street or contact.social_network_id or "-"
    return f"{value}{' (preferred)' if contact.is_preferred else ''}"


async def _add_contact(viewer: Viewer, profile: Profile) -> None:
    asked = await ask(
        "Add a contact",
        [
            Asked("medium_type", "How", choices={each: each for each in _MEDIA}),
            Asked("address", "Address or number", rule=given("Write it")),
            Asked("preferred", "Preferred", "no", choices={"no": "no", "yes": "yes"}),
        ],
        "Add",
    )
    if asked is None:
        return
    medium = asked["medium_type"]
    done = await act(
        lambda: viewer.write(
            lambda work: add_contact_medium(
                work,
                party_id=profile.party.id,
                medium_type=medium,
                is_preferred=asked["preferred"] == "yes",
                **{_MEDIA[medium]: asked["address"]},
            )
        ),
        "The contact is added",
    )
    if done is not None:
        ui.navigate.reload()


def billing_card(profile: Profile) -> None:
    """Who gets the bills."""
    with show_card("Billing accounts"):
        if not profile.billing_accounts:
            ui.label("None: nothing of this customer is billed.").classes("text-slate-700")
        for account in profile.billing_accounts:
            with ui.row().classes("w-full items-center justify-between border-b border-slate-200 pb-1"):
                with ui.column().classes("gap-0"):
                    ui.label(account.name).classes("font-medium")
                    ui.label(_terms(account)).classes("text-slate-700 text-sm")
                ui.badge(account.state).props("outline")


def _terms(account: BillingAccount) -> str:
    day = f", bill on day {account.bill_cycle_day}" if account.bill_cycle_day else ""
    limit = account.credit_limit_micros
    credit = f", credit {money(limit, account.currency)}" if limit else ""
    return f"{account.account_type}, {account.currency}{day}{credit}, {account.payment_status}"


def products_card(viewer: Viewer, profile: Profile, lines: Lines) -> None:
    """What they have and had; where that is much, a box that finds a line, and the way to older ones."""
    with show_card("Products"):
        if viewer.caller.may("order:write"):
            target = f"{ROOT}/orders/new?customer={profile.customer.id}"
            ui.button("New order", on_click=lambda: ui.navigate.to(target)).props("outline dense")
        if not viewer.caller.may("inventory:read"):
            ui.label(_NEEDS.format("inventory:read")).classes("text-slate-700")
        elif not profile.product_count:
            ui.label("None yet.").classes("text-slate-700")
        elif profile.product_count > PRODUCTS_SHOWN:
            _line_box(profile, lines)
        for product in profile.products:
            with ui.row().classes("w-full items-center justify-between border-b border-slate-200 pb-1"):
                with ui.column().classes("gap-0"):
                    ui.label(product.name).classes("font-medium")
                    ui.label(" ".join(filter(None, (product.number, product.imsi)))).classes("text-slate-700 text-sm")
                    if product.status == ProductStatus.ACTIVE and product.id in profile.renewals:
                        _renewal(profile.renewals[product.id])
                ui.badge(product.status).props("outline")


def _line_box(profile: Profile, lines: Lines) -> None:
    """What is shown of many products, and how others are."""
    here = f"{ROOT}/customers/{profile.customer.id}"
    box = ui.input("Number, IMSI or ICCID begins with", value=lines.begins).props("outlined dense clearable")
    box.classes("w-full").on("keydown.enter", lambda: ui.navigate.to(f"{here}?line={digits_of(box.value)}"))
    found = f"{len(profile.products)} of {profile.product_count:,}, the newest first"
    ui.label(found if profile.products else "None begins so: give fewer digits.").classes("text-slate-700")
    with ui.row().classes("gap-4"):
        if profile.has_older:
            ui.link("Older", f"{here}?line={lines.begins}&before={profile.products[-1].id}")
        if lines.begins or lines.before:
            ui.link("The newest of all", here)


def _renewal(next_one: Renewal) -> None:
    if next_one.refused is None:
        ui.label(f"renews {instant(next_one.at_ns)}").classes("text-slate-700 text-sm")
        return
    again = f"asked again {instant(next_one.at_ns)}, sooner where money comes"
    ui.label(f"Not renewed: {next_one.refused}; {again}").classes("text-red-800 text-sm font-medium")


def orders_card(viewer: Viewer, profile: Profile) -> None:
    """The newest orders."""
    with show_card("Orders"):
        if not viewer.caller.may("order:read"):
            ui.label(_NEEDS.format("order:read")).classes("text-slate-700")
        elif not profile.orders:
            ui.label("None yet.").classes("text-slate-700")
        for order in profile.orders:
            with ui.row().classes("w-full items-center justify-between"):
                ui.link(f"{order.id[:8]}, {instant(order.created_ns)}", f"{ROOT}/orders/{order.id}")
                ui.badge(order.state).props("outline")


def timeline_card(viewer: Viewer, profile: Profile) -> None:
    """Contacts, tickets, consents, money, the latest first; a button for who may write down a contact."""
    with show_card("What happened"):
        if viewer.caller.may("customer:write") and profile.party.erased_ns is None:
            ui.button("Write down a contact", on_click=lambda: _record_contact(viewer, profile)).props("outline dense")
        moves = [_of_balance(action) for action in profile.balance_actions]
        entries = sorted((*profile.timeline, *moves), key=lambda entry: entry.at_ns, reverse=True)
        if not entries:
            ui.label("Nothing yet.").classes("text-slate-700")
        for entry in entries[:TIMELINE_ENTRIES]:
            with ui.column().classes("w-full gap-0 border-l-4 border-slate-300 pl-3"):
                ui.label(entry.title).classes("font-medium")
                ui.label(f"{instant(entry.at_ns)}, {person(entry.subject)}").classes("text-slate-700 text-sm")
                if entry.text:
                    ui.label(entry.text)


def _of_balance(action: BalanceAction) -> TimelineEntry:
    state = "" if action.state == ActionState.DONE else f", {action.outcome or action.state}"
    what = f"{_MOVES[action.kind]} {money(action.amount_micros, action.currency)}{state}"
    return TimelineEntry(action.created_ns, "balance", action.id, what, action.reason or None, action.subject)


async def _record_contact(viewer: Viewer, profile: Profile) -> None:
    asked = await ask(
        "Write down a contact",
        [
            Asked("reason", "What it was about", rule=given("Say it in a few words")),
            Asked("description", "What was said", is_long=True),
            Asked("direction", "Who called", choices={"inbound": "the customer", "outbound": "we"}),
            Asked("channel", "How", choices={each: each for each in _CHANNELS}),
        ],
        "Write it down",
    )
    if asked is None:
        return
    assert asked["direction"] in DIRECTIONS
    values = asked | {"description": asked["description"] or None}
    done = await act(
        lambda: viewer.write(
            lambda work: record_interaction(work, customer_id=profile.customer.id, **values)  # type: ignore[arg-type]
        ),
        "It is written down",
    )
    if done is not None:
        ui.navigate.reload()

"""One customer: who they are, what they have and may use now, why sessions are answered as they are, what happened."""

from nicegui import ui
from starlette.concurrency import run_in_threadpool

from balances.queries import BucketView
from bss.console.balance_actions import Redraw, balance_buttons
from bss.console.customers import PATH
from bss.console.frame import page, show_empty, show_error
from bss.console.rows import show_facts
from bss.console.site import Site, Viewer
from bss.console.tickets import ticket_card
from bss.console.words import amount, currency_of, instant, money
from bss.engine_port import OpenSession
from bss.views.customer_360 import LiveAccount, Profile, explain_session, live_accounts, profile_of
from vocabulary.instants import FOREVER_NS
from vocabulary.units import Unit


def register(site: Site) -> None:
    """The page of a customer."""

    @page(site, f"{PATH}/{{customer_id}}", "Customer", "customer:read")
    async def show(viewer: Viewer, customer_id: str) -> None:
        profile = await viewer.read(lambda work: profile_of(work, customer_id))
        accounts = sorted({each.engine_account_id for each in profile.products if each.engine_account_id is not None})
        _head(profile)
        with ui.element("div").classes("grid grid-cols-1 lg:grid-cols-2 gap-4 w-full"):
            with ui.column().classes("w-full gap-4"):
                accounts_here = ui.column().classes("w-full gap-4")
                _products_card(profile)
            with ui.column().classes("w-full gap-4"):
                _contacts_card(profile)
                ticket_card(viewer, profile)
                _orders_card(profile)
                _timeline_card(profile)

        async def draw_accounts() -> None:
            live = await run_in_threadpool(lambda: live_accounts(site.engine, viewer.caller, accounts))
            accounts_here.clear()
            with accounts_here:
                for account in live:
                    _account_card(viewer, profile, account, draw_accounts)
                if not live:
                    show_empty("No account of the engine", "One is opened when a plan is ordered")

        await draw_accounts()


def _card(title: str) -> ui.card:
    card = ui.card().classes("w-full gap-2 p-4").props("flat bordered")
    with card:
        ui.label(title).props("role=heading aria-level=2").classes("text-lg font-semibold")
    return card


def _head(profile: Profile) -> None:
    with ui.row().classes("items-center gap-3"):
        ui.label(profile.customer.name or profile.party.full_name).classes("text-xl font-semibold")
        ui.badge(profile.customer.status).props("outline")
        if profile.customer.segment:
            ui.badge(profile.customer.segment).props("outline color=accent text-color=black")
    ui.label(f"customer {profile.customer.id}, since {instant(profile.customer.from_ns)}").classes(
        "text-slate-700 text-sm"
    )


def _account_card(viewer: Viewer, profile: Profile, live: LiveAccount, moved: Redraw) -> None:
    with _card(f"Account {live.account_id}"):
        if live.account is None:
            show_error("The engine says nothing of this account", live.trouble)
            return
        account, currency = live.account, currency_of(live.account.currency)
        with ui.row().classes("items-center gap-3"):
            ui.badge(account.status.name.lower()).props("outline")
            ui.label(f"charged so far {money(account.charged_micros, currency)}").classes("text-slate-700")
            if account.credit_limit_micros:
                ui.label(f"credit limit {money(account.credit_limit_micros, currency)}").classes("text-slate-700")
        for bucket in account.buckets:
            _bucket_bar(bucket, currency)
        balance_buttons(viewer, profile.customer.id, live, moved)
        ui.separator()
        ui.label("Open sessions").props("role=heading aria-level=3").classes("font-semibold")
        if not live.sessions:
            ui.label("None at the moment.").classes("text-slate-700")
        for session in live.sessions:
            _session_row(viewer, session)


def _bucket_bar(bucket: BucketView, currency: str) -> None:
    held = max(bucket.remaining, 0) + bucket.reserved
    free = max(bucket.remaining, 0) / held if held else 0.0
    name = bucket.name or ("Money" if bucket.unit == Unit.MONEY else f"allowance {bucket.allowance}")
    with ui.column().classes("w-full gap-1"):
        with ui.row().classes("w-full justify-between"):
            ui.label(name).classes("font-medium")
            ui.label(amount(bucket.remaining, bucket.unit, currency)).classes("tabular-nums font-medium")
        ui.linear_progress(value=free, show_value=False, size="10px").props(
            f'rounded aria-label="{name}: {free:.0%} free, the rest reserved"'
        )
        reserved = f"{amount(bucket.reserved, bucket.unit, currency)} reserved, " if bucket.reserved else ""
        ends = "without end" if bucket.to_ns == FOREVER_NS else f"until {instant(bucket.to_ns)}"
        ui.label(f"{reserved}{ends}").classes("text-slate-700 text-sm")


def _session_row(viewer: Viewer, session: OpenSession) -> None:
    with ui.expansion(session.session_id, caption=f"{session.client}, since {instant(session.view.opened_ns)}").classes(
        "w-full border rounded"
    ) as row:
        why = ui.column().classes("w-full gap-1")

    async def explain() -> None:
        if not row.value:
            return
        found = await run_in_threadpool(lambda: explain_session(viewer.site.engine, session.key))
        why.clear()
        with why:
            if isinstance(found, str):
                ui.label(found)
                return
            for facts in (found.facts, *found.services):
                show_facts(facts)

    row.on_value_change(explain)


def _products_card(profile: Profile) -> None:
    with _card("Products"):
        if not profile.products:
            ui.label("None yet.").classes("text-slate-700")
        for product in profile.products:
            with ui.row().classes("w-full items-center justify-between border-b border-slate-200 pb-1"):
                with ui.column().classes("gap-0"):
                    ui.label(product.name).classes("font-medium")
                    ui.label(" ".join(filter(None, (product.number, product.imsi)))).classes("text-slate-700 text-sm")
                ui.badge(product.status).props("outline")


def _contacts_card(profile: Profile) -> None:
    with _card("Contacts"):
        if not profile.contacts:
            ui.label("None known.").classes("text-slate-700")
        for contact in profile.contacts:
            street = ", ".join(filter(None, (contact.street1, contact.post_code, contact.city, contact.country)))
            value = contact.email_address or contact.phone_number or street or contact.social_network_id or "-"
            ui.label(f"{contact.medium_type}: {value}{' (preferred)' if contact.is_preferred else ''}")
        for consent in profile.consents:
            ui.label(f"{consent.purpose}: {'granted' if consent.is_granted else 'withdrawn'}").classes("text-slate-700")


def _orders_card(profile: Profile) -> None:
    with _card("Orders"):
        if not profile.orders:
            ui.label("None yet.").classes("text-slate-700")
        for order in profile.orders:
            with ui.row().classes("w-full items-center justify-between"):
                ui.link(f"{order.id[:8]}, {instant(order.created_ns)}", f"{PATH.rpartition('/')[0]}/orders/{order.id}")
                ui.badge(order.state).props("outline")


def _timeline_card(profile: Profile) -> None:
    with _card("What happened"):
        if not profile.timeline:
            ui.label("Nothing yet.").classes("text-slate-700")
        for entry in profile.timeline:
            with ui.column().classes("w-full gap-0 border-l-4 border-slate-300 pl-3"):
                ui.label(entry.title).classes("font-medium")
                ui.label(f"{instant(entry.at_ns)}, {entry.subject.removeprefix('user:')}").classes(
                    "text-slate-700 text-sm"
                )
                if entry.text:
                    ui.label(entry.text)

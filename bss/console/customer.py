"""One customer: who they are, what they have and may use now, why sessions are answered as they are, what happened."""

from nicegui import ui
from starlette.concurrency import run_in_threadpool

from balances.queries import BucketView
from bss.console.balance_actions import Redraw, balance_buttons
from bss.console.consents import consent_card
from bss.console.customer_cards import billing_card, contacts_card, orders_card, products_card, timeline_card
from bss.console.customer_ends import end_buttons
from bss.console.customers import PATH
from bss.console.frame import page, show_card, show_empty, show_error
from bss.console.session_stories import ended_sessions, open_session
from bss.console.site import Site, Viewer
from bss.console.tickets import ticket_card
from bss.console.words import amount, currency_of, digits_of, instant, money
from bss.views.customer_360 import (
    SESSIONS_SHOWN,
    Lines,
    LiveAccount,
    Profile,
    live_accounts,
    profile_of,
)
from vocabulary.instants import FOREVER_NS
from vocabulary.units import Unit


def register(site: Site) -> None:
    """The page of a customer."""

    @page(site, f"{PATH}/{{customer_id}}", "Customer", "customer:read")
    async def show(viewer: Viewer, customer_id: str, line: str = "", before: str = "") -> None:
        lines = Lines(digits_of(line), before)
        profile = await viewer.read(lambda work: profile_of(work, customer_id, lines))
        accounts = sorted({each.engine_account_id for each in profile.products if each.engine_account_id is not None})
        _head(viewer, profile)
        with ui.element("div").classes("grid grid-cols-1 lg:grid-cols-2 gap-4 w-full"):
            with ui.column().classes("w-full gap-4"):
                accounts_here = ui.column().classes("w-full gap-4")
                products_card(viewer, profile, lines)
                orders_card(viewer, profile)
                billing_card(profile)
            with ui.column().classes("w-full gap-4"):
                contacts_card(viewer, profile)
                ticket_card(viewer, profile)
                consent_card(viewer, profile)
                timeline_card(viewer, profile)

        async def draw_accounts() -> None:
            live = await run_in_threadpool(lambda: live_accounts(site.engine, viewer.caller, accounts))
            accounts_here.clear()
            with accounts_here:
                for account in live:
                    _account_card(viewer, profile, account, draw_accounts)
                if not live:
                    show_empty("No account of the engine", "One is opened when a plan is ordered")

        await draw_accounts()


def _head(viewer: Viewer, profile: Profile) -> None:
    with ui.row().classes("items-center gap-3"):
        ui.label(profile.customer.name or profile.party.full_name).classes("text-xl font-semibold")
        ui.badge(profile.customer.status).props("outline")
        if profile.customer.segment:
            ui.badge(profile.customer.segment).props("outline color=accent text-color=black")
    ended = f" to {instant(profile.customer.to_ns)}" if profile.customer.to_ns else ""
    ui.label(f"customer {profile.customer.id}, since {instant(profile.customer.from_ns)}{ended}").classes(
        "text-slate-700 text-sm"
    )
    with ui.row().classes("gap-2 items-center"):
        if viewer.caller.may("audit:read"):
            ui.link("Who changed what", f"{PATH}/{profile.customer.id}/changes")
        end_buttons(viewer, profile)


def _account_card(viewer: Viewer, profile: Profile, live: LiveAccount, moved: Redraw) -> None:
    with show_card(f"Account {live.account_id}"):
        if live.account is None:
            show_error("The engine says nothing of this account", live.trouble)
            return
        account, currency = live.account, currency_of(live.account.currency)
        with ui.row().classes("items-center gap-3"):
            ui.badge(account.status.name.lower()).props("outline")
            ui.label(f"charged so far {money(account.charged_micros, currency)}").classes("text-slate-700")
        for bucket in account.buckets:
            if bucket.unit == Unit.BILL:
                _bill_bar(bucket, account.credit_limit_micros, currency)
            else:
                _bucket_bar(bucket, currency)
        balance_buttons(viewer, profile.customer.id, live, moved)
        ui.separator()
        ui.label("Open sessions").props("role=heading aria-level=3").classes("font-semibold")
        if not live.sessions:
            ui.label("None at the moment.").classes("text-slate-700")
        for session in live.sessions[:SESSIONS_SHOWN]:
            open_session(viewer, session)
        if len(live.sessions) > SESSIONS_SHOWN:
            ui.label(f"{SESSIONS_SHOWN} of {len(live.sessions):,}: `farebox subscriber show` lists all.").classes(
                "text-slate-700"
            )
        ended_sessions(viewer, live.account_id)


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


def _bill_bar(bucket: BucketView, limit_micros: int, currency: str) -> None:
    """What is owed of what may be owed; more where the limit was lowered since."""
    owed = -(bucket.remaining + bucket.reserved)
    held = f"{money(bucket.reserved, currency)} reserved, " if bucket.reserved else ""
    with ui.column().classes("w-full gap-1"):
        with ui.row().classes("w-full justify-between"):
            ui.label("Owed on the bill").classes("font-medium")
            ui.label(money(owed, currency)).classes("tabular-nums font-medium")
        part = min(owed / limit_micros, 1.0) if limit_micros else float(owed > 0)
        ui.linear_progress(value=part, show_value=False, size="10px").props(
            f'rounded color=accent aria-label="{part:.0%} of the credit limit are owed"'
        )
        ui.label(f"{held}up to {money(limit_micros, currency)} may be owed").classes("text-slate-700 text-sm")

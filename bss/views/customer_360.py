"""All of a customer on one page: what the business side has of them, and what the engine says of their accounts now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from balances.queries import AccountView
from bss.access import Caller
from bss.crm import queries as crm
from bss.crm.records import BillingAccount, Consent, ContactMedium, Customer, Party, Ticket, TimelineEntry
from bss.engine_port import EnginePort, Explanation, NoEngine, OpenSession
from bss.inventory.queries import product_count_of_customer, products_of_customer
from bss.inventory.records import Product
from bss.inventory.renewals import Renewal, renewals_of
from bss.orders.queries import list_orders
from bss.orders.records import Order
from bss.prepay.queries import actions_of_customer
from bss.prepay.records import BalanceAction
from bss.work import Work

TIMELINE_ENTRIES: Final = 30
PRODUCTS_SHOWN: Final = 10
"""Products of one view, with what the engine says of their accounts: a company has thousands."""
SESSIONS_SHOWN: Final = 20


class Lines(NamedTuple):
    """Which products of a customer are looked at."""

    begins: str = ""
    """digits that the number, the IMSI or the ICCID begins with"""
    before: str = ""
    """id of the last product of the page before"""


NEWEST: Final = Lines()


@dataclass(frozen=True, slots=True)
class Profile:
    """What the business side has."""

    customer: Customer
    party: Party
    contacts: Sequence[ContactMedium]
    billing_accounts: Sequence[BillingAccount]
    consents: Sequence[Consent]
    """all that the party said, in order: the last of a purpose holds"""
    products: Sequence[Product]
    """at most PRODUCTS_SHOWN of those that fit, the newest first"""
    product_count: int
    """of the customer, whether they fit or not"""
    has_older: bool
    """more products fit"""
    renewals: Mapping[str, Renewal]
    """by product, of those whose period ends"""
    orders: Sequence[Order]
    tickets: Sequence[Ticket]
    timeline: Sequence[TimelineEntry]
    """contacts, tickets, consents; the latest first"""
    balance_actions: Sequence[BalanceAction]
    """top-ups, adjustments and credit limits; the latest first"""


@dataclass(frozen=True, slots=True)
class LiveAccount:
    """An account of the engine at this moment. `trouble` says why there is nothing to see."""

    account_id: int
    account: AccountView | None
    sessions: tuple[OpenSession, ...] = ()
    trouble: str = ""


def profile_of(work: Work, customer_id: str, lines: Lines = NEWEST) -> Profile:
    """NotFound."""
    customer = crm.customer(work, customer_id)
    may_see_balances = work.caller.may("balance:read")
    may_see_tickets = work.caller.may("ticket:read")
    products, count = _products(work, customer_id, lines) if work.caller.may("inventory:read") else ([], 0)
    shown = products[:PRODUCTS_SHOWN]
    return Profile(
        customer=customer,
        party=crm.party(work, customer.party_id),
        contacts=crm.contact_media_of(work, [customer.party_id]),
        billing_accounts=crm.billing_accounts_of(work, [customer_id]),
        consents=crm.consent_history(work, customer.party_id),
        products=shown,
        product_count=count,
        has_older=len(products) > len(shown),
        renewals=renewals_of(work, [each.id for each in shown]) if shown else {},
        orders=list_orders(work, customer_id=customer_id, limit=20) if work.caller.may("order:read") else (),
        tickets=crm.tickets_of_customer(work, customer_id, limit=20) if may_see_tickets else (),
        timeline=crm.timeline(work, customer_id, limit=TIMELINE_ENTRIES),
        balance_actions=actions_of_customer(work, customer_id, limit=TIMELINE_ENTRIES) if may_see_balances else (),
    )


def _products(work: Work, customer_id: str, lines: Lines) -> tuple[list[Product], int]:
    """One more than is shown, where there is; and how many the customer has. A few are shown all, whatever was looked for."""
    count = product_count_of_customer(work, customer_id)
    chosen = lines._asdict() if count > PRODUCTS_SHOWN else {}
    return products_of_customer(work, customer_id, limit=PRODUCTS_SHOWN + 1, **chosen), count


def live_accounts(engine: EnginePort, caller: Caller, account_ids: Sequence[int]) -> list[LiveAccount]:
    """What the engine says of these accounts, in their order."""
    tenant = engine.tenant_number(caller.tenant)
    if isinstance(tenant, NoEngine):
        return [LiveAccount(account_id, None, trouble=tenant.reason) for account_id in account_ids]
    return [_live_account(engine, tenant, account_id) for account_id in account_ids]


def _live_account(engine: EnginePort, tenant: int, account_id: int) -> LiveAccount:
    account = engine.read_account(tenant, account_id)
    if isinstance(account, NoEngine):
        return LiveAccount(account_id, None, trouble=account.reason)
    if account is None:
        return LiveAccount(account_id, None, trouble=f"the engine has no account {account_id}")
    sessions = engine.open_sessions(tenant, account_id)
    if isinstance(sessions, NoEngine):
        return LiveAccount(account_id, account, trouble=sessions.reason)
    return LiveAccount(account_id, account, sessions)


def explain_session(engine: EnginePort, key: str) -> Explanation | str:
    """Why a session was answered as it was, or why that can't be said."""
    found = engine.explain(key)
    if isinstance(found, NoEngine):
        return found.reason
    return found if found is not None else "the session has ended"

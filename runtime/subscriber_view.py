"""An account as rows of text for people: names instead of numbers, amounts with units, periods with their ends."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from balances.queries import AccountView, BucketView, ServiceView, SessionView
from catalog_loader.amounts import MICROS_PER_UNIT, money_text, units_text
from catalog_loader.names import CatalogueNames
from vocabulary.currencies import currency_text
from vocabulary.instants import to_rfc3339
from vocabulary.units import MONEY_UNITS, Unit


class BalanceRow(NamedTuple):
    """A bucket."""

    balance: str
    remaining: str
    reserved: str
    from_: str
    until: str
    priority: str
    number: str
    """by which adjustments name it"""


class ProductRow(NamedTuple):
    """An offer that the account has."""

    product: str
    release: str
    from_: str
    until: str
    period_from: str
    """begin of the period that was applied last"""
    priority: str


class SessionRow(NamedTuple):
    """A service of an open session; a session without services has one row."""

    session: str
    context: str
    service: str
    granted: str
    reserved: str
    opened: str
    ends: str
    """when it is released if nothing is heard of it"""


def names_of_tenant(names: CatalogueNames, tenant: int) -> dict[int, str]:
    """Name by number of the tenant's offers and allowances, for balances.queries.decode_record."""
    known = {**names.allowances, **names.offers}
    return {number: name.id for (owner, number), name in known.items() if owner == tenant}


def amount_text(unit: Unit, amount: int, currency: str) -> str:
    """The amount in its unit: "9.94 EUR", "1 GiB", "-5 s"."""
    if unit in MONEY_UNITS:
        return money_text(amount, currency)
    return f"-{units_text(unit, -amount)}" if amount < 0 else units_text(unit, amount)


def account_pairs(view: AccountView) -> list[tuple[str, str]]:
    """What is true of the account as a whole."""
    currency = currency_of(view)
    remaining, reserved = view.total()
    return [
        ("account", str(view.account_id)),
        ("status", view.status.name.lower()),
        (
            "money",
            money_text(remaining, currency) + (f", {money_text(reserved, currency)} reserved" if reserved else ""),
        ),
        ("owed on the bill", _owed_text(view, currency)),
        ("charged so far", money_text(view.charged_micros, currency)),
        ("expires", "never" if to_rfc3339(view.expires_ns) == "-" else to_rfc3339(view.expires_ns)),
        ("last change", to_rfc3339(view.updated_ns)),
    ]


def _owed_text(view: AccountView, currency: str) -> str:
    """ "3.20 EUR of at most 50.00 EUR, 0.40 EUR reserved"."""
    owed = view.owed_micros
    if owed is None:
        return "no bill"
    _, reserved = view.total(Unit.BILL)
    text = f"{money_text(owed, currency)} of at most {money_text(view.credit_limit_micros, currency)}"
    return text + (f", {money_text(reserved, currency)} reserved" if reserved else "")


def currency_of(view: AccountView) -> str:
    """ISO 4217 letters of the account's currency."""
    return currency_text(view.currency)


def balance_rows(view: AccountView) -> list[BalanceRow]:
    """A row a bucket, in the order in which usage takes from them: units before money."""
    order = sorted(view.buckets, key=lambda bucket: (bucket.unit in MONEY_UNITS, bucket.priority, bucket.to_ns))
    return [_balance_row(bucket, currency_of(view)) for bucket in order]


def _balance_row(bucket: BucketView, currency: str) -> BalanceRow:
    return BalanceRow(
        bucket.name or f"#{bucket.allowance}",
        amount_text(bucket.unit, bucket.remaining, currency),
        amount_text(bucket.unit, bucket.reserved, currency) if bucket.reserved else "-",
        "-" if bucket.from_ns == 0 else to_rfc3339(bucket.from_ns),
        to_rfc3339(bucket.to_ns),
        str(bucket.priority),
        str(bucket.bucket_id),
    )


def product_rows(view: AccountView) -> list[ProductRow]:
    """A row a product, in the order in which they are asked for a price."""
    return [
        ProductRow(
            product.name or f"#{product.offer}",
            str(product.release) if product.release else "in force",
            "-" if product.from_ns == 0 else to_rfc3339(product.from_ns),
            to_rfc3339(product.to_ns),
            "-" if product.period_from_ns == 0 else to_rfc3339(product.period_from_ns),
            str(product.priority),
        )
        for product in sorted(view.products, key=lambda product: product.priority)
    ]


def session_rows(view: AccountView) -> list[SessionRow]:
    """A row a service of each open session."""
    rows = []
    for session in view.sessions:
        for service in session.services or (None,):
            rows.append(_session_row(session, service, view))
    return rows


def _session_row(session: SessionView, service: ServiceView | None, view: AccountView) -> SessionRow:
    key = f"{session.key_high:016x}{session.key_low:016x}"
    context = "-" if session.service_context < 0 else str(session.service_context)
    what = granted = reserved = "-"
    if service is not None:
        what = "no rating group" if service.rating_group is None else f"rating group {service.rating_group}"
        if service.service_identifier is not None:
            what += f", service {service.service_identifier}"
        if service.last.granted is not None:
            granted = amount_text(service.unit, service.last.granted, "") + (" (last)" if service.last.is_final else "")
        reserved = ", ".join(_held(held.bucket_id, held.amount, view) for held in service.reservations) or "-"
    return SessionRow(
        key, context, what, granted, reserved, to_rfc3339(session.opened_ns), to_rfc3339(session.expires_ns)
    )


def _held(bucket_id: int, amount: int, view: AccountView) -> str:
    bucket = view.bucket(bucket_id)
    if bucket is None:
        return f"{amount} of bucket {bucket_id}"
    text = amount_text(bucket.unit, amount, currency_of(view))
    return text if bucket.unit in MONEY_UNITS else f"{text} of {bucket.name or bucket.allowance}"


def account_json(view: AccountView, identities: Mapping[str, str]) -> dict[str, Any]:
    """The account for programs: exact integers in base units, and money as decimal text beside its micros."""
    body = view.to_dict()
    body["status"] = view.status.name.lower()
    body["currency"] = currency_of(view)
    body["identities"] = dict(identities)
    remaining, reserved = view.total()
    owed, (_, held) = view.owed_micros, view.total(Unit.BILL)
    if owed is not None:
        limit = view.credit_limit_micros
        body["bill"] = {"owed_micros": owed, "reserved_micros": held, "limit_micros": limit, "owed": _decimal(owed)}
    body["money"] = {"remaining_micros": remaining, "reserved_micros": reserved, "remaining": _decimal(remaining)}
    return body


def _decimal(micros: int) -> str:
    """Exact decimal text of micros, without a currency."""
    sign = "-" if micros < 0 else ""
    whole, part = divmod(abs(micros), MICROS_PER_UNIT)
    return f"{sign}{whole}.{part:06d}"

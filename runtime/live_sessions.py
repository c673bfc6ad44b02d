"""Sessions that are open at this moment, found by subscriber, by Session-Id or all of them, with what they hold."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from balances.edge.redis_store import RedisStore
from balances.keys import partition_of
from balances.queries import AccountView, ServiceView, SessionView, decode_record
from balances.record import HEADER_DIRECTORY, Section
from catalog_loader.names import CatalogueNames
from runtime.denial_words import status_text
from runtime.notices.notice import Notice, Stage, decode_notice, in_words
from runtime.session_route import SessionRoute, decode_route, route_name
from runtime.subscriber_view import amount_text, currency_of, names_of_tenant
from vocabulary.ids import SESSION_DOMAIN
from vocabulary.instants import to_rfc3339
from vocabulary.units import UNIT_NAMES, Unit

_SESSIONS_AT: Final = HEADER_DIRECTORY + 2 * Section.SESSIONS
_KEY_DIGITS: Final = 32


@dataclass(frozen=True, slots=True)
class LiveSession:
    """An open session with its account."""

    key: str
    """32 hex digits"""
    tenant: str
    account: AccountView
    session: SessionView
    route: SessionRoute | None
    """None where it expired or was not written yet"""
    notice: Notice | None = None
    """what its client is owed, or what of that was given up; None: nothing"""

    @property
    def session_id(self) -> str:
        """The Session-Id, or the key where it isn't known."""
        return self.route.session_id if self.route is not None else self.key


async def all_sessions(store: RedisStore, names: CatalogueNames) -> AsyncIterator[LiveSession]:
    """Every open session of the store, a partition after the other; sessions that end meanwhile may be missing."""
    tenants = await _tenant_names(store)
    for partition in range(store.meta.partition_count):
        async for rows in store.scan_accounts(partition):
            open_ones = [octets for _, _, octets in rows if octets[_SESSIONS_AT]]
            for live in await _with_routes(store, partition, open_ones, names, tenants):
                yield live


async def sessions_of_keys(store: RedisStore, names: CatalogueNames, keys: Sequence[str]) -> list[LiveSession]:
    """Open sessions of the accounts with these identity keys."""
    tenants = await _tenant_names(store)
    found: list[LiveSession] = []
    for key, account in zip(keys, await store.find_accounts(keys), strict=True):
        if account is not None:
            found += await _of_account(store, int(key.partition(":")[0]), account[0], names, tenants)
    return list({live.key: live for live in found}.values())


async def sessions_of_account(
    store: RedisStore, tenant: int, account_id: int, names: CatalogueNames
) -> list[LiveSession]:
    """Open sessions of an account."""
    return await _of_account(store, tenant, account_id, names, await _tenant_names(store))


async def session_of(
    store: RedisStore, names: CatalogueNames, text: str, account_id: int | None = None
) -> LiveSession | None:
    """The open session with this Session-Id or key of 32 hex digits; None where there is none.

    account_id   whose it is, where that is known; else its route says that
    """
    tenants = await _tenant_names(store)
    for tenant in tenants:
        high, low = session_key(store, tenant, text)
        owner = account_id
        if owner is None:
            (owner,) = await store.find_sessions(np.array([[high, low]], np.uint64))
        if owner is None:
            continue
        for live in await _of_account(store, tenant, owner, names, tenants):
            if live.key == f"{high:016x}{low:016x}":
                return live
    return None


def session_key(store: RedisStore, tenant: int, text: str) -> tuple[int, int]:
    """(high, low) of a session's key, by its Session-Id within the tenant, or as the 32 hex digits say it."""
    if len(text) == _KEY_DIGITS and all(digit in "0123456789abcdef" for digit in text):
        return int(text[:16], 16), int(text[16:], 16)
    from vocabulary.digest import digest128

    octets = np.frombuffer(text.encode(), np.uint8).copy()
    high, low = digest128(octets, 0, octets.shape[0], store.meta.secret, tenant * 16 + SESSION_DOMAIN)
    return int(high), int(low)


async def _tenant_names(store: RedisStore) -> dict[int, str]:
    return {number: name for name, number in (await store.tenants()).items()}


async def _of_account(
    store: RedisStore, tenant: int, account_id: int, names: CatalogueNames, tenants: dict[int, str]
) -> list[LiveSession]:
    partition = partition_of(account_id, store.meta.partition_count)
    (octets,) = await store.read_accounts(partition, [(tenant, account_id)])
    return [] if octets is None else await _with_routes(store, partition, [octets], names, tenants)


async def _with_routes(
    store: RedisStore, partition: int, records: Sequence[bytes], names: CatalogueNames, tenants: dict[int, str]
) -> list[LiveSession]:
    """Sessions of records of one partition."""
    found: list[tuple[AccountView, SessionView]] = []
    for octets in records:
        view = decode_record(octets)
        named = decode_record(octets, names_of_tenant(names, view.tenant))
        found.extend((named, session) for session in named.sessions)
    keys = [route_name(session.key_high, session.key_low) for _, session in found]
    values = await store.partition_values(partition, keys) if keys else []
    notices = await store.read_notices_of(partition, [key.removeprefix("route:") for key in keys])
    return [
        LiveSession(
            f"{session.key_high:016x}{session.key_low:016x}",
            tenants.get(view.tenant, str(view.tenant)),
            view,
            session,
            None if value is None else decode_route(value),
            None if notice is None else decode_notice(notice),
        )
        for (view, session), value, notice in zip(found, values, notices, strict=True)
    ]


# --- for people ------------------------------------------------------------------------------------------------------

LIST_COLUMNS: Final = ("session_id", "tenant", "account", "context", "services", "holds", "opened", "ends")
SERVICE_COLUMNS: Final = (
    "rating_group",
    "service_identifier",
    "unit",
    "outcome",
    "granted",
    "holds",
    "carry",
    "last_report",
)


def list_row(live: LiveSession) -> tuple[str, ...]:
    """A row of LIST_COLUMNS."""
    session = live.session
    holds = [_held(live, service) for service in session.services]
    return (
        live.session_id,
        live.tenant,
        str(live.account.account_id),
        "-" if session.service_context < 0 else str(session.service_context),
        ", ".join(_group(service) for service in session.services) or "-",
        ", ".join(text for text in holds if text != "-") or "-",
        to_rfc3339(session.opened_ns),
        to_rfc3339(session.expires_ns),
    )


def service_row(live: LiveSession, service: ServiceView) -> tuple[str, ...]:
    """A row of SERVICE_COLUMNS."""
    granted = "-"
    if service.last.granted is not None:
        granted = amount_text(service.unit, service.last.granted, "") + (" (last)" if service.last.is_final else "")
    return (
        "absent" if service.rating_group is None else str(service.rating_group),
        "absent" if service.service_identifier is None else str(service.service_identifier),
        _unit(service),
        service.last.outcome.name.lower(),
        granted,
        _held(live, service),
        str(service.carry),
        to_rfc3339(service.last_report_ns),
    )


def _unit(service: ServiceView) -> str:
    """Of its grants; a service that was refused from the beginning has none, and its record says 0, which is money's."""
    was_granted = any(given.granted is not None for given in (service.last, service.previous))
    return UNIT_NAMES[service.unit] if service.unit is not Unit.MONEY or was_granted else "-"


def _group(service: ServiceView) -> str:
    return "absent" if service.rating_group is None else str(service.rating_group)


def _held(live: LiveSession, service: ServiceView) -> str:
    """What the service holds, with the buckets that it came from."""
    texts = []
    for held in service.reservations:
        bucket = live.account.bucket(held.bucket_id)
        if bucket is None:
            texts.append(f"{held.amount} of bucket {held.bucket_id}")
        else:
            amount = amount_text(bucket.unit, held.amount, currency_of(live.account))
            texts.append(f"{amount} of {bucket.name or bucket.allowance} (bucket {held.bucket_id})")
    return ", ".join(texts) or "-"


def why_pairs(live: LiveSession) -> list[tuple[str, str]]:
    """What its answers rest on: the session, the last requests, and the products whose prices are asked in this order."""
    session, route = live.session, live.route
    pairs = [
        ("session", live.session_id),
        ("key", live.key),
        ("client", f"{route.origin_host} of {route.origin_realm}" if route is not None else "-"),
        ("tenant, account", f"{live.tenant}, {live.account.account_id}"),
        ("account is", status_text(live.account.status, live.account.expires_ns)),
        ("service context", "-" if session.service_context < 0 else str(session.service_context)),
        ("opened, ends", f"{to_rfc3339(session.opened_ns)}, {to_rfc3339(session.expires_ns)} if nothing is heard"),
        ("last request", _asked(session.last.type, session.last.number, session.last.outcome.name)),
        ("request before", _asked(session.previous.type, session.previous.number, session.previous.outcome.name)),
    ]
    pairs.append(("owed to its client", "nothing" if live.notice is None else in_words(live.notice)))
    for product in sorted(live.account.products, key=lambda product: product.priority):
        release = str(product.release) if product.release else "in force"
        pairs.append(("offer, release", f"{product.name or product.offer}, {release}"))
    return pairs


def _asked(request_type: int, number: int, outcome: str) -> str:
    letters = {1: "INITIAL", 2: "UPDATE", 3: "TERMINATION"}
    return f"{letters[request_type]} {number}: {outcome.lower()}" if request_type in letters else "-"


def as_json(live: LiveSession) -> dict[str, Any]:
    """The session for programs: integers in base units."""
    own = live.account.to_dict()
    key = (live.session.key_high, live.session.key_low)
    words = None if live.notice is None else in_words(live.notice)
    is_given_up = live.notice is not None and live.notice.stage is Stage.GIVEN_UP
    body: dict[str, Any] = next(row for row in own["sessions"] if (row["key_high"], row["key_low"]) == key)
    return {
        "session_id": live.session_id,
        "key": live.key,
        "tenant": live.tenant,
        "account_id": live.account.account_id,
        "origin_host": live.route.origin_host if live.route is not None else None,
        "owed": None if is_given_up else words,
        "given_up": words if is_given_up else None,
        **{name: value for name, value in body.items() if name not in ("key_high", "key_low")},
    }

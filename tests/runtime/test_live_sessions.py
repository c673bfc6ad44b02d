"""Open sessions as they are found, and their rows for people."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from balances.edge.redis_store import RedisStore
from balances.queries import AccountView, AskedView, GivenView, ServiceView, SessionView
from balances.record import LAYOUT_VERSION, AccountStatus
from catalog_loader.names import CatalogueNames
from runtime.live_sessions import SERVICE_COLUMNS, LiveSession, service_row, session_of, why_pairs
from tests.reference.record_octets import encode_rows
from vocabulary.instants import FOREVER_NS
from vocabulary.outcomes import Outcome
from vocabulary.units import Unit

REFUSED = GivenView(Outcome.CREDIT_LIMIT_REACHED, None, is_final=False)
GRANTED = GivenView(Outcome.GRANTED, 1 << 20, is_final=False)


def live(service: ServiceView) -> LiveSession:
    """The only session of an account, with one service."""
    asked = AskedView(1, 0, 0, Outcome.GRANTED)
    session = SessionView(1, 2, 1, 0, 0, 32251, 0, 1, 0, asked, asked, 0, (), 0, 0, (service,))
    account = AccountView(1, 0, AccountStatus.ACTIVE, 978, 0, 1, 0, 0, 0, 0, 0, (), (), (session,), (), 0)
    return LiveSession("0" * 32, "default", account, session, None)


@pytest.mark.parametrize(
    ("unit", "last", "previous", "says"),
    [
        (Unit.MONEY, REFUSED, REFUSED, "-"),
        (Unit.OCTETS, GRANTED, REFUSED, "octets"),
        (Unit.OCTETS, REFUSED, REFUSED, "octets"),
        (Unit.MONEY, REFUSED, GRANTED, "micros"),
    ],
    ids=["never granted", "granted", "granted long ago", "money was granted"],
)
def test_a_service_that_never_had_a_grant_has_no_unit(
    unit: Unit, last: GivenView, previous: GivenView, says: str
) -> None:
    service = ServiceView(1, 10, None, None, unit, 0, 0, last, previous, 1, ())
    assert dict(zip(SERVICE_COLUMNS, service_row(live(service), service), strict=True))["unit"] == says


class TwoAccounts:
    """A store in which accounts 1 and 2 have a session of the same key, and its route leads to the second."""

    meta = SimpleNamespace(partition_count=1)

    async def tenants(self) -> dict[str, int]:
        return {"default": 1}

    async def find_sessions(self, keys: Any) -> list[int | None]:
        return [2] * len(keys)

    async def read_accounts(self, _partition: int, accounts: Sequence[tuple[int, int]]) -> list[bytes]:
        header = {"layout_version": LAYOUT_VERSION, "tenant": 1}
        session = {"key_high": 1, "key_low": 2}
        return [encode_rows({"header": [header | {"account_id": own}], "sessions": [session]}) for _, own in accounts]

    async def partition_values(self, _partition: int, keys: Sequence[str]) -> list[bytes | None]:
        return [None] * len(keys)

    read_notices_of = partition_values


@pytest.mark.parametrize(("known", "owner"), [(None, 2), (1, 1), (2, 2)])
def test_a_session_is_its_accounts_whatever_its_route_says(known: int | None, owner: int) -> None:
    store = cast(RedisStore, TwoAccounts())
    found = asyncio.run(session_of(store, CatalogueNames(), f"{1:016x}{2:016x}", known))
    assert found is not None
    assert found.account.account_id == owner


@pytest.mark.parametrize(
    ("status", "expires_ns", "says"),
    [
        (AccountStatus.ACTIVE, FOREVER_NS, "active"),
        (AccountStatus.ACTIVE, 1_772_366_400 * 10**9, "active until 2026-03-01T12:00:00"),
        (AccountStatus.BARRED, FOREVER_NS, "barred: Resume its product by an order, or unbar it"),
        (AccountStatus.CLOSED, FOREVER_NS, "closed: Order a product anew"),
    ],
)
def test_what_a_session_rests_on_has_its_account_s_status(status: AccountStatus, expires_ns: int, says: str) -> None:
    found = live(ServiceView(1, 10, None, None, Unit.OCTETS, 0, 0, GRANTED, REFUSED, 1, ()))
    account = replace(found.account, status=status, expires_ns=expires_ns)
    assert dict(why_pairs(replace(found, account=account)))["account is"].startswith(says)

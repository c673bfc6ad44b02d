"""The control *inventory = engine = network*: every product that a customer has, against its account, identities and offer in
the engine and its subscriber in the network; and back, every number and SIM that nobody has, against both.

Products that an order is changing are left out: they agree once it has ended. What differs can mostly be repaired by asking
for what the inventory says, under an id of the product's revision, so that a repair that is repeated is done once.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from balances.commands import AccountStatus, Change
from balances.queries import AccountView
from bss.access import requires
from bss.engine_port import Done, EngineCommand, EnginePort, Identity, MoveIdentities, NoEngine
from bss.inventory.states import PRODUCT_ENDED, ProductStatus, ResourceState
from bss.inventory.tables import MSISDN, PRODUCT, SIM
from bss.network_port import (
    Deprovision,
    NetworkDone,
    NetworkPort,
    NetworkRequest,
    NetworkUnknown,
    Provision,
    Resume,
    SubscriberState,
    Suspend,
)
from bss.orders.states import UNDER_WAY, OrderState
from bss.orders.tables import ORDER_ITEM, PRODUCT_ORDER
from bss.work import Row, Work
from vocabulary.ids import IdentityKind

PAGE_ROWS: Final = 500
STATUS_OF: Final = {
    ProductStatus.ACTIVE: (AccountStatus.ACTIVE, SubscriberState.ACTIVE),
    ProductStatus.SUSPENDED: (AccountStatus.BARRED, SubscriberState.SUSPENDED),
}
"""What the account's status and the subscriber's state are by the product's status; of ended products closed, and absent."""


class Difference(NamedTuple):
    """One thing that isn't the same. `repair` makes it so; None: a person has to look."""

    product_id: str
    """empty where the number or SIM is nobody's"""
    what: str
    expected: str
    found: str
    repair: EngineCommand | NetworkRequest | None


class PortAway(Exception):
    """The engine or the network doesn't answer, so nothing can be compared."""


def find_differences(
    read: Callable[[Callable[[Work], Any]], Any], engine: EnginePort, network: NetworkPort, *, tenant: str
) -> Iterator[Difference]:
    """All differences of a tenant. PortAway.

    read   runs a function on a snapshot: a page is read before the ports are asked, no transaction waits for them
    """
    number = engine.tenant_number(tenant)
    if isinstance(number, NoEngine):
        raise PortAway(number.reason)
    compare = _Comparison(engine, network, number)
    after = ""
    while rows := read(partial(products_to_compare, after=after)):
        for row in rows:
            yield from compare.product(row)
        after = rows[-1]["id"]
    for table in (MSISDN, SIM):
        after = ""
        while rows := read(partial(resources_of_nobody, table=table, after=after)):
            for row in rows:
                yield from compare.nobodys(row)
            after = rows[-1]["id"]


def repair(difference: Difference, engine: EnginePort, network: NetworkPort) -> bool:
    """Ask for what is expected; False where it wasn't done."""
    asked = difference.repair
    if asked is None:
        return False
    if isinstance(asked, Change | MoveIdentities):
        return isinstance(engine.send(asked), Done)
    return isinstance(network.send(asked), NetworkDone)  # type: ignore[arg-type]


@requires("inventory:read")
def products_to_compare(work: Work, *, after: str) -> Sequence[Row]:
    """Products with an account or a SIM that no order is changing, a page behind the id `after`."""
    changing = (
        sa.select(ORDER_ITEM.c.product_id)
        .select_from(
            sa.join(
                ORDER_ITEM,
                PRODUCT_ORDER,
                (PRODUCT_ORDER.c.tenant == ORDER_ITEM.c.tenant) & (PRODUCT_ORDER.c.id == ORDER_ITEM.c.order_id),
            )
        )
        .where(
            PRODUCT_ORDER.c.state.in_(sorted(UNDER_WAY - {OrderState.PENDING})), ORDER_ITEM.c.product_id.is_not(None)
        )
    )
    return work.rows(
        sa.select(PRODUCT)
        .where(
            PRODUCT.c.id > after,
            PRODUCT.c.id.not_in(changing),
            sa.or_(PRODUCT.c.engine_account_id.is_not(None), PRODUCT.c.imsi.is_not(None)),
        )
        .order_by(PRODUCT.c.id)
        .limit(PAGE_ROWS)
    )


@requires("inventory:read")
def resources_of_nobody(work: Work, *, table: sa.Table, after: str) -> Sequence[Row]:
    """Numbers or SIMs that no product has, a page behind the id `after`."""
    return work.rows(
        sa.select(table)
        .where(table.c.id > after, table.c.state != ResourceState.ASSIGNED)
        .order_by(table.c.id)
        .limit(PAGE_ROWS)
    )


class _Comparison:
    """What is asked of engine and network, and compared."""

    def __init__(self, engine: EnginePort, network: NetworkPort, tenant: int) -> None:
        self._engine, self._network, self._tenant = engine, network, tenant

    def product(self, row: Row) -> Iterator[Difference]:
        if row["engine_account_id"] is not None:
            yield from self._account(row)
        status = ProductStatus(row["status"])
        if row["imsi"] and status in STATUS_OF:
            yield from self._subscriber(row, STATUS_OF[status][1])

    def nobodys(self, row: Row) -> Iterator[Difference]:
        identity = (
            Identity(IdentityKind.E164, row["number"]) if "number" in row else Identity(IdentityKind.IMSI, row["imsi"])
        )
        holder = self._holders([identity])[0]
        if holder is not None:
            free = MoveIdentities(_key(row, "free"), self._tenant, holder, remove=(identity,))
            yield Difference("", f"account of {_shown(identity)}", "none", str(holder), free)
        if "imsi" in row and self._known(row["imsi"]) is not None:
            forget = Deprovision(_key(row, "forget"), row["imsi"])
            yield Difference("", f"subscriber of IMSI {row['imsi']}", "none", "one", forget)

    def _account(self, row: Row) -> Iterator[Difference]:
        status, account_id = ProductStatus(row["status"]), row["engine_account_id"]
        account = self._engine.read_account(self._tenant, account_id)
        if isinstance(account, NoEngine):
            raise PortAway(account.reason)
        expected = AccountStatus.CLOSED if status in PRODUCT_ENDED else STATUS_OF.get(status, (None,))[0]
        if expected is None:
            return
        if account is None:
            yield Difference(row["id"], "account", str(account_id), "none", None)
            return
        if account.status != expected:
            change = Change(_key(row, "status"), self._tenant, account_id, status=expected)
            yield Difference(row["id"], "account status", _word(expected), _word(account.status), change)
        if status in STATUS_OF:
            yield from self._identities(row)
            yield from _offer(row, account)

    def _identities(self, row: Row) -> Iterator[Difference]:
        account_id = row["engine_account_id"]
        pairs = ((IdentityKind.E164, row["number"]), (IdentityKind.IMSI, row["imsi"]))
        identities = [Identity(kind, value) for kind, value in pairs if value]
        for identity, holder in zip(identities, self._holders(identities), strict=True):
            if holder != account_id:
                add = MoveIdentities(_key(row, identity.kind.name.lower()), self._tenant, account_id, add=(identity,))
                found = "none" if holder is None else str(holder)
                what = f"account of {_shown(identity)}"
                yield Difference(row["id"], what, str(account_id), found, add if holder is None else None)

    def _subscriber(self, row: Row, expected: SubscriberState) -> Iterator[Difference]:
        found = self._known(row["imsi"])
        if found is None:
            provision = Provision(_key(row, "provision"), row["imsi"], row["number"] or "")
            yield Difference(row["id"], "subscriber", row["imsi"], "none", provision)
            return
        if found.msisdn != row["number"]:
            yield Difference(row["id"], "subscriber's number", str(row["number"]), found.msisdn, None)
        if found.state != expected:
            asks = Resume if expected == SubscriberState.ACTIVE else Suspend
            yield Difference(row["id"], "subscriber", expected, found.state, asks(_key(row, "state"), row["imsi"]))

    def _holders(self, identities: Sequence[Identity]) -> tuple[int | None, ...]:
        holders = self._engine.find_accounts(self._tenant, identities)
        if isinstance(holders, NoEngine):
            raise PortAway(holders.reason)
        return holders

    def _known(self, imsi: str) -> Any:
        found = self._network.read_subscriber(imsi)
        if isinstance(found, NetworkUnknown):
            raise PortAway(found.reason)
        return found


def _offer(row: Row, account: AccountView) -> Iterator[Difference]:
    if not account.products:
        yield Difference(row["id"], "offer of the account", row["offering_id"], "none", None)


def _key(row: Row, what: str) -> str:
    """Of a repair: the same until the row changes."""
    return f"assure:{row['id']}:{row['revision']}:{what}"


def _shown(identity: Identity) -> str:
    return f"{identity.kind.name} {identity.value}"


def _word(status: int) -> str:
    return AccountStatus(status).name.lower()

"""What is asked of the inventory. Lists are by key and go on `after` the last one seen."""

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa

from bss.access import requires
from bss.errors import Invalid, NotFound
from bss.inventory.kinds import KINDS, Kind, Resource
from bss.inventory.records import Characteristic, Msisdn, Product, ResourceCount, Service, Sim
from bss.inventory.states import PRODUCT_ENDED, ResourceState
from bss.inventory.tables import MSISDN, PRODUCT, PRODUCT_CHARACTERISTIC, SERVICE, SIM
from bss.tables import begins_with
from bss.tenant_rows import Prepared, prepared_by
from bss.work import Work

ROWS_MAX: Final = 1000
_PREFIX_DIGITS_MIN: Final = 3
_DIGITS: Final = (PRODUCT.c.number, PRODUCT.c.imsi, PRODUCT.c.iccid)
"""What a product is found by."""


_CHARACTERISTICS: Final = prepared_by(PRODUCT_CHARACTERISTIC.c.product_id, PRODUCT_CHARACTERISTIC.c.name)
_OFFERINGS_OF_CUSTOMER: Final = Prepared(
    sa.select(PRODUCT.c.offering_id, sa.func.min(PRODUCT.c.id).label("product_id"))
    .where(
        PRODUCT.c.customer_id == sa.bindparam("customer_id"),
        PRODUCT.c.status.not_in(sa.bindparam("ended", expanding=True)),
    )
    .group_by(PRODUCT.c.offering_id)
    .order_by(PRODUCT.c.offering_id)
)
_SERVICES: Final = prepared_by(SERVICE.c.product_id, SERVICE.c.id)
_ASSIGNED: Final = {
    what.table.name: Prepared(
        sa.select(what.table)
        .where(
            what.table.c.product_id.in_(sa.bindparam("values", expanding=True)),
            what.table.c.state == ResourceState.ASSIGNED,
        )
        .order_by(what.table.c[what.key])
    )
    for what in KINDS.values()
}


@requires("inventory:read")
def product(work: Work, product_id: str) -> Product:
    """The product. NotFound."""
    return Product.from_row(work.get(PRODUCT, product_id))


@requires("inventory:read")
def products_of_accounts(work: Work, engine_account_ids: Sequence[int]) -> list[Product]:
    """Products that these accounts of the engine are of."""
    statement = sa.select(PRODUCT).where(PRODUCT.c.engine_account_id.in_(list(engine_account_ids)))
    return [Product.from_row(row) for row in work.rows(statement.order_by(PRODUCT.c.id))]


@requires("inventory:read")
def products_of_customer(
    work: Work,
    customer_id: str,
    *,
    with_ended: bool = True,
    begins: str = "",
    before: str = "",
    limit: int = 200,
) -> list[Product]:
    """What a customer has, the newest first.

    begins  digits that the number, the IMSI or the ICCID begins with
    before  id of the last product of the page before
    """
    statement = sa.select(PRODUCT).where(PRODUCT.c.customer_id == customer_id)
    if not with_ended:
        statement = statement.where(PRODUCT.c.status.not_in(PRODUCT_ENDED))
    if begins:
        statement = statement.where(sa.or_(*(begins_with(column, begins) for column in _DIGITS)))
    if before:
        statement = statement.where(PRODUCT.c.id < before)
    rows = work.rows(statement.order_by(PRODUCT.c.id.desc()).limit(_limited(limit)))
    return [Product.from_row(row) for row in rows]


@requires("inventory:read")
def product_count_of_customer(work: Work, customer_id: str) -> int:
    """How many products a customer has, ended ones too."""
    return work.count(sa.select(PRODUCT.c.id).where(PRODUCT.c.customer_id == customer_id))


@requires("inventory:read")
def offerings_of_customer(work: Work, customer_id: str) -> dict[str, str]:
    """Offerings of the products of a customer that have not ended, by id, each with the first product of it."""
    rows = work.rows(_OFFERINGS_OF_CUSTOMER, customer_id=customer_id, ended=sorted(PRODUCT_ENDED))
    return {row["offering_id"]: row["product_id"] for row in rows}


@requires("customer:read")
def open_product_count(work: Work, customer_id: str) -> int:
    """How many products a customer has that have not ended."""
    own = (PRODUCT.c.customer_id == customer_id, PRODUCT.c.status.not_in(PRODUCT_ENDED))
    return work.count(sa.select(PRODUCT.c.id).where(*own))


@requires("customer:read")
def open_product_count_of_payer(work: Work, billing_account_id: str) -> int:
    """How many products a billing account pays for that have not ended."""
    own = (PRODUCT.c.billing_account_id == billing_account_id, PRODUCT.c.status.not_in(PRODUCT_ENDED))
    return work.count(sa.select(PRODUCT.c.id).where(*own))


@requires("inventory:read")
def product_counts_by_offering(work: Work) -> dict[str, int]:
    """How many products that have not ended there are of each offering."""
    counted = sa.select(PRODUCT.c.offering_id, sa.func.count().label("row_count")).group_by(PRODUCT.c.offering_id)
    rows = work.rows(counted.where(PRODUCT.c.status.not_in(PRODUCT_ENDED)))
    return {row["offering_id"]: row["row_count"] for row in rows}


@requires("inventory:read")
def products_of_offering(work: Work, offering_id: str, *, after: str = "", limit: int = 100) -> list[Product]:
    """Products of an offering that have not ended, by id, behind the one of this id."""
    rows = work.rows(
        sa.select(PRODUCT)
        .where(PRODUCT.c.offering_id == offering_id, PRODUCT.c.id > after, PRODUCT.c.status.not_in(PRODUCT_ENDED))
        .order_by(PRODUCT.c.id)
        .limit(min(limit, 1000))
    )
    return [Product.from_row(row) for row in rows]


@requires("inventory:read")
def products_of_order(work: Work, order_id: str) -> list[Product]:
    """What an order made."""
    rows = work.rows(sa.select(PRODUCT).where(PRODUCT.c.order_id == order_id).order_by(PRODUCT.c.id))
    return [Product.from_row(row) for row in rows]


@requires("inventory:read")
def product_of_number(work: Work, number: str) -> Product | None:
    """The product that has this number now."""
    row = work.row(
        sa.select(PRODUCT)
        .select_from(PRODUCT.join(MSISDN, MSISDN.c.product_id == PRODUCT.c.id))
        .where(MSISDN.c.number == number, MSISDN.c.state == ResourceState.ASSIGNED)
    )
    return None if row is None else Product.from_row(row)


@requires("inventory:read")
def product_of_imsi(work: Work, imsi: str) -> Product | None:
    """The product whose SIM has this IMSI now."""
    row = work.row(
        sa.select(PRODUCT)
        .select_from(PRODUCT.join(SIM, SIM.c.product_id == PRODUCT.c.id))
        .where(SIM.c.imsi == imsi, SIM.c.state == ResourceState.ASSIGNED)
    )
    return None if row is None else Product.from_row(row)


@requires("inventory:read")
def products_by_digits(work: Work, digits: str, *, limit: int = 20) -> list[Product]:
    """Products whose number, IMSI or ICCID begins with these digits, ended ones too. At least three digits, else none."""
    if len(digits) < _PREFIX_DIGITS_MIN or not (digits.isascii() and digits.isdigit()):
        return []
    found: dict[str, Product] = {}
    for column in _DIGITS:
        statement = sa.select(PRODUCT).where(begins_with(column, digits)).order_by(column)
        for row in work.rows(statement.limit(_limited(limit))):
            found.setdefault(row["id"], Product.from_row(row))
    return list(found.values())[:limit]


@requires("inventory:read")
def characteristics_of(work: Work, product_ids: Sequence[str]) -> list[Characteristic]:
    """Characteristics of these products, by name."""
    rows = work.rows(_CHARACTERISTICS, values=list(product_ids))
    return [Characteristic.from_row(row) for row in rows]


@requires("inventory:read")
def services_of(work: Work, product_ids: Sequence[str]) -> list[Service]:
    """Services that realise these products."""
    return [Service.from_row(row) for row in work.rows(_SERVICES, values=list(product_ids))]


@requires("inventory:read")
def resources_of(work: Work, product_ids: Sequence[str]) -> list[Resource]:
    """Numbers and SIMs that these products have now."""
    found: list[Resource] = []
    for what in KINDS.values():
        rows = work.rows(_ASSIGNED[what.table.name], values=list(product_ids))
        found.extend(what.record.from_row(row) for row in rows)
    return found


@requires("inventory:read")
def resource(work: Work, kind: Kind, name: str) -> Resource:
    """The number or SIM of this name (number, ICCID). NotFound."""
    what = KINDS[kind]
    row = work.row(sa.select(what.table).where(what.table.c[what.key] == name))
    if row is None:
        raise NotFound("name", f"there is no {what.words} {name[:40]!r}", "Add or import it first")
    return what.record.from_row(row)


@requires("customer:read")
def accounts_of_payer(work: Work, billing_account_id: str) -> list[int]:
    """The engine's accounts of products that a billing account pays for and that have not ended."""
    own = (PRODUCT.c.billing_account_id == billing_account_id, PRODUCT.c.status.not_in(PRODUCT_ENDED))
    found = sa.select(PRODUCT.c.engine_account_id).where(*own, PRODUCT.c.engine_account_id.is_not(None))
    return [row["engine_account_id"] for row in work.rows(found.order_by(PRODUCT.c.engine_account_id).limit(ROWS_MAX))]


@requires("inventory:read")
def reserved_for(work: Work, kind: Kind, reservation: str) -> list[Resource]:
    """Numbers or SIMs that are kept for this now, by name."""
    what = KINDS[kind]
    kept = (what.table.c.reserved_for == reservation) & (what.table.c.state == ResourceState.RESERVED)
    rows = work.rows(sa.select(what.table).where(kept).order_by(what.table.c[what.key]).limit(ROWS_MAX))
    return [what.record.from_row(row) for row in rows]


@requires("inventory:read")
def sim_of_imsi(work: Work, imsi: str) -> Sim | None:
    """The SIM that has this IMSI."""
    row = work.row(sa.select(SIM).where(SIM.c.imsi == imsi))
    return None if row is None else Sim.from_row(row)


@requires("inventory:read")
def numbers_by_id(work: Work, ids: Sequence[str]) -> list[Msisdn]:
    """The numbers of these rows."""
    rows = work.rows(sa.select(MSISDN).where(MSISDN.c.id.in_(ids)).order_by(MSISDN.c.number))
    return [Msisdn.from_row(row) for row in rows]


@requires("inventory:read")
def resources(
    work: Work,
    kind: Kind,
    *,
    state: str = "",
    pool: str = "",
    begins: str = "",
    after: str = "",
    limit: int = 100,
) -> list[Resource]:
    """Numbers or SIMs by name, those that fit.

    begins  digits that the name begins with
    after   the last name of the page before
    """
    what = KINDS[kind]
    key = what.table.c[what.key]
    statement = sa.select(what.table).where(key > after).order_by(key).limit(_limited(limit))
    if state:
        if state not in set(ResourceState):
            raise Invalid("state", f"{state[:40]!r} is no state", f"Write one of {', '.join(ResourceState)}")
        statement = statement.where(what.table.c.state == state)
    if pool:
        statement = statement.where(what.table.c.pool == pool)
    if begins:
        statement = statement.where(begins_with(key, begins))
    return [what.record.from_row(row) for row in work.rows(statement)]


@requires("inventory:read")
def resource_counts(work: Work) -> list[ResourceCount]:
    """How many numbers and SIMs are in each state, by pool."""
    found = []
    for kind, what in KINDS.items():
        pool, state = what.table.c.pool, what.table.c.state
        counted = sa.select(pool, state, sa.func.count().label("row_count")).group_by(pool, state).order_by(pool, state)
        found += [
            ResourceCount(kind, row["pool"], row["state"], row["row_count"])
            for row in work.rows(counted.select_from(what.table))
        ]
    return found


def _limited(limit: int) -> int:
    if not 0 < limit <= ROWS_MAX:
        raise Invalid("limit", f"{limit} rows can't be asked for", f"Choose 1..{ROWS_MAX}")
    return limit

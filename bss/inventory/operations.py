"""What is done with numbers and SIMs. A reservation and a quarantine end by themselves: their due row is written with them.

Allocation can't give one twice: on SQLite writers follow each other, on PostgreSQL a row that another transaction has locked is
passed over, and what still meets is run again (bss/edge/database.py).
"""

from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from bss.access import requires
from bss.due import Due, finish, schedule, unschedule
from bss.errors import Conflict, Invalid, NotFound
from bss.inventory.digits import check_iccid, check_imsi, check_msisdn, check_pool
from bss.inventory.kinds import KINDS, Kind, Resource, ResourceKind
from bss.inventory.records import Msisdn, Sim
from bss.inventory.states import ResourceState, state_after
from bss.inventory.tables import MSISDN, PRODUCT, SIM
from bss.tenant_rows import Prepared
from bss.work import Row, Work
from vocabulary.instants import NS_PER_S

POOL_DEFAULT: Final = "default"
RESERVATION_S: Final = 3600
RESERVATION_S_MAX: Final = 400 * 86_400
QUARANTINE_S: Final = 90 * 86_400
QUARANTINE_S_MAX: Final = 3650 * 86_400


class _Finds(NamedTuple):
    """How rows of a kind are found."""

    named: Prepared
    held: Prepared
    """by a product"""
    reserved: Prepared
    free: Prepared


def _finds(what: ResourceKind) -> _Finds:
    table, state = what.table, what.table.c.state
    reserved = sa.select(table).where(
        table.c.reserved_for == sa.bindparam("reserved_for"), state == ResourceState.RESERVED
    )
    free = sa.select(table).where(
        state == ResourceState.FREE,
        table.c.pool == sa.bindparam("pool"),
        table.c[what.variant] == sa.bindparam("variant"),
    )
    return _Finds(
        named=Prepared(sa.select(table).where(table.c[what.key] == sa.bindparam("name"))),
        held=Prepared(
            sa.select(table.c.id).where(
                table.c.product_id == sa.bindparam("product_id"), state == ResourceState.ASSIGNED
            )
        ),
        reserved=Prepared(reserved.order_by(table.c.id).limit(1)),
        free=Prepared(free.order_by(table.c[what.key]).limit(1).with_for_update(skip_locked=True)),
    )


_FINDS: Final = {kind: _finds(what) for kind, what in KINDS.items()}


@requires("inventory:write")
def add_number(work: Work, *, number: str, pool: str = POOL_DEFAULT, category: str = "standard") -> Msisdn:
    """A number that is free from now on. Invalid; Conflict where it is there."""
    check_msisdn(number)
    check_pool(pool)
    check_pool(category, field="category")
    _check_absent(work, "msisdn", MSISDN.c.number, number)
    return Msisdn.from_row(work.insert(MSISDN, number=number, pool=pool, category=category, **_free(work)))


@requires("inventory:write")
def add_sim(work: Work, *, iccid: str, imsi: str, pool: str = POOL_DEFAULT, kind: str = "usim") -> Sim:
    """A SIM that is free from now on. Invalid; Conflict where its ICCID or its IMSI is there."""
    check_iccid(iccid)
    check_imsi(imsi)
    check_pool(pool)
    check_pool(kind, field="kind")
    _check_absent(work, "sim", SIM.c.iccid, iccid)
    _check_absent(work, "sim", SIM.c.imsi, imsi)
    return Sim.from_row(work.insert(SIM, iccid=iccid, imsi=imsi, pool=pool, kind=kind, **_free(work)))


@requires("inventory:write")
def reserve(
    work: Work,
    kind: Kind,
    *,
    reserved_for: str,
    name: str = "",
    pool: str = POOL_DEFAULT,
    variant: str = "",
    for_s: int = RESERVATION_S,
) -> Resource:
    """Keep a free number or SIM for somebody, until it is assigned or the time is over.

    reserved_for  for what, such as an order item: asked again, the same one is kept, for `for_s` from now
    name          this number or ICCID; where it is empty, any free one of the pool and the variant (a number's category,
                  a SIM's kind; the usual one where empty)
    Conflict: it isn't free, or none is.
    """
    what = KINDS[kind]
    if not reserved_for or len(reserved_for) > 64:
        raise Invalid(
            "reserved_for", f"{reserved_for[:40]!r} names nothing", "Name the order item, in 1..64 characters"
        )
    _check_duration(for_s, RESERVATION_S_MAX, "for_s")
    until_ns = work.now_ns + for_s * NS_PER_S
    kept = _reserved_row(work, kind, reserved_for, name)
    if kept is not None:
        changed = work.change(what.table, kept, state_until_ns=until_ns)
    else:
        row = _named(work, kind, name) if name else _any_free(work, kind, pool, variant or what.variant_default)
        changed = _move(work, kind, row, "reserve", state_until_ns=until_ns, reserved_for=reserved_for)
    schedule(work, f"{kind}.reservation_ends", resource_id=changed["id"], at_ns=until_ns)
    return what.record.from_row(changed)


@requires("inventory:write")
def assign(
    work: Work, kind: Kind, *, product_id: str, name: str = "", reserved_for: str = "", pool: str = POOL_DEFAULT
) -> Resource:
    """Give a number or SIM to a product, which shows it from now on. One that is named is given once, asked again or not.

    name  this number or ICCID; where it is empty, what is reserved for `reserved_for`, else any free one of the pool
    Conflict: it is reserved for something else, in quarantine after another product, or the product has one; none is free.
    """
    what = KINDS[kind]
    if name:
        row = _named(work, kind, name)
    else:
        kept = _reserved_row(work, kind, reserved_for, "") if reserved_for else None
        row = kept or _any_free(work, kind, pool, what.variant_default)
        name = row[what.key]
    product = work.get(PRODUCT, product_id, field="product_id")
    if row["state"] == ResourceState.ASSIGNED and row["product_id"] == product_id:
        return what.record.from_row(row)
    if row["state"] == ResourceState.RESERVED and row["reserved_for"] != reserved_for:
        raise Conflict("name", f"{what.words} {name} is reserved for something else", "Reserve another one")
    if row["state"] == ResourceState.QUARANTINED and row["product_id"] != product_id:
        raise Conflict("name", f"{what.words} {name} is in quarantine after another product", "Take another one")
    held = work.row(_FINDS[kind].held, product_id=product_id)
    if held is not None:
        raise Conflict("product_id", f"the product has a {what.words} already", "Take that one back first")
    changed = _move(work, kind, row, "assign", product_id=product_id)
    shown = {"number": row["number"]} if kind == "msisdn" else {"iccid": row["iccid"], "imsi": row["imsi"]}
    work.change(PRODUCT, product, **shown)
    work.event(
        "ProductAttributeValueChangeEvent",
        resource="product",
        resource_id=product_id,
        customer_id=product["customer_id"],
    )
    return what.record.from_row(changed)


@requires("inventory:write")
def unassign(work: Work, kind: Kind, *, name: str, product_id: str) -> Resource:
    """Undo an assignment that nobody used yet: it is free at once. Nothing happens where the product hasn't got it."""
    what = KINDS[kind]
    row = _named(work, kind, name)
    if row["product_id"] != product_id or row["state"] != ResourceState.ASSIGNED:
        return what.record.from_row(row)
    changed = _move(work, kind, row, "unassign")
    empty: dict[str, Any] = {"number": None} if kind == "msisdn" else {"iccid": None, "imsi": None}
    work.change(PRODUCT, product_id, **empty)
    return what.record.from_row(changed)


@requires("inventory:write")
def quarantine(work: Work, kind: Kind, *, name: str, for_s: int = QUARANTINE_S) -> Resource:
    """Take a number or SIM from its product and keep it from others for a time; it may go back to that product meanwhile."""
    what = KINDS[kind]
    _check_duration(for_s, QUARANTINE_S_MAX, "for_s")
    row = _named(work, kind, name)
    until_ns = work.now_ns + for_s * NS_PER_S
    changed = _move(work, kind, row, "quarantine", state_until_ns=until_ns, product_id=row["product_id"])
    schedule(work, f"{kind}.quarantine_ends", resource_id=changed["id"], at_ns=until_ns)
    return what.record.from_row(changed)


@requires("inventory:write")
def release(work: Work, kind: Kind, *, name: str, reserved_for: str = "") -> Resource:
    """Free what is reserved, blocked or in quarantine.

    reserved_for  only where it is reserved for this: otherwise nothing happens, it is somebody else's by now
    """
    what = KINDS[kind]
    row = _named(work, kind, name)
    if reserved_for and (row["state"] != ResourceState.RESERVED or row["reserved_for"] != reserved_for):
        return what.record.from_row(row)
    return what.record.from_row(_move(work, kind, row, "release"))


@requires("inventory:write")
def block(work: Work, kind: Kind, *, name: str) -> Resource:
    """Keep a number or SIM from being given to anybody until it is released."""
    return KINDS[kind].record.from_row(_move(work, kind, _named(work, kind, name), "block"))


@requires("inventory:write")
def retire(work: Work, kind: Kind, *, name: str) -> Resource:
    """Give a number or SIM up for ever: it was ported out, or the card was used."""
    row = _named(work, kind, name)
    return KINDS[kind].record.from_row(_move(work, kind, row, "retire", product_id=row["product_id"]))


@requires("inventory:write")
def end_due_state(work: Work, due: Due) -> None:
    """What a due row of DUE_KINDS asks for: the reservation or quarantine is over where it is still that one."""
    finish(work, due)
    kind, _, _ = due.kind.partition(".")
    row = work.find(KINDS[kind].table, due.resource_id)
    waiting = DUE_KINDS[due.kind]
    if row is not None and row["state"] == waiting and row["state_until_ns"] <= work.now_ns:
        _move(work, "msisdn" if kind == "msisdn" else "sim", row, "release")


DUE_KINDS: Final = {
    "msisdn.reservation_ends": ResourceState.RESERVED,
    "msisdn.quarantine_ends": ResourceState.QUARANTINED,
    "sim.reservation_ends": ResourceState.RESERVED,
    "sim.quarantine_ends": ResourceState.QUARANTINED,
}
"""Kinds of due rows that `end_due_state` handles, and the state that it ends."""


def _move(work: Work, kind: Kind, row: Row, action: str, **values: Any) -> Row:
    """The row in the state that the action leads to; what belonged to the former state is emptied unless given."""
    what = KINDS[kind]
    before = ResourceState(row["state"])
    after = state_after(before, action, what=f"{what.words} {row[what.key]}")
    empty = {"state_until_ns": None, "reserved_for": None, "product_id": None}
    changed = work.change(what.table, row, **{**empty, **values}, state=after, state_since_ns=work.now_ns)
    if before == ResourceState.RESERVED:
        unschedule(work, f"{kind}.reservation_ends", resource_id=row["id"])
    elif before == ResourceState.QUARANTINED:
        unschedule(work, f"{kind}.quarantine_ends", resource_id=row["id"])
    work.event("ResourceStateChangeEvent", resource=kind, resource_id=row["id"])
    return changed


def _named(work: Work, kind: Kind, name: str) -> Row:
    what = KINDS[kind]
    row = work.row(_FINDS[kind].named, name=name)
    if row is None:
        raise NotFound("name", f"there is no {what.words} {name[:40]!r}", "Add or import it first")
    return row


def _reserved_row(work: Work, kind: Kind, reserved_for: str, name: str) -> Row | None:
    """What is reserved for this already: the one of this name, where one is given."""
    if not name:
        found = work.rows(_FINDS[kind].reserved, reserved_for=reserved_for)
        return found[0] if found else None
    row = work.row(_FINDS[kind].named, name=name)
    is_kept = row is not None and (row["state"], row["reserved_for"]) == (ResourceState.RESERVED, reserved_for)
    return row if is_kept else None


def _any_free(work: Work, kind: Kind, pool: str, variant: str) -> Row:
    what = KINDS[kind]
    found = work.row(_FINDS[kind].free, pool=pool, variant=variant)
    if found is None:
        raise Conflict(
            "pool",
            f"pool {pool!r} has no free {what.words} of {what.variant} {variant!r}",
            "Import more, or name another",
        )
    return found


def _free(work: Work) -> dict[str, Any]:
    return {"state": ResourceState.FREE, "state_since_ns": work.now_ns}


def _check_absent(work: Work, kind: Kind, column: sa.ColumnElement[str], value: str) -> None:
    what = KINDS[kind]
    if work.rows(sa.select(what.table.c.id).where(column == value)):
        raise Conflict(str(column.name), f"there is a {what.words} {value} already", "Look it up")  # type: ignore[attr-defined]


def _check_duration(duration_s: int, longest_s: int, field: str) -> None:
    if not 0 < duration_s <= longest_s:
        raise Invalid(field, f"{duration_s} s is no duration here", f"Choose 1..{longest_s} s")

"""An API that only tests have, over tables of its own: the framework is tested apart from the domains that it serves."""

from collections.abc import Sequence

import sqlalchemy as sa

from bss.access import OPERATIONS, requires
from bss.api.filters import Filter
from bss.api.kinds import Amount, AnyValue, Flag, Instant, Money, OneOf, Text, Whole, money_columns
from bss.api.resource import (
    Api,
    Document,
    Domain,
    EventRow,
    Field,
    Many,
    NotServed,
    Resource,
    Structure,
    Values,
    Writable,
    identity,
)
from bss.api.rows import Row, TableRows
from bss.errors import Conflict
from bss.tables import identifier, index, instant, micros, reference, tenant_table
from bss.work import Work

GADGET = tenant_table(
    "test_gadget",
    sa.Column("name", sa.String(80), nullable=False),
    sa.Column("colour", sa.String(10)),
    instant("made_ns"),
    sa.Column("weight", sa.BigInteger),
    sa.Column("is_new", sa.Boolean),
    micros("price_micros"),
    sa.Column("currency", sa.String(3)),
    identifier("parent_id"),
    sa.Column("serial", sa.String(40)),
    reference("parent_id", "test_gadget"),
)
PART = tenant_table(
    "test_gadget_part",
    identifier("gadget_id", nullable=False),
    sa.Column("label", sa.String(80), nullable=False),
    sa.Column("value", sa.JSON),
    reference("gadget_id", "test_gadget"),
)
for column in ("name", "colour", "made_ns", "weight", "is_new", "parent_id"):
    index(GADGET, column, "id")
index(PART, "label", "gadget_id")
index(PART, "gadget_id")

PLAIN = {
    "name": "name",
    "colour": "colour",
    "made": "made_ns",
    "weight": "weight",
    "isNew": "is_new",
    "serial": "serial",
}


@requires("gadget:write")
def add_gadget(work: Work, values: Values) -> str:
    row = work.insert(GADGET, **_columns(work, values))
    _put_parts(work, row["id"], values.get("part") or ())
    work.event("GadgetCreateEvent", resource="gadget", resource_id=row["id"])
    return str(row["id"])


@requires("gadget:write")
def change_gadget(work: Work, gadget_id: str, if_revision: int | None, values: Values) -> None:
    if values.get("name") == "unchangeable":
        raise Conflict("name", "it can't be that one", "Choose another")
    work.change(GADGET, gadget_id, if_revision=if_revision, **_columns(work, values))
    if "part" in values:
        for part in work.rows(sa.select(PART).where(PART.c.gadget_id == gadget_id)):
            work.remove(PART, part["id"])
        _put_parts(work, gadget_id, values["part"] or ())


@requires("gadget:write")
def remove_gadget(work: Work, gadget_id: str, if_revision: int | None) -> None:
    for part in work.rows(sa.select(PART).where(PART.c.gadget_id == gadget_id)):
        work.remove(PART, part["id"])
    work.remove(GADGET, gadget_id, if_revision=if_revision)


for operation in (add_gadget, change_gadget, remove_gadget):
    OPERATIONS.pop(f"{__name__}.{operation.__name__}")


def _columns(work: Work, values: Values) -> dict[str, object]:
    found = {PLAIN[name]: value for name, value in values.items() if name in PLAIN}
    if "price" in values:
        price: Money | None = values["price"]
        found |= {"price_micros": price and price.micros, "currency": price and price.currency}
    if "parent" in values:
        parent = values["parent"]
        found["parent_id"] = parent and work.get(GADGET, parent["id"], field="parent.id")["id"]
    return found


def _put_parts(work: Work, gadget_id: str, parts: Sequence[Values]) -> None:
    for part in parts:
        value = part.get("value")
        kept = value if value is None or isinstance(value, str | bool | int) else str(value)
        work.insert(PART, gadget_id=gadget_id, label=part["label"], value=kept)


def fill(work: Work, rows: Sequence[Row], documents: Sequence[Document]) -> None:
    by_id = {document["id"]: document for document in documents}
    parts = work.rows(sa.select(PART).where(PART.c.gadget_id.in_(by_id)).order_by(PART.c.id))
    for part in parts:
        value = {"label": part["label"], "value": part["value"]}
        by_id[part["gadget_id"]].setdefault("part", []).append(PART_KIND.write(value))
    for row in rows:
        if price := money_columns(row, "price_micros", "currency"):
            by_id[row["id"]]["price"] = Amount().write(price)
        if row["parent_id"] is not None:
            by_id[row["id"]]["parent"] = {"id": row["parent_id"]}


PART_KIND = Structure(
    "Part",
    (Field("label", Text(80, length_min=1), required=True), Field("value", AnyValue())),
    (NotServed("@type", "there is one type of part"),),
)
GADGET_REF = Structure("GadgetRef", (Field("id", Text(64), required=True),))

GADGETS = Resource(
    name="gadget",
    type_name="Gadget",
    meaning="Something to try the framework with",
    fields=(
        *identity("Gadget"),
        Field("name", Text(80, length_min=1), required=True, is_filter=True),
        Field("colour", OneOf(("red", "green", "blue")), is_filter=True),
        Field("made", Instant(), column="made_ns", is_filter=True),
        Field("weight", Whole(0, 1_000_000), is_filter=True),
        Field("isNew", Flag(), is_filter=True),
        Field("serial", Text(40), writable=Writable.ONCE, meaning="once and for all"),
        Field("price", Amount(0)),
        Field("part", Many(PART_KIND, 5)),
        Field("parent", GADGET_REF),
    ),
    not_served=(NotServed("shape", "all of them are round"),),
    filters=(
        Filter("parent.id", Text(64), GADGET.c.parent_id),
        Filter("part.label", Text(80), PART.c.label, owner=PART.c.gadget_id),
    ),
    domain=Domain(
        TableRows(GADGET),
        "gadget:read",
        "gadget:write",
        fill=fill,
        create=add_gadget,
        change=change_gadget,
        remove=remove_gadget,
    ),
    events=(EventRow("GadgetCreateEvent", "GadgetCreateEvent"),),
)
GADGET_VIEWS = Resource(
    name="gadgetView",
    type_name="GadgetView",
    meaning="The same to read only",
    fields=(*identity("GadgetView"), Field("name", Text(80), is_filter=True)),
    domain=Domain(TableRows(GADGET), "gadget:read", "gadget:write"),
    methods_not_served={"POST": "gadgets are made at gadget"},
)
SAMPLE = Api("TMF000", "sample", "Sample", "4.0.0", (GADGETS, GADGET_VIEWS))

"""Products on both databases: made, changed, moved through their statuses, with characteristics and services."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from bss.access import Caller
from bss.edge.database import Database
from bss.errors import BusinessError, Conflict, Invalid, NotFound, Stale
from bss.inventory.operations import add_number, assign
from bss.inventory.product_operations import (
    add_service,
    change_product,
    create_product,
    set_characteristics,
    set_product_status,
    set_service_state,
)
from bss.inventory.queries import (
    characteristics_of,
    numbers_by_id,
    product,
    products_by_digits,
    products_of_customer,
    products_of_order,
    resources,
    resources_of,
    services_of,
)
from bss.inventory.states import PRODUCT_CHANGES, ProductStatus
from bss.outbox import OUTBOX
from bss.work import Work
from tests.bss.conftest import NOW_NS, TestClock
from tests.bss.customers import a_billing_account, a_customer, a_product

Callers = Callable[..., Caller]
PRICE = {"name": "fee", "price_type": "recurring", "micros": 9_990_000, "currency": "EUR", "period": "month"}


def test_a_product_is_what_was_said(database: Database, anyone: Caller) -> None:
    def add(work: Work) -> str:
        made = a_customer(work)
        account = a_billing_account(work, made.id)
        return create_product(
            work,
            customer_id=made.id,
            name="Start",
            offering_id="prepaid-start",
            offering_name="Prepaid Start",
            billing_account_id=account.id,
            engine_account_id=2**62,
            order_id="o1",
            order_item_id="1",
            prices=[PRICE],
            characteristics={"simType": "esim", "members": 4, "roaming": True},
        ).id

    product_id = database.write(anyone, add)
    shown = database.read(anyone, lambda work: product(work, product_id))
    assert (shown.status, shown.engine_account_id, shown.prices, shown.is_customer_visible, shown.start_ns) == (
        "created",
        2**62,
        [PRICE],
        True,
        None,
    )
    values = database.read(anyone, lambda work: characteristics_of(work, [product_id]))
    assert [(row.name, row.value_type, row.value) for row in values] == [
        ("members", "integer", "4"),
        ("roaming", "boolean", "true"),
        ("simType", "string", "esim"),
    ]
    assert database.read(anyone, lambda work: products_of_order(work, "o1")) == [shown]


def test_statuses_follow_the_table_and_nothing_else(database: Database, anyone: Caller) -> None:
    ways: dict[ProductStatus, tuple[ProductStatus, ...]] = {
        ProductStatus.CREATED: (),
        ProductStatus.PENDING_ACTIVE: (ProductStatus.PENDING_ACTIVE,),
        ProductStatus.CANCELLED: (ProductStatus.CANCELLED,),
    }

    class _Undone(Exception):
        pass

    def walk(work: Work, customer_id: str, way: tuple[ProductStatus, ...], to: ProductStatus) -> None:
        made = a_product(work, customer_id)
        for step in (*way, to):
            set_product_status(work, made.id, status=step)
        raise _Undone

    customer_id = database.write(anyone, lambda work: a_customer(work).id)
    for status in ProductStatus:
        way = ways.get(status, (ProductStatus.ACTIVE, status) if status != ProductStatus.ACTIVE else (status,))
        for to in ProductStatus:
            if to != status:
                with pytest.raises(_Undone if (status, to) in PRODUCT_CHANGES else Conflict):
                    database.write(anyone, lambda work, w=way, t=to: walk(work, customer_id, w, t))


def test_beginning_and_end_are_noted_once(database: Database, anyone: Caller, clock: TestClock) -> None:
    made = database.write(anyone, a_product)
    for status in (ProductStatus.ACTIVE, ProductStatus.SUSPENDED, ProductStatus.ACTIVE, ProductStatus.TERMINATED):
        clock.advance(s=1)
        database.write(anyone, lambda work, to=status: set_product_status(work, made.id, status=to))
        database.write(anyone, lambda work, to=status: set_product_status(work, made.id, status=to))
    ended = database.read(anyone, lambda work: product(work, made.id))
    assert (ended.start_ns, ended.end_ns, ended.revision) == (NOW_NS + 10**9, NOW_NS + 4 * 10**9, 5)
    told = database.read(anyone, lambda work: work.rows(sa.select(OUTBOX.c.kind).where(OUTBOX.c.resource == "product")))
    assert [row["kind"] for row in told] == ["ProductCreateEvent", *["ProductStateChangeEvent"] * 4]
    assert not database.read(anyone, lambda work: products_of_customer(work, made.customer_id, with_ended=False))
    assert database.read(anyone, lambda work: products_of_customer(work, made.customer_id)) == [ended]


def test_services_come_and_end(database: Database, anyone: Caller) -> None:
    made = database.write(anyone, a_product)

    def add(work: Work) -> str:
        data = add_service(work, product_id=made.id, name="mobile data", category="CFS")
        return set_service_state(work, data.id, state="active").id

    service_id = database.write(anyone, add)
    ended = database.write(anyone, lambda work: set_service_state(work, service_id, state="terminated"))
    assert (ended.start_ns, ended.end_ns) == (NOW_NS, NOW_NS)
    with pytest.raises(Conflict, match="the service is terminated"):
        database.write(anyone, lambda work: set_service_state(work, service_id, state="active"))
    assert database.read(anyone, lambda work: services_of(work, [made.id])) == [ended]


def test_products_are_found_by_digits(database: Database, anyone: Caller, caller_of: Callers) -> None:
    def add(work: Work) -> str:
        made = a_product(work)
        add_number(work, number="491700000001")
        assign(work, "msisdn", name="491700000001", product_id=made.id)
        return made.id

    product_id = database.write(anyone, add)
    database.write(caller_of(tenant="brand-2"), add)
    for digits, is_found in (("4917", True), ("491700000001", True), ("49", False), ("4918", False), ("49%", False)):
        found = database.read(anyone, lambda work, d=digits: products_by_digits(work, d))
        assert [row.id for row in found] == [product_id] * is_found, digits
    (number,) = database.read(anyone, lambda work: resources_of(work, [product_id]))
    assert database.read(anyone, lambda work: numbers_by_id(work, [number.id])) == [number]


def test_lists_of_numbers_go_on_where_they_ended(database: Database, anyone: Caller) -> None:
    database.write(anyone, lambda work: [add_number(work, number=f"4917000000{place:02}") for place in range(7)])
    seen: list[str] = []
    last = ""
    while page := database.read(
        anyone,
        lambda work, last=last: resources(work, "msisdn", state="free", begins="4917", after=last, limit=3),
    ):
        seen += [row.number for row in page]  # type: ignore[union-attr]
        last = seen[-1]
    assert seen == [f"4917000000{place:02}" for place in range(7)]


def test_bad_input_names_field_and_remedy(database: Database, anyone: Caller, caller_of: Callers) -> None:
    made = database.write(anyone, a_product)
    stranger = database.write(caller_of(tenant="brand-2"), a_customer)
    asked: tuple[tuple[Callable[[Work], object], type[BusinessError], str], ...] = (
        (lambda work: create_product(work, customer_id="none", name="A", offering_id="o"), Invalid, "customer_id"),
        (lambda work: create_product(work, customer_id=stranger.id, name="A", offering_id="o"), Invalid, "customer_id"),
        (lambda work: a_product(work, made.customer_id, number="1"), Invalid, "number"),
        (lambda work: a_product(work, made.customer_id, status=ProductStatus.TERMINATED), Invalid, "status"),
        (lambda work: a_product(work, made.customer_id, parent_id="none"), NotFound, "parent_id"),
        (lambda work: a_product(work, made.customer_id, prices=[{**PRICE, "micros": 9.99}]), Invalid, "prices[0]"),
        (lambda work: change_product(work, made.id, billing_account_id="none"), Invalid, "billing_account_id"),
        (lambda work: change_product(work, made.id, status="active"), Invalid, "status"),
        (lambda work: change_product(work, made.id, name=""), Invalid, "name"),
        (lambda work: change_product(work, made.id, name="A", if_revision=7), Stale, "If-Match"),
        (
            lambda work: set_characteristics(work, made.id, characteristics={"speed": 1.5}),  # type: ignore[dict-item]
            Invalid,
            "characteristics",
        ),
        (
            lambda work: set_characteristics(work, made.id, characteristics={"": "x"}),
            Invalid,
            "characteristics.",
        ),
        (lambda work: add_service(work, product_id=made.id, name="a", category="XFS"), Invalid, "category"),
        (lambda work: resources(work, "msisdn", state="taken"), Invalid, "state"),
        (lambda work: resources(work, "msisdn", limit=10**9), Invalid, "limit"),
    )
    for ask, error, field in asked:
        with pytest.raises(error) as raised:
            database.write(anyone, ask)
        assert raised.value.field == field
        assert raised.value.remedy

"""Customers by what somebody says on the phone, on both databases."""

from collections.abc import Callable

import pytest

from bss.access import Caller
from bss.edge.database import Database
from bss.inventory.digits import luhn_digit
from bss.inventory.operations import add_number, add_sim, assign
from bss.views.customer_search import search_customers
from bss.work import Work
from tests.bss.customers import a_customer, a_product

ICCID = "894411006850000000" + luhn_digit("894411006850000000")
Callers = Callable[..., Caller]


def a_subscriber(work: Work) -> str:
    made = a_customer(work, "Zoë", "Strauß")
    product = a_product(work, made.id)
    add_number(work, number="491700000001")
    add_sim(work, iccid=ICCID, imsi="262010000000001")
    assign(work, "msisdn", name="491700000001", product_id=product.id)
    assign(work, "sim", name=ICCID, product_id=product.id)
    return made.id


@pytest.mark.parametrize(
    "text", ["491700000001", "+49 170 000-00", "0049170", "26201", ICCID, "strauss", " Zoe s", "ZOË"]
)
def test_a_customer_is_found(database: Database, anyone: Caller, caller_of: Callers, text: str) -> None:
    customer_id = database.write(anyone, a_subscriber)
    database.write(caller_of(tenant="brand-2"), a_subscriber)
    (hit,) = database.read(anyone, lambda work: search_customers(work, text))
    assert (hit.customer_id, hit.name, hit.customer_status) == (customer_id, "Zoë Strauß", "active")
    assert (hit.number == "491700000001") == any(sign.isdigit() for sign in text)


@pytest.mark.parametrize("text", ["49", "4918", "%", "", " ", "+", "strauss zoe x", "\u0660\u0661\u0662"])
def test_nothing_else_is_found(database: Database, anyone: Caller, text: str) -> None:
    database.write(anyone, a_subscriber)
    assert database.read(anyone, lambda work: search_customers(work, text)) == []


def test_who_may_not_read_the_inventory_finds_names_alone(
    database: Database, anyone: Caller, caller_of: Callers
) -> None:
    database.write(anyone, a_subscriber)
    clerk = caller_of("customer:read")
    assert database.read(clerk, lambda work: search_customers(work, "491700000001")) == []
    assert len(database.read(clerk, lambda work: search_customers(work, "strauss"))) == 1

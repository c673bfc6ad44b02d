"""Customers for tests of other domains."""

from bss.crm.customer_operations import add_billing_account, add_customer
from bss.crm.operations import add_individual
from bss.crm.records import BillingAccount, Customer
from bss.inventory.product_operations import create_product
from bss.inventory.records import Product
from bss.work import Work


def a_customer(work: Work, given_name: str = "Anna", family_name: str = "Müller") -> Customer:
    person = add_individual(work, given_name=given_name, family_name=family_name)
    return add_customer(work, party_id=person.id, name=f"{given_name} {family_name}")


def a_billing_account(work: Work, customer_id: str) -> BillingAccount:
    return add_billing_account(work, customer_id=customer_id, name="main", currency="EUR")


def a_product(work: Work, customer_id: str = "", **values: object) -> Product:
    customer_id = customer_id or a_customer(work).id
    return create_product(work, customer_id=customer_id, name="Start", offering_id="prepaid-start", **values)

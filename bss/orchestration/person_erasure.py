"""A person is forgotten: in every table of every domain that has text about them."""

from typing import Final

from bss.all_tables import TABLES
from bss.crm.erasure import erase_party
from bss.crm.queries import customers_of_party
from bss.inventory.erasure import erase_reservations
from bss.orchestration.customer_closing import check_no_order_under_way
from bss.orders.queries import items_of_customer
from bss.work import Work

STAYS: Final = {
    "audit": "who changed a number, or a reference of a client, and when, without what the number was reserved for",
    "idempotency": "keys that clients choose for their requests",
    "msisdn": "the operator's numbers, which others get after a quarantine",
    "order_item": "the number and the SIM that were chosen",
    "order_step": "what the network said of a number or a SIM that it refused",
    "product": "which number, ICCID and IMSI it had: charging records, which the law has operators keep, name them",
    "product_order": "the client's own number of the order",
    "sim": "the operator's SIMs",
    "trouble_ticket": "the client's own number of the ticket",
}
"""Tables in which a number, a SIM or a client's reference stays once a person is erased, and why; names and contacts stay in
none. docs/business.md has the same list.
"""


def erase_person(work: Work, party_id: str) -> None:
    """See bss/crm/erasure.py. Conflict also where an order of theirs is under way: it would write about them again."""
    for customer in customers_of_party(work, party_id):
        check_no_order_under_way(work, customer.id, field="id")
        _erase_reservations(work, customer.id)
    erase_party(work, party_id, tables=TABLES)


def _erase_reservations(work: Work, customer_id: str) -> None:
    """Before the orders' own words go: by those it is known which reservations were theirs."""
    items = items_of_customer(work, customer_id=customer_id)
    ordered = {name for item in items for name in item.resources.values()}
    texts = {item.reservation for item in items if item.reservation}
    erase_reservations(work, customer_id=customer_id, ordered=ordered, texts=texts)

"""Who is meant by what somebody types: a number, an IMSI, the beginning of either, or of a name."""

from typing import Final, NamedTuple

from bss.crm.queries import customers_by_id, find_customers_by_name
from bss.inventory.queries import products_by_digits
from bss.work import Work

FOUND_MAX: Final = 20
_SIGNS: Final = str.maketrans("", "", " -/().")
_DIGITS_MIN: Final = 3


class FoundLine(NamedTuple):
    """A customer, and by which product it was found."""

    customer_id: str
    name: str
    status: str
    number: str
    product: str


def find_customers(work: Work, text: str) -> list[FoundLine]:
    """At most FOUND_MAX: by digits where the text is such, else by name."""
    digits = text.strip().translate(_SIGNS).removeprefix("+")
    if len(digits) >= _DIGITS_MIN and digits.isascii() and digits.isdigit():
        return _by_digits(work, digits)
    return [
        FoundLine(found.id, found.name or "(erased)", found.status, "", "")
        for found in find_customers_by_name(work, text.strip(), limit=FOUND_MAX)
    ]


def _by_digits(work: Work, digits: str) -> list[FoundLine]:
    products = products_by_digits(work, digits, limit=FOUND_MAX)
    customers = {customer.id: customer for customer in customers_by_id(work, [each.customer_id for each in products])}
    return [
        FoundLine(
            product.customer_id,
            customers[product.customer_id].name or "(erased)",
            customers[product.customer_id].status,
            product.number or "",
            f"{product.name} ({product.status})",
        )
        for product in products
        if product.customer_id in customers
    ]

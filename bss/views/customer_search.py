"""Finding a customer by what somebody says on the phone: a number, an IMSI, an ICCID, a name."""

from typing import Final, NamedTuple

from bss.access import requires
from bss.crm.queries import customers_by_id, find_customers_by_name
from bss.inventory.queries import products_by_digits
from bss.work import Work

HITS_MAX: Final = 100


class Hit(NamedTuple):
    """A customer that was found; number, imsi and status are of the product that fits, empty where the name does."""

    customer_id: str
    name: str
    customer_status: str
    product_id: str
    number: str
    imsi: str
    product_status: str


@requires("customer:read")
def search_customers(work: Work, text: str, *, limit: int = 20) -> list[Hit]:
    """Customers that fit, at most `limit`: digits (with or without +, spaces, dashes) are the beginning of a number, an IMSI or
    an ICCID, anything else of a name, family or given name first. Who may not read the inventory finds names alone.
    """
    count = max(1, min(limit, HITS_MAX))
    bare = text.strip().removeprefix("+").translate(str.maketrans("", "", " -/().")).removeprefix("00")
    if bare.isascii() and bare.isdigit():
        return _by_digits(work, bare, count) if work.caller.may("inventory:read") else []
    found = find_customers_by_name(work, text, limit=count)
    return [Hit(row.id, row.name or "", row.status, "", "", "", "") for row in found]


def _by_digits(work: Work, digits: str, limit: int) -> list[Hit]:
    products = products_by_digits(work, digits, limit=limit)
    customers = {row.id: row for row in customers_by_id(work, sorted({row.customer_id for row in products}))}
    return [
        Hit(
            row.customer_id,
            customers[row.customer_id].name or "",
            customers[row.customer_id].status,
            row.id,
            row.number or "",
            row.imsi or "",
            row.status,
        )
        for row in products
    ]

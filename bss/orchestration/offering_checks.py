"""May a customer add offerings beside what they have? Asked as an order is placed, and anew as one that waited falls due.

They have what their products are of that have not ended, and what their orders add that begin no later: those that have begun,
and by their dates those that wait. Of two orders placed at once the second sees the first: on SQLite writers follow each other,
on PostgreSQL both have read the rows that the other one writes, so one of them is run again (bss/edge/database.py).
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from bss.catalog.faults import FieldFault
from bss.catalog.orderable import Holding, order_faults
from bss.catalog.release import CatalogRelease
from bss.crm.queries import party
from bss.crm.records import Customer, Individual
from bss.inventory.queries import offerings_of_customer
from bss.orders.queries import adds_under_way
from bss.orders.records import OrderedAdd
from bss.work import Work
from vocabulary.instants import NS_PER_S, to_rfc3339

_NS_PER_DAY: Final = 86_400 * NS_PER_S


class Turn(NamedTuple):
    """When an order adds what it adds. `order_id` is empty of one that is asked for: of one date it is the last."""

    starts_ns: int
    order_id: str = ""


def adding_faults(
    work: Work, release: CatalogRelease, buyer: Customer, added: Sequence[str], *, turn: Turn, channel: str
) -> list[FieldFault]:
    """Why the customer may not add these offerings together; nothing where they may. Each names its offering as `id`."""
    facts = {
        "customer.kind": "individual" if isinstance(party(work, buyer.party_id), Individual) else "organisation",
        "customer.status": buyer.status,
        "customer.segment": buyer.segment or "",
        "customer.age_days": max(work.now_ns - buyer.from_ns, 0) // _NS_PER_DAY,
        "channel": channel,
        "now": work.now_ns,
    }
    return order_faults(release, added, facts=facts, has=_had(work, buyer.id, turn), at_ns=turn.starts_ns)


def _had(work: Work, customer_id: str, turn: Turn) -> dict[str, Holding]:
    """What the customer has by then, by offering."""
    ordered = {each.offering_id: each for each in _before(adds_under_way(work, customer_id=customer_id), turn)}
    held = {
        offering_id: Holding(f"product {product_id}", "Keep one of the two; products are ended by an order")
        for offering_id, product_id in offerings_of_customer(work, customer_id).items()
    }
    return {offering_id: _ordered(add) for offering_id, add in ordered.items()} | held


def _before(adds: Sequence[OrderedAdd], turn: Turn) -> Iterator[OrderedAdd]:
    for add in adds:
        waits_ns, own = add.waits_until_ns, add.order_id == turn.order_id
        is_first = not turn.order_id or add.order_id < turn.order_id
        if not own and (waits_ns is None or waits_ns < turn.starts_ns or (waits_ns == turn.starts_ns and is_first)):
            yield add


def _ordered(add: OrderedAdd) -> Holding:
    since = "" if add.waits_until_ns is None else f" from {to_rfc3339(add.waits_until_ns)} on"
    way = f"farebox order cancel {add.order_id}, or its state over TMF622"
    return Holding(f"order {add.order_id}{since}", f"Keep one of the two; that order is cancelled by {way}")

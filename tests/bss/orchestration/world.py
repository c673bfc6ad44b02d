"""A small operator: a catalogue in force, a customer who pays, numbers and SIMs, an engine and a network in memory."""

from collections.abc import Callable
from functools import cache
from itertools import count
from typing import Any

from msgspec.structs import replace

from bss.access import Caller
from bss.api.apis import api_of
from bss.catalog.documents import read_sources
from bss.catalog.publication import confirm_release, import_release, prepare_release
from bss.catalog.queries import import_diff
from bss.catalog.release import CatalogRelease, engine_part
from bss.crm.customer_operations import add_billing_account, add_customer
from bss.crm.operations import add_individual
from bss.deliveries import spread, unspread_events
from bss.edge.database import Database
from bss.engine_in_memory import MemoryEngine
from bss.inventory.operations import add_number, add_sim
from bss.network_in_memory import MemoryNetwork
from bss.orchestration.event_rules import KNOWN_FOR_NS, EventRules
from bss.orchestration.order_placing import AskedItem, place_order
from bss.orchestration.ports import Ports
from bss.orchestration.run import RESOURCE_ID
from bss.orchestration.worker_tables import STARTED_BY, asking_handlers, due_handlers, read_release, workflows
from bss.orders.queries import show
from bss.orders.records import Action, Order, OrderView
from catalog_loader.check import Source
from tests.bss.orchestration.plain_run import PlainRun

CATALOGUE = b"""
release: {number: 1, name: Test, currency: EUR, time_zone: Europe/Berlin, effective: 2025-01-01}
allowances:
  - {id: data-1gib, amount: 1 GiB, valid_for: 30 d, priority: 10}
prices:
  - id: data
    name: Data
    service: {context: [data, data_5g], rating_group: [10, absent]}
    allowances: [data-1gib]
    price: 0.02 EUR
    block: 1 MiB
offers:
  - {id: dear, name: Dear, grants: {money: 12.00 EUR}, prices: [data]}
  - {id: monthly, name: Monthly, grants: {money: 12.00 EUR, allowances: [data-1gib]}, prices: [data]}
specifications:
  - id: mobile-line
    name: Mobile line
    characteristics: [{name: sim_type, values: [card, esim], default: card}]
    services: [{id: mobile-access, name: Mobile access, resources: [msisdn, sim]}]
  - {id: insurance, name: Insurance, services: [{id: cover}]}
offering_prices:
  - id: monthly-fee
    name: Monthly
    price_type: recurring
    amount: 5 EUR
    recurring_charge_period_length: 1
    recurring_charge_period_type: month
  - id: dear-fee
    name: Dear
    price_type: recurring
    amount: 50 EUR
    recurring_charge_period_length: 1
    recurring_charge_period_type: month
offerings:
  - {id: dear, name: Dear, product_specification_id: mobile-line, offer: dear, price_ids: [dear-fee]}
  - {id: monthly, name: Monthly, product_specification_id: mobile-line, offer: monthly, price_ids: [monthly-fee]}
  - {id: insurance, name: Insurance, product_specification_id: insurance}
"""


@cache
def catalogue() -> CatalogRelease:
    read = read_sources([Source("test.yaml", CATALOGUE)])
    assert read.release is not None, [str(fault) for fault in read.faults]
    return read.release


def with_check_digit(digits: str) -> str:
    """The digits with the one that Luhn's formula puts behind them."""
    doubled = [int(digit) * (2 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits))]
    return f"{digits}{-sum(value - 9 if value > 9 else value for value in doubled) % 10}"


def seed(database: Database, caller: Caller, *, lines: int) -> tuple[str, str]:
    """Publish the catalogue, fill the pools, add a customer; (customer id, billing account id)."""

    def publish(work: Any) -> None:
        shown = import_diff(work, release=catalogue())
        import_release(work, release=catalogue(), shown_against=shown.shown_against)
        confirm_release(work, release_id=prepare_release(work, in_use={}).id)
        for number in range(lines):
            add_number(work, number=f"4860010{number:04d}")
            add_sim(work, iccid=with_check_digit(f"894803{number:012d}"), imsi=f"26003{number:010d}")

    def join(work: Any) -> tuple[str, str]:
        person = add_individual(work, given_name="Ann", family_name="Nowak")
        customer = add_customer(work, party_id=person.id, name="Ann Nowak")
        account = add_billing_account(work, customer_id=customer.id, name="Ann's bills", currency="EUR")
        return customer.id, account.id

    database.write(caller, publish)
    return database.write(caller, join)


class World:
    """See the module. Workflows run where they are asked to, in this process."""

    def __init__(self, database: Database, caller: Caller, *, lines: int = 3) -> None:
        self.database, self.caller = database, caller
        self.engine, self.network = MemoryEngine(database.now_ns), MemoryNetwork()
        self.ports = Ports(self.engine, self.network, read_release)
        self.flows = workflows(self.ports)
        self.rules = EventRules(database, wall_ns=count(1, KNOWN_FOR_NS).__next__)
        self.customer_id, self.billing_account_id = seed(database, caller, lines=lines)
        own = replace(catalogue(), engine=replace(catalogue().engine, tenant=caller.tenant))
        self.engine.publish_release(engine_part(own), now_ns=database.now_ns())

    def do(self, operation: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        return self.database.write(self.caller, lambda work: operation(work, *arguments, **named))

    def place(self, item: AskedItem | None = None, **options: Any) -> Order:
        items = [item or AskedItem(action=Action.ADD, offering_id="monthly")]
        order: Order = self.do(place_order, customer_id=self.customer_id, items=items, **options)
        return order

    def run(self, order_id: str) -> OrderView:
        """Run the order's workflow; the order then."""
        self.flows["order"](PlainRun(self.database), {RESOURCE_ID: order_id})
        return self.view(order_id)

    def ordered(self, action: str = Action.ADD, product_id: str = "") -> OrderView:
        """An order that is placed and run."""
        offering_id = "monthly" if action == Action.ADD else ""
        return self.run(self.place(AskedItem(action=action, offering_id=offering_id, product_id=product_id)).id)

    def view(self, order_id: str) -> OrderView:
        view: OrderView = self.do(show, order_id=order_id)
        return view

    def relay(self) -> int:
        """Do with new events what a worker does, until there are none; how many there were."""
        told = 0
        while events := self.database.across_tenants(lambda connection: unspread_events(connection, 200)):
            for event in events:
                self.rules(event)
                if event.kind in STARTED_BY:
                    ids = {**event.ids, RESOURCE_ID: event.resource_id}
                    self.flows[STARTED_BY[event.kind]](PlainRun(self.database, workflow_id=event.id), ids)
            self.database.across_tenants(
                lambda connection, events=events: spread(  # type: ignore[misc]
                    connection, events, now_ns=self.database.now_ns(), api_of=api_of
                )
            )
            told += len(events)
        return told

    def renew(self, product_id: str, from_ns: int) -> None:
        self.flows["renewal"](PlainRun(self.database), {RESOURCE_ID: product_id, "from_ns": str(from_ns)})

    def run_due(self) -> int:
        """Do what is due now, as a worker does."""
        from bss.edge.due_rows import DueRows

        return DueRows(self.database, due_handlers(), asking_handlers(self.ports), holder="test").run_due()

"""Workers that die at each kill point, one after the other. Each next one takes over, and dies at its own; the last one ends
what is left. Then every order is completed or undone, and inventory, engine and network agree.
"""

import multiprocessing
import time
from collections.abc import Iterator
from functools import partial
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from balances.commands import AccountStatus, Change
from bss.access import Caller
from bss.automation.operations import publish_rules
from bss.automation.queries import list_runs
from bss.due import schedule, unschedule
from bss.edge.database import Database
from bss.edge.wake import Waker
from bss.inventory.queries import product
from bss.orchestration.inventory_steps import RENEWAL_DUE
from bss.orchestration.order_placing import AskedItem, place_order
from bss.orchestration.order_steps import order_steps
from bss.orchestration.ports import Ports
from bss.orchestration.worker_tables import read_release
from bss.orders.batches import batches, go_on, open_batch
from bss.orders.operations import cancel
from bss.orders.queries import list_orders, show
from bss.orders.records import Action, Order
from bss.outbox import OUTBOX
from bss.views.assurance import find_differences
from runtime.kill_points import KILL_POINTS, KILLED_LINE, STEPS_INSIDE, STEPS_OUTSIDE
from tests.bss.orchestration.worker_child import Outside, work
from tests.bss.orchestration.world import seed
from vocabulary.units import Unit

POINTS = [point.name for point in KILL_POINTS if point.name.startswith(("order.", "renewal.", "batch.", "automation."))]
"""The relay's are passed in tests/bss/edge/test_killed_relay.py."""
UNTIL_S = 120.0
LINES = 80
UNDO_KINDS = ("free_resources", "undo_account", "deprovision_network")
"""Steps that a cancelled order takes, whose product comes to nothing."""
MOVE_UNDO_KINDS = ("undo_move", "return_account")
"""Steps that a cancelled order takes, whose product stays as it is."""
ACTION_OF = {
    "bar_account": Action.SUSPEND,
    "suspend_network": Action.SUSPEND,
    "suspend_product": Action.SUSPEND,
    "resume_network": Action.RESUME,
    "unbar_account": Action.RESUME,
    "resume_product": Action.RESUME,
    "close_account": Action.TERMINATE,
    "retire_product": Action.TERMINATE,
    "begin_move": Action.MIGRATE,
    "move_account": Action.MIGRATE,
    "move_product": Action.MIGRATE,
}
"""What is ordered to reach a step; all others are reached by an add."""


def test_kill_points_are_the_steps() -> None:
    ports = Ports(None, None, read_release)  # type: ignore[arg-type]
    assert sorted(order_steps(ports)) == sorted((*STEPS_INSIDE, *STEPS_OUTSIDE))


HAPPENED = "TestHappenedEvent"
RULES = f"""rules:
  - name: gift
    on: {HAPPENED}
    do: top_up
    with: {{product: "{{event.resource_id}}", amount: 1.00 EUR}}
"""
"""Its run has a step that writes, and one that asks and then notes."""
PASSAGES = [*((point, 1) for point in POINTS), ("automation.step.before", 2), ("automation.step.after", 2)]
"""Each point, and those of a run at each of its steps."""


class Yard:
    """Workers, and what they work on."""

    def __init__(self, url: sa.URL, folder: Path, caller: Caller, outside: Any) -> None:
        self.url, self.folder, self.caller, self.outside = url, folder, caller, outside.address
        self.database = Database(url, now_ns=time.time_ns, on_events=Waker(folder).wake)
        self.context = multiprocessing.get_context("forkserver")
        self.customer_id, _ = seed(self.database, caller, lines=LINES)
        self.started: list[BaseProcess] = []
        self.batch_count = 0
        self.engine, self.network = outside.engine(), outside.network()

    def do(self, operation: Any, *arguments: Any, **named: Any) -> Any:
        return self.database.write(self.caller, lambda work: operation(work, *arguments, **named))

    def worker(self, kill_at: str = "") -> BaseProcess:
        name = f"w{len(self.started)}"
        process = self.context.Process(
            target=work, args=(self.url, self.folder, name, self.outside, kill_at), name=name
        )
        process.start()
        self.started.append(process)
        return process

    def log(self, process: BaseProcess) -> str:
        return (self.folder / f"{process.name}.log").read_text()

    def place(self, action: str, product_id: str = "", *, offering_id: str = "monthly") -> Order:
        if action != Action.ADD:
            offering_id = "dear" if action == Action.MIGRATE else ""
        item = AskedItem(action=action, offering_id=offering_id, product_id=product_id)
        order: Order = self.do(place_order, customer_id=self.customer_id, items=[item])
        return order

    def states(self) -> list[str]:
        return [order.state for order in self.do(list_orders, limit=1000)]

    def product_ids(self, status: str) -> list[str]:
        """Of completed adds."""
        orders = self.do(list_orders, state="completed", limit=1000)
        items = [item for order in orders for item in self.do(show, order_id=order.id).items]
        ids = dict.fromkeys(item.product_id for item in items)
        return [each for each in ids if self.do(product, each).status == status]

    def money(self, product_id: str) -> int:
        account = self.engine.read_account(1, self.do(product, product_id).engine_account_id)
        return sum(bucket.remaining for bucket in account.buckets if bucket.unit == Unit.MONEY)

    def wait(self, what: Any, words: str) -> None:
        ends = time.monotonic() + UNTIL_S
        while not what():
            if time.monotonic() > ends:
                logs = "\n".join(f"--- {each.name}\n{self.log(each)[-3000:]}" for each in self.started[-3:])
                pytest.fail(f"{words}: not within {UNTIL_S} s\n{self.states()}\n{logs}")
            for process in self.started:
                process.join(0.02 if process is self.started[-1] else 0)

    def settle(self) -> None:
        """A worker that isn't armed does all there is to do."""
        process = self.worker()
        self.wait(self.is_quiet, "all orders end")
        process.terminate()
        process.join(UNTIL_S)
        assert process.exitcode == 0, self.log(process)

    def held_with(self, compensation: str) -> str:
        """An order that is held, one of whose steps is undone by this one."""
        for order in self.do(list_orders, state="held", limit=1000):
            steps = self.do(show, order_id=order.id).steps
            undone = [step for step in steps if step.compensation == compensation and step.attempts]
            if undone and (compensation in UNDO_KINDS or undone[0].state == "failed"):
                return str(order.id)
        raise AssertionError(f"no order is held that {compensation} would undo")

    def close_account(self, product_id: str) -> None:
        """So that the engine refuses to move it."""
        account_id = self.do(product, product_id).engine_account_id
        self.engine.send(Change(f"close-{product_id}", 1, account_id, status=AccountStatus.CLOSED))

    def open_batch(self) -> None:
        """What was moved is moved back, a product at least."""
        self.batch_count += 1
        self.do(open_batch, release=self.batch_count, source="dear", target="monthly", total_count=0, from_ns=0)

    def happen(self, product_id: str) -> None:
        """An event that fires the rule."""
        self.database.write(self.caller, lambda work: work.event(HAPPENED, resource="product", resource_id=product_id))

    def is_quiet(self) -> bool:
        if not set(self.states()) <= {"completed", "cancelled", "held"} or self.do(list_runs, state="running"):
            return False
        waiting = self.database.read(
            self.caller, lambda work: work.count(sa.select(OUTBOX.c.id).where(OUTBOX.c.relayed_ns.is_(None)))
        )
        return waiting == 0

    def close(self) -> None:
        for process in self.started:
            if process.is_alive():
                process.kill()
            process.join(UNTIL_S)
        self.database.close()


@pytest.fixture
def yard(database_at: sa.URL, tmp_path: Path, anyone: Caller) -> Iterator[Yard]:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.bss.orchestration.worker_child"])  # so that a worker needn't import
    outside = Outside(address=None, authkey=b"test", ctx=context)
    outside.start()
    yard = Yard(database_at, tmp_path, anyone, outside)
    yield yard
    yard.close()
    outside.shutdown()


def prepare(yard: Yard) -> tuple[list[str], list[str], list[str]]:
    """Products to change: active ones, suspended ones, and ones whose move a person holds."""
    for _ in range(sum(1 for point in POINTS if kind_of(point) in (*ACTION_OF, *MOVE_UNDO_KINDS)) + 3):
        yard.place(Action.ADD)
    for point in POINTS:
        if kind_of(point) in UNDO_KINDS:
            yard.place(Action.ADD, offering_id="dear")  # what it gives doesn't pay its fee
    yard.settle()
    assert set(yard.states()) == {"completed", "held"}
    active = yard.product_ids("active")
    resumed = [active.pop() for point in POINTS if action_of(point) == Action.RESUME]
    for product_id in resumed:
        yard.place(Action.SUSPEND, product_id)
    undone = [kind_of(point) for point in POINTS if kind_of(point) in MOVE_UNDO_KINDS]
    stuck = [active.pop() for _ in undone]
    for product_id, kind in zip(stuck, undone, strict=True):
        if kind == "undo_move":
            yard.do(unschedule, RENEWAL_DUE, resource_id=product_id)
        else:
            yard.close_account(product_id)
        yard.place(Action.MIGRATE, product_id)
    yard.settle()
    return active, resumed, stuck


def kind_of(point: str) -> str:
    return point.split(".")[1]


def action_of(point: str) -> str:
    return ACTION_OF.get(kind_of(point), Action.ADD)


@pytest.mark.timeout(560)
@pytest.mark.parametrize(
    "database_at", ["sqlite", pytest.param("postgresql", marks=pytest.mark.acceptance)], indirect=True
)
def test_who_dies_anywhere_is_taken_over(yard: Yard) -> None:
    active, suspended, stuck = prepare(yard)
    hits: dict[str, int] = {}
    renewed: set[str] = set()
    gift_count = 0
    given = active[0]
    yard.do(publish_rules, text=RULES)
    for point, times in PASSAGES:
        if point.startswith("renewal."):
            renewed.add(active[-1])
            yard.do(schedule, RENEWAL_DUE, resource_id=active.pop(), at_ns=time.time_ns())
        elif kind_of(point) in (*UNDO_KINDS, *MOVE_UNDO_KINDS):
            yard.do(cancel, order_id=yard.held_with(kind_of(point)))
        elif point.startswith("batch."):
            yard.open_batch()
        elif point.startswith("automation."):
            gift_count += 1
            yard.happen(given)
        else:
            action = action_of(point)
            has = "" if action == Action.ADD else (suspended if action == Action.RESUME else active).pop()
            yard.place(action, has)
        process = yard.worker(f"{point}:{times}")
        process.join(UNTIL_S)
        hits[f"{point}:{times}"] = yard.log(process).count(f"{KILLED_LINE} {point}\n")
    report = "\n".join(f"{point:40} {count}" for point, count in hits.items())
    (yard.folder / "kill_points.txt").write_text(report)
    assert [point for point, count in hits.items() if count != 1] == [], report
    yard.settle()
    for product_id in stuck:
        yard.place(Action.TERMINATE, product_id)
    for each in yard.do(batches):
        yard.do(go_on, batch_id=each.batch.id)  # what another order changed meanwhile: a minute later by itself
    yard.settle()
    assert set(yard.states()) == {"completed", "cancelled"}
    assert {each.batch.state for each in yard.do(batches)} == {"done"}
    read = partial(yard.database.read, yard.caller)
    assert list(find_differences(read, yard.engine, yard.network, tenant="default")) == []
    runs = yard.do(list_runs, limit=1000)
    assert [run.state for run in runs] == ["done"] * gift_count, "each event has one run"
    for product_id in yard.product_ids("active"):
        money = yard.money(product_id) - (gift_count * 1_000_000 if product_id == given else 0)
        assert money == (7_000_000 if product_id not in renewed else 2_000_000)

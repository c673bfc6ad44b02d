"""Workers that die at kill points under traffic that passes all of them, and what must hold once the last one is done.

Traffic are orders of every kind, cancelled ones, a renewal, a batch of a migration, and events that a rule hears. A worker dies
at whichever point it reaches first of those that are left; the next one goes on with what it had under way.
"""

import itertools
import math
import multiprocessing
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from balances.commands import AccountStatus, Change
from bss.access import Caller
from bss.api.apis import api_of
from bss.automation.operations import publish_rules
from bss.automation.queries import list_runs
from bss.automation.records import RunState
from bss.deliveries import DELIVERY, WAITING
from bss.due import DUE, schedule
from bss.edge.database import Database
from bss.edge.wake import Waker
from bss.inventory.queries import product
from bss.inventory.renewals import RENEWAL_DUE
from bss.inventory.tables import PRODUCT
from bss.orchestration.order_placing import AskedItem, place_order
from bss.orchestration.order_steps import ORDER
from bss.orchestration.ports import Ports
from bss.orchestration.run import RESOURCE_ID
from bss.orchestration.worker_tables import read_release, workflows
from bss.orders.batches import DONE, RUNNING, batches, go_on, open_batch
from bss.orders.operations import cancel
from bss.orders.queries import list_orders
from bss.orders.records import Action, Order
from bss.orders.tables import ORDER_BATCH, PRODUCT_ORDER
from bss.outbox import OUTBOX
from bss.views.assurance import find_differences
from bss.work import Work
from runtime.kill_points import KILLED_LINE
from tests.bss.edge.relaying import API, deliveries, hub
from tests.bss.edge.webhook_target import WebhookTarget
from tests.bss.orchestration.plain_run import PlainRun
from tests.bss.orchestration.worker_child import LOST, Outside, Told, work
from tests.bss.orchestration.world import seed
from vocabulary.units import Unit

UNTIL_S = 90.0
LEASE_S = 0.3
"""Short where one worker is alive at a time: a renewal that comes late counts while nobody else took the slot."""
BESIDE_LEASE_S = 4.0
"""A worker that waits for a processor so long loses its slot to the other one, and ends."""
LOOK_S = 0.1
TRAFFIC = (
    *(Action.ADD, Action.ADD, Action.SUSPEND, "cancel", Action.RESUME, Action.ADD, "renew", Action.TERMINATE),
    *(Action.ADD, Action.MIGRATE, "batch", "gift", Action.ADD, "call off"),
)
"""Each kind passes points of its own; what is bought is changed later."""
HAPPENED = "TestHappenedEvent"
RULES = f"""rules:
  - name: gift
    on: {HAPPENED}
    do: top_up
    with: {{product: "{{event.resource_id}}", amount: 1.00 EUR}}
"""
"""Its run has a step that writes, and one that asks and then notes."""
GIFT_MICROS = 1_000_000
GIFTS_MAX = 10
"""Of a product; a rule that runs more often about it within an hour is stopped."""
ROUNDS_MAX = 40
"""Of traffic, before a worker has to have died."""
BOUGHT_MICROS, RENEWED_MICROS = 7_000_000, 2_000_000
"""Money of an account whose product was bought, and renewed once."""


class Beside:
    """A worker that isn't armed, of a yard whose others die; where it lost its slot there is a next one."""

    def __init__(self, yard: "Yard") -> None:
        self._yard = yard
        self._processes: list[BaseProcess] = []
        self.keep()

    def keep(self) -> None:
        """Have one that lives."""
        if self._processes and self._processes[-1].is_alive():
            return
        assert all(process.exitcode == LOST for process in self._processes), self.text()[-3000:]
        told = Told(f"beside-{len(self._yard.started)}", lease_s=BESIDE_LEASE_S)
        self._processes.append(self._yard.worker(told))

    def text(self) -> str:
        """All that it said."""
        return "\n".join(map(self._yard.log, self._processes))

    def end(self) -> None:
        """Once it has done what it has under way."""
        self.keep()
        self._yard.end(self._processes[-1])


class Yard:
    """Workers, and what they work on."""

    def __init__(self, url: sa.URL, folder: Path, caller: Caller, outside: Outside, *, lines: int) -> None:
        self.url, self.folder, self.caller, self.outside = url, folder, caller, outside.address
        self.waker = Waker(folder)
        self.database = Database(url, now_ns=time.time_ns, on_events=self.waker.wake)
        self.context = multiprocessing.get_context("forkserver")
        self.customer_id, _ = seed(self.database, caller, lines=lines)
        self.started: list[tuple[BaseProcess, Path]] = []
        self.engine, self.network = outside.engine(), outside.network()  # type: ignore[attr-defined]
        self._traffic = itertools.cycle(TRAFFIC)
        self.taken: set[str] = set()
        """products that are being changed, or were"""
        self.renewed: set[str] = set()
        self.gifts: Counter[str] = Counter()
        """how often the rule's event was about a product"""
        self.stuck: dict[str, str] = {}
        """by order: products whose move the engine refuses, since their account is closed"""
        self._batch_count = 0

    # --- what is worked on ----------------------------------------------------------------------------------------------

    def do(self, operation: Any, *arguments: Any, **named: Any) -> Any:
        return self.database.write(self.caller, lambda work: operation(work, *arguments, **named))

    def place(self, action: str, product_id: str = "", *, offering_id: str = "monthly") -> Order:
        if action != Action.ADD:
            offering_id = "dear" if action == Action.MIGRATE else ""
        item = AskedItem(action=action, offering_id=offering_id, product_id=product_id)
        order: Order = self.do(place_order, customer_id=self.customer_id, items=[item])
        return order

    def prepare(self, *, active: int, suspended: int, held: int) -> None:
        """Rules, products, held orders and held moves to begin with; no worker is alive yet."""
        self.do(publish_rules, text=RULES)
        run = workflows(Ports(self.engine, self.network, read_release))[ORDER]
        for number in range(active + suspended + held):
            offering_id = "dear" if number < held else "monthly"  # what that gives doesn't pay its fee
            run(PlainRun(self.database), {RESOURCE_ID: self.place(Action.ADD, offering_id=offering_id).id})
        for product_id in self.product_ids("active")[:suspended]:
            run(PlainRun(self.database), {RESOURCE_ID: self.place(Action.SUSPEND, product_id).id})
        for product_id in itertools.chain.from_iterable(self._take("active") for _ in range(held)):
            run(PlainRun(self.database), {RESOURCE_ID: self.place_stuck(product_id)})

    def begin_traffic(self, kind: str) -> None:
        """What passes some of the points; nothing where there is nothing left to do it to."""
        if kind == "renew":
            for product_id in self._take("active"):
                self.renew(product_id)
        elif kind == "cancel":
            self.cancel_one(is_stuck=False)
            self.place(Action.ADD, offering_id="dear")
        elif kind == "call off":
            self.cancel_one(is_stuck=True)
            for product_id in self._take("active"):
                self.place_stuck(product_id)
        elif kind == "batch":
            self._batch_count += 1  # what was moved is moved back
            self.do(open_batch, release=self._batch_count, source="dear", target="monthly", total_count=0, from_ns=0)
        elif kind == "gift":
            self.give()
        elif kind == Action.ADD:
            self.place(Action.ADD)
        else:
            for product_id in self._take("suspended" if kind == Action.RESUME else "active"):
                self.place(kind, product_id)

    def renew(self, product_id: str) -> None:
        """A period begins now."""
        self.renewed.add(product_id)
        self.do(schedule, RENEWAL_DUE, resource_id=product_id, at_ns=time.time_ns())

    def give(self) -> None:
        """An event that fires the rule."""
        given = [each for each, count in self.gifts.items() if count < GIFTS_MAX] or self._take("active")
        for product_id in given[:1]:
            self.gifts[product_id] += 1
            self.do(Work.event, HAPPENED, resource="product", resource_id=product_id)

    def place_stuck(self, product_id: str) -> str:
        """A move that the engine refuses; the order."""
        account_id = self.do(product, product_id).engine_account_id
        self.engine.send(Change(f"close-{product_id}", 1, account_id, status=AccountStatus.CLOSED))
        order_id = self.place(Action.MIGRATE, product_id).id
        self.stuck[order_id] = product_id
        return order_id

    def cancel_one(self, *, is_stuck: bool) -> None:
        """An order that people hold: of a move that can't be, or of something else."""
        held = [order.id for order in self.do(list_orders, state="held", limit=1000)]
        for order_id in [each for each in held if (each in self.stuck) == is_stuck][:1]:
            self.do(cancel, order_id=order_id)

    def _take(self, status: str) -> Sequence[str]:
        free = [each for each in self.product_ids(status) if f"{status} {each}" not in self.taken]
        self.taken.update(f"{status} {each}" for each in free[:1])
        return free[:1]

    def product_ids(self, status: str) -> list[str]:
        statement = sa.select(PRODUCT.c.id).where(PRODUCT.c.status == status).order_by(PRODUCT.c.id)
        return [row["id"] for row in self.do(lambda work: work.rows(statement))]

    def states(self) -> Counter[str]:
        rows = self.do(lambda work: work.rows(sa.select(PRODUCT_ORDER.c.state)))
        return Counter(row["state"] for row in rows)

    # --- workers --------------------------------------------------------------------------------------------------------

    def worker(self, told: Told) -> BaseProcess:
        log = self.folder / f"{len(self.started)}-{told.name}.log"
        process = self.context.Process(target=work, args=(self.url, self.folder, log, self.outside, told))
        process.start()
        self.started.append((process, log))
        return process

    def log(self, process: BaseProcess) -> str:
        (path,) = [path for each, path in self.started if each is process]
        return path.read_text() if path.exists() else ""

    def killed_at(self, process: BaseProcess) -> str:
        """The point at which it ended; '' where its slot was another's by then, as may be on a busy machine."""
        lines = [line for line in self.log(process).splitlines() if line.startswith(KILLED_LINE)]
        assert lines or process.exitcode == LOST, f"it ended with {process.exitcode}: {self.log(process)[-3000:]}"
        return lines[-1].removeprefix(KILLED_LINE).strip() if lines else ""

    def die_at(
        self,
        points: Iterable[str],
        *,
        at_once: int,
        lives: int,
        beside: "Beside | None" = None,
        patience_s: float = UNTIL_S,
        kinds: Sequence[str] = (),
    ) -> Counter[str]:
        """Have workers die at each of the points once. Each of a name takes up what its last life left, each of another name
        takes over from it; so does a worker that lives beside them.

        points      `name:2` is its second passage
        at_once     kinds of traffic that begin together, once the last ones are done, or in any case after `patience_s`
        lives       of a name
        kinds       of traffic that pass the points; all of them where none is named
        """
        left, hits = list(points), Counter[str]()
        traffic = itertools.cycle(kinds) if kinds else self._traffic
        while left:
            if beside is not None:
                beside.keep()
            name = f"w{len(self.started) // lives}"
            process = self.worker(Told(name, left, LEASE_S if beside is None else BESIDE_LEASE_S))
            self._until_dead(process, left, lambda: itertools.islice(traffic, at_once), patience_s)
            self.let_leases_lapse(name)
            point = self.killed_at(process)
            if point:
                (armed,) = [each for each in left if each.partition(":")[0] == point]
                hits[armed] += 1
                left.remove(armed)
        return hits

    def _until_dead(
        self, process: BaseProcess, left: list[str], following: Callable[[], Iterable[str]], patience_s: float
    ) -> None:
        for _ in range(ROUNDS_MAX):
            goes_on = time.monotonic() + patience_s if patience_s < UNTIL_S else math.inf
            self.wait(
                lambda goes_on=goes_on: not process.is_alive() or self.is_quiet() or time.monotonic() > goes_on,
                "the traffic ends",
                process,
            )
            process.join(LOOK_S)
            if not process.is_alive():
                return
            for kind in following():
                self.begin_traffic(kind)
        pytest.fail(f"nothing reaches {', '.join(left)}\n{self.log(process)[-3000:]}")

    def settle(self, name: str = "last") -> None:
        """A worker that isn't armed does all there is to do; what people hold they cancel, and end what can't be moved."""
        process = self.worker(Told(name))
        self.wait(self.is_quiet, "all orders end")
        for order in self.do(list_orders, state="held", limit=1000):
            self.do(cancel, order_id=order.id)
        self.wait(self.is_quiet, "cancelled orders end")
        for product_id in set(self.stuck.values()).intersection(self.product_ids("active")):
            self.place(Action.TERMINATE, product_id)
        for each in self.do(batches, limit=1000):
            if each.batch.state == RUNNING:  # what another order changed meanwhile: a minute later by itself
                self.do(go_on, batch_id=each.batch.id)
                self.wait(self.is_quiet, "batches end")
        self.wait(self.is_quiet, "products end")
        self.end(process)

    def end(self, process: BaseProcess) -> None:
        process.terminate()
        process.join(UNTIL_S)
        assert process.exitcode == 0, self.log(process)

    def let_leases_lapse(self, holder: str) -> None:
        """As if the time of a dead one's had passed: of messages, and of what is due."""

        def write(connection: sa.Connection) -> None:
            messages = sa.update(DELIVERY).where(DELIVERY.c.leased_until_ns > 0, DELIVERY.c.leased_by == holder)
            connection.execute(messages.values(leased_until_ns=1))
            connection.execute(sa.update(DUE).where(DUE.c.holder == holder).values(not_before_ns=DUE.c.at_ns))

        self.database.across_tenants(write)

    def wait(self, what: Any, words: str, process: BaseProcess | None = None) -> None:
        """Look again and again; at once when the process ends."""
        ends = time.monotonic() + UNTIL_S
        while not what():
            if time.monotonic() > ends:
                logs = "\n".join(f"--- {path.name}\n{self.log(each)[-3000:]}" for each, path in self.started[-3:])
                pytest.fail(f"{words}: not within {UNTIL_S} s\n{self.states()}\n{logs}")
            (process or self.started[-1][0]).join(LOOK_S)

    def is_quiet(self) -> bool:
        if not set(self.states()) <= {"completed", "cancelled", "held"} or self.do(list_runs, state=RunState.RUNNING):
            return False
        due = sa.select(DUE.c.id).where(DUE.c.kind == RENEWAL_DUE, DUE.c.at_ns > time.time_ns())
        due = due.where(DUE.c.resource_id.in_(self.renewed))
        waiting = sa.select(OUTBOX.c.id).where(OUTBOX.c.relayed_ns.is_(None))
        unsent = sa.select(DELIVERY.c.sequence).where(DELIVERY.c.state == WAITING)
        looking = sa.select(ORDER_BATCH.c.id).where(ORDER_BATCH.c.state == RUNNING, ORDER_BATCH.c.left_count == 0)
        counts = self.do(lambda work: [work.count(each) for each in (due, waiting, unsent, looking)])
        return counts == [len(self.renewed), 0, 0, 0]

    # --- what must hold ---------------------------------------------------------------------------------------------------

    def check(self) -> None:
        """Every order is completed or undone, everybody agrees, each event ran its rule once, and every fee was taken once."""
        assert set(self.states()) <= {"completed", "cancelled"}, self.states()
        read = partial(self.database.read, self.caller)
        assert list(find_differences(read, self.engine, self.network, tenant="default")) == []
        assert {each.batch.state for each in self.do(batches, limit=1000)} <= {DONE}
        runs = Counter((run.resource_id, run.state) for run in self.do(list_runs, limit=1000))
        assert runs == {(product_id, RunState.DONE): count for product_id, count in self.gifts.items()}
        money = {product_id: self.money(product_id) for product_id in self.product_ids("active")}
        assert money == {
            each: (RENEWED_MICROS if each in self.renewed else BOUGHT_MICROS) + self.gifts[each] * GIFT_MICROS
            for each in money
        }

    def money(self, product_id: str) -> int:
        statement = sa.select(PRODUCT.c.engine_account_id).where(PRODUCT.c.id == product_id)
        account = self.engine.read_account(1, self.do(lambda work: work.row(statement))["engine_account_id"])
        return sum(bucket.remaining for bucket in account.buckets if bucket.unit == Unit.MONEY)

    def check_webhooks(self, target: WebhookTarget) -> dict[str, int]:
        """Each event of the hub's API was delivered; what came again came under its id and said the same."""
        rows = self.do(lambda work: work.rows(sa.select(OUTBOX.c.id, OUTBOX.c.resource)))
        events = {row["id"] for row in rows if api_of(row["resource"]) == API}
        assert {row["state"] for row in deliveries(self.database, self.caller)} == {"delivered"}
        bodies: dict[str, set[bytes]] = {}
        count = target.got.qsize()
        for _ in range(count):
            message = target.next()
            bodies.setdefault(message.id, set()).add(message.octets)
        assert set(bodies) == events
        assert {len(each) for each in bodies.values()} == {1}
        return {"events": len(events), "messages": count}

    def listen(self, target: WebhookTarget) -> None:
        hub(self.database, self.caller, target.url())

    def close(self) -> None:
        for process, _ in self.started:
            if process.is_alive():
                process.kill()
            process.join(UNTIL_S)
        self.waker.close()
        self.database.close()

"""One run of `farebox bench business` from an empty folder to a result: start, seed, load, compare, stop."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from bench.business_beside import in_turns
from bench.business_load import (
    keep_live_page,
    run_idle,
    run_lists,
    run_live_page,
    run_orders,
    run_reads,
)
from bench.business_pages import places, run_in_browser, run_pages
from bench.business_seed import seed_customers
from bench.generator_process import BenchError
from bench.measure import commit_stamp, machine_stamp, processor_shares, sample_machine, versions_stamp
from bench.run_load import Load, run_loads
from bench.workload import GyPlan
from bss.edge.database import Database, database_url
from bss.edge.migrate import migrate
from bss.inventory.queries import products_of_customer
from bss.inventory.records import Product
from runtime.bench_business_grants import is_granted, packet_core, run_first_grants
from runtime.bench_business_up import CALLER, ServedBusiness, served_business
from runtime.bench_store import BenchStore

WARM_ORDERS: Final = 20
FIRST_GRANTS: Final = 9
"""Orders that are followed one by one until the network is granted units, before all others."""
ORDER_S_MAX: Final = 5.0
"""How long an order is waited for, times their number."""
LINES: Final = {"customer with a session": 1, "customer of 40 lines": 40}
"""Customers whose accounts the engine has, and how many lines they order."""
_SESSIONS_MAX: Final = 10
_SUBSCRIBERS: Final = 20_000
"""Of the load that web and worker wait beside."""
_ENGINE_SETTLES_S: Final = 30.0
"""Starting and ending a load takes so long beside its measured time, at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BusinessPlan:
    """What is measured.

    orders        0: none
    customers     each with a product, for reads, lists and pages; 0: none of these
    has_browser   pages are opened in a browser, too
    engine_s      how long the engine is loaded beside a business side that waits, and again beside a live page; 0: not
    """

    orders: int = 400
    order_connections: int = 4
    customers: int = 1_000_000
    read_s: float = 10.0
    read_connections: int = 4
    idle_s: float = 20.0
    has_browser: bool = False
    engine_s: float = 0.0


def run_business(plan: BusinessPlan, folder: Path, *, fsync: str, say: Callable[[str], None]) -> dict[str, Any]:
    """The result. BenchError, BenchUpError."""
    result: dict[str, Any] = {
        "load": "business",
        "fsync": fsync,
        "plan": {name: getattr(plan, name) for name in plan.__dataclass_fields__},
    }
    result |= {"machine": machine_stamp(), "versions": versions_stamp()}
    result["commit"] = commit_stamp(Path(__file__).resolve().parent)
    before, began = sample_machine(), time.monotonic()
    if plan.orders:
        result["orders"] = _orders(plan, folder / "orders", fsync, say)
    if plan.customers:
        result |= _many(plan, folder / "many", fsync, say)
    result["duration_s"] = round(time.monotonic() - began, 1)
    result["processors"] = processor_shares(before, sample_machine())
    return result


def _orders(plan: BusinessPlan, folder: Path, fsync: str, say: Callable[[str], None]) -> dict[str, Any]:
    """Orders on an installation without others; the first ones are there to warm it up. Then everything is compared."""
    with served_business(folder, fsync, say) as served:
        customers = served.sell(plan.orders + WARM_ORDERS + FIRST_GRANTS)
        say(f"{WARM_ORDERS} orders to warm up, then {plan.orders:,} ...")
        wait_s = ORDER_S_MAX * (plan.orders + WARM_ORDERS)
        run_orders(served.target, served.database.engine, customers, count=WARM_ORDERS, connections=2, wait_s=wait_s)
        last = plan.orders + WARM_ORDERS + FIRST_GRANTS
        granted = run_first_grants(served, customers, range(last, last - FIRST_GRANTS, -1))
        found = run_orders(
            served.target,
            served.database.engine,
            customers,
            count=plan.orders,
            connections=plan.order_connections,
            wait_s=wait_s,
            before=WARM_ORDERS + FIRST_GRANTS,
        )
        found["first grant"] = granted
        say("comparing inventory, engine and network ...")
        found["differences"] = served.differences()
        return found


def _many(plan: BusinessPlan, folder: Path, fsync: str, say: Callable[[str], None]) -> dict[str, Any]:
    """What is read where there are many customers."""
    say(f"writing {plan.customers:,} customers with their products ...")
    folder.mkdir(parents=True)
    url = database_url("", folder)
    database = Database(url, now_ns=time.time_ns)
    migrate(database.engine)
    database.close()
    seed_customers(Path(str(url.database)), plan.customers)
    with served_business(folder, fsync, say) as served:
        live = _live_customers(served, say)
        say("lists ...")
        found: dict[str, Any] = {"lists": run_lists(served.target, customers=plan.customers)}
        say(f"reads, {plan.read_s:.0f} s each ...")
        found["reads"] = run_reads(
            served.target, customers=plan.customers, seconds=plan.read_s, connections=plan.read_connections
        )
        say("pages ...")
        opened = places(plan.customers, live)
        found["pages"] = run_pages(served.target, opened)
        say(f"waiting {plan.idle_s:.0f} s ...")
        found["idle"] = run_idle(served.target, plan.idle_s)
        if plan.idle_s:
            say(f"looking at live operations for {plan.idle_s:.0f} s ...")
            found["live page"] = run_live_page(served.target, plan.idle_s)
        if plan.has_browser:
            say("pages in a browser ...")
            found["browser"] = run_in_browser(served.target, opened)
    if plan.engine_s:
        found["engine"] = _beside(plan, folder, fsync, say)
    return found


def _live_customers(served: ServedBusiness, say: Callable[[str], None]) -> dict[str, str]:
    """Customers with lines that the network uses at this moment: their ids by what they are called in the result."""
    count = sum(LINES.values())
    buyers = dict(zip(LINES, served.sell(count), strict=False))
    say(f"{count} orders of customers who are looked at ...")
    ordered = [buyers[name] for name, lines in LINES.items() for _ in range(lines)]
    run_orders(served.target, served.database.engine, ordered, count=count, connections=2, wait_s=ORDER_S_MAX * count)
    for buyer in buyers.values():
        products = served.database.read(CALLER, lambda work, buyer=buyer: products_of_customer(work, buyer))  # type: ignore[misc]
        _open_sessions(served, products[:_SESSIONS_MAX])
    return buyers


def _open_sessions(served: ServedBusiness, products: Sequence[Product]) -> None:
    """One session of data a line, that stays open. BenchError where one isn't granted anything."""
    with packet_core(served) as client:
        for product in products:
            if not is_granted(client, product.number or "", product.imsi or "", f"bench;1;{product.id}"):
                raise BenchError(f"{product.number} isn't granted anything")


def _beside(plan: BusinessPlan, folder: Path, fsync: str, say: Callable[[str], None]) -> dict[str, Any]:
    """What web and worker cost the engine's highest rate while they wait, and with a live page open: a store of its own, the
    same database.
    """
    gy = GyPlan(measured_s=plan.engine_s, subscribers=_SUBSCRIBERS, sessions_open=_SUBSCRIBERS // 2, warm_up_s=5.0)
    found = {}
    with served_business(folder / "engine", fsync, say, database_folder=folder) as served, ExitStack() as stack:
        pages = stack.enter_context(ThreadPoolExecutor(1))
        for place, name in enumerate(("idle", "live page")):
            load = replace(gy, first_subscriber=place * _SUBSCRIBERS)
            store = BenchStore(served.store_url, load)
            stack.callback(store.close)
            store.prepare(is_published=place > 0)
            say(f"loading the engine for {plan.engine_s:.0f} s, web and worker ({name}) stopped by turns ...")
            page = None
            if name == "live page":
                page = pages.submit(keep_live_page, served.target, plan.engine_s + _ENGINE_SETTLES_S)
            found[name] = _loaded(served, store, load)
            if page is not None:
                found[name]["updates"] = page.result()
    return found


def _loaded(served: ServedBusiness, store: BenchStore, plan: GyPlan) -> dict[str, Any]:
    farebox = served.farebox
    ports, pids = farebox.state.ports, served.target.pids()

    def run(look: Callable[[], None]) -> None:
        target = store.target(host="127.0.0.1", port=ports["gy"], pids=farebox.pids, folder=farebox.folder.path)
        (result,) = run_loads([Load(plan, replace(target, scrape=look))])
        if result["differences_count"] or result["lost"]:
            raise BenchError(f"the engine's books differ: {result['differences']}, lost {result['lost']}")

    return in_turns([*pids["web"], *pids["worker"]], ports["engine_metrics"], run)

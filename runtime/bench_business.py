"""One run of `farebox bench business` from an empty folder to a result: start, seed, load, compare, stop."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from bench.business_load import BusinessTarget, run_idle, run_lists, run_live_page, run_orders, run_pages, run_reads
from bench.business_seed import TENANT, seed_customers, seed_pools
from bench.generator_process import BenchError
from bench.measure import commit_stamp, machine_stamp, processor_shares, sample_machine, versions_stamp
from bss.access import EVERYTHING, Caller, permissions_of
from bss.api.tokens import Tokens
from bss.catalog.documents import read_sources
from bss.catalog.publication import import_release
from bss.catalog.queries import import_diff
from bss.console.site import COOKIE, cookie_of
from bss.crm.customer_operations import add_customer
from bss.crm.operations import add_individual
from bss.edge.database import Database, database_url
from bss.edge.hss import HssClient
from bss.edge.login import Logins
from bss.edge.migrate import migrate
from bss.edge.token_keys import token_key
from bss.identity.operations import OWN_PASSWORD, add_user, change_own_password, open_tenant
from bss.identity.records import LoggedIn
from bss.orchestration.catalog_publication import Published, publish_catalog
from bss.views.assurance import find_differences
from bss.work import Work
from catalog_loader.check import Source
from runtime.bench_up import START_S, BenchFarebox, stop_as_operator
from runtime.bss_engine import BssEngine

CATALOGUE: Final = Path(__file__).resolve().parents[1] / "bss" / "catalog" / "samples" / "mobile.yaml"
WARM_ORDERS: Final = 20
ORDER_S_MAX: Final = 5.0
"""How long an order is waited for, times their number."""
_CALLER: Final = Caller(TENANT, "bench", frozenset({EVERYTHING}))
_LOGIN: Final = "bench"
_ROLES: Final = {"bss-web": "web", "bss-worker": "worker"}
_API_ROLES: Final = ("care_agent", "operations")


@dataclass(frozen=True, slots=True, kw_only=True)
class BusinessPlan:
    """What is measured.

    orders      0: none
    customers   each with a product, for reads, lists and pages; 0: none of these
    """

    orders: int = 400
    order_connections: int = 4
    customers: int = 1_000_000
    read_s: float = 10.0
    read_connections: int = 4
    idle_s: float = 20.0


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
    with _served(folder, fsync, say) as served:
        customers = served.sell(plan.orders + WARM_ORDERS)
        say(f"{WARM_ORDERS} orders to warm up, then {plan.orders:,} ...")
        wait_s = ORDER_S_MAX * (plan.orders + WARM_ORDERS)
        run_orders(served.target, served.database.engine, customers, count=WARM_ORDERS, connections=2, wait_s=wait_s)
        found = run_orders(
            served.target,
            served.database.engine,
            customers,
            count=plan.orders,
            connections=plan.order_connections,
            wait_s=wait_s,
            before=WARM_ORDERS,
        )
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
    with _served(folder, fsync, say) as served:
        served.sell(0)
        say("lists ...")
        found: dict[str, Any] = {"lists": run_lists(served.target, customers=plan.customers)}
        say(f"reads, {plan.read_s:.0f} s each ...")
        found["reads"] = run_reads(
            served.target, customers=plan.customers, seconds=plan.read_s, connections=plan.read_connections
        )
        say("pages ...")
        found["pages"] = run_pages(served.target, customers=plan.customers)
        say(f"waiting {plan.idle_s:.0f} s ...")
        found["idle"] = run_idle(served.target, plan.idle_s)
        if plan.idle_s:
            say(f"looking at live operations for {plan.idle_s:.0f} s ...")
            found["live page"] = run_live_page(served.target, plan.idle_s)
        return found


@dataclass(frozen=True, slots=True)
class _Served:
    """A running Farebox with web and worker, and its database."""

    target: BusinessTarget
    database: Database
    store_url: str
    hss_url: str

    def sell(self, lines: int) -> list[str]:
        """A catalogue in force, `lines` numbers and SIMs, some customers: their ids. BenchError."""
        engine = BssEngine(lambda: self.store_url)
        try:
            self.database.write(_CALLER, _import)
            published = publish_catalog(self.database, _CALLER, engine, migrations={})
        finally:
            engine.close()
        if not isinstance(published, Published):
            raise BenchError(f"the catalogue isn't published: {published.reason}")
        if not lines:
            return []
        seed_pools(self.database.engine, lines)
        return self.database.write(_CALLER, lambda work: [_customer(work, number) for number in range(50)])

    def differences(self) -> list[str]:
        """Between inventory, engine and network; none is as it should be."""
        engine = BssEngine(lambda: self.store_url)
        try:
            found = find_differences(
                lambda query: self.database.read(_CALLER, query), engine, HssClient(self.hss_url), tenant=TENANT
            )
            return [str(difference) for difference in found]
        finally:
            engine.close()


@contextmanager
def _served(folder: Path, fsync: str, say: Callable[[str], None]) -> Iterator[_Served]:
    """`farebox up` with web and worker, and a simulated network, in the folder."""
    say("starting Farebox with its business side ...")
    folder.mkdir(parents=True, exist_ok=True)
    with _simulated_hss(folder) as (hss, hss_url):
        network = {"FAREBOX_BSS_HSS_URL": hss_url}
        with BenchFarebox(folder, fsync=fsync, partitions=1, has_business=True, environment=network) as farebox:
            database = Database(database_url("", folder), now_ns=time.time_ns)
            try:
                port = farebox.state.ports["bss_web"]

                def pids() -> dict[str, list[int]]:
                    found = {role: list(several) for role, several in farebox.pids().items()}
                    state = farebox.state.pids
                    found |= {name: [state[role]] for role, name in _ROLES.items() if state.get(role)}
                    return found | {"hss": [hss.pid]}

                target = BusinessTarget("127.0.0.1", port, pids, _token(folder), _cookie(database))
                yield _Served(target, database, farebox.state.store_url, hss_url)
            finally:
                database.close()


@contextmanager
def _simulated_hss(folder: Path) -> "Iterator[tuple[subprocess.Popen[bytes], str]]":
    ready = folder / "hss-ready"
    words = ("simulate", "hss", "--port", "0", "--ready-file", str(ready))
    with (folder / "hss.log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-m", "runtime.cli.main", *words], stdout=log, stderr=log)
    try:
        ends = time.monotonic() + START_S
        while not ready.exists():
            if process.poll() is not None or time.monotonic() > ends:
                raise BenchError(f"the simulated HSS did not start: see {folder / 'hss.log'}")
            time.sleep(0.05)
        yield process, f"http://127.0.0.1:{ready.read_text().split()[0]}"
    finally:
        stop_as_operator(process)


def _token(folder: Path) -> str:
    key_id, key = token_key(folder)
    tokens = Tokens({key_id: key}, key_id)
    return tokens.issue(tenant=TENANT, subject="bench", permissions=permissions_of(_API_ROLES), now_ns=time.time_ns())


def _cookie(database: Database) -> str:
    """Of a user who has logged in, and may see every page."""
    made = database.write(_CALLER, lambda work: add_user(work, login=_LOGIN, roles=("administrator",)))
    own = Caller(TENANT, f"user:{_LOGIN}", frozenset({OWN_PASSWORD}))
    password = f"{made.one_time_password}-2"
    database.write(own, lambda work: change_own_password(work, old=made.one_time_password, new=password))
    found = Logins(database).log_in(TENANT, _LOGIN, password)
    if not isinstance(found, LoggedIn):
        raise BenchError(f"the user of the run can't log in: {found}")
    return f"{COOKIE}={cookie_of(TENANT, found.token)}"


def _import(work: Work) -> None:
    open_tenant(work, name=TENANT)
    release = read_sources([Source(CATALOGUE.name, CATALOGUE.read_bytes())]).release
    assert release is not None, "it is one that comes with Farebox"
    release = msgspec.structs.replace(release, engine=msgspec.structs.replace(release.engine, tenant=TENANT))
    import_release(work, release=release, shown_against=import_diff(work, release=release).shown_against)


def _customer(work: Work, number: int) -> str:
    person = add_individual(work, given_name="Ann", family_name=f"Buyer {number}")
    return add_customer(work, party_id=person.id, name=f"Ann Buyer {number}").id

"""The parts of `farebox bench business`: orders, reads and lists over the APIs, and what waiting costs.

Each gives figures as a dict. CPU is milliseconds or microseconds of processors a request, of all threads of a process: it
stays what it is while others use the machine, which rates and latencies don't.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from bench.business_client import Asked, Reply, WebConnection, ask_all, request
from bench.business_seed import OFFERING, customer_id, number_of, product_id
from bench.generator_process import BenchError
from bench.live_page import keep_open
from bench.measure import sample_cpu
from bss.orders.tables import PRODUCT_ORDER

PIDS = Callable[[], Mapping[str, Sequence[int]]]
LIST_TIMES: Final = 7
READ_IDS: Final = 1000
ORDERS: Final = "/tmf-api/productOrderingManagement/v4/productOrder"
_ENDED: Final = ("completed", "cancelled", "held")
_LOOK_S: Final = 0.2


@dataclass(frozen=True, slots=True)
class BusinessTarget:
    """A running Farebox with web and worker, seen from the harness.

    pids    process ids by role: web, worker, engine, store, hss
    token   of a client that may order and read
    cookie  of a user who may see pages
    """

    host: str
    port: int
    pids: PIDS
    token: str
    cookie: str

    def connect(self) -> WebConnection:
        """A new connection."""
        return WebConnection(self.host, self.port)

    def read(self, path: str) -> bytes:
        """A request of an API."""
        return request("GET", f"/tmf-api/{path}", headers={"authorization": f"Bearer {self.token}"})

    def page(self, path: str) -> bytes:
        """A request of the console."""
        return request("GET", path, headers={"cookie": self.cookie, "accept": "text/html"})


class _Cost:
    """CPU seconds by role between two moments."""

    def __init__(self, pids: PIDS) -> None:
        self._pids = pids
        self._before = sample_cpu(pids()).cpu_s

    def by_role(self, count: float, scale: float) -> dict[str, float]:
        """Since then, over `count`, in seconds / scale."""
        after = sample_cpu(self._pids()).cpu_s
        return {role: round((after[role] - self._before[role]) / count * scale, 3) for role in self._before}


def _share(ordered: Sequence[float], part: float) -> float:
    return round(ordered[min(int(len(ordered) * part), len(ordered) - 1)], 2)


def _latencies(asked: Asked) -> dict[str, float]:
    ordered = asked.latencies_ms
    return {"p50": _share(ordered, 0.5), "p95": _share(ordered, 0.95), "max": round(ordered[-1], 2)}


def run_orders(
    target: BusinessTarget,
    engine: sa.Engine,
    customers: Sequence[str],
    *,
    count: int,
    connections: int,
    wait_s: float,
    before: int = 0,
) -> dict[str, Any]:
    """POST `count` orders of one prepaid SIM, and follow them until each has ended. BenchError where one isn't accepted.

    before   orders that there were
    """
    requests = [_order(target, customers[number % len(customers)]) for number in range(count)]
    cost = _Cost(target.pids)
    began_ns = time.time_ns()
    asked = ask_all(target.connect, requests, connections=connections)
    if asked.statuses != {201: count}:
        raise BenchError(f"orders were answered with {asked.statuses}, not with 201 each")
    states = _followed(engine, count + before, wait_s)
    by_order = cost.by_role(count, 1000)
    rows = _rows(engine, began_ns)
    took_ms = sorted((row.updated_ns - row.created_ns) / 1e6 for row in rows)
    seconds = (max(row.updated_ns for row in rows) - began_ns) / 1e9
    return {
        "count": count,
        "connections": connections,
        "states": states,
        "orders_per_s": round(count / seconds, 2),
        "posted_per_s": round(count / asked.seconds, 2),
        "post_ms": _latencies(asked),
        "completed_after_ms": {"p50": _share(took_ms, 0.5), "p95": _share(took_ms, 0.95), "max": round(took_ms[-1], 2)},
        "cpu_ms_per_order": by_order,
    }


def order_body(buyer: str, resources: Mapping[str, str] | None = None) -> dict[str, Any]:
    """An order of one prepaid SIM, as TMF622 has it; `resources`: number (`msisdn`) and ICCID (`sim`) that were chosen."""
    item: dict[str, Any] = {"id": "1", "action": "add", "productOffering": {"id": OFFERING}}
    if resources:
        item["product"] = {"realizingResource": [{"id": name, "name": kind} for kind, name in resources.items()]}
    return {
        "relatedParty": [{"id": buyer, "role": "customer", "@referredType": "Customer"}],
        "productOrderItem": [item],
    }


def _order(target: BusinessTarget, buyer: str) -> bytes:
    headers = {"authorization": f"Bearer {target.token}", "content-type": "application/json"}
    return request("POST", ORDERS, headers=headers, body=json.dumps(order_body(buyer)).encode())


def _rows(engine: sa.Engine, since_ns: int) -> Sequence[Any]:
    columns = PRODUCT_ORDER.c
    with engine.connect() as connection:
        return connection.execute(
            sa.select(columns.created_ns, columns.updated_ns).where(columns.created_ns >= since_ns)
        ).all()


def _followed(engine: sa.Engine, count: int, wait_s: float) -> dict[str, int]:
    """Orders by state once all have ended. BenchError after `wait_s`."""
    ends = time.monotonic() + wait_s
    while True:
        with engine.connect() as connection:
            counted = sa.select(PRODUCT_ORDER.c.state, sa.func.count()).group_by(PRODUCT_ORDER.c.state)
            states: dict[str, int] = dict(connection.execute(counted).all())
        if sum(states.get(state, 0) for state in _ENDED) == count:
            return states
        if time.monotonic() > ends:
            raise BenchError(f"after {wait_s:.0f} s orders are {states}: give them longer, or see the worker's log")
        time.sleep(_LOOK_S)


def run_reads(target: BusinessTarget, *, customers: int, seconds: float, connections: int) -> dict[str, Any]:
    """Simple reads: one resource by its id, token and permission checked each time; by resource."""
    places = [1 + number * max(customers // READ_IDS, 1) for number in range(min(READ_IDS, customers))]
    paths = {
        "individual": [f"party/v4/individual/y{n:09d}" for n in places],
        "customer": [f"customerManagement/v4/customer/{customer_id(n)}" for n in places],
        "product": [f"productInventory/v4/product/{product_id(n)}" for n in places],
    }
    found = {}
    for name, named in paths.items():
        requests = [target.read(path) for path in named]
        ask_all(target.connect, requests, connections=connections, seconds=min(2.0, seconds))
        cost = _Cost(target.pids)
        asked = ask_all(target.connect, requests, connections=connections, seconds=seconds)
        if set(asked.statuses) != {200}:
            raise BenchError(f"reads of {name} were answered with {asked.statuses}")
        count = len(asked.latencies_ms)
        web_us = cost.by_role(count, 1e6)["web"]
        found[name] = {
            "per_s": round(count / asked.seconds, 1),
            "web_cpu_us": web_us,
            "per_s_a_core": round(1e6 / web_us, 1),
            "ms": _latencies(asked),
        }
    return found


def run_lists(target: BusinessTarget, *, customers: int) -> dict[str, Any]:
    """A page of 20 products by each declared filter, with its count; and how dear far pages are, by offset and by id."""
    last = customers
    queries = {
        "status": "&status=active",
        "status, few": "&status=terminated",
        "name": "&name=Prepaid%20Start",
        "productSerialNumber": f"&productSerialNumber={number_of(last // 2)}",
        "startDate.gt": "&startDate.gt=2025-06-20T00:00:00Z",
        "relatedParty.id": f"&relatedParty.id={customer_id(last // 2)}",
        "productOffering.id": f"&productOffering.id={OFFERING}",
        "billingAccount.id": "&billingAccount.id=none",
        "no filter": "",
        "offset 10,000": "&status=active&offset=10000",
        "offset 100,000": "&status=active&offset=100000",
        "offset near the end": f"&status=active&offset={last * 9 // 10 - 20}",
        "id.gt near the end": f"&status=active&id.gt={product_id(last * 9 // 10)}",
    }
    return {
        name: timed(target, target.read(f"productInventory/v4/product?limit=20{query}"), (200, 206))
        for name, query in queries.items()
    }


def timed(target: BusinessTarget, octets: bytes, wanted: tuple[int, ...]) -> dict[str, Any]:
    """A request of which each is answered before the next is sent, once to warm it up and LIST_TIMES more. BenchError."""
    connection = target.connect()
    reply = _checked(connection.ask(octets), wanted)
    cost, took_ms = _Cost(target.pids), []
    for _ in range(LIST_TIMES):
        began = time.perf_counter()
        _checked(connection.ask(octets), wanted)
        took_ms.append((time.perf_counter() - began) * 1000)
    connection.close()
    found: dict[str, Any] = {
        "ms": spread_of(took_ms),
        "web_cpu_ms": cost.by_role(LIST_TIMES, 1000)["web"],
    }
    total = reply.headers.get("x-total-count")
    return found if total is None else {**found, "total": int(total)}


def spread_of(took_ms: Sequence[float]) -> dict[str, float]:
    """The least, the median and the most."""
    ordered = sorted(took_ms)
    return {"min": round(ordered[0], 2), "p50": _share(ordered, 0.5), "max": round(ordered[-1], 2)}


def _checked(reply: Reply, wanted: tuple[int, ...]) -> Reply:
    if reply.status not in wanted:
        raise BenchError(f"answered with {reply.status}: {reply.body[:300].decode('utf-8', 'replace')}")
    return reply


def run_live_page(target: BusinessTarget, seconds: float) -> dict[str, Any]:
    """The same while one user looks at live operations. BenchError."""
    begun: list[_Cost] = []
    updates = keep_live_page(target, seconds, lambda: begun.append(_Cost(target.pids)))
    return {"updates": updates, **_waiting(begun[0], seconds)}


def keep_live_page(target: BusinessTarget, seconds: float, settled: Callable[[], None] = lambda: None) -> int:
    """Keep live operations open so long; how many updates came once it was filled, which `settled` is told. BenchError."""
    connection = target.connect()
    page = _checked(connection.ask(target.page("/console")), (200,)).body.decode()
    connection.close()
    return keep_open(f"http://{target.host}:{target.port}", page, target.cookie, seconds, settled)


def run_idle(target: BusinessTarget, seconds: float) -> dict[str, Any]:
    """CPU of web and worker, percent of one processor, while nobody asks anything: the most that it can take of the engine's
    rate where they share one.
    """
    cost = _Cost(target.pids)
    time.sleep(seconds)
    return _waiting(cost, seconds)


def _waiting(cost: _Cost, seconds: float) -> dict[str, Any]:
    shares = cost.by_role(seconds, 100)
    return {"seconds": seconds, "cpu_percent": shares, "business_percent": round(shares["web"] + shares["worker"], 2)}

"""The console of a sample operator, served on a free port by a thread: a small operator with an engine and a network in memory,
users of several roles."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import patch

import sqlalchemy as sa
import uvicorn
from fastapi import FastAPI
from sqlalchemy.exc import OperationalError

from bss.access import ROLES, Caller
from bss.all_tables import METADATA
from bss.automation.operations import publish_rules
from bss.console.pages import mount_console
from bss.console.site import Site
from bss.crm.care_operations import add_ticket_note, open_ticket, record_consent, record_interaction
from bss.crm.customer_operations import add_customer
from bss.crm.operations import add_contact_medium, add_individual
from bss.crm.queries import customer
from bss.edge.database import Database, database_url
from bss.edge.login import Logins
from bss.engine_in_memory import MemoryEngine
from bss.engine_port import Identity, NoEngine
from bss.identity.operations import add_user, change_own_password, open_tenant
from bss.inventory.queries import product
from bss.live_figures import Counters, Sample
from bss.network_port import NetworkRefused
from bss.session_stories import ToldSession, ToldStep
from bss.work import Work
from tests.bss.conftest import TestClock
from tests.bss.orchestration.world import World
from vocabulary.ids import IdentityKind
from vocabulary.instants import NS_PER_S, from_rfc3339

PASSWORD = "right horse battery"
START_S = 20.0
SYSTEM = Caller("default", "test", frozenset({"*"}))
_REQUESTS_PER_S = 9_000
EMPTY_TENANT = "brand-2"
T = TypeVar("T")


class SampleCounters:
    """Counters of an engine that charges 9,000 requests each second; it can be away."""

    def __init__(self) -> None:
        self.is_away = False
        self._readings = 0

    def read(self) -> Counters:
        """One second later each time."""
        if self.is_away:
            raise ConnectionError("no farebox up serves on data: start one")
        self._readings += 1
        count = self._readings * _REQUESTS_PER_S
        values = {
            Sample("engine", "farebox_requests_total", ()): float(count),
            Sample("records", "farebox_sessions_open", ()): 81_234.0,
            Sample("engine", "farebox_connections", (("peer", "pgw1.example.net"),)): 4.0,
        }
        for edge, part in (("0.001", 0.2), ("0.002", 0.6), ("0.005", 0.9), ("0.01", 0.99), ("inf", 1.0)):
            values[Sample("engine", "farebox_answer_seconds_bucket", (("le", edge),))] = count * part
        for code, part in (("2001", 0.97), ("4012", 0.02), ("5030", 0.01)):
            values[Sample("engine", "farebox_answers_total", (("result_code", code),))] = count * part
        return Counters(
            self._readings * NS_PER_S, values, {"store": "ready", "engine": "ready", "archiver": "starting"}
        )


class SampleStories:
    """One decision of each open session, and one request that was refused; away with the engine."""

    _REFUSED = ToldStep(
        "2027-01-15T07:59:00Z",
        "INITIAL 0",
        "credit limit reached",
        ("Refused: no money is left for one block", "What helps: Top up money"),
    )
    _GRANTED = ToldStep(
        "2027-01-15T08:00:00Z", "INITIAL 0", "granted", ("rating group 10", "Granted: 10 MiB: as asked")
    )

    _WHEN_NS = (from_rfc3339("2027-01-15T07:59:00Z"), from_rfc3339("2027-01-15T07:59:00Z"))

    def __init__(self, engine: MemoryEngine) -> None:
        self._engine = engine

    def of_open(self, tenant: str, account_id: int, key: str) -> ToldSession | NoEngine | None:
        """See SessionStories."""
        if self._engine.is_away:
            return NoEngine("no engine decides")
        return ToldSession(key, "pgw1.example.net", 0, None, "", (self._GRANTED,), "")

    def last_ended(self, tenant: str, account_id: int, count: int) -> tuple[ToldSession, ...] | NoEngine:
        """See SessionStories."""
        if self._engine.is_away:
            return NoEngine("no engine decides")
        how = "by refusal, 4012: no money is left. What helps: Top up money"
        return (ToldSession("pgw1.example.net;1;6;ann", "pgw1.example.net", *self._WHEN_NS, how, (self._REFUSED,), ""),)


class PagesDatabase:
    """The database as pages have it; it can be away while logins go on."""

    def __init__(self, database: Database) -> None:
        self.is_away = False
        self._database = database

    def read(self, caller: Caller, query: Callable[[Work], T]) -> T:
        """See Transactions."""
        return self._present().read(caller, query)

    def write(self, caller: Caller, operation: Callable[[Work], T]) -> T:
        """See Transactions."""
        return self._present().write(caller, operation)

    def _present(self) -> Database:
        if self.is_away:
            raise OperationalError("SELECT", {}, Exception("connection refused"))
        return self._database


@dataclass(slots=True)
class Served:
    """What a test needs of it."""

    url: str
    world: World
    counters: SampleCounters
    pages: PagesDatabase
    account_id: int
    leaving_id: str
    """a customer without products"""
    ticket_id: str


_USERS = (
    ("default", "ann", "administrator"),
    ("default", "cara", "care_agent"),
    ("default", "otto", "auditor"),
    ("default", "guest", "guest"),
    (EMPTY_TENANT, "ann", "administrator"),
)


def _add_users(database: Database) -> None:
    for tenant, login, role in _USERS:
        system = Caller(tenant, "test", frozenset({"*"}))
        database.write(system, lambda work, tenant=tenant: open_tenant(work, name=tenant))
        made = database.write(system, lambda work, login=login, role=role: add_user(work, login=login, roles=[role]))
        own = Caller(tenant, f"user:{login}", frozenset({"password:own"}))
        old = made.one_time_password
        database.write(own, lambda work, old=old: change_own_password(work, old=old, new=PASSWORD))


def _add_story(work: Work, customer_id: str) -> tuple[str, str]:
    """What a care agent finds of the customer beside their plan; (id of a customer who leaves, id of a ticket)."""
    party_id = customer(work, customer_id).party_id
    add_contact_medium(work, party_id=party_id, medium_type="email", email_address="ann@example.org", is_preferred=True)
    add_contact_medium(work, party_id=party_id, medium_type="phone", phone_number="+48 601 000 000")
    ticket = open_ticket(
        work,
        name="No data abroad",
        description="Since Monday in Vienna, calls work",
        severity="major",
        ticket_type="network",
        customer_id=customer_id,
    )
    add_ticket_note(work, ticket.id, text="Roaming partner was asked")
    record_interaction(
        work, customer_id=customer_id, direction="inbound", channel="phone", reason="Asked about roaming"
    )
    for purpose, is_granted, version in (("marketing", True, "2024-05"), ("marketing", False, "2025-01")):
        record_consent(
            work, party_id=party_id, purpose=purpose, is_granted=is_granted, channel="web", text_version=version
        )
    leaving = add_individual(work, given_name="Eva", family_name="Kowalska")
    return add_customer(work, party_id=leaving.id, name="Eva Kowalska").id, ticket.id


RULES = """rules:
  - name: ticket-for-a-held-order
    on: ProductOrderStateChangeEvent
    when: event.ids.state == 'held'
    do: open_ticket
    with: {subject: "Order {event.resource_id} is held", customer: "{resource.customer_id}", severity: minor}
  - name: note-a-completed-order
    on: ProductOrderStateChangeEvent
    when: event.ids.state == 'completed'
    do: record_interaction
    with: {customer: "{resource.customer_id}", subject: "Order {event.resource_id} is completed"}
  - name: late-ticket-suspends
    on: TroubleTicketOverdueEvent
    do: suspend_product
    with: {product: "{event.ids.product}", reason: asked for}
"""


def _run_rules(world: World) -> None:
    """What rules did: two that went well, one that failed."""
    world.do(publish_rules, text=RULES)
    world.relay()
    world.do(lambda work: work.event("TroubleTicketOverdueEvent", resource="troubleTicket", resource_id="t-1"))
    world.relay()


def _order(world: World) -> int:
    """One plan that is active, one order that a refusing network holds; the account of the first."""
    view = world.ordered()
    line = world.do(product, view.items[0].product_id)
    account_id = line.engine_account_id
    world.engine.begin_session(1, Identity(IdentityKind.E164, line.number), "pgw1.example.net;1;7;ann")
    world.network.refuses = NetworkRefused("no_profile", "the network has no such profile")
    world.ordered()
    assert isinstance(account_id, int)
    return account_id


class _Shown:
    """One part of the site: that of the operator which is shown."""

    def __init__(self, part: Callable[[], Any]) -> None:
        self._part = part

    def __getattr__(self, name: str) -> Any:
        return getattr(self._part(), name)


class Stage:
    """The console of a process, since NiceGUI serves once in each; operators are shown on it one after the other."""

    def __init__(self) -> None:
        self.url = ""
        self._site: Site | None = None

    @contextmanager
    def serving(self) -> Iterator["Stage"]:
        """It is served as long as the context lasts."""
        app = FastAPI()
        parts = [_Shown(partial(self._part, each.name)) for each in fields(Site)]
        mount_console(app, Site(*parts), secret="for tests")  # type: ignore[arg-type]
        with _serving(app) as self.url:
            yield self

    def _part(self, name: str) -> Any:
        return getattr(self._site, name)

    @contextmanager
    def showing(self, url: sa.URL) -> Iterator[Served]:
        """The sample operator, in a database that has tables and no rows."""
        clock = TestClock()
        database = Database(url, now_ns=clock.now_ns)
        try:
            with patch.dict(ROLES, guest=frozenset()):
                _add_users(database)
                world = World(database, SYSTEM, lines=4)
                account_id = _order(world)
                _run_rules(world)
                leaving_id, ticket_id = database.write(SYSTEM, lambda work: _add_story(work, world.customer_id))
                counters, pages = SampleCounters(), PagesDatabase(database)
                self._site = Site(pages, world.engine, counters, Logins(database), SampleStories(world.engine))
                yield Served(self.url, world, counters, pages, account_id, leaving_id, ticket_id)
        finally:
            self._site = None
            database.close()


@contextmanager
def served_console(folder: Path) -> Iterator[Served]:
    """Of an operator on SQLite; it ends with the context."""
    url = database_url("", folder)
    plain = sa.create_engine(url)
    METADATA.create_all(plain)
    plain.dispose()
    with Stage().serving() as stage, stage.showing(url) as served:
        yield served


@contextmanager
def _serving(app: FastAPI) -> Iterator[str]:
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        _wait(server, thread)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(START_S)


def _wait(server: uvicorn.Server, thread: threading.Thread) -> None:
    waited = threading.Event()
    for _ in range(int(START_S * 50)):
        if server.started:
            return
        assert thread.is_alive(), "the server ended"
        waited.wait(0.02)
    raise AssertionError(f"the server didn't start within {START_S:g} s")

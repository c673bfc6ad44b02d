"""The console of a sample operator, served on a free port by a thread: SQLite, an engine in memory, users of several roles."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
import uvicorn
from fastapi import FastAPI

from balances.commands import Credit, Terms
from bss.access import Caller
from bss.all_tables import METADATA
from bss.console.pages import mount_console
from bss.console.site import Site
from bss.crm.care_operations import open_ticket, record_interaction
from bss.crm.customer_operations import add_billing_account, add_customer, link_account
from bss.crm.operations import add_contact_medium, add_individual
from bss.edge.database import Database, database_url
from bss.edge.login import Logins
from bss.engine_in_memory import MemoryEngine
from bss.engine_port import Done, Identity, OpenAccount
from bss.identity.operations import add_user, change_own_password, open_tenant
from bss.inventory.operations import add_number, add_sim, assign
from bss.inventory.product_operations import create_product
from bss.live_figures import Counters, Sample
from bss.work import Work
from tests.bss.conftest import NOW_NS, TestClock
from vocabulary.ids import IdentityKind, number_of_name
from vocabulary.instants import NS_PER_S
from vocabulary.units import Unit

PASSWORD = "right horse battery"
NUMBER = "491511234567"
IMSI = "262010000000001"
ICCID = "89490200001234567892"
"""Its check digit is right (Luhn)."""
START_S = 20.0
SYSTEM = Caller("default", "test", frozenset({"*"}))
_REQUESTS_PER_S = 9_000


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


@dataclass(slots=True)
class Served:
    """What a test needs of it."""

    url: str
    database: Database
    engine: MemoryEngine
    counters: SampleCounters
    customer_id: str
    account_id: int


def _add_users(database: Database) -> None:
    database.write(SYSTEM, lambda work: open_tenant(work, name="default"))
    for login, role in (("ann", "administrator"), ("cara", "care_agent"), ("otto", "auditor")):
        made = database.write(SYSTEM, lambda work, login=login, role=role: add_user(work, login=login, roles=[role]))
        own = Caller("default", f"user:{login}", frozenset({"password:own"}))
        old = made.one_time_password
        database.write(own, lambda work, old=old: change_own_password(work, old=old, new=PASSWORD))


def _add_customer(work: Work, account_id: int) -> str:
    person = add_individual(work, given_name="Ann", family_name="Ahn")
    add_contact_medium(
        work, party_id=person.id, medium_type="email", email_address="ann@example.org", is_preferred=True
    )
    customer = add_customer(work, party_id=person.id, name="Ann Ahn")
    billing = add_billing_account(work, customer_id=customer.id, name="Main", currency="EUR")
    link_account(work, billing_account_id=billing.id, engine_account_id=account_id)
    product = create_product(
        work,
        name="Prepaid Start",
        offering_id="prepaid-start",
        customer_id=customer.id,
        billing_account_id=billing.id,
        engine_account_id=account_id,
    )
    add_number(work, number=NUMBER)
    add_sim(work, iccid=ICCID, imsi=IMSI)
    for kind, name in (("msisdn", NUMBER), ("sim", ICCID)):
        assign(work, kind, name=name, product_id=product.id)  # type: ignore[arg-type]
    open_ticket(work, description="No data abroad", severity="major", ticket_type="network", customer_id=customer.id)
    record_interaction(
        work,
        customer_id=customer.id,
        direction="inbound",
        channel="phone",
        reason="Asked about roaming",
        description="Calls back",
    )
    return customer.id


def _open_account(engine: MemoryEngine) -> int:
    tenant = engine.tenant_number("default")
    assert isinstance(tenant, int)
    identities = (Identity(IdentityKind.E164, NUMBER), Identity(IdentityKind.IMSI, IMSI))
    credits = (
        Credit(Unit.MONEY, 12_500_000),
        Credit(Unit.OCTETS, 3 << 30, number_of_name("data-1gib"), to_ns=NOW_NS + 30 * 86_400 * NS_PER_S),
    )
    terms = Terms(currency=978, offer=number_of_name("prepaid-start"), credits=credits)
    done = engine.send(OpenAccount("sample-1", tenant, identities, terms))
    assert isinstance(done, Done), done
    return done.account_id


@contextmanager
def served_console(folder: Path) -> Iterator[Served]:
    """It ends with the context."""
    url = database_url("", folder)
    clock = TestClock()
    plain = sa.create_engine(url)
    METADATA.create_all(plain)
    plain.dispose()
    database = Database(url, now_ns=clock.now_ns)
    engine, counters = MemoryEngine(clock.now_ns), SampleCounters()
    account_id = _open_account(engine)
    _add_users(database)
    customer_id = database.write(SYSTEM, lambda work: _add_customer(work, account_id))
    app = FastAPI()
    mount_console(app, Site(database, engine, counters, Logins(database)), secret="for tests")
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        _wait(server, thread)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield Served(f"http://127.0.0.1:{port}", database, engine, counters, customer_id, account_id)
    finally:
        server.should_exit = True
        thread.join(START_S)
        database.close()


def _wait(server: uvicorn.Server, thread: threading.Thread) -> None:
    waited = threading.Event()
    for _ in range(int(START_S * 50)):
        if server.started:
            return
        assert thread.is_alive(), "the server ended"
        waited.wait(0.02)
    raise AssertionError(f"the server didn't start within {START_S:g} s")

"""A Farebox of the harness's own with its business side: web and worker beside the engine, a simulated network, a catalogue in
force, who may call the APIs and see pages.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from bench.business_load import BusinessTarget
from bench.business_seed import TENANT, seed_pools
from bench.generator_process import BenchError
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
BUYERS: Final = 50
"""Customers that orders are for, in turn."""
CALLER: Final = Caller(TENANT, "bench", frozenset({EVERYTHING}))
_ROLES: Final = {"bss-web": "web", "bss-worker": "worker"}
_API_ROLES: Final = ("care_agent", "operations")


@dataclass(frozen=True, slots=True)
class ServedBusiness:
    """A running Farebox with web and worker, and its database."""

    target: BusinessTarget
    database: Database
    farebox: BenchFarebox
    hss_url: str

    @property
    def store_url(self) -> str:
        """Where the store is."""
        return self.farebox.state.store_url

    def sell(self, lines: int) -> list[str]:
        """A catalogue in force, `lines` numbers and SIMs, some customers: their ids. BenchError."""
        engine = BssEngine(lambda: self.store_url)
        try:
            self.database.write(CALLER, _import)
            published = publish_catalog(self.database, CALLER, engine, migrations={})
        finally:
            engine.close()
        if not isinstance(published, Published):
            raise BenchError(f"the catalogue isn't published: {published.reason}")
        if not lines:
            return []
        seed_pools(self.database.engine, lines)
        return self.database.write(CALLER, lambda work: [_customer(work, number) for number in range(BUYERS)])

    def differences(self) -> list[str]:
        """Between inventory, engine and network; none is as it should be."""
        engine = BssEngine(lambda: self.store_url)
        try:
            found = find_differences(
                lambda query: self.database.read(CALLER, query), engine, HssClient(self.hss_url), tenant=TENANT
            )
            return [str(difference) for difference in found]
        finally:
            engine.close()


@contextmanager
def served_business(
    folder: Path, fsync: str, say: Callable[[str], None], *, database_folder: Path | None = None
) -> Iterator[ServedBusiness]:
    """`farebox up` with web and worker, and a simulated network, in the folder. BenchError, BenchUpError.

    database_folder   where the business side's database lies, when that isn't the folder
    """
    say("starting Farebox with its business side ...")
    folder.mkdir(parents=True, exist_ok=True)
    with _simulated_hss(folder) as (hss, hss_url):
        url = database_url("", database_folder or folder)
        network = {"FAREBOX_BSS_HSS_URL": hss_url, "FAREBOX_BSS_URL": f"sqlite:///{url.database}"}
        with BenchFarebox(folder, fsync=fsync, partitions=1, has_business=True, environment=network) as farebox:
            database = Database(url, now_ns=time.time_ns)
            try:
                port = farebox.state.ports["bss_web"]

                def pids() -> dict[str, list[int]]:
                    found = {role: list(several) for role, several in farebox.pids().items()}
                    state = farebox.state.pids
                    found |= {name: [state[role]] for role, name in _ROLES.items() if state.get(role)}
                    return found | {"hss": [hss.pid]}

                target = BusinessTarget("127.0.0.1", port, pids, _token(folder), _cookie(database))
                yield ServedBusiness(target, database, farebox, hss_url)
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
    """Of a user who has logged in, and may see every page: a new one each time the database is served."""
    login = f"bench-{time.time_ns()}"
    made = database.write(CALLER, lambda work: add_user(work, login=login, roles=("administrator",)))
    own = Caller(TENANT, f"user:{login}", frozenset({OWN_PASSWORD}))
    password = f"{made.one_time_password}-2"
    database.write(own, lambda work: change_own_password(work, old=made.one_time_password, new=password))
    found = Logins(database).log_in(TENANT, login, password)
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

"""A `farebox up` under the load of the harness, for tests that kill parts of it: accounts opened, load, books, records.

The load is Gy, or Gy and Nchf at once, on accounts of their own.

The generator repeats what a lost connection left unanswered and keeps books of every answer that it got, so that after
any crash three parties must agree to the last micro: its books, the store, and the charging records.
"""

import asyncio
import os
import signal
import socket
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event
from typing import Any, Final

import numpy as np

from balances.audit_report import AuditReport
from balances.edge.redis_store import RedisStore
from balances.store import StoreUnreachable
from bench.books import AccountsView, Books, compare, load_books
from bench.books import beside as beside_each_other
from bench.generator_process import BOOKS, run_generators
from bench.workload import ChfPlan, GyPlan, LoadPlan
from runtime.audit_store import audit_store
from runtime.bench_store import BenchStore
from runtime.kill_points import KILL_POINTS, KILLED_LINE, PROCESS_OF, VARIABLE
from runtime.up import UP_LINE
from tests.kills.movement_sums import movement_faults
from tests.kills.record_sums import record_faults
from tests.runtime.running_up import LOOK_S, RunningUp, is_alive, wait_until

READY: Final = ("engine", "archiver", "records", "store")
READY_S: Final = 90.0
BEHIND_AN_ENGINE: Final = [point.name for point in KILL_POINTS if point.name.endswith(".rows_handed_again")]
"""Points that a front end passes because an engine died: arm them for its first passage."""
_SERVED_S: Final = 0.5
"""So long an engine serves until it is killed for the sake of these: clients come back to front ends meanwhile."""


def free_port() -> int:
    """A port that nothing listens on now: a restarted engine must come back where the generator looks for it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def kill_plan(**changes: Any) -> GyPlan:
    """A load whose books are exact across crashes: one session a subscriber, so one request of each waits at most."""
    values: dict[str, Any] = {
        "subscribers": 2_000,
        "sessions_per_subscriber": 1,
        "sessions_open": 1_024,
        "outstanding": 256,
        "connections": 4,
        "warm_up_s": 0.2,
        "measured_s": 60.0,
        "grace_s": 30.0,
        "reconnects": True,
    }
    return GyPlan(**(values | changes))


def nchf_plan(gy: GyPlan, **changes: Any) -> ChfPlan:
    """A smaller load over Nchf beside it: of the subscribers that follow those of Gy."""
    values: dict[str, Any] = {
        "first_subscriber": gy.subscribers,
        "subscribers": 600,
        "sessions_open": 256,
        "outstanding": 64,
        "connections": 4,
        "warm_up_s": gy.warm_up_s,
        "measured_s": gy.measured_s,
        "grace_s": gy.grace_s,
        "reconnects": True,
    }
    return ChfPlan(**(values | changes))


def generator_faults(load: str, figures: dict[str, Any], books: Books) -> list[str]:
    """What the generator itself found wrong."""
    details = {
        "wrong": (figures["wrong_by_reason"], figures["wrong_octets"][:2]),
        "grants_unexpected": books.unexpected,
    }
    faults = [
        f"{load} generator: {name} is {figures[name]} {details.get(name, '')}"
        for name in ("lost", "wrong", "grants_unexpected", "stopped")
        if figures[name]
    ]
    return faults if figures["answered_in_all"] else [*faults, f"{load} generator: nothing was answered"]


@dataclass(slots=True)
class Loaded:
    """What a load brought, and all that is wrong with it.

    figures      of Gy's generator
    nchf         of the other, where there was one
    books        of both, subscribers of Gy first
    """

    figures: dict[str, Any]
    books: Books
    nchf: dict[str, Any] | None = None
    faults: list[str] = field(default_factory=list)


class LoadedUp:
    """`farebox up` in a folder of its own, on one port for all its lives, or on one for Gy and one for Nchf."""

    def __init__(
        self,
        folder: Path,
        plan: GyPlan,
        *arguments: str,
        nchf: ChfPlan | None = None,
        kill_at: str = "",
        **environment: str,
    ) -> None:
        self.folder = folder
        self.plan = replace(plan, port=free_port())
        self.plans: list[LoadPlan] = [self.plan]
        self._arguments = arguments
        self._environment = environment
        if nchf is not None:
            self.plans.append(replace(nchf, port=free_port()))
            self._environment["FAREBOX_CHF_PORT"] = str(self.plans[1].port)
        self.up = self._start(**({VARIABLE: kill_at} if kill_at else {}))
        try:
            self.stores = [BenchStore(self.up.state.store_url, each) for each in self.plans]
            self.store = self.stores[0]
            for place, store in enumerate(self.stores):
                store.prepare(is_published=place > 0)
            follows = self.store.first_account + self.plan.subscribers
            assert all(store.first_account == follows for store in self.stores[1:]), "records are looked up by account"
        except BaseException:
            self.up.end()
            raise

    def _start(self, **more: str) -> RunningUp:
        up = RunningUp(self.folder, "--port", str(self.plan.port), *self._arguments, **{**self._environment, **more})
        try:
            up.wait_for_line(UP_LINE)
        except BaseException:
            up.end()
            raise
        return up

    def start_again(self) -> None:
        """Behind a death of the whole: on the same folder and port."""
        self.up = self._start()

    def killed_at(self) -> Counter[str]:
        """How often a process ended at each kill point, out of the logs that they left."""
        found: Counter[str] = Counter()
        for path in (self.folder / "logs").glob("*.log*"):
            for line in path.read_text(errors="replace").splitlines():
                if line.startswith(KILLED_LINE):
                    found[line.removeprefix(KILLED_LINE).strip()] += 1
        return found

    def wait_killed_at(self, plan: Counter[str], timeout_s: float) -> None:
        """Until each point of the plan, in the order in which they are armed, was hit as often as it says.

        Where a front end waits for the death of an engine that is through with its own points, that one is killed.
        """
        ends, killed = time.monotonic() + timeout_s, 0
        while missing := plan - self.killed_at():
            assert time.monotonic() < ends, (
                f"within {timeout_s:g} s these were not hit: {', '.join(sorted(missing.elements()))}\n"
                f"{self.up.text()[-6000:]}"
            )
            armed = {PROCESS_OF[name]: name for name in reversed(missing)}
            waiting = [f"{process}-1" for process, name in armed.items() if name in BEHIND_AN_ENGINE]
            if waiting and "engine" not in armed:
                self.up.wait_ready("engine", *waiting, but_not={"engine": killed})
                Event().wait(_SERVED_S)
                killed = self.kill("engine")
            Event().wait(LOOK_S)

    def kill(self, role: str) -> int:
        """SIGKILL to a process by the id that up.json has, once it has one that lives; the id."""

        def living() -> int | None:
            pid = self.up.state.pids.get(role, 0)
            return pid if pid and is_alive(pid) else None

        pid: int = wait_until(f"{role} runs", living, READY_S)
        os.kill(pid, signal.SIGKILL)
        return pid

    def load(self, disturb: Callable[[], None]) -> Loaded:
        """Run the load while `disturb` runs, at most the plan's time. Faults: lost, wrong, stopped, unexpected grants."""
        caught: list[BaseException] = []

        def run_disturb() -> None:
            try:
                disturb()
            except BaseException as error:  # raised again by the test's own thread
                caught.append(error)

        beside = threading.Thread(target=run_disturb)

        def on_event(event: str) -> None:
            if event == "measuring":
                beside.start()

        with tempfile.TemporaryDirectory(prefix="farebox-kills-") as name:
            folders = [Path(name) / plan.LOAD for plan in self.plans]
            for folder in folders:
                folder.mkdir()
            figures = run_generators(self.plans, folders, on_event=on_event, is_enough=lambda: not beside.is_alive())
            books = [load_books(folder / BOOKS) for folder in folders]
        beside.join()
        if caught:
            raise caught[0]
        loads = zip(self.plans, figures, books, strict=True)
        faults = [fault for plan, said, kept in loads for fault in generator_faults(plan.LOAD, said, kept)]
        return Loaded(figures[0], beside_each_other(books), *figures[1:], faults=faults)

    def check_store(self, loaded: Loaded, *roles: str) -> AuditReport:
        """While all runs (`roles`, or READY): books against store, journal against store; faults are added."""
        self.up.wait_ready(*(roles or READY), timeout_s=READY_S)
        loaded.faults.extend(f"store: {difference}" for difference in compare(loaded.books, self.accounts()))
        report = self.check_audit()
        loaded.faults.extend(f"audit: {fault}" for fault in report.faults)
        if not report.is_sound and not report.faults:
            loaded.faults.append("audit: it is not sound")
        return report

    def accounts(self) -> AccountsView:
        """Balances by subscriber, as the store has them; subscribers of Gy first."""
        views = [accounts_of(store) for store in self.stores]
        return AccountsView(*(np.concatenate(columns) for columns in zip(*views, strict=True)))

    def check_audit(self) -> AuditReport:
        """The journal against the store, as `farebox audit` does it."""
        return asyncio.run(self._audit())

    async def _audit(self) -> AuditReport:
        store = RedisStore(self.up.state.store_url)
        try:
            await store.open()
            return await audit_store(store, self.up.folder.segments)
        finally:
            await store.close()

    def stop_and_check_records(self, loaded: Loaded) -> dict[str, int]:
        """^C, then records against journal and books; faults are added. Returns what was counted."""
        first_account = self.store.first_account
        partitions = self.store.partition_count
        for store in self.stores:
            store.close()
        code = self.up.interrupt()
        if code:
            loaded.faults.append(f"farebox up: ended with {code} on ^C: {self.up.text()[-500:]}")
        faults, counts = record_faults(self.up.folder, partitions, first_account, loaded.books)
        loaded.faults.extend(faults)
        folder = self.up.folder
        loaded.faults.extend(movement_faults(folder.records, folder.segments, range(partitions)))
        return counts

    def close(self) -> None:
        """Nothing of it stays."""
        self.up.end()

    def __enter__(self) -> "LoadedUp":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def accounts_of(store: BenchStore) -> AccountsView:
    """Balances by subscriber of one load."""
    try:
        return store.read_accounts()
    except StoreUnreachable:  # said by a connection to a store that was killed; the next one is new
        return store.read_accounts()


def report_of(rows: Sequence[tuple[str, object]], head: tuple[str, str]) -> str:
    """A table of two columns as text."""
    width = max(len(head[0]), *(len(name) for name, _ in rows))
    lines = [f"{head[0]:<{width}}  {head[1]}", *(f"{name:<{width}}  {value}" for name, value in rows)]
    return "\n".join(lines)

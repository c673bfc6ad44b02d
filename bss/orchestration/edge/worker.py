"""A worker: has a slot, relays events, runs workflows and what is due. Several may run; each takes over from one that dies.

One thread says again and again that it lives; when it can't any more, or another took its slot, the process has to end at
once (`on_lost`), since its workflows are another's by then. What it does after that is refused by DBOS's owner check, and by
the revisions of order steps.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import sqlalchemy as sa
import structlog

from bss.deliveries import Event
from bss.edge.database import Database
from bss.leases import give_back, held, lapsed, renew, take
from bss.orchestration.edge.durable import DurableWorkflows
from bss.orchestration.edge.relay_thread import RelayThread
from bss.orchestration.run import RESOURCE_ID, Workflow

SLOT: Final = "worker-"
SLOTS_MAX: Final = 16
LOOK_S: Final = 1.0
LEASE_S: Final = 10.0
_RENEWALS_A_LEASE: Final = 4
_NS_PER_S: Final = 1_000_000_000


class NoSlot(Exception):
    """All slots are taken by workers that live."""


@dataclass(frozen=True, slots=True)
class Worker:
    """What a worker is made of; `run` works until it is stopped.

    name        of this process, unlike all others
    folder      of workflows.db, of all workers that share the database
    workflows   by name
    started_by  name of the workflow that events of a kind start; its ids are the event's, and its resource's as RESOURCE_ID
    relay       a relay whose listeners are these; it runs in a thread of its own
    hears       is called with each event beside that: rules (bss/orchestration/event_rules.py)
    run_due     does what is due now; how many rows
    wall_ns     the machine's clock, which nobody moves
    on_lost     ends the process at once
    code        see DurableWorkflows
    """

    database: Database
    name: str
    folder: Path
    workflows: Mapping[str, Workflow]
    started_by: Mapping[str, str]
    relay: Callable[[Sequence[Callable[[Event], None]]], RelayThread]
    run_due: Callable[[], int]
    wall_ns: Callable[[], int]
    on_lost: Callable[[], None]
    hears: Callable[[Event], None] = lambda event: None
    code: str = ""
    lease_s: float = LEASE_S
    look_s: float = LOOK_S

    def run(self, stopping: threading.Event, on_ready: Callable[[str], None] = lambda slot: None) -> None:
        """Work until `stopping`; `on_ready` is told of the slot. NoSlot."""
        slot = self._take_slot()
        keeping = threading.Thread(target=self._keep, args=(slot, stopping), daemon=True)
        keeping.start()
        durable = DurableWorkflows(self.database, self.folder, slot=slot, workflows=self.workflows, code=self.code)
        durable.launch()
        relay = self.relay([lambda event: self._start(durable, event), self.hears])
        try:
            relay.start()
            on_ready(slot)
            while not stopping.is_set():
                self._take_over(durable)
                if not self.run_due():
                    stopping.wait(self.look_s)
        finally:
            stopping.set()
            relay.stop()
            durable.close()
            keeping.join()
            self.database.across_tenants(lambda connection: give_back(connection, slot, holder=self.name))

    def _start(self, durable: DurableWorkflows, event: Event) -> None:
        name = self.started_by.get(event.kind)
        if name is not None:
            ids = {**event.ids, RESOURCE_ID: event.resource_id}
            durable.start(name, workflow_id=event.id, tenant=event.tenant, ids=ids)

    def _take_over(self, durable: DurableWorkflows) -> None:
        """What workers that died had under way goes on here."""
        now_ns = self.wall_ns()
        for slot in self.database.across_tenants(
            lambda connection: lapsed(connection, SLOT, but_not=durable.slot, now_ns=now_ns)
        ):
            if self._take(slot):
                found = durable.take_over(slot)
                structlog.get_logger().warning("worker died, its workflows go on here", slot=slot, workflows=found)
                self.database.across_tenants(
                    lambda connection, slot=slot: give_back(connection, slot, holder=self.name)  # type: ignore[misc]
                )

    def _take_slot(self) -> str:
        """The slot that it had when it died, else the first that is free."""
        own = self.database.across_tenants(lambda connection: held(connection, SLOT, holder=self.name))
        for slot in (*own, *(f"{SLOT}{number}" for number in range(1, SLOTS_MAX + 1))):
            if self._take(slot):
                return slot
        raise NoSlot(f"{SLOTS_MAX} workers run already: stop one")

    def _take(self, lease: str) -> bool:
        return self.database.across_tenants(
            lambda connection: take(
                connection, lease, holder=self.name, now_ns=self.wall_ns(), lease_ns=self._lease_ns()
            )
        )

    def _keep(self, slot: str, stopping: threading.Event) -> None:
        try:
            while not stopping.wait(self.lease_s / _RENEWALS_A_LEASE):
                if not self.database.across_tenants(lambda connection: self._renew(connection, slot)):
                    break
        finally:
            if not stopping.is_set():  # another has the slot, or the database is away: the lease will lapse
                self.on_lost()

    def _renew(self, connection: sa.Connection, slot: str) -> bool:
        return renew(connection, slot, holder=self.name, now_ns=self.wall_ns(), lease_ns=self._lease_ns())

    def _lease_ns(self) -> int:
        return int(self.lease_s * _NS_PER_S)

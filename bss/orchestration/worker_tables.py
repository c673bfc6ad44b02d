"""What a worker does, as tables: workflows by name, the events that start them, and what due rows do."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Final

from bss.access import Caller
from bss.automation.operations import REPLAY_DUE, RUN_READY, replay
from bss.catalog.queries import release_in_force, release_of_number
from bss.catalog.release import CatalogRelease
from bss.crm.care_operations import TICKET_DUE, mark_overdue
from bss.due import Due, finish
from bss.errors import Conflict
from bss.identity.operations import SESSION_OVER, forget_sessions
from bss.inventory.operations import DUE_KINDS, end_due_state
from bss.inventory.renewals import RENEWAL_DUE
from bss.orchestration.automation_steps import AUTOMATION, automation_flow, automation_steps
from bss.orchestration.balance_flow import send_again
from bss.orchestration.batch_flow import BATCH, MIGRATION, MIGRATION_SAID, BatchFlow, batch_due, open_migration
from bss.orchestration.dated_orders import start_dated
from bss.orchestration.order_steps import ORDER, order_flow, order_steps
from bss.orchestration.ports import Ports
from bss.orchestration.renewal_flow import (
    PAID_DUE,
    RENEWAL,
    RENEWAL_READY,
    RenewalFlow,
    renew_what_waits,
    start_renewal,
)
from bss.orchestration.run import Workflow
from bss.orders.batches import BATCH_DUE, BATCH_READY
from bss.orders.fallout import retry
from bss.orders.operations import READY, RETRY_DUE, START_DUE
from bss.prepay.operations import SEND_AGAIN
from bss.work import Transactions, Work

STARTED_BY: Final = {
    READY: ORDER,
    RENEWAL_READY: RENEWAL,
    RUN_READY: AUTOMATION,
    MIGRATION_SAID: MIGRATION,
    BATCH_READY: BATCH,
}
"""Name of the workflow that events of a kind start."""

Handler = Callable[[Work, Due], object]
Asking = Callable[[Transactions, Caller, Due], object]


def workflows(ports: Ports, reached: Callable[[str], None] = lambda name: None) -> dict[str, Workflow]:
    """Workflows by name."""
    return {
        ORDER: order_flow(order_steps(ports), reached),
        RENEWAL: RenewalFlow(ports, reached),
        MIGRATION: open_migration,
        BATCH: BatchFlow(reached),
        AUTOMATION: automation_flow(automation_steps(ports), reached),
    }


def due_handlers() -> Mapping[str, tuple[Handler, frozenset[str]]]:
    """By kind of due row: what does it, and what it may."""
    resources = frozenset({"inventory:write"})
    judges = frozenset({"order:read", "order:write", "inventory:read", "customer:read", "catalog:read"})
    return {
        START_DUE: (start_dated, judges),
        RETRY_DUE: (_retry_order, frozenset({"order:repair"})),
        TICKET_DUE: (mark_overdue, frozenset({"ticket:write"})),
        RENEWAL_DUE: (start_renewal, frozenset({"inventory:read"})),
        PAID_DUE: (renew_what_waits, frozenset({"inventory:read"})),
        BATCH_DUE: (batch_due, frozenset({"order:write"})),
        REPLAY_DUE: (_replay_run, frozenset({"automation:write"})),
        **dict.fromkeys(DUE_KINDS, (end_due_state, resources)),
        SESSION_OVER: (forget_sessions, frozenset({"user:authenticate"})),
    }


def asking_handlers(ports: Ports) -> Mapping[str, tuple[Asking, frozenset[str]]]:
    """By kind of due row that others are asked for: what does it, and what it may."""

    def send(database: Transactions, caller: Caller, due: Due) -> object:
        return send_again(database, ports.engine, caller, due)

    return {SEND_AGAIN: (send, frozenset({"balance:read", "balance:write"}))}


def read_release(work: Work, number: int) -> CatalogRelease:
    """See Ports.release."""
    return release_of_number(work, number=number) if number else release_in_force(work)


def _retry_order(work: Work, due: Due) -> None:
    with _unless_decided(work, due):
        retry(work, order_id=due.resource_id, note="tried again by itself")


def _replay_run(work: Work, due: Due) -> None:
    with _unless_decided(work, due):
        replay(work, run_id=due.resource_id)


@contextmanager
def _unless_decided(work: Work, due: Due) -> Iterator[None]:
    """The due row is done, whether or not a person was quicker to do what it asks for."""
    finish(work, due)
    with suppress(Conflict), work.all_or_nothing():
        yield

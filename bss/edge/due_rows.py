"""Does what is due: leases rows whose instant has come, of all tenants, and runs what their kind names, each in a transaction
that also takes the row away. So what is due is done once, whatever dies when; what fails is due again after a pause.
"""

from collections.abc import Callable, Mapping
from typing import Final

import structlog

from bss.access import Caller
from bss.due import Due, lease_due, put_off
from bss.edge.database import Database
from bss.errors import Stale
from bss.work import Transactions, Work

log = structlog.get_logger()

LEASE_NS: Final = 60_000_000_000
ROWS_A_LEASE: Final = 50

Handler = Callable[[Work, Due], object]
"""Does what is due and calls `bss.due.finish` in the same transaction."""
Asking = Callable[[Transactions, Caller, Due], object]
"""Asks others between transactions of its own, the last of which finishes the row. It may be asked again, after a crash."""


class DueRows:
    """What one worker does with due rows. Several may run, under names of their own."""

    def __init__(
        self,
        database: Database,
        handlers: Mapping[str, tuple[Handler, frozenset[str]]],
        asking: Mapping[str, tuple[Asking, frozenset[str]]] | None = None,
        *,
        holder: str,
    ) -> None:
        """handlers, asking   by kind: what to run, and the permissions it runs with; a kind is in one of them"""
        self._database = database
        self._handlers = handlers
        self._asking = asking or {}
        self._holder = holder

    def run_due(self) -> int:
        """Do everything that is due at this instant; how many rows were tried. Again at the next second, or a wake."""
        count = 0
        while taken := self._lease():
            for due in taken:
                self._run(due)
            count += len(taken)
        return count

    def _lease(self) -> list[Due]:
        return self._database.across_tenants(
            lambda connection: lease_due(
                connection,
                now_ns=self._database.now_ns(),
                lease_ns=LEASE_NS,
                holder=self._holder,
                kinds=[*self._handlers, *self._asking],
                count_max=ROWS_A_LEASE,
            )
        )

    def _run(self, due: Due) -> None:
        try:
            self._do(due)
        except Stale:
            log.info("due row is another's", kind=due.kind, resource_id=due.resource_id)
        except Exception as error:  # whatever it was: the others have to go on, and this one to be seen
            log.warning("due row failed", kind=due.kind, resource_id=due.resource_id, error=repr(error))
            words = f"{type(error).__name__}: {error}"
            self._database.across_tenants(
                lambda connection: put_off(connection, due, now_ns=self._database.now_ns(), error=words)
            )

    def _do(self, due: Due) -> None:
        if due.kind in self._asking:
            asks, permissions = self._asking[due.kind]
            asks(self._database, Caller(due.tenant, f"due:{due.kind}", permissions), due)
            return
        handler, permissions = self._handlers[due.kind]
        caller = Caller(due.tenant, f"due:{due.kind}", permissions)
        self._database.write(caller, lambda work: handler(work, due))

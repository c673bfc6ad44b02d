"""A run of a workflow without a worker: each call is done at once. Its answers go through JSON, as kept ones do."""

import json
from collections.abc import Callable
from typing import Any

from bss.access import ROLES, Caller
from bss.edge.database import Database
from bss.work import Work


class PlainRun:
    """See bss/orchestration/run.py. `names` are the calls so far."""

    def __init__(self, database: Database, *, tenant: str = "default", workflow_id: str = "w1") -> None:
        self.workflow_id = workflow_id
        self.names: list[str] = []
        self._database = database
        self._caller = Caller(tenant, "workflow:test", ROLES["workflow"])

    def commit(self, function: Callable[[Work], Any]) -> Any:
        """See Run."""
        return self._database.write(self._caller, function)

    def write(self, name: str, function: Callable[[Work], Any]) -> Any:
        """See Run."""
        self.names.append(name)
        return json.loads(json.dumps(self._database.write(self._caller, function)))

    def ask(self, name: str, function: Callable[[], Any]) -> Any:
        """See Run."""
        self.names.append(name)
        return json.loads(json.dumps(function()))

    def read(self, function: Callable[[Work], Any]) -> Any:
        """See Run."""
        return self._database.read(self._caller, function)

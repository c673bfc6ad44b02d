"""Every public operation and query, found by OPERATIONS, refuses: nobody, who is over, another tenant's rows, who lacks the
permission. It does so before it looks at anything, so that arguments needn't make sense.
"""

import ast
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Mapping
from typing import Any

import pytest

import bss
from bss.access import EVERYTHING, OPERATIONS, ROLES, Caller, Forbidden, Operation, Unauthenticated
from bss.edge.database import Database
from bss.errors import BusinessError
from bss.work import Work
from tests.bss.conftest import NOW_NS
from tests.bss.everything import rows_of_other_tenant, sample_arguments
from tests.tidy.sources import every_source

WELL_CALLED = ("bss.audit_trail.", "bss.crm.", "bss.identity.", "bss.inventory.", "bss.views.customer_search.")
"""Operations whose arguments are of the right types in the walk over another tenant's rows (tests/bss/everything.py);
others may stumble over "none", and have tests of their own for what they find.
"""
EDGES = ("bss.api", "bss.console", "bss.edge", "bss.orchestration")
"""They call operations and have none."""


def _import_all() -> None:
    for module in pkgutil.walk_packages(bss.__path__, "bss."):
        if not module.name.startswith(EDGES) and ".edge" not in module.name:
            importlib.import_module(module.name)


_import_all()
NAMES = sorted(OPERATIONS)


def call(database: Database, caller: Caller | None, operation: Operation, arguments: Mapping[str, Any]) -> Any:
    """The operation's answer; positional arguments go by their place."""

    def run(work: Work) -> Any:
        work.caller = caller  # type: ignore[assignment]
        parameters = list(inspect.signature(operation.call).parameters.values())[1:]
        by_place = [arguments[p.name] for p in parameters if p.kind == p.POSITIONAL_ONLY]
        by_name = {name: value for name, value in arguments.items() if name not in _positional(parameters)}
        return operation.call(work, *by_place, **by_name)

    tenant = caller or Caller("default", "nobody", frozenset())
    return database.write(tenant, run)


def _positional(parameters: list[inspect.Parameter]) -> set[str]:
    return {p.name for p in parameters if p.kind == p.POSITIONAL_ONLY}


def nonsense(operation: Operation) -> dict[str, Any]:
    """Something for each argument that has to be there."""
    parameters = list(inspect.signature(operation.call).parameters.values())[1:]
    needed = [p for p in parameters if p.default is p.empty and p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
    return dict.fromkeys((p.name for p in needed), "none")


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """One database for all that is refused: nothing is ever written."""
    import sqlalchemy as sa

    from bss.all_tables import METADATA
    from bss.edge.database import database_url

    url = database_url("", tmp_path_factory.mktemp("refused"))
    engine = sa.create_engine(url)
    METADATA.create_all(engine)
    engine.dispose()
    database = Database(url, now_ns=lambda: NOW_NS)
    yield database
    database.close()


def test_there_are_operations() -> None:
    assert len(NAMES) > 90
    assert {name.split(".")[1] for name in NAMES} >= {"catalog", "crm", "inventory", "identity", "audit_trail"}


def test_what_takes_a_work_and_is_no_operation_is_its_own_packages_alone() -> None:
    """Else somebody outside could read or write without a permission."""
    inner = {
        (module, name)
        for module in {OPERATIONS[name].call.__module__ for name in NAMES}
        for name, function in inspect.getmembers(importlib.import_module(module), inspect.isfunction)
        if function.__module__ == module
        and next(iter(inspect.signature(function).parameters), "") == "work"
        and f"{module}.{name}" not in OPERATIONS
    }
    imported = {
        (source.module, node.module, alias.name)
        for source in every_source()
        if source.package in ("bss", "runtime")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }
    strays = [
        f"{user} imports {module}.{name}"
        for user, module, name in sorted(imported)
        if (module, name) in inner and user.rpartition(".")[0] != module.rpartition(".")[0]
    ]
    assert not strays


@pytest.mark.parametrize("name", NAMES)
def test_operation_refuses_who_may_not(opened: Database, name: str) -> None:
    operation = OPERATIONS[name]
    everything_else = frozenset().union(*ROLES.values()) - {EVERYTHING, operation.permission}
    for caller, refusal in (
        (None, Unauthenticated),
        (Caller("default", "user:ann", frozenset({operation.permission}), expires_ns=NOW_NS), Unauthenticated),
        (Caller("default", "user:ann", frozenset()), Forbidden),
        (Caller("default", "user:ann", everything_else), Forbidden),
    ):
        with pytest.raises(refusal):
            call(opened, caller, operation, nonsense(operation))


def test_every_permission_of_a_role_is_asked_for_somewhere() -> None:
    """Those of domains that aren't here yet are named."""
    asked = {operation.permission for operation in OPERATIONS.values()}
    to_come = ("automation:", "balance:", "order:")
    granted = frozenset().union(*ROLES.values()) - {EVERYTHING}
    assert not {name for name in granted - asked if not name.startswith(to_come)}


def test_no_operation_finds_another_tenants_rows(database: Database, caller_of: Callable[..., Caller]) -> None:
    """Each is called with ids of rows that another tenant has: it says that there is nothing, or gives nothing."""
    mine, theirs = caller_of(), caller_of(tenant="brand-2")
    ids = database.write(theirs, rows_of_other_tenant)
    before = snapshot(database, theirs)
    seen = 0
    for name in NAMES:
        operation = OPERATIONS[name]
        arguments = sample_arguments(operation, ids)
        if arguments is None:
            continue
        seen += 1
        try:
            answer = call(database, mine, operation, arguments)
        except BusinessError:
            continue
        except Exception:
            assert not name.startswith(WELL_CALLED), name
            continue
        assert not answer or getattr(answer, "tenant", "default") == "default", name
        assert not any(value in repr(answer) for value in ids.values()), name
    assert seen > 60
    assert snapshot(database, theirs) == before


def snapshot(database: Database, caller: Caller) -> str:
    """Every row of a tenant."""
    import sqlalchemy as sa

    from bss.all_tables import METADATA

    with database.engine.connect() as connection:
        return "\n".join(  # sorted: a database may read more rows by another way
            str(row)
            for table in METADATA.sorted_tables
            for row in sorted(
                connection.execute(sa.select(table).where(table.c.tenant == caller.tenant)).all(), key=str
            )
        )

"""What commands on the business side share: its database, whose rows, and how a refusal is printed."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer

from runtime.cli.options import fail, settings_or_exit

if TYPE_CHECKING:
    from bss.access import Caller
    from bss.edge.database import Database
    from bss.idempotency import Idempotency
    from bss.work import Work

_Result = TypeVar("_Result")

TenantOption = Annotated[str, typer.Option("--tenant", help="Whose rows.")]
EXIT_REFUSED = 1
"""It was looked at and refused."""


class Business:
    """The database as an operator at the command line sees it; it may do everything in the tenant."""

    def __init__(self, database: "Database", caller: "Caller") -> None:
        self._database = database
        self._caller = caller

    def read(self, function: "Callable[[Work], _Result]") -> _Result:
        """What `function` returns of a snapshot; a refusal is printed, exit 1."""
        return self._run(lambda: self._database.read(self._caller, function))

    def write(self, function: "Callable[[Work], _Result]", *, idempotency: "Idempotency | None" = None) -> _Result:
        """What `function` returns, committed, once a key; a refusal is printed, exit 1."""
        return self._run(lambda: self._database.write(self._caller, function, idempotency=idempotency))

    def run(self, function: "Callable[[Database, Caller], _Result]") -> _Result:
        """What `function` does in transactions of its own; a refusal is printed, exit 1."""
        return self._run(lambda: function(self._database, self._caller))

    def _run(self, run: Callable[[], _Result]) -> _Result:
        from sqlalchemy.exc import OperationalError

        from bss.errors import BusinessError

        try:
            return run()
        except BusinessError as error:
            refuse(*error.lines())
        except OperationalError as error:
            fail(
                f"the database can't be used: {error.orig}",
                "bss.url names it; `farebox config show` says where that is from",
            )


def opened(config: Path | None, data_dir: Path | None, tenant: str) -> Business:
    """The database of the settings; what is wrong with it is printed, exit 2."""
    from runtime.bss_database import open_bss_database
    from runtime.bss_extra import BssMissing

    settings = settings_or_exit(config, None, data_dir)
    try:
        database = open_bss_database(settings)
    except BssMissing as error:
        fail(str(error))
    import getpass

    from bss.access import EVERYTHING, Caller

    return Business(database, Caller(tenant, f"cli:{getpass.getuser()}", frozenset({EVERYTHING})))


def refuse(*lines: str) -> NoReturn:
    """Print why something wasn't done, and end with exit code 1."""
    import sys

    for line in lines:
        print(f"farebox: {line}", file=sys.stderr)
    raise typer.Exit(EXIT_REFUSED)


def print_json(value: Any) -> None:
    """Print records as JSON."""
    import msgspec

    print(json.dumps(msgspec.to_builtins(value), indent=1, ensure_ascii=False))


def shown(instant_ns: int | None) -> str:
    """An instant in UTC, to the second; `-` where there is none."""
    from vocabulary.instants import to_rfc3339

    return "-" if instant_ns is None else to_rfc3339(instant_ns)[:19] + "Z"


def cells(*values: object) -> tuple[str, ...]:
    """Values as a table shows them; nothing is `-`."""
    return tuple("-" if value is None or value == "" else str(value) for value in values)


def rows_of(values: Iterable[tuple[object, ...]]) -> list[tuple[str, ...]]:
    """Rows of a table."""
    return [cells(*row) for row in values]

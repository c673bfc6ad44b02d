"""What commands on the business side's database share: its options, opening it, and what its operations refuse with."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer

from runtime.cli.options import fail, settings_or_exit

if TYPE_CHECKING:
    from bss.access import Caller
    from bss.edge.database import Database
    from bss.work import Work

_Result = TypeVar("_Result")

SqlOption = Annotated[
    str | None,
    typer.Option(
        "--sql",
        envvar="FAREBOX_SQL",
        help="postgresql://user@host/name or sqlite:///path of the business side.",
        show_default="bss.sqlite in the data folder",
    ),
]
BusinessTenantOption = Annotated[str, typer.Option("--tenant", help="Whose.")]


@contextmanager
def business_database(sql: str | None, config: Path | None, data_dir: Path | None) -> "Iterator[Database]":
    """The database, opened; what is in the way is printed, exit 2."""
    settings = settings_or_exit(config, None, data_dir)
    try:
        import sqlalchemy

        from bss.edge.database import DatabaseUnsafe
        from bss.edge.migrate import DatabaseNewer
        from runtime.bss_database import open_database
    except ModuleNotFoundError as error:
        fail(f"{error.name} is missing: pip install 'farebox[bss]' gives the business side what it needs")
    try:
        database = open_database(sql or "", settings.store.data_dir)
    except (DatabaseUnsafe, DatabaseNewer) as error:
        fail(str(error))
    except sqlalchemy.exc.SQLAlchemyError as error:
        fail(f"the business side's database can't be used: {error}")
    try:
        yield database
    finally:
        database.close()


def operator(tenant: str) -> "Caller":
    """Who types commands on this machine may do everything; the audit trail names the account of the machine."""
    import getpass

    from bss.access import EVERYTHING, Caller

    return Caller(tenant, f"cli:{getpass.getuser()}", frozenset({EVERYTHING}))


def read_or_exit(database: "Database", caller: "Caller", function: "Callable[[Work], _Result]") -> _Result:
    """What `function` reads; a refusal is printed, exit 2."""
    return _or_exit(lambda: database.read(caller, function))


def write_or_exit(database: "Database", caller: "Caller", function: "Callable[[Work], _Result]") -> _Result:
    """What `function` returns, committed; a refusal is printed, exit 2."""
    return _or_exit(lambda: database.write(caller, function))


def _or_exit(act: Callable[[], _Result]) -> _Result:
    from bss.errors import BusinessError

    try:
        return act()
    except BusinessError as error:
        refuse(error)


def refuse(error: Any) -> NoReturn:
    """Print what was refused, each fault of a catalogue a line, and end with exit code 2."""
    fail(*(map(str, error.faults) if hasattr(error, "faults") else (str(error),)))

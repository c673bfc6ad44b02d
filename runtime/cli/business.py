"""What commands on the business side work on: its database, whose rows, and how what they find and what they refuse is printed.

`@on_business` is for commands that do something, `@finds` for those that show something, to people or as JSON.
"""

import functools
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple, NoReturn, TypeVar

import typer

from runtime.cli.contexts import works_on
from runtime.cli.options import ConfigOption, DataDirOption, JsonOption, StoreOption, fail, settings_or_exit
from runtime.cli.tables import print_table

if TYPE_CHECKING:
    from bss.access import Caller
    from bss.edge.database import Database
    from bss.idempotency import Idempotency
    from bss.work import Work
    from runtime.settings import Settings

_Result = TypeVar("_Result")

DEFAULT_TENANT: Final = "default"
TenantOption = Annotated[str, typer.Option("--tenant", help="Whose rows.")]
EXIT_REFUSED = 1
"""It was looked at and refused."""


class Business:
    """The database as an operator at the command line sees it; it may do everything in the tenant."""

    def __init__(self, database: "Database", caller: "Caller", settings: "Settings", *, as_json: bool = False) -> None:
        self._database = database
        self._caller = caller
        self.settings = settings
        self._as_json = as_json

    @property
    def tenant(self) -> str:
        """Whose rows."""
        return self._caller.tenant

    def read(self, function: "Callable[[Work], _Result]") -> _Result:
        """What `function` returns of a snapshot; a refusal is printed, exit 1."""
        return self._run(lambda: self._database.read(self._caller, function))

    def write(self, function: "Callable[[Work], _Result]", *, idempotency: "Idempotency | None" = None) -> _Result:
        """What `function` returns, committed, once a key; a refusal is printed, exit 1."""
        return self._run(lambda: self._database.write(self._caller, function, idempotency=idempotency))

    def run(self, function: "Callable[[Database, Caller], _Result]") -> _Result:
        """What `function` does in transactions of its own; a refusal is printed, exit 1."""
        return self._run(lambda: function(self._database, self._caller))

    def show(self, found: "Found") -> None:
        """Print what was found, as it is asked for."""
        if self._as_json:
            print_json(found.records)
        else:
            found.show()

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


class Found(NamedTuple):
    """What a command found: records for JSON, and how people are shown them."""

    records: Any
    show: Callable[[], None]


def opened(
    tenant: str, config: Path | None, data_dir: Path | None, *, store: str | None = None, as_json: bool = False
) -> Business:
    """The database of the settings; what is wrong with it is printed, exit 2."""
    from runtime.bss_database import open_bss_database
    from runtime.bss_extra import BssMissing

    settings = settings_or_exit(config, store, data_dir)
    try:
        database = open_bss_database(settings)
    except BssMissing as error:
        fail(str(error))
    import getpass

    from bss.access import EVERYTHING, Caller

    caller = Caller(tenant, f"cli:{getpass.getuser()}", frozenset({EVERYTHING}))
    return Business(database, caller, settings, as_json=as_json)


def _opened(
    tenant: TenantOption = DEFAULT_TENANT, config: ConfigOption = None, data_dir: DataDirOption = None
) -> Business:
    return opened(tenant, config, data_dir)


def _opened_beside_store(
    tenant: TenantOption = DEFAULT_TENANT,
    config: ConfigOption = None,
    store: StoreOption = None,
    data_dir: DataDirOption = None,
) -> Business:
    return opened(tenant, config, data_dir, store=store)


def _opened_to_show(
    tenant: TenantOption = DEFAULT_TENANT,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> Business:
    return opened(tenant, config, data_dir, as_json=as_json)


on_business: Final = works_on(_opened)
"""The command gets the opened Business first."""
on_business_and_store: Final = works_on(_opened_beside_store)
"""The same of a command that asks the engine, too: `store_url(business.settings)` is where."""


def table_of(
    records: Any,
    title: str,
    columns: Sequence[str],
    rows: Iterable[tuple[object, ...]],
    *,
    right: Sequence[str] = (),
) -> Found:
    """Records that people see as a table: `rows` has a value a column, None where there is none."""
    return Found(records, lambda: print_table(title, columns, rows_of(rows), right=right))


def finds(command: Callable[..., Found]) -> Callable[..., None]:
    """The command gets the opened Business first, and returns what it Found; `--json` is for programs."""

    @functools.wraps(command)
    def show(business: Business, *arguments: Any, **options: Any) -> None:
        business.show(command(business, *arguments, **options))

    return works_on(_opened_to_show)(show)


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

"""Statements that are made and compiled once, and run with other values each time.

On SQLite they run on the driver itself: of the 60 us that SQLAlchemy takes to run a statement that it knows, SQLite's own part
is 6. On PostgreSQL the way there costs more than either, and SQLAlchemy runs them.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, Final, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

Row = dict[str, Any]
Values = Mapping[str, Any]
Executable = sa.Select[Any] | sa.Insert | sa.Update | sa.Delete
Processor = Callable[[Any], Any]

_DIALECT: Final = SQLiteDialect_pysqlite(
    json_serializer=lambda value: msgspec.json.encode(value).decode(), json_deserializer=msgspec.json.decode
)
_DRIVER: Final = SQLiteDialect_pysqlite.import_dbapi()
_LIST_MAX: Final = 50
"""Lists of so many values have a text of their own each; longer ones are rare."""


class Statement:
    """A statement whose values are `sa.bindparam`s, and of an insert the columns `writes`."""

    def __init__(self, executable: Executable, *, writes: Sequence[str] | None = None) -> None:
        self._executable = executable
        self._writes = writes
        self._texts: dict[tuple[int, ...], _OnDriver] = {}

    def rows(self, connection: sa.Connection, values: Values) -> list[Row]:
        """What it selects."""
        driver = self._on_driver(connection, values)
        if driver is not None:
            return driver.rows(connection, values)
        return [row._asdict() for row in connection.execute(self._executable, dict(values))]

    def run(self, connection: sa.Connection, values: Values) -> int:
        """Write; how many rows. Errors of the database are SQLAlchemy's, such as sqlalchemy.exc.IntegrityError."""
        driver = self._on_driver(connection, values)
        if driver is not None:
            return int(driver.run(connection, values).rowcount)
        return connection.execute(self._executable, dict(values)).rowcount

    def _on_driver(self, connection: sa.Connection, values: Values) -> "_OnDriver | None":
        """None where SQLAlchemy is to run it: on PostgreSQL, and with lists that are empty or long."""
        if connection.dialect.name != "sqlite":
            return None
        sizes = tuple(len(values[name]) for name in self._lists)
        if not all(0 < size <= _LIST_MAX for size in sizes):
            return None
        known = self._texts.get(sizes)
        if known is None:
            known = self._texts[sizes] = _OnDriver(self._executable, self._compiled, values)
        return known

    @cached_property
    def _compiled(self) -> "sa.sql.compiler.SQLCompiler":
        compiled = self._executable.compile(dialect=_DIALECT, column_keys=self._writes)
        assert isinstance(compiled, sa.sql.compiler.SQLCompiler)
        return compiled

    @cached_property
    def _lists(self) -> list[str]:
        """Names of its lists, which `IN` is followed by."""
        return sorted(bound.key for bound in self._compiled.binds.values() if bound.expanding)


class _Value(NamedTuple):
    """What stands at one place of a statement's text."""

    name: str
    place: int | None
    """in the list of this name"""
    fixed: Any
    """where no value of this name is given"""
    is_given: bool
    write: Processor
    """to what the driver takes"""


class _OnDriver:
    """A statement as SQLite's driver takes it, with lists as long as these values' are."""

    def __init__(self, executable: Executable, compiled: "sa.sql.compiler.SQLCompiler", values: Values) -> None:
        expanded = compiled.construct_expanded_state({name: values[name] for name in _given(compiled)})
        places = {
            each: (name, place)
            for name, names in expanded.parameter_expansion.items()
            for place, each in enumerate(names)
        }
        self._sql = expanded.statement
        self._values = [_value_of(compiled, *places.get(name, (name, None))) for name in expanded.positiontup or ()]
        columns = list(executable.selected_columns) if isinstance(executable, sa.Select) else []
        self._names = [str(column.key) for column in columns]
        readers = [
            (column.key, column.type.dialect_impl(_DIALECT).result_processor(_DIALECT, None)) for column in columns
        ]
        self._readers = [(str(name), reader) for name, reader in readers if reader is not None]

    def rows(self, connection: sa.Connection, values: Values) -> list[Row]:
        """See Statement."""
        names, readers = self._names, self._readers
        found = [dict(zip(names, row, strict=True)) for row in self.run(connection, values)]
        for row in found:
            for name, read in readers:
                row[name] = read(row[name])
        return found

    def run(self, connection: sa.Connection, values: Values) -> Any:
        """The driver's cursor."""
        driver = connection.connection.dbapi_connection
        assert driver is not None, "the connection is within a transaction"
        given = [
            write((values[name] if place is None else values[name][place]) if is_given else fixed)
            for name, place, fixed, is_given, write in self._values
        ]
        try:
            return driver.execute(self._sql, given)  # type: ignore[attr-defined]
        except _DRIVER.Error as error:
            raise sa.exc.DBAPIError.instance(self._sql, given, error, _DRIVER.Error, dialect=_DIALECT) from error


def _given(compiled: "sa.sql.compiler.SQLCompiler") -> list[str]:
    return [bound.key for bound in compiled.binds.values() if bound.required]


def _value_of(compiled: "sa.sql.compiler.SQLCompiler", name: str, place: int | None) -> _Value:
    bound = compiled.binds[name]
    write = bound.type.dialect_impl(_DIALECT).bind_processor(_DIALECT)
    return _Value(
        bound.key, place, None if bound.required else bound.effective_value, bound.required, write or _as_it_is
    )


def _as_it_is(value: Any) -> Any:
    return value

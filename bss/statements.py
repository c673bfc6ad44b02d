"""Statements that are made and compiled once, and run with other values each time.

On SQLite they run on the driver itself: of the 60 us that SQLAlchemy takes to run a statement that it knows, SQLite's own part
is 6. On PostgreSQL the way there costs more than either, and SQLAlchemy runs them.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

Row = dict[str, Any]
Values = Mapping[str, Any]
Executable = sa.Select[Any] | sa.Insert | sa.Update | sa.Delete
Processor = Callable[[Any], Any]

_DIALECT: Final = SQLiteDialect_pysqlite()
_DRIVER: Final = SQLiteDialect_pysqlite.import_dbapi()


class Statement:
    """A statement whose values are `sa.bindparam`s, and of an insert the columns `writes`."""

    def __init__(self, executable: Executable, *, writes: Sequence[str] | None = None) -> None:
        self._executable = executable
        self._writes = writes

    def rows(self, connection: sa.Connection, values: Values) -> list[Row]:
        """What it selects."""
        driver = self._driver if connection.dialect.name == "sqlite" else None
        if driver is not None:
            return driver.rows(connection, values)
        return [row._asdict() for row in connection.execute(self._executable, dict(values))]

    def run(self, connection: sa.Connection, values: Values) -> int:
        """Write; how many rows. Errors of the database are SQLAlchemy's, such as sqlalchemy.exc.IntegrityError."""
        driver = self._driver if connection.dialect.name == "sqlite" else None
        if driver is not None:
            return int(driver.run(connection, values).rowcount)
        return connection.execute(self._executable, dict(values)).rowcount

    @cached_property
    def _driver(self) -> "_OnDriver | None":
        """None of a statement whose text depends on its values, as that of `IN` does."""
        compiled = self._executable.compile(dialect=_DIALECT, column_keys=self._writes)
        assert isinstance(compiled, sa.sql.compiler.SQLCompiler)
        if compiled.post_compile_params or compiled.literal_execute_params:
            return None
        return _OnDriver(self._executable, compiled)


class _OnDriver:
    """A statement as SQLite's driver takes it."""

    def __init__(self, executable: Executable, compiled: "sa.sql.compiler.SQLCompiler") -> None:
        self._sql = compiled.string
        self._values = [_value_of(compiled.binds[name]) for name in compiled.positiontup or ()]
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
        given = [write(values[name] if is_given else value) for name, is_given, value, write in self._values]
        try:
            return driver.execute(self._sql, given)
        except _DRIVER.Error as error:
            raise sa.exc.DBAPIError.instance(self._sql, given, error, _DRIVER.Error, dialect=_DIALECT) from error


def _value_of(bound: "sa.BindParameter[Any]") -> tuple[str, bool, Any, Processor]:
    """(name, whether each run gives it, its value where none does, what the driver gets of it)."""
    write = bound.type.dialect_impl(_DIALECT).bind_processor(_DIALECT)
    return bound.key, bound.required, bound.effective_value, write or _as_it_is


def _as_it_is(value: Any) -> Any:
    return value

"""The unit of work: one transaction with its caller, its instant and its source of ids, and the only way to write rows of
domains. Each write raises the row's revision (the ETag) and leaves an audit row; events go to the outbox in the same
transaction. Operations take a `Work` first and never commit; whoever opened it does (bss/edge/database.py).
"""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import MultipleResultsFound, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from bss.access import Caller
from bss.audit import AUDIT, KEY_OCTETS, PERSON_KEY, changed_columns, seal_personal, without_personal
from bss.errors import NotFound, Stale
from bss.idempotency import Idempotency
from bss.outbox import OUTBOX
from bss.statements import Row as Row
from bss.statements import Statement
from bss.tables import personal_columns
from bss.tenant_rows import TENANT, AnySelect, Prepared, of_tenant

DATABASE_AWAY = (OperationalError, PoolTimeout)
"""Errors of transactions that say that the database isn't there now, or is held by somebody for too long."""

T = TypeVar("T")


class Work:
    """See the module. Reads see the transaction's snapshot, of the caller's tenant alone."""

    def __init__(
        self,
        connection: sa.Connection,
        *,
        caller: Caller,
        now_ns: int,
        draw_id: Callable[[int], str],
        entropy: Callable[[int], bytes],
    ) -> None:
        """`draw_id(now_ns)` gives ids that sort as they are drawn, `entropy(count)` so many random octets."""
        self.caller = caller
        self.now_ns = now_ns
        self.event_count = 0
        self._connection = connection
        self._draw_id = draw_id
        self._entropy = entropy
        self._operation = "none"

    @contextmanager
    def named(self, operation: str) -> Iterator[None]:
        """What is written meanwhile is audited under this operation; the outermost one counts."""
        if self._operation != "none":
            yield
            return
        self._operation = operation
        try:
            yield
        finally:
            self._operation = "none"

    @contextmanager
    def acting_as(self, caller: Caller) -> Iterator[None]:
        """What is done in the block is another's doing, of the same tenant: their permissions hold, the audit names them."""
        if caller.tenant != self.caller.tenant:
            raise ValueError(f"{caller.subject} is of another tenant")
        before, self.caller = self.caller, caller
        try:
            yield
        finally:
            self.caller = before

    @contextmanager
    def all_or_nothing(self) -> Iterator[None]:
        """Where an error leaves the block, what was written in it is undone, and the transaction can go on."""
        event_count = self.event_count
        try:
            with self._connection.begin_nested():
                yield
        except BaseException:
            self.event_count = event_count
            raise

    def new_id(self) -> str:
        """An id that nothing else has; later ones sort behind it."""
        return self._draw_id(self.now_ns)

    def random_octets(self, count: int) -> bytes:
        """Octets that nobody can foretell: for secrets that are shown once and kept as hashes."""
        return self._entropy(count)

    def rows(self, statement: AnySelect | Prepared, **values: Any) -> Sequence[Row]:
        """The tenant's rows that the statement selects; `values` are those of a prepared one."""
        tenant = self.caller.tenant
        if isinstance(statement, Prepared):
            return statement.of_tenant.rows(self._connection, {TENANT: tenant, **values})
        if values:
            raise TypeError(f"{', '.join(values)}: a statement that isn't prepared has its values in it")
        return [row._asdict() for row in self._connection.execute(of_tenant(statement, tenant))]

    def row(self, statement: AnySelect | Prepared, **values: Any) -> Row | None:
        """The only row, or none."""
        found = self.rows(statement, **values)
        if len(found) > 1:
            raise MultipleResultsFound(f"{len(found)} rows where one is looked for")
        return found[0] if found else None

    def count(self, statement: AnySelect) -> int:
        """How many rows the statement selects, its limit and order aside."""
        inner = statement.limit(None).offset(None).order_by(None)
        counted = sa.select(sa.func.count()).select_from(of_tenant(inner, self.caller.tenant).subquery())
        return int(self._connection.execute(counted).scalar_one())

    def find(self, table: sa.Table, row_id: str) -> Row | None:
        """The tenant's row of this id, or none."""
        found = _by_id(table).rows(self._connection, {TENANT: self.caller.tenant, "of_id": row_id})
        return found[0] if found else None

    def get(self, table: sa.Table, row_id: str, *, field: str = "id") -> Row:
        """The tenant's row of this id; NotFound says at which field it was named."""
        found = self.find(table, row_id)
        if found is None:
            raise NotFound(field, f"there is no {table.name} {row_id!r}", "Name one that exists")
        return found

    def insert(self, table: sa.Table, **values: Any) -> Row:
        """A new row; `id` is made unless given. Constraints of the database raise sqlalchemy.exc.IntegrityError."""
        values.setdefault("id", self.new_id())
        row = {**_empty(table), **values}
        row |= {
            "tenant": self.caller.tenant,
            "revision": 1,
            "created_ns": self.now_ns,
            "updated_ns": self.now_ns,
        }
        _check_columns(table, values)
        _insertion(table, tuple(row)).run(self._connection, row)
        self._audit(table, None, row)
        return row

    def change(self, table: sa.Table, row: str | Row, *, if_revision: int | None = None, **values: Any) -> Row:
        """The row with these values and the next revision.

        row           its id; or the whole row as this transaction read it, which saves reading it again
        if_revision   what the caller saw; Stale where it is not in force any more. NotFound where there is no row.
        """
        _check_columns(table, values)
        before = self.get(table, row) if isinstance(row, str) else row
        _check_revision(table, before, if_revision)
        written = {**values, "revision": before["revision"] + 1, "updated_ns": self.now_ns}
        self._at_revision(
            _change(table, tuple(values)), table, before, {f"to_{name}": value for name, value in written.items()}
        )
        after = {**before, **written}
        self._audit(table, before, after)
        return after

    def remove(self, table: sa.Table, row: str | Row, *, if_revision: int | None = None) -> None:
        """The row goes. NotFound, Stale; what still refers to it raises sqlalchemy.exc.IntegrityError. `row` as in `change`."""
        before = self.get(table, row) if isinstance(row, str) else row
        _check_revision(table, before, if_revision)
        self._at_revision(_removal(table), table, before, {})
        self._audit(table, before, None)

    def _at_revision(self, statement: Statement, table: sa.Table, before: Row, values: Row) -> None:
        """Change or remove the row where it is still as it was read. Stale."""
        asked = {TENANT: self.caller.tenant, "of_id": before["id"], "of_revision": before["revision"]}
        if statement.run(self._connection, asked | values) != 1:
            raise Stale("id", f"{table.name} {before['id']} was changed meanwhile", "Read it again")

    def event(self, kind: str, *, resource: str, resource_id: str, **ids: str) -> str:
        """Tell of something that happened, once this commits; the event's id."""
        event_id = self.new_id()
        entry = {
            "tenant": self.caller.tenant,
            "id": event_id,
            "kind": kind,
            "resource": resource,
            "resource_id": resource_id,
            "ids": ids,
            "occurred_ns": self.now_ns,
        }
        _insertion(OUTBOX, tuple(entry)).run(self._connection, entry)
        self.event_count += 1
        return event_id

    def erase_person(self, person_id: str) -> None:
        """Destroy the person's key: what the audit trail holds of them can't be read by anyone from now on."""
        self._connection.execute(
            sa.update(PERSON_KEY)
            .where(PERSON_KEY.c.tenant == self.caller.tenant, PERSON_KEY.c.person_id == person_id)
            .values(key=None, erased_ns=self.now_ns)
        )

    def erase_audited(self, table: sa.Table, row_id: str) -> None:
        """Nobody reads any more what the audit trail holds in personal columns of a row, whoever's key it is sealed with, or
        where an earlier release didn't seal it.
        """
        for entry in self.rows(sa.select(AUDIT).where(AUDIT.c.resource == table.name, AUDIT.c.resource_id == row_id)):
            emptied = {side: without_personal(table, entry[side]) for side in ("before", "after")}
            if any(emptied[side] != entry[side] for side in emptied):
                is_entry = sa.and_(AUDIT.c.tenant == self.caller.tenant, AUDIT.c.id == entry["id"])
                self._connection.execute(sa.update(AUDIT).where(is_entry).values(emptied))

    def person_key(self, person_id: str) -> bytes | None:
        """The key that seals what is audited of a person; none once they are erased, or where nothing was sealed."""
        row = self.row(_PERSON_KEY, person_id=person_id)
        return None if row is None else row["key"]

    def _audit(self, table: sa.Table, before: Row | None, after: Row | None) -> None:
        if not table.info.get("is_audited", True):
            return
        row = after if after is not None else before
        assert row is not None
        old, new = changed_columns(table, before, after)
        if before is not None and after is not None and not new:
            return  # the revision alone was raised: what was changed is in rows beside it, which are audited
        person_id = key = None
        if any(side and side.get(name) for side in (old, new) for name in _personal(table)):
            person_id = self._person_of(table, row) or str(row["id"])
            key = self._key_for(person_id)
        entry = {
            "tenant": self.caller.tenant,
            "id": self.new_id(),
            "at_ns": self.now_ns,
            "subject": self.caller.subject,
            "operation": self._operation,
            "resource": table.name,
            "resource_id": row["id"],
            "person_id": person_id,
            "before": seal_personal(table, old, key=key, entropy=self._entropy),
            "after": seal_personal(table, new, key=key, entropy=self._entropy),
        }
        _insertion(AUDIT, tuple(entry)).run(self._connection, entry)

    def _person_of(self, table: sa.Table, row: Row) -> str | None:
        """Whom a row is about, the first that it names."""
        for way in table.info["person"]:
            if isinstance(way, str):
                found: str | None = row[way]
            else:
                owner_table = table.metadata.tables[way.table]
                owner = self.find(owner_table, row[way.column]) if row[way.column] else None
                found = None if owner is None else self._person_of(owner_table, owner)
            if found:
                return found
        return None

    def _key_for(self, person_id: str) -> bytes | None:
        """The person's key, made where they have none yet; none for who is erased."""
        known = self.row(_PERSON_KEY, person_id=person_id)
        if known is not None:
            key: bytes | None = known["key"]
            return key
        made = self._entropy(KEY_OCTETS)
        self._connection.execute(sa.insert(PERSON_KEY).values(tenant=self.caller.tenant, person_id=person_id, key=made))
        return made


_PERSON_KEY = Prepared(sa.select(PERSON_KEY.c.key).where(PERSON_KEY.c.person_id == sa.bindparam("person_id")))


_personal = functools.cache(personal_columns)


def _is_row(table: sa.Table) -> "sa.ColumnElement[bool]":
    return sa.and_(table.c.tenant == sa.bindparam(TENANT), table.c.id == sa.bindparam("of_id"))


@functools.cache
def _by_id(table: sa.Table) -> Statement:
    """A row by its key."""
    return Statement(sa.select(table).where(_is_row(table)))


@functools.cache
def _empty(table: sa.Table) -> Row:
    """A row without values."""
    return dict.fromkeys(table.columns.keys())


@functools.cache
def _insertion(table: sa.Table, names: tuple[str, ...]) -> Statement:
    return Statement(sa.insert(table).inline(), writes=names)


@functools.cache
def _change(table: sa.Table, names: tuple[str, ...]) -> Statement:
    """Values are `to_<column>`: an update has names of its own for those of its columns."""
    written: Row = {name: sa.bindparam(f"to_{name}") for name in (*names, "revision", "updated_ns")}
    return Statement(
        sa.update(table).where(_is_row(table), table.c.revision == sa.bindparam("of_revision")).values(written)
    )


@functools.cache
def _removal(table: sa.Table) -> Statement:
    return Statement(sa.delete(table).where(_is_row(table), table.c.revision == sa.bindparam("of_revision")))


def _check_columns(table: sa.Table, values: Mapping[str, Any]) -> None:
    """Work's own columns are not to be written by callers; unknown ones are a mistake of ours."""
    for name in values:
        if name in ("tenant", "revision", "created_ns", "updated_ns"):
            raise TypeError(f"{table.name}.{name} is written by Work alone")
        if name not in _empty(table):
            raise TypeError(f"{table.name} has no column {name}")


def _check_revision(table: sa.Table, row: Row, if_revision: int | None) -> None:
    if if_revision is not None and row["revision"] != if_revision:
        raise Stale(
            "If-Match",
            f"{table.name} {row['id']} has revision {row['revision']}, not {if_revision}",
            "Read it again and decide anew",
        )


class Transactions(Protocol):
    """What opens transactions; bss/edge/database.py does."""

    def write(self, caller: Caller, function: Callable[["Work"], T], *, idempotency: Idempotency | None = None) -> T:
        """What `function` returns, committed; it may run several times and leaves nothing where it raises.

        idempotency   what was asked under a key before gets the answer of then; IdempotencyKeyReused: it was something else
        """

    def read(self, caller: Caller, function: Callable[["Work"], T]) -> T:
        """What `function` returns of one snapshot."""

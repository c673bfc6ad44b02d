"""The unit of work: one transaction with its caller, its instant and its source of ids, and the only way to write rows of
domains. Each write raises the row's revision (the ETag) and leaves an audit row; events go to the outbox in the same
transaction. Operations take a `Work` first and never commit; whoever opened it does (bss/edge/database.py).
"""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

import sqlalchemy as sa

from bss.access import Caller
from bss.audit import AUDIT, KEY_OCTETS, PERSON_KEY, changed_columns, seal_personal
from bss.errors import NotFound, Stale
from bss.idempotency import Idempotency
from bss.outbox import OUTBOX
from bss.tenant_rows import AnySelect, of_tenant

Row = dict[str, Any]
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

    def rows(self, statement: AnySelect) -> Sequence[Row]:
        """The tenant's rows that the statement selects."""
        return [row._asdict() for row in self._connection.execute(of_tenant(statement, self.caller.tenant))]

    def row(self, statement: AnySelect) -> Row | None:
        """The only row, or none."""
        found = self._connection.execute(of_tenant(statement, self.caller.tenant)).one_or_none()
        return None if found is None else found._asdict()

    def count(self, statement: AnySelect) -> int:
        """How many rows the statement selects, its limit and order aside."""
        inner = statement.limit(None).offset(None).order_by(None)
        counted = sa.select(sa.func.count()).select_from(of_tenant(inner, self.caller.tenant).subquery())
        return int(self._connection.execute(counted).scalar_one())

    def find(self, table: sa.Table, row_id: str) -> Row | None:
        """The tenant's row of this id, or none."""
        asked = {"of_tenant": self.caller.tenant, "of_id": row_id}
        found = self._connection.execute(_by_id(table), asked).one_or_none()
        return None if found is None else found._asdict()

    def get(self, table: sa.Table, row_id: str, *, field: str = "id") -> Row:
        """The tenant's row of this id; NotFound says at which field it was named."""
        found = self.find(table, row_id)
        if found is None:
            raise NotFound(field, f"there is no {table.name} {row_id!r}", "Name one that exists")
        return found

    def insert(self, table: sa.Table, **values: Any) -> Row:
        """A new row; `id` is made unless given. Constraints of the database raise sqlalchemy.exc.IntegrityError."""
        values.setdefault("id", self.new_id())
        row = {column.name: None for column in table.columns} | values
        row |= {
            "tenant": self.caller.tenant,
            "revision": 1,
            "created_ns": self.now_ns,
            "updated_ns": self.now_ns,
        }
        _check_columns(table, values)
        self._connection.execute(_insertion(table), row)
        self._audit(table, None, row)
        return row

    def change(self, table: sa.Table, row_id: str, *, if_revision: int | None = None, **values: Any) -> Row:
        """The row with these values and the next revision.

        if_revision   what the caller saw; Stale where it is not in force any more. NotFound where there is no row.
        """
        _check_columns(table, values)
        before = self.get(table, row_id)
        _check_revision(table, before, if_revision)
        after = {**before, **values, "revision": before["revision"] + 1, "updated_ns": self.now_ns}
        changed = self._connection.execute(
            sa.update(table)
            .where(table.c.tenant == self.caller.tenant, table.c.id == row_id, table.c.revision == before["revision"])
            .values(values | {"revision": after["revision"], "updated_ns": self.now_ns})
        )
        if changed.rowcount != 1:
            raise Stale("id", f"{table.name} {row_id} was changed meanwhile", "Read it again")
        self._audit(table, before, after)
        return after

    def remove(self, table: sa.Table, row_id: str, *, if_revision: int | None = None) -> None:
        """The row goes. NotFound, Stale; what still refers to it raises sqlalchemy.exc.IntegrityError."""
        before = self.get(table, row_id)
        _check_revision(table, before, if_revision)
        self._connection.execute(sa.delete(table).where(table.c.tenant == self.caller.tenant, table.c.id == row_id))
        self._audit(table, before, None)

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
        self._connection.execute(_insertion(OUTBOX), entry)
        self.event_count += 1
        return event_id

    def erase_person(self, person_id: str) -> None:
        """Destroy the person's key: what the audit trail holds of them can't be read by anyone from now on."""
        self._connection.execute(
            sa.update(PERSON_KEY)
            .where(PERSON_KEY.c.tenant == self.caller.tenant, PERSON_KEY.c.person_id == person_id)
            .values(key=None, erased_ns=self.now_ns)
        )

    def person_key(self, person_id: str) -> bytes | None:
        """The key that seals what is audited of a person; none once they are erased, or where nothing was sealed."""
        row = self.row(sa.select(PERSON_KEY.c.key).where(PERSON_KEY.c.person_id == person_id))
        return None if row is None else row["key"]

    def _audit(self, table: sa.Table, before: Row | None, after: Row | None) -> None:
        if not table.info.get("is_audited", True):
            return
        row = after if after is not None else before
        assert row is not None
        old, new = changed_columns(table, before, after)
        if before is not None and after is not None and not new:
            return  # the revision alone was raised: what was changed is in rows beside it, which are audited
        person = table.info.get("person")
        person_id = str(row[person] or row["id"]) if person else None
        key = self._key_for(person_id) if person_id else None
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
        self._connection.execute(_insertion(AUDIT), entry)

    def _key_for(self, person_id: str) -> bytes | None:
        """The person's key, made where they have none yet; none for who is erased."""
        known = self.row(sa.select(PERSON_KEY.c.key).where(PERSON_KEY.c.person_id == person_id))
        if known is not None:
            key: bytes | None = known["key"]
            return key
        made = self._entropy(KEY_OCTETS)
        self._connection.execute(sa.insert(PERSON_KEY).values(tenant=self.caller.tenant, person_id=person_id, key=made))
        return made


@functools.cache
def _by_id(table: sa.Table) -> AnySelect:
    """A row by its key. Made once a table: making a statement costs more than running it."""
    return sa.select(table).where(table.c.tenant == sa.bindparam("of_tenant"), table.c.id == sa.bindparam("of_id"))


@functools.cache
def _insertion(table: sa.Table) -> sa.Insert:
    return sa.insert(table).inline()


def _check_columns(table: sa.Table, values: Mapping[str, Any]) -> None:
    """Work's own columns are not to be written by callers; unknown ones are a mistake of ours."""
    for name in values:
        if name in ("tenant", "revision", "created_ns", "updated_ns"):
            raise TypeError(f"{table.name}.{name} is written by Work alone")
        if name not in table.c:
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

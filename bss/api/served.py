"""A resource as it is served: all that a request needs of its table, made once; and rows to documents, a page at a time."""

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote

from bss.access import Caller, check_caller
from bss.api.filters import Selection
from bss.api.resource import Api, Document, Resource
from bss.api.rows import Reach, Row, TableRows
from bss.engine_port import EnginePort
from bss.work import Transactions, Work

_HEAD: Final = ("id", "href", "@type")


class Served:
    """One resource of one API."""

    def __init__(self, api: Api, resource: Resource, public_url: str, engine: EnginePort | None = None) -> None:
        """engine   that live rows are of, and that is asked for what is created, where the resource has it sent"""
        self.engine: Final = engine
        self.api: Final = api
        self.resource: Final = resource
        self.filters: Final = resource.all_filters()
        self.members: Final = frozenset(one.name for one in resource.fields)
        self.path: Final = f"{api.path}/{resource.name}"
        self._href = f"{public_url}{self.path}/"
        plain = [one for one in resource.fields if one.row_name and one.name not in _HEAD]
        self._plain = [(one.name, one.row_name, one.kind.write) for one in plain]
        self._filled = self.members - {one.name for one in plain} - set(_HEAD)

    def href(self, resource_id: str) -> str:
        """Where one resource is."""
        return self._href + quote(resource_id, safe="")

    def one(
        self, store: Transactions, caller: Caller, resource_id: str, shown: frozenset[str] | None
    ) -> tuple[Row, Document] | None:
        """The row of an id and its document; None where there is none."""
        rows = self.resource.domain.rows
        found = rows.one(self._reach(store, caller), resource_id, lambda work, some: self.documents(work, some, shown))
        return None if found is None else (found[0], found[1][0])

    def row_to_change(self, work: Work, resource_id: str) -> Row | None:
        """The tenant's row of an id; None."""
        check_caller(work.caller, self.resource.domain.read_permission, now_ns=work.now_ns)
        rows = self.resource.domain.rows
        assert isinstance(rows, TableRows), "only these are changed (Domain)"
        return rows.find(work, resource_id)

    def page(self, store: Transactions, caller: Caller, selection: Selection) -> tuple[int, list[Document]]:
        """How many match, and the documents of the page."""
        rows, shown = self.resource.domain.rows, selection.fields
        return rows.page(self._reach(store, caller), selection, lambda work, some: self.documents(work, some, shown))

    def documents(self, work: Work, rows: Sequence[Row], shown: frozenset[str] | None = None) -> list[Document]:
        """Documents of some rows, in their order; of the members `shown` where these are said."""
        plain = self._plain if shown is None else [one for one in self._plain if one[0] in shown]
        found = [self._plain_document(row, plain) for row in rows]
        fill = self.resource.domain.fill
        if fill is not None and rows and (shown is None or shown & self._filled):
            fill(work, rows, found)
            if shown is not None:
                found = [{name: value for name, value in one.items() if name in shown} for one in found]
        return found

    def _reach(self, store: Transactions, caller: Caller) -> Reach:
        return Reach(store, self.engine, caller, self.resource.domain.read_permission)

    def _plain_document(self, row: Row, plain: Sequence[tuple[str, str, Any]]) -> Document:
        resource_id = row["id"]
        found = {"id": resource_id, "href": self.href(resource_id), "@type": self.resource.type_name}
        for name, column, write in plain:
            value = row[column]
            if value is not None:
                found[name] = write(value)
        return found

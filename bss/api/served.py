"""A resource as it is served: all that a request needs of its table, made once; and rows to documents, a page at a time."""

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote

from bss.access import check_caller
from bss.api.resource import Api, Document, Resource, Row
from bss.api.selections import Selection, count_of, matching, page_of
from bss.engine_port import EnginePort
from bss.work import Work

_HEAD: Final = ("id", "href", "@type")


class Served:
    """One resource of one API."""

    def __init__(self, api: Api, resource: Resource, public_url: str, engine: EnginePort | None = None) -> None:
        """engine   that is asked for what is created, where the resource has it sent; None: workers ask it later"""
        self.engine: Final = engine
        self.api: Final = api
        self.resource: Final = resource
        self.table: Final = resource.domain.table
        self.filters: Final = resource.all_filters()
        self.members: Final = frozenset(one.name for one in resource.fields)
        self._only = [self.table.c[name] == value for name, value in resource.domain.only.items()]
        self.path: Final = f"{api.path}/{resource.name}"
        self._href = f"{public_url}{self.path}/"
        plain = [one for one in resource.fields if one.row_name and one.name not in _HEAD]
        self._plain = [(one.name, one.row_name, one.kind.write) for one in plain]
        self._filled = self.members - {one.name for one in plain} - set(_HEAD)

    def href(self, resource_id: str) -> str:
        """Where one resource is."""
        return self._href + quote(resource_id, safe="")

    def row(self, work: Work, resource_id: str) -> Row | None:
        """The tenant's row of an id; None."""
        self._check(work)
        row = work.find(self.table, resource_id)
        only = self.resource.domain.only
        return row if row is None or all(row[name] == value for name, value in only.items()) else None

    def page(self, work: Work, selection: Selection) -> tuple[int, list[Document]]:
        """How many match, and the documents of the page.

        A page that isn't full says the count by itself; else it costs a second statement.
        """
        self._check(work)
        where = [*self._only, *matching(self.table, selection.conditions)]
        rows = work.rows(page_of(self.table, where, selection))
        if 0 < len(rows) < selection.limit or (not rows and not selection.offset):
            total = selection.offset + len(rows)
        else:
            total = work.count(count_of(self.table, where))
        return total, self.documents(work, rows, selection.fields)

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

    def _check(self, work: Work) -> None:
        check_caller(work.caller, self.resource.domain.read_permission, now_ns=work.now_ns)

    def _plain_document(self, row: Row, plain: Sequence[tuple[str, str, Any]]) -> Document:
        resource_id = row["id"]
        found = {"id": resource_id, "href": self.href(resource_id), "@type": self.resource.type_name}
        for name, column, write in plain:
            value = row[column]
            if value is not None:
                found[name] = write(value)
        return found

"""What queries and operations of domains give: frozen records, a field a column of the same name."""

from collections.abc import Mapping
from typing import Any, Self

import msgspec


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A row as its readers see it; what of the row isn't a field is left out."""

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """Of a row that has a column for each field. KeyError where one lacks."""
        return cls(**{name: row[name] for name in cls.__struct_fields__})

"""An event as rules see it: what the outbox holds of it, and the resource as it is when the rule is looked at."""

from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import msgspec

from bss.conditions import ANYTHING, INSTANT, TEXT, TEXT_BY_TEXT, Conditions
from vocabulary.instants import NS_PER_S


class VariableRow(NamedTuple):
    """A variable of conditions, and whether texts of an action may hold it as {name}, or {name.<part>}."""

    name: str
    type: Any
    in_texts: bool
    meaning: str


VARIABLES: Final = (
    VariableRow("event.kind", TEXT, True, "such as ProductOrderStateChangeEvent"),
    VariableRow("event.resource", TEXT, True, "kind of the resource, such as productOrder"),
    VariableRow("event.resource_id", TEXT, True, "its id"),
    VariableRow(
        "event.ids",
        TEXT_BY_TEXT,
        False,
        "ids that it concerns beside that, and the state it tells of: event.ids.state",
    ),
    VariableRow("event.time", INSTANT, False, "when it happened"),
    VariableRow(
        "resource",
        ANYTHING,
        False,
        "the resource's fields as they are when the rule is looked at; empty where it is gone",
    ),
)
PARTS_IN_TEXTS: Final = ("event.ids.", "resource.")
"""Of what texts of an action may hold a part: an id, and a text or a whole number of the resource."""
CONDITIONS: Final = Conditions({row.name: row.type for row in VARIABLES})


class Event(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What happened. `resource_fields` are texts, whole numbers, truths, lists and mappings; money in micros."""

    kind: str
    resource: str
    resource_id: str
    ids: dict[str, str] = {}
    occurred_ns: int = 0
    resource_fields: dict[str, Any] = {}

    def values(self) -> dict[str, Any]:
        """Of each of VARIABLES."""
        return {
            "event.kind": self.kind,
            "event.resource": self.resource,
            "event.resource_id": self.resource_id,
            "event.ids": self.ids,
            "event.time": datetime.fromtimestamp(self.occurred_ns // NS_PER_S, UTC),
            "resource": self.resource_fields,
        }

    def texts(self) -> dict[str, str]:
        """What {name} stands for in texts of an action."""
        values = self.values()
        known = {row.name: str(values[row.name]) for row in VARIABLES if row.in_texts}
        known |= {f"event.ids.{name}": value for name, value in self.ids.items()}
        return known | {
            f"resource.{name}": str(value)
            for name, value in self.resource_fields.items()
            if isinstance(value, str | int) and not isinstance(value, bool)
        }

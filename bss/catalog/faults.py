"""Faults of the catalogue as an editor shows them: which entry, which field, what is wrong, what to do."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bss.errors import Invalid
from catalog_loader.faults import Fault, Place


@dataclass(frozen=True, slots=True)
class FieldFault:
    """One thing that is wrong."""

    kind: str
    """list of the entry: offerings, specifications ..., or the engine's offers, prices, allowances; release for the head"""
    id: str
    """of the entry; '' where it has none"""
    field: str
    """such as grant.min or price_ids.2; '' where the entry as a whole is meant"""
    problem: str
    remedy: str
    place: Place | None = None
    """in a file, where it came from one"""

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place else ""
        about = " ".join(part for part in (self.kind, self.id, self.field) if part)
        end = "" if self.remedy.endswith("?") else "."
        return f"{where}{about}: {self.problem}. {self.remedy}{end}"


class CatalogFaulty(Invalid):
    """The catalogue has faults; nothing was done. `faults` are all of them."""

    def __init__(self, faults: Sequence[FieldFault]) -> None:
        first = faults[0]
        field = ".".join(part for part in (first.kind, first.id, first.field) if part)
        more = f" ({len(faults) - 1} faults more)" if len(faults) > 1 else ""
        super().__init__(field, f"{first.problem}{more}", first.remedy)
        self.faults = tuple(faults)


def field_faults(faults: Iterable[Fault], ids: dict[str, list[str]]) -> list[FieldFault]:
    """Faults by the entry that their path names.

    ids   of the entries of each list, in the order that paths count in
    """
    found = []
    for fault in faults:
        kind = str(fault.path[0]) if fault.path else ""
        index = fault.path[1] if len(fault.path) > 1 else None
        entry, rest = "", fault.path[1:]
        if isinstance(index, int) and kind in ids:
            entry = ids[kind][index] if index < len(ids[kind]) else ""
            rest = fault.path[2:]
        field = ".".join(str(part).removeprefix("?") for part in rest)
        found.append(FieldFault(kind, entry, field, fault.problem, fault.remedy, fault.place))
    return found

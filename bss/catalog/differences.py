"""What differs between two releases, in rows for people who are about to import or publish."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from bss.catalog.documents import entry_of
from bss.catalog.release import KIND_OF, CatalogRelease
from catalog_loader.changes import Change, changes
from catalog_loader.write import header_of


def differences(before: CatalogRelease | None, after: CatalogRelease) -> list[Change]:
    """Rows in the order head, the engine's part, resources. Without a release before, everything is new."""
    if before is None:
        head = f"{after.engine.number} ({after.engine.name})"
        things = [f"{name} {each.id}" for name in KIND_OF for each in getattr(after, name)]
        things += [f"offer {each.id}" for each in after.engine.offers]
        return [Change("release", "", "", head), *(Change(thing, "", "", "new") for thing in things)]
    rows = [*_fields("release", header_of(before.engine), header_of(after.engine))]
    rows += [row for row in changes(before.engine, after.engine) if row.thing != "release"]
    for name in KIND_OF:
        old = {each.id: entry_of(each, before.engine.currency) for each in getattr(before, name)}
        new = {each.id: entry_of(each, after.engine.currency) for each in getattr(after, name)}
        for thing_id in sorted(old.keys() | new.keys()):
            thing = f"{name} {thing_id}"
            if thing_id not in old:
                rows.append(Change(thing, "", "", new[thing_id]["name"]))
            elif thing_id not in new:
                rows.append(Change(thing, "", old[thing_id]["name"], ""))
            else:
                rows.extend(_fields(thing, old[thing_id], new[thing_id]))
    return rows


def _fields(thing: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    for field in dict.fromkeys((*old, *new)):
        if old.get(field) != new.get(field):
            yield Change(thing, field, _text(old.get(field)), _text(new.get(field)))


def _text(value: Any) -> str:
    if value is None:
        return "-"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

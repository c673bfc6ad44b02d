"""What an answer lacks of what a scenario expects of it."""

from collections.abc import Mapping
from typing import Any


def differences(expected: Any, found: Any, place: str = "") -> list[str]:
    """Differences, a line each. What is expected must be there; more may be. None: must not be there.

    Of a list each expected item must be among those found: that of its ratingGroup, and uPFID where it says one, else any
    that fits.
    """
    if isinstance(expected, Mapping):
        if not isinstance(found, Mapping):
            return [f"{place or 'the answer'} is {found!r}, expected {dict(expected)!r}"]
        return [line for name, value in expected.items() for line in _member(value, found, name, place)]
    if isinstance(expected, list):
        if not isinstance(found, list):
            return [f"{place} is {found!r}, expected {expected!r}"]
        return [line for item in expected for line in _item(item, found, place)]
    return [] if expected == found else [f"{place} is {found!r}, expected {expected!r}"]


def _member(expected: Any, found: Mapping[str, Any], name: str, place: str) -> list[str]:
    place = f"{place}.{name}" if place else name
    if expected is None:
        return [f"{place} is {found[name]!r}, expected none"] if found.get(name) is not None else []
    if name not in found:
        return [f"{place} is missing, expected {expected!r}"]
    return differences(expected, found[name], place)


def _item(expected: Any, found: list[Any], place: str) -> list[str]:
    group = expected.get("ratingGroup") if isinstance(expected, Mapping) else None
    if group is not None:
        key = {name: expected[name] for name in ("ratingGroup", "uPFID") if name in expected}
        own = [item for item in found if isinstance(item, Mapping) and key.items() <= item.items()]
        which = f"rating group {group}" + (f" and UPF {key['uPFID']}" if "uPFID" in key else "")
        if len(own) != 1:
            return [f"{place} has {len(own)} entries of {which}, expected 1"]
        return differences(expected, own[0], f"{place} of {which}")
    if any(not differences(expected, item, place) for item in found):
        return []
    return [f"{place} is {found!r}, expected {expected!r} in it"]

"""Query strings of lists: `fields`, filters with TMF630's operators, `sort`, `offset`, `limit`.

Only declared filters filter, because each has an index; a parameter that is none of these gets an answer that names those
that are.
"""

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import unquote_to_bytes

from bss.api.filters import OPERATORS, Condition, Filter, Selection
from bss.api.limits import (
    FILTER_VALUES_MAX,
    FILTERS_MAX,
    OFFSET_MAX,
    PAGE_DEFAULT,
    PAGE_MAX,
    QUERY_OCTETS_MAX,
)
from bss.api.problems import Problem, Refusal

ALWAYS_SHOWN: Final = frozenset({"id", "href", "@type"})


def parameters_of(query: bytes) -> list[tuple[str, str]]:
    """Names and values in order. Refusal: too long, or not UTF-8."""
    if len(query) > QUERY_OCTETS_MAX:
        raise _refused(f"the query has more than {QUERY_OCTETS_MAX} octets")
    found = []
    for part in query.split(b"&") if query else ():
        name, _, value = part.partition(b"=")
        try:
            found.append((_decoded(name), _decoded(value)))
        except UnicodeDecodeError:
            raise _refused("the query is not UTF-8 in percent-encoding") from None
    return found


def _decoded(octets: bytes) -> str:
    return unquote_to_bytes(octets.replace(b"+", b" ")).decode()


def read_selection(query: bytes, filters: Mapping[str, Filter], members: frozenset[str]) -> Selection:
    """The selection of a list. Refusal: a parameter is unknown, twice there, or of a value that can't be.

    filters  by path
    members  of the resource, for `fields`
    """
    own: dict[str, str] = {}
    asked: list[tuple[str, str]] = []
    for name, value in parameters_of(query):
        if name == "fields" and "fields" in own:
            own["fields"] += "," + value
        elif name in ("fields", "sort", "offset", "limit"):
            if name in own:
                raise _refused(f"{name} is there twice")
            own[name] = value
        else:
            asked.append((name, value))
    sort, is_descending = _sort_of(own.get("sort", ""), filters)
    return Selection(
        conditions=_conditions_of(asked, filters),
        fields=read_fields(own.get("fields"), members),
        sort=sort,
        is_descending=is_descending,
        offset=_whole(own, "offset", 0, 0, OFFSET_MAX),
        limit=_whole(own, "limit", PAGE_DEFAULT, 1, PAGE_MAX),
    )


def read_shown(query: bytes, members: frozenset[str]) -> frozenset[str] | None:
    """`fields` of one resource. Refusal: there is another parameter, or a name that the resource doesn't have."""
    text = None
    for name, value in parameters_of(query):
        if name != "fields":
            raise _refused(f"{name} is no parameter of one resource; there is fields")
        text = value if text is None else f"{text},{value}"
    return read_fields(text, members)


def read_nothing(query: bytes) -> None:
    """Refusal: there are parameters where none is taken."""
    for name, _ in parameters_of(query):
        raise _refused(f"{name} is no parameter of this request; it takes none")


def read_fields(text: str | None, members: frozenset[str]) -> frozenset[str] | None:
    """Names of a list of members; id, href and @type are always among them, and nothing else is with `none`."""
    if text is None:
        return None
    names = {name.strip() for name in text.split(",")} - {"", "none"}
    if unknown := sorted(names - members):
        raise _refused(f"fields has {unknown[0]!r}, which is no member; there are {', '.join(sorted(members))}")
    return ALWAYS_SHOWN | names


def _whole(own: Mapping[str, str], name: str, default: int, minimum: int, maximum: int) -> int:
    text = own.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 19 and minimum <= int(text) <= maximum):
        raise _refused(f"{name} has to be a whole number from {minimum} to {maximum}")
    return int(text)


def _sort_of(text: str, filters: Mapping[str, Filter]) -> tuple[Filter | None, bool]:
    name = text.strip()
    if not name:
        return None, False
    found = filters.get(name.lstrip("-+ "))
    if found is None or not found.is_sorted_by or len(name) - len(name.lstrip("-+ ")) > 1:
        able = ", ".join(path for path, one in filters.items() if one.is_sorted_by)
        raise _refused(f"sort has to be one of {able}, with a - in front for the last first")
    return found, name.startswith("-")


def _conditions_of(asked: Sequence[tuple[str, str]], filters: Mapping[str, Filter]) -> tuple[Condition, ...]:
    """Parameters of one name are alternatives, as the values of one parameter are."""
    texts: dict[tuple[str, str], list[str]] = {}
    for name, text in asked:
        path, operator = _path_and_operator(name, filters)
        texts.setdefault((path, operator), []).extend(_alternatives(text))
    if len(texts) > FILTERS_MAX:
        raise _refused(f"a list takes at most {FILTERS_MAX} filters")
    return tuple(_condition(filters[path], operator, values) for (path, operator), values in texts.items())


def _path_and_operator(name: str, filters: Mapping[str, Filter]) -> tuple[str, str]:
    if name in filters:
        return name, "eq"
    path, _, operator = name.rpartition(".")
    found = filters.get(path)
    if found is None:
        raise _refused(f"{name!r} is no filter here; there are {', '.join(filters)}, and fields, sort, offset, limit")
    if operator not in OPERATORS or (operator != "eq" and not found.kind.is_ordered):
        able = ", ".join(f".{one}" for one in OPERATORS) if found.kind.is_ordered else ".eq"
        raise _refused(f"{path} has no operator .{operator}; there is {able}")
    return path, operator


def _alternatives(text: str) -> list[str]:
    """Parts between commas; a backslash in front makes a comma one of the value."""
    parts = [""]
    signs = iter(text)
    for sign in signs:
        if sign == ",":
            parts.append("")
        else:
            parts[-1] += next(signs, "\\") if sign == "\\" else sign
    return parts


def _condition(one: Filter, operator: str, texts: Sequence[str]) -> Condition:
    if len(texts) > FILTER_VALUES_MAX:
        raise _refused(f"{one.path} takes at most {FILTER_VALUES_MAX} values")
    if operator != "eq" and len(texts) > 1:
        raise _refused(f"{one.path}.{operator} takes one value")
    try:
        values = tuple(one.kind.read_text(text) for text in texts)
    except ValueError as error:
        raise _refused(f"{one.path} {error}") from None
    return Condition(one, operator, values)


def _refused(message: str) -> Refusal:
    return Refusal(Problem.INVALID_QUERY, message)

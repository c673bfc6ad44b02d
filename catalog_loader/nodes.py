"""YAML or JSON text as nodes that know their place. Nothing is constructed and no tag is obeyed.

The parser's events are put together here, and not by PyYAML's composer, because that one recurses as deep as the text
says and forgets where a value came from. Aliases may repeat a value; a node knows its size with aliases written out, so
that a few lines can't stand for billions of values.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from catalog_loader.faults import Fault, Place
from vocabulary.limits import CATALOG_FILE_OCTETS_MAX, CATALOG_NESTING_MAX, CATALOG_NODES_MAX

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml is ten times as fast
_UNREADABLE: Final = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufeff\uff00-\ufffd\U00010000-\U0010ffff]")
_RESOLVER: Final = yaml.resolver.Resolver()
_STRING_TAG: Final = "tag:yaml.org,2002:str"


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value, as it is written."""

    text: str
    is_quoted: bool
    place: Place
    size: int = 1

    @property
    def reads_as(self) -> str:
        """What YAML 1.1 takes the value for: str, int, float, bool, null, timestamp."""
        if self.is_quoted:
            return "str"
        tag: str = _RESOLVER.resolve(yaml.ScalarNode, self.text, (True, False))  # type: ignore[no-untyped-call]
        return tag.rpartition(":")[2]


@dataclass(frozen=True, slots=True)
class ListNode:
    """A sequence."""

    items: tuple["Node", ...]
    place: Place
    size: int


@dataclass(frozen=True, slots=True)
class MapNode:
    """A mapping, in the order of the file; a key that stands twice is in it twice."""

    pairs: tuple[tuple["Node", "Node"], ...]
    place: Place
    size: int


Node = Scalar | ListNode | MapNode


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end has not come."""

    is_map: bool
    place: Place
    anchor: str | None
    parts: list[Node] = field(default_factory=list)
    size: int = 1


class _Broken(Exception):
    """Carries the one fault after which the rest of a text can't be read."""

    def __init__(self, place: Place, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.fault = Fault(place, "", problem, remedy)


def read_nodes(file: str, octets: bytes) -> Node | Fault:
    """The one document in the file, or the fault that makes it unreadable."""
    try:
        return _compose(file, _text_of(file, octets))
    except _Broken as broken:
        return broken.fault


def _text_of(file: str, octets: bytes) -> str:
    if len(octets) > CATALOG_FILE_OCTETS_MAX:
        raise _Broken(
            Place(file, 1, 1),
            f"the file has {len(octets)} octets, more than {CATALOG_FILE_OCTETS_MAX}",
            "Split the release into several files of one folder",
        )
    try:
        text = octets.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = octets.count(b"\n", 0, error.start) + 1
        column = error.start - octets.rfind(b"\n", 0, error.start)
        raise _Broken(
            Place(file, line, column),
            f"octet 0x{octets[error.start]:02x} is not UTF-8",
            "Save the file as UTF-8",
        ) from None
    if file.endswith(".json"):
        text = text.replace("\t", " ")  # JSON indents with tabs, YAML doesn't; the columns stay as they are
    unreadable = _UNREADABLE.search(text)
    if unreadable:
        at = unreadable.start()
        place = Place(file, text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at))
        raise _Broken(place, f"character U+{ord(text[at]):04X} can't stand in a text file", "Remove it")
    return text


def _events(file: str, text: str) -> Iterator[Any]:
    """The parser's events; its complaint becomes ours."""
    try:
        yield from yaml.parse(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file, 1, 1)
        remedy = "Indent with spaces, quote texts with special characters, and close what was opened"
        raise _Broken(place, f"not readable as YAML: {error.problem or error.context}", remedy) from None
    except yaml.YAMLError as error:
        raise _Broken(Place(file, 1, 1), f"not readable as YAML: {error}", "Correct the file") from None


def _compose(file: str, text: str) -> Node:
    stack: list[_Open] = []
    anchors: dict[str, Node] = {}
    root: Node | None = None
    for event in _events(file, text):
        place = Place(file, event.start_mark.line + 1, event.start_mark.column + 1)
        node: Node | None = None
        anchor: str | None = getattr(event, "anchor", None)
        if isinstance(event, yaml.DocumentStartEvent) and root is not None:
            raise _Broken(place, "a second document begins here", "Put one document into a file")
        if isinstance(event, yaml.AliasEvent):
            node, anchor = _aliased(str(event.anchor), anchors, stack, place), None
        elif isinstance(event, yaml.ScalarEvent):
            _refuse_tag(event, place)
            _refuse_half_characters(event.value, place)
            node = Scalar(event.value, not event.implicit[0], place)
        elif isinstance(event, yaml.SequenceStartEvent | yaml.MappingStartEvent):
            _refuse_tag(event, place)
            if len(stack) == CATALOG_NESTING_MAX:
                problem = f"lists and mappings are nested more than {CATALOG_NESTING_MAX} deep"
                raise _Broken(place, problem, "A release needs six at most")
            stack.append(_Open(isinstance(event, yaml.MappingStartEvent), place, anchor))
        elif isinstance(event, yaml.SequenceEndEvent | yaml.MappingEndEvent):
            opened = stack.pop()
            anchor = opened.anchor
            node = _closed(opened)
        if node is None:
            continue
        if anchor:
            anchors[anchor] = node
        if stack:
            _append(stack[-1], node, place)
        else:
            root = node
    if root is None:
        raise _Broken(Place(file, 1, 1), "the file is empty", "Write a release into it, or leave it out")
    return root


def _append(opened: _Open, node: Node, place: Place) -> None:
    opened.parts.append(node)
    opened.size += node.size
    if opened.size > CATALOG_NODES_MAX:
        problem = f"more than {CATALOG_NODES_MAX} values with its aliases written out"
        raise _Broken(place, problem, "Split the catalogue, or repeat less")


def _closed(opened: _Open) -> Node:
    if not opened.is_map:
        return ListNode(tuple(opened.parts), opened.place, opened.size)
    pairs = tuple(zip(opened.parts[::2], opened.parts[1::2], strict=True))
    return MapNode(pairs, opened.place, opened.size)


def _aliased(name: str, anchors: dict[str, Node], stack: list[_Open], place: Place) -> Node:
    if any(opened.anchor == name for opened in stack):
        raise _Broken(place, f"*{name} stands inside of &{name}: it would hold itself", "Write the value out")
    if name not in anchors:
        raise _Broken(place, f"*{name} names no anchor above it", f"Write &{name} where the value first stands")
    return anchors[name]


def _refuse_tag(event: Any, place: Place) -> None:
    """Explicit tags ask for a type; types are the schema's to say. (`!` alone marks a text, as quotes do.)"""
    if event.tag not in (None, "!", _STRING_TAG):
        raise _Broken(place, f"the tag {event.tag!r} is not read", "Remove it: each key knows the type of its value")


def _refuse_half_characters(text: str, place: Place) -> None:
    """Half of a surrogate pair, which an escape can say, is no text. libyaml refuses it itself, PyYAML's own reader doesn't."""
    try:
        text.encode()
    except UnicodeEncodeError:
        problem = "not readable as YAML: an escape stands for half a character"
        raise _Broken(place, problem, "Write the character itself, in UTF-8") from None

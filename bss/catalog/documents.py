"""Files of a catalogue: the keys of the engine's release files (docs/catalogue.md), and beside them catalogs, categories,
specifications, offering_prices and offerings, whose entries are the records of bss/catalog/records.py. Every fault is found
at once, with its place.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, get_args, get_origin

import msgspec

from bss.catalog.faults import FieldFault, field_faults
from bss.catalog.records import Instant, Micros, Part, Resource
from bss.catalog.release import KIND_OF, CatalogRelease
from bss.catalog.rules import check_whole
from catalog_loader.amounts import AmountInvalid, money_text, parse_money
from catalog_loader.check import Source
from catalog_loader.faults import Fault, FaultList, Path, suggestion
from catalog_loader.instants import parse_instant
from catalog_loader.nodes import ListNode, MapNode, Node, Scalar, read_nodes
from catalog_loader.parse import parse_documents
from catalog_loader.release import Release
from catalog_loader.rules import find_faults, named_things
from catalog_loader.write import LISTS, file_of
from vocabulary.instants import to_rfc3339

_READS_AS: Final[dict[str, Callable[[str], Any]]] = {
    "int": int,
    "bool": lambda text: text.lower() in ("true", "yes", "on"),
    "null": lambda _text: None,
}


@dataclass(frozen=True, slots=True)
class ReadRelease:
    """What files came to: a release, or faults."""

    release: CatalogRelease | None
    faults: tuple[FieldFault, ...]


def read_sources(sources: Sequence[Source], already: Iterable[Fault] = ()) -> ReadRelease:
    """The one release that the files hold together.

    already   faults that were found before reading, such as files that could not be opened
    """
    faults = FaultList()
    for fault in already:
        faults.add_fault(fault)
    nodes: list[Node] = []
    for name, octets in sources:
        node = read_nodes(name, octets)
        if isinstance(node, Fault):
            faults.add_fault(node)
        else:
            nodes.append(node)
    if not sources and not len(faults):
        faults.add((), "no files of a catalogue were given", "Name a file, or a folder with .yaml, .yml or .json files")
    if len(faults) or not nodes:
        return ReadRelease(None, tuple(field_faults(faults, {})))
    split = [_split(node) for node in nodes]
    engine = parse_documents([node for node, _ in split], faults)
    reader = _Reader(engine, faults)
    resources: dict[str, tuple[Resource | None, ...]] = {}
    ids: dict[str, list[str]] = {}
    for name, kind in KIND_OF.items():
        items = [item for _, lists in split for item in _items(lists.get(name), name, faults)]
        resources[name] = tuple(reader.read(item, kind, (name, index)) for index, item in enumerate(items))
        ids[name] = [_id_in(item) for item in items]
    return make_release(engine, resources, faults, ids)


def make_release(
    engine: Release, resources: Mapping[str, Sequence[Resource | None]], faults: FaultList, ids: dict[str, list[str]]
) -> ReadRelease:
    """The release of these parts where neither reading nor rules find a fault.

    resources   by list name; None for an entry that can't be read
    faults      with what reading found
    ids         of entries, by list name
    """
    faults.add_findings(find_faults(engine))
    sound = {name: tuple(each for each in found if each is not None) for name, found in resources.items()}
    release = CatalogRelease(engine=engine, **sound)  # type: ignore[arg-type]
    if all(len(sound[name]) == len(found) for name, found in resources.items()):
        faults.add_findings(check_whole(release))  # what can't be read would be missed wherever it is named
    if len(faults):
        ids = ids | {named.list_name: list(named.ids) for named in named_things(engine)}
        return ReadRelease(None, tuple(field_faults(faults, ids)))
    return ReadRelease(release, ())


def write_file(release: CatalogRelease) -> dict[str, Any]:
    """The mapping of a file that reads as this release."""
    currency = release.engine.currency
    lists = {
        name: [entry_of(each, currency) for each in sorted(getattr(release, name), key=lambda each: each.id)]
        for name in KIND_OF
    }
    return file_of(release.engine) | {name: entries for name, entries in lists.items() if entries}


def entry_of(resource: Resource, currency: str) -> dict[str, Any]:
    """The entry of a file that a resource is; what is as usual is left out."""

    def words(value: Any) -> str:
        return money_text(value, currency) if isinstance(value, Micros) else to_rfc3339(value)

    fields = msgspec.structs.fields(type(resource))
    plain = msgspec.to_builtins(resource, enc_hook=words)
    return {
        field.encode_name: plain[field.encode_name]
        for field in fields
        if field.required or getattr(resource, field.name) != field.default
    }


# --- inside ----------------------------------------------------------------------------------------------------------


def _split(node: Node) -> tuple[Node, dict[str, Node]]:
    """(what the engine's reader reads, our lists by key)."""
    if not isinstance(node, MapNode):
        return node, {}
    ours: dict[str, Node] = {}
    rest = []
    for key, value in node.pairs:
        name = key.text if isinstance(key, Scalar) else ""
        if name in KIND_OF and name not in ours:
            ours[name] = value
        else:
            rest.append((key, value))
    return MapNode(tuple(rest), node.place, node.size), ours


def _id_in(node: Node) -> str:
    for key, value in node.pairs if isinstance(node, MapNode) else ():
        if isinstance(key, Scalar) and key.text == "id" and isinstance(value, Scalar):
            return value.text[:80]
    return ""


def _items(node: Node | None, name: str, faults: FaultList) -> Sequence[Node]:
    if node is None:
        return ()
    if not isinstance(node, ListNode):
        faults.add((name,), f"{name} is not a list", "Write `- ` before each entry, or [a, b]", place=node.place)
        return ()
    return node.items


class _Reader:
    """Reads entries as records; what can't be read is noted."""

    def __init__(self, engine: Release, faults: FaultList) -> None:
        self._engine = engine
        self._faults = faults

    def read(self, node: Node, kind: type[Any], path: Path) -> Any:
        """The record, or None after noting what is wrong with it."""
        self._faults.places[path] = node.place
        if not isinstance(node, MapNode):
            self._faults.add(path, "this is not a mapping", "Write `key: value` lines")
            return None
        fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
        before = len(self._faults)
        values: dict[str, Any] = {}
        for key_node, value in node.pairs:
            key = key_node.text if isinstance(key_node, Scalar) else ""
            at = (*path, key)
            if key not in fields:
                remedy = suggestion(key, fields, otherwise=f"Known here are {', '.join(fields)}")
                self._faults.add((*path, f"?{key}"), f"unknown key {key}", remedy, place=key_node.place)
            elif fields[key].name in values:
                self._faults.add(at, f"{key} stands here twice", "Remove one of the two", place=key_node.place)
            else:
                self._faults.places[at] = value.place
                values[fields[key].name] = self._value(value, fields[key].type, at)
        for key, field in fields.items():
            if field.required and field.name not in values:
                self._faults.add((*path, key), f"{key} is missing", f"Add {key}")
        return kind(**values) if len(self._faults) == before else None

    def _value(self, node: Node, wanted: Any, path: Path) -> Any:
        inner = get_args(wanted)
        if get_origin(wanted) is tuple:
            if not isinstance(node, ListNode):
                self._faults.add(path, f"{path[-1]} is not a list", "Write `- ` before each entry, or [a, b]")
                return ()
            return tuple(self._item(item, inner[0], (*path, index)) for index, item in enumerate(node.items))
        return self._scalar(node, wanted, path)

    def _item(self, node: Node, wanted: Any, path: Path) -> Any:
        self._faults.places[path] = node.place
        if isinstance(wanted, type) and issubclass(wanted, Part):
            return self.read(node, wanted, path)
        return self._scalar(node, wanted, path)

    def _scalar(self, node: Node, wanted: Any, path: Path) -> Any:
        """A single value of the wanted type; money and instants as people write them."""
        if not isinstance(node, Scalar):
            self._faults.add(path, f"{path[-1]} has no single value", "Write one value")
            return None
        kinds = get_args(wanted) or (wanted,)
        if Micros in kinds and node.reads_as in ("float", "int"):
            remedy = f'Write "{node.text}" or {node.text} {self._engine.currency}'
            self._faults.add(path, f"{path[-1]} is a number without quotes, which YAML reads as binary", remedy)
            return None
        try:
            if Micros in kinds:
                return Micros(parse_money(node.text, self._engine.currency))
            if Instant in kinds:
                return Instant(parse_instant(node.text, self._engine.time_zone))
            return msgspec.convert(_plain(node), wanted)
        except AmountInvalid as error:
            self._faults.add(path, f"{path[-1]}: {error.problem}", error.remedy)
        except (msgspec.ValidationError, ValueError) as error:
            remedy = f'Write "{node.text[:40]}" in quotes' if str in kinds else "Write a value of that kind"
            self._faults.add(path, f"{path[-1]}: {error}", remedy)
        return None


def _plain(node: Scalar) -> Any:
    if node.reads_as == "str":
        return node.text
    make = _READS_AS.get(node.reads_as)
    if make is None:
        raise ValueError(f"{node.text[:40]} is what YAML reads as {node.reads_as}")
    return make(node.text)


assert set(LISTS).isdisjoint(KIND_OF)

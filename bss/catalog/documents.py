"""Files of a catalogue: the keys of the engine's release files (docs/catalogue.md), and beside them catalogs, categories,
specifications, offering_prices and offerings, whose entries are the records of bss/catalog/records.py. Every fault is found
at once, with its place.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from bss.catalog.faults import FieldFault, field_faults
from bss.catalog.records import Instant, Micros, Resource
from bss.catalog.release import KIND_OF, CatalogRelease
from bss.catalog.rules import check_whole
from bss.record_reader import RecordReader, Scalars, ValueUnreadable, list_items, text_in
from catalog_loader.amounts import AmountInvalid, money_text, parse_money
from catalog_loader.check import Source
from catalog_loader.faults import Fault, FaultList
from catalog_loader.instants import InstantInvalid, parse_instant
from catalog_loader.nodes import MapNode, Node, Scalar, read_nodes
from catalog_loader.parse import parse_documents
from catalog_loader.release import Release
from catalog_loader.rules import find_faults, named_things
from catalog_loader.write import LISTS, file_of
from vocabulary.instants import to_rfc3339


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
    reader = RecordReader(faults, _scalars(engine))
    resources: dict[str, tuple[Resource | None, ...]] = {}
    ids: dict[str, list[str]] = {}
    for name, kind in KIND_OF.items():
        items = [item for _, lists in split for item in list_items(lists.get(name), name, faults)]
        resources[name] = tuple(reader.read(item, kind, (name, index)) for index, item in enumerate(items))
        ids[name] = [text_in(item, "id") for item in items]
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


def _scalars(engine: Release) -> Scalars:
    """How values of our own types are read: money and instants as people write them."""

    def money(node: Scalar) -> Micros:
        if node.reads_as in ("float", "int"):
            remedy = f'Write "{node.text}" or {node.text} {engine.currency}'
            raise ValueUnreadable("it is a number without quotes, which YAML reads as binary", remedy)
        try:
            return Micros(parse_money(node.text, engine.currency))
        except AmountInvalid as error:
            raise ValueUnreadable(error.problem, error.remedy) from None

    def instant(node: Scalar) -> Instant:
        try:
            return Instant(parse_instant(node.text, engine.time_zone))
        except InstantInvalid as error:
            raise ValueUnreadable(str(error), error.remedy) from None

    return {Micros: money, Instant: instant}


assert set(LISTS).isdisjoint(KIND_OF)

"""Entries of YAML or JSON files as records (msgspec structs): keys, types and defaults are the record's, and every fault is
noted with the place where it stands.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, get_args, get_origin

import msgspec

from catalog_loader.faults import FaultList, Path, suggestion
from catalog_loader.nodes import ListNode, MapNode, Node, Scalar

Scalars = Mapping[type, Callable[[Scalar], Any]]
"""Types that aren't YAML's: how a value of one is read. It raises ValueUnreadable."""

_READS_AS: Final[dict[str, Callable[[str], Any]]] = {
    "int": int,
    "bool": lambda text: text.lower() in ("true", "yes", "on"),
    "null": lambda _text: None,
}


class ValueUnreadable(ValueError):
    """A value is none of its type: what is wrong, and what to write."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.remedy = remedy


def text_in(node: Node, key: str) -> str:
    """The text of a key of a mapping, for naming it before it is read; '' where there is none."""
    for name, value in node.pairs if isinstance(node, MapNode) else ():
        if isinstance(name, Scalar) and name.text == key and isinstance(value, Scalar):
            return value.text[:80]
    return ""


def list_items(node: Node | None, name: str, faults: FaultList) -> Sequence[Node]:
    """Values of a list; nothing where it is left out, or noted as none."""
    if node is None:
        return ()
    if not isinstance(node, ListNode):
        faults.add((name,), f"{name} is not a list", "Write `- ` before each entry, or [a, b]", place=node.place)
        return ()
    return node.items


class RecordReader:
    """Reads entries; what can't be read is noted in `faults`."""

    def __init__(self, faults: FaultList, scalars: Scalars | None = None) -> None:
        self._faults = faults
        self._scalars = dict(scalars or {})

    def read(self, node: Node, kind: type[Any], path: Path) -> Any:
        """The record of a mapping, or None after noting what is wrong with it."""
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
        if get_origin(wanted) is dict:
            return self._mapping(node, inner[1], path)
        return self._scalar(node, wanted, path)

    def _item(self, node: Node, wanted: Any, path: Path) -> Any:
        self._faults.places[path] = node.place
        if isinstance(wanted, type) and issubclass(wanted, msgspec.Struct):
            return self.read(node, wanted, path)
        return self._scalar(node, wanted, path)

    def _mapping(self, node: Node, wanted: Any, path: Path) -> dict[str, Any]:
        """A mapping whose keys are anyone's."""
        if not isinstance(node, MapNode):
            self._faults.add(path, f"{path[-1]} is not a mapping", "Write `key: value` lines")
            return {}
        values: dict[str, Any] = {}
        for key_node, value in node.pairs:
            key = key_node.text if isinstance(key_node, Scalar) else ""
            if not key or key in values:
                problem = f"{key} stands here twice" if key else "a key is no plain word"
                self._faults.add((*path, f"?{key}"), problem, "Remove it", place=key_node.place)
                continue
            self._faults.places[(*path, key)] = value.place
            values[key] = self._scalar(value, wanted, (*path, key))
        return values

    def _scalar(self, node: Node, wanted: Any, path: Path) -> Any:
        """A single value of the wanted type."""
        if not isinstance(node, Scalar):
            self._faults.add(path, f"{path[-1]} has no single value", "Write one value")
            return None
        kinds = get_args(wanted) or (wanted,)
        own = next((self._scalars[kind] for kind in kinds if kind in self._scalars), None)
        try:
            return own(node) if own is not None else msgspec.convert(_plain(node), wanted)
        except ValueUnreadable as error:
            self._faults.add(path, f"{path[-1]}: {error}", error.remedy)
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

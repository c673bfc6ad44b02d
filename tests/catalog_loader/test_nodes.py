"""Nodes know their place; hostile text ends in one fault."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from catalog_loader.faults import Fault, Place
from catalog_loader.nodes import ListNode, MapNode, Scalar, read_nodes
from vocabulary.limits import CATALOG_FILE_OCTETS_MAX, CATALOG_NESTING_MAX, CATALOG_NODES_MAX


def plain(node: object) -> object:
    """The node without places, as Python values."""
    if isinstance(node, Scalar):
        return node.text
    if isinstance(node, ListNode):
        return [plain(item) for item in node.items]
    assert isinstance(node, MapNode)
    return {plain(key): plain(value) for key, value in node.pairs}


def fault_of(octets: bytes, name: str = "a.yaml") -> Fault:
    node = read_nodes(name, octets)
    assert isinstance(node, Fault)
    return node


def test_places_count_from_one() -> None:
    node = read_nodes("a.yaml", "a: 1\nbé: [x,  'y']\n".encode())
    assert isinstance(node, MapNode)
    assert [key.place for key, _ in node.pairs] == [Place("a.yaml", 1, 1), Place("a.yaml", 2, 1)]
    (_, values) = node.pairs[1]
    assert isinstance(values, ListNode)
    assert [item.place for item in values.items] == [Place("a.yaml", 2, 6), Place("a.yaml", 2, 10)]
    assert [item.is_quoted for item in values.items if isinstance(item, Scalar)] == [False, True]


def test_json_with_tabs_is_read_where_it_stands() -> None:
    node = read_nodes("a.json", b'{\n\t"a": [1, "\\u00e9"],\n\t"b": null\n}\n')
    assert plain(node) == {"a": ["1", "é"], "b": "null"}
    assert isinstance(node, MapNode)
    assert node.pairs[0][0].place == Place("a.json", 2, 2)


def test_byte_order_mark_is_not_text() -> None:
    assert plain(read_nodes("a.yaml", b"\xef\xbb\xbfa: b")) == {"a": "b"}


@pytest.mark.parametrize(
    ("text", "reads_as"),
    [("no", "bool"), ("1.0", "float"), ("0x10", "int"), ("~", "null"), ("2026-01-01", "timestamp"), ("a b", "str")],
)
def test_scalars_know_what_yaml_takes_them_for(text: str, reads_as: str) -> None:
    node = read_nodes("a.yaml", text.encode())
    assert isinstance(node, Scalar)
    assert node.reads_as == reads_as
    quoted = read_nodes("a.yaml", f'"{text}"'.encode())
    assert isinstance(quoted, Scalar)
    assert quoted.reads_as == "str"


def test_an_alias_repeats_a_value_with_its_place() -> None:
    node = read_nodes("a.yaml", b"a: &x [1]\nb: *x\n")
    assert plain(node) == {"a": ["1"], "b": ["1"]}


def test_a_billion_laughs_are_counted_not_written() -> None:
    lines = ["a0: &a0 [" + ", ".join(["lol"] * 10) + "]"]
    for level in range(1, 10):
        lines.append(f"a{level}: &a{level} [" + ", ".join([f"*a{level - 1}"] * 10) + "]")
    fault = fault_of("\n".join(lines).encode())
    assert f"more than {CATALOG_NODES_MAX} values" in fault.problem
    assert fault.place is not None
    assert fault.place.line == 6  # a5 holds a million


@pytest.mark.parametrize(
    ("octets", "problem", "line", "column"),
    [
        (b"", "the file is empty", 1, 1),
        (b"# nothing\n", "the file is empty", 1, 1),
        (b"a: 1\n---\nb: 2\n", "second document", 2, 1),
        (b"a: [1, 2\nb: 3\n", "not readable as YAML", 2, None),
        (b"a:\n\t- 1\n", "not readable as YAML", 2, None),
        (b"a: \xff\n", "not UTF-8", 1, 4),
        (b"a: 1\nb: \x07\n", "U+0007", 2, 4),
        (b"a: &x [*x]\n", "hold itself", 1, 8),
        (b"a: *x\n", "names no anchor", 1, 4),
        (b"a: 1\nb: !!python/object/apply:os.system [ls]\n", "tag", 2, 4),
        (b"b: !Price {a: 1}\n", "tag", 1, 4),
    ],
)
def test_unreadable_files(octets: bytes, problem: str, line: int, column: int | None) -> None:
    fault = fault_of(octets)
    assert problem in fault.problem
    assert fault.place is not None
    assert fault.place == Place("a.yaml", line, column or fault.place.column)  # parsers differ in columns
    assert fault.remedy


def test_nesting_has_a_limit() -> None:
    deepest = CATALOG_NESTING_MAX
    assert isinstance(read_nodes("a.yaml", b"[" * deepest + b"]" * deepest), ListNode)
    assert "nested more than" in fault_of(b"[" * (deepest + 1)).problem
    assert "nest" in fault_of(b"[" * 50_000).problem


def test_files_have_a_limit() -> None:
    assert "more than" in fault_of(b"#" * (CATALOG_FILE_OCTETS_MAX + 1)).problem


@given(st.binary(max_size=200))
def test_any_octets_end_in_a_node_or_a_fault(octets: bytes) -> None:
    assert isinstance(read_nodes("a.yaml", octets), Scalar | ListNode | MapNode | Fault)


@given(
    st.recursive(
        st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=8),
        lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text("abc", max_size=3), values, max_size=3),
        max_leaves=12,
    )
)
def test_what_yaml_writes_is_read_back(value: object) -> None:
    text = yaml.safe_dump(value, default_style='"', allow_unicode=False)
    assert plain(read_nodes("a.yaml", text.encode())) == value

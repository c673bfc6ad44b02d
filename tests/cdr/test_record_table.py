"""Rows of files: their columns as docs/records.md lists them, texts that are no UTF-8, instants as text."""

from pathlib import Path

import numpy as np
import pyarrow as pa
from hypothesis import example, given
from hypothesis import strategies as st

from cdr.assembly import Assembly, FinishedRecords
from cdr.columns import CAUSES, ClosedBy
from cdr.file_csv import rfc3339_texts
from cdr.record_table import COLUMNS, tables_by_day
from cdr.session_table import copy_octets
from tests.reference.journal_entries import Asked, entry_of, read_rows
from vocabulary.instants import to_rfc3339

DOCS = Path(__file__).parent.parent.parent / "docs" / "records.md"


def test_docs_list_every_column_and_cause() -> None:
    listed = [line for line in DOCS.read_text().splitlines() if line.startswith("| `")]
    for column in COLUMNS:
        assert f"| `{column.name}` | {column.type} | {column.meaning} |" in listed
    for closed_by in ClosedBy:
        begins = f"| `{closed_by.name.lower()}` | {int(CAUSES[closed_by])} |"
        assert any(line.startswith(begins) for line in listed), begins


@given(st.lists(st.integers(0, 4_000_000_000_000), max_size=9))
@example([0, 1, 86_399_999, 86_400_000, 951_782_400_000, 1_709_164_799_999])
def test_instants_are_rfc3339(instants_ms: list[int]) -> None:
    found = rfc3339_texts(np.array(instants_ms, np.int64)).to_pylist()
    assert found == [to_rfc3339(instant * 1_000_000) for instant in instants_ms]


@given(st.lists(st.one_of(st.text(max_size=9).map(str.encode), st.binary(max_size=9)), min_size=1, max_size=6))
@example([b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\xaf", b"\xe2\x82", "\U0010ffff€é".encode(), b"\xf0\x80\x80\x80"])
def test_texts_are_kept_where_they_are_utf8_and_masked_where_not(texts: list[bytes]) -> None:
    asked = [Asked(session=(1, number), type=4, session_id=text) for number, text in enumerate(texts)]
    finished = FinishedRecords()
    Assembly(0).apply(read_rows(entry_of(asked)), finished)
    (rows,) = tables_by_day(finished.rows, {1: "acme"})
    rows.table.validate(full=True)
    for text, found in zip(texts, rows.table["session_id"].to_pylist(), strict=True):
        assert len(found.encode()) == len(text)
        try:
            assert found == text.decode()
        except UnicodeDecodeError:
            assert "?" in found
            assert all(kept in (given, ord("?")) for given, kept in zip(text, found.encode(), strict=True))


def test_currencies_are_letters_where_known_and_a_damaged_number_is_none() -> None:
    numbers = {978: "EUR", 840: "USD", 8: "ALL", 7: "007", 999: "999", 0: None, 1000: None, 65535: None}
    asked = [Asked(session=(1, number), type=4, currency=number) for number in numbers]
    finished = FinishedRecords()
    Assembly(0).apply(read_rows(entry_of(asked)), finished)
    (rows,) = tables_by_day(finished.rows, {1: "acme"})
    assert rows.table["currency"].to_pylist() == list(numbers.values())


def test_octets_are_copied_to_any_place() -> None:
    source, out = np.arange(50, dtype=np.uint8), np.zeros(50, np.uint8)
    assert copy_octets(source, 7, 20, out, 3) == 23
    assert out[3:23].tolist() == list(range(7, 27))
    assert not out[23:].any()
    assert copy_octets(source, 7, 0, out, 3) == 3


def test_no_records_are_no_tables() -> None:
    assert list(tables_by_day(FinishedRecords().rows, {})) == []
    assert pa.schema([(column.name, column.type) for column in COLUMNS]).names[0] == "partition"

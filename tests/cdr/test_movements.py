"""Movements of journal entries as rows of the table: against the plain twin, and as docs/records.md lists them."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from balances.journal import JournalEntry, MovementKind, decode_entry
from balances.store import EntryId
from cdr.manifest import MOVEMENTS
from cdr.movement_rows import FinishedMovements, MovementsDamaged, new_movement_columns
from cdr.movement_table import COLUMNS, MOVEMENT_SCHEMA, movements_by_day
from tests.cdr.movement_twin import rows_of_entry
from tests.reference.journal_entries import FIRST_NS, Asked, Moved, S, Used, entry_of, read_rows

DOCS = Path(__file__).parent.parent.parent / "docs" / "records.md"
NAMES = {1: "acme", 2: "other"}
DAY_NS = 86400 * S

useds = st.builds(
    Used, rating_group=st.sampled_from((-1, 10)), service_identifier=st.sampled_from((-1, 0, 7)),
    release=st.sampled_from((0, 3)), offer=st.just(5), price=st.sampled_from((0, 9)),
)  # fmt: skip
moveds = st.builds(
    Moved, kind=st.sampled_from(MovementKind).map(int), amount=st.integers(0, 2**62), bucket_id=st.integers(1, 2**31 - 1),
    allowance=st.sampled_from((0, 77)), unit=st.integers(0, 3), usage=st.integers(-1, 1),
)  # fmt: skip


@st.composite
def askeds(draw: st.DrawFn) -> Asked:
    """A usage request, an account command or an expiry, with movements and texts."""
    kind = draw(st.integers(0, 2))
    moved = tuple(draw(st.lists(moveds, max_size=3)))
    texts = {
        name: draw(st.sampled_from((b"", b"x", b"long " * 9))) for name in ("session_id", "identity", "origin_host")
    }
    return Asked(
        kind=kind, tenant=draw(st.integers(1, 2)), account_id=draw(st.integers(1, 2**62)), usages=(draw(useds), draw(useds)),
        currency=draw(st.sampled_from((0, 978, 840, 999))), received_ns=FIRST_NS + draw(st.integers(0, 2)) * DAY_NS,
        moved=moved, service_information=draw(st.sampled_from((b"", b"\x01\xff"))), **texts,
    )  # fmt: skip


def gathered(*entries: tuple[EntryId, bytes]) -> FinishedMovements:
    finished = FinishedMovements()
    finished.columns = new_movement_columns(1, 1)  # so that it has to grow
    for entry_id, octets in entries:
        finished.take(read_rows(octets), entry_id)
    return finished


def decoded(octets: bytes) -> JournalEntry:
    return decode_entry(octets)


@settings(max_examples=40)
@given(st.lists(st.lists(askeds(), max_size=5), min_size=1, max_size=3))
def test_rows_are_those_of_the_twin(batches: list[list[Asked]]) -> None:
    entries = [(EntryId(5, number), entry_of(rows, partition=3)) for number, rows in enumerate(batches, 1)]
    finished = gathered(*entries)
    found = []
    for part in movements_by_day(finished.columns, NAMES):
        rows = part.table.cast(MOVEMENT_SCHEMA).to_pylist()
        assert {row["tenant_name"] for row in rows} == {NAMES[part.tenant]}
        assert len({row["moved_ns"] // DAY_NS for row in rows}) == 1
        found += rows
    wanted = [row for entry_id, octets in entries for row in rows_of_entry(entry_id, decoded(octets), NAMES)]
    order = [(row["entry"], row["movement"]) for row in found]
    assert len(set(order)) == len(order)
    assert sorted(found, key=lambda row: (row["entry"], row["movement"])) == wanted
    assert finished.row_count == len(wanted)
    assert finished.tenants() == {row.tenant for rows in batches for row in rows if any(m.kind for m in row.moved)}


def test_an_id_that_is_no_row_before_it_is_found_again() -> None:
    """Movements may stand in another order than the requests that caused them."""
    commands = [Asked(kind=1, session_id=f"command-{number}".encode()) for number in range(3)]
    rows = read_rows(entry_of([*commands, Asked(moved=tuple(Moved(kind=2, amount=1) for _ in range(3)))]))
    rows.movements["request"] = (2, 0, 1)
    finished = FinishedMovements()
    finished.take(rows, EntryId(1, 1))
    (part,) = movements_by_day(finished.columns, NAMES)
    assert part.table["command_id"].to_pylist() == ["command-2", "command-0", "command-1"]


@pytest.mark.parametrize(("column", "value"), [("request", 1), ("request", -1), ("usage", 1), ("usage", -2)])
def test_a_movement_of_rows_that_are_not_there_is_named(column: str, value: int) -> None:
    rows = read_rows(entry_of([Asked(usages=(Used(),), moved=(Moved(kind=16, amount=1, usage=0),))]))
    rows.movements[column] = value
    finished = FinishedMovements()
    with pytest.raises(MovementsDamaged, match="entry 4-2 of partition 0 is damaged"):
        finished.take(rows, EntryId(4, 2))
    assert finished.row_count == 0


def test_texts_that_end_before_a_command_are_named() -> None:
    rows = read_rows(entry_of([Asked(kind=1, session_id=b"top-up", moved=(Moved(kind=3, amount=1),))]))
    rows.requests["session_id_length"] = 7
    with pytest.raises(MovementsDamaged):
        FinishedMovements().take(rows, EntryId(4, 2))


def test_a_kind_that_this_release_does_not_know_is_a_number() -> None:
    rows = read_rows(entry_of([Asked(moved=(Moved(kind=3, amount=1),))]))
    rows.movements["kind"] = 99
    finished = FinishedMovements()
    finished.take(rows, EntryId(1, 1))
    (part,) = movements_by_day(finished.columns, NAMES)
    assert part.table["kind"].to_pylist() == ["99"]


def test_docs_list_every_column_and_kind() -> None:
    listed = [line for line in DOCS.read_text().splitlines() if line.startswith("| `")]
    for column in COLUMNS:
        assert f"| `{column.name}` | {column.type} | {column.meaning} |" in listed
    for kind in MovementKind:
        if kind is not MovementKind.HELD:
            sign = "in" if kind < MovementKind.CHARGED else "out"
            assert any(line.startswith(f"| `{kind.name.lower()}` | {sign} |") for line in listed), kind.name
    assert f"records/{MOVEMENTS}/tenant=" in DOCS.read_text()


def test_no_movements_are_no_tables() -> None:
    assert list(movements_by_day(FinishedMovements().columns, {})) == []
    assert np.dtype(MOVEMENT_SCHEMA.field("moved_ns").type.to_pandas_dtype()) == np.int64

"""The reader of whole journals against decode_entry: the same rows, also of other encoders and releases; no damage passes."""

import msgpack
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from balances.journal import ADDED_LATER, JOURNAL_REQUEST_DTYPE, MOVEMENT_DTYPE, TABLES, decode_entry
from balances.journal_reader import EntryReader
from balances.journal_writer import encode_entry
from charging.usage_record import USAGE_DTYPE
from tests.reference.journal_entries import Asked, Moved, Used, entry_of

READER = EntryReader(USAGE_DTYPE, takes_movements=True)
MOVED = (Moved(kind=16, amount=7, held=-3, usage=0),)
ENTRY = entry_of([Asked(usages=(Used(),), moved=MOVED, session_id=b"a;1")] * 3, partition=1, now_ns=123, voids=("1-2",))


def values_of(dtype):
    low, high = int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
    return st.one_of(st.sampled_from((low, high, 0, 1)), st.integers(low, high))


def tables_of(dtype):
    row = st.tuples(*(values_of(dtype.fields[name][0]) for name in dtype.names))
    alike = st.tuples(row, st.integers(1, 9)).map(lambda pair: [pair[0]] * pair[1])
    return st.one_of(st.lists(row, max_size=6), alike).map(lambda rows: np.array(rows, dtype))


def same(rows, entry):
    """Are these rows those of the decoded entry?"""
    assert (rows.partition, rows.follows, rows.now_ns, rows.voids) == (
        entry.partition,
        entry.follows,
        entry.now_ns,
        entry.voids,
    )
    assert rows.octets.tobytes() == entry.octets.tobytes()
    tables = ((rows.requests, entry.requests), (rows.usages, entry.usages), (rows.movements, entry.movements))
    for table, (found, columns) in zip(TABLES, tables, strict=True):
        assert len(found) == len(columns["request" if "request" in columns else "kind"])
        for name in found.dtype.names:
            is_left_out = name not in columns and (table, name) in ADDED_LATER
            wanted = [0] * len(found) if is_left_out else columns[name].tolist()
            assert found[name].tolist() == wanted, name


@settings(max_examples=100)
@given(
    tables_of(JOURNAL_REQUEST_DTYPE),
    tables_of(USAGE_DTYPE),
    tables_of(MOVEMENT_DTYPE),
    st.binary(max_size=300),
    st.lists(st.just("1790000000000-77"), max_size=80),
)
def test_reads_what_was_written(requests, usages, movements, texts, voids):
    tables = {"requests": requests, "usages": usages, "movements": movements}
    octets = encode_entry(
        partition=3,
        follows="5-6",
        now_ns=7,
        tables=tables,
        octets=np.frombuffer(texts, np.uint8),
        voids=tuple(voids),
    )
    same(READER.read(octets), decode_entry(octets))
    same(READER.read(memoryview(b"xx" + octets)[2:]), decode_entry(octets))


def test_what_this_release_writes_needs_no_decoding(monkeypatch):
    monkeypatch.setattr("balances.journal_reader.decode_entry", None)
    assert len(READER.read(ENTRY).requests) == 3
    for settled_by in (4, 0, 4):  # the column is there, left out, and there again
        billed = entry_of([Asked(usages=(Used(settled_by=settled_by), Used()))])
        assert (b"settled_by" in billed) == (settled_by > 0)
        assert READER.read(billed).usages["settled_by"].tolist() == [settled_by, 0]
    for is_uncounted in (1, 0, 1):
        entry = entry_of([Asked(is_uncounted=is_uncounted), Asked()])
        assert (b"is_uncounted" in entry) == (is_uncounted > 0)
        assert READER.read(entry).requests["is_uncounted"].tolist() == [is_uncounted, 0]


def test_rows_grow_to_the_largest_entry():
    rows = EntryReader(USAGE_DTYPE).read(entry_of([Asked(account_id=number) for number in range(10_000)]))
    assert rows.requests["account_id"].tolist() == list(range(10_000))


@pytest.mark.parametrize("turn", [dict, lambda columns: dict(reversed(columns.items()))])
def test_another_encoder_and_another_order_are_read(turn):
    """Shorter headers than ours, or keys elsewhere."""
    octets = msgpack.packb(turn(msgpack.unpackb(ENTRY)))
    same(READER.read(octets), decode_entry(ENTRY))


def test_a_column_more_is_passed_over_and_a_column_less_is_named():
    columns = msgpack.unpackb(ENTRY)
    more = msgpack.packb({**columns, "requests.colour:<i8": columns["requests.account_id:<i8"]})
    same(READER.read(more), decode_entry(ENTRY))
    del columns["usages.price:<i4"]
    with pytest.raises(ValueError, match=r"no column usages\.price"):
        READER.read(msgpack.packb(columns))


def test_columns_that_came_later_are_0_in_earlier_entries():
    columns = msgpack.unpackb(ENTRY)
    for name in ("usages.requested_units:<i8", "usages.grant_basis:|u1"):
        del columns[name]
    READER.read(entry_of([Asked(usages=(Used(requested_units=9, grant_basis=1),))] * 3))  # what the memory held before
    rows = READER.read(msgpack.packb(columns))
    assert rows.usages["requested_units"].tolist() == rows.usages["grant_basis"].tolist() == [0, 0, 0]
    assert rows.usages["price"].tolist() == [0, 0, 0]


@settings(max_examples=250)
@example(44, 46, 1)
@given(st.integers(0, len(ENTRY) - 1), st.integers(0, 255), st.integers(1, 8))
def test_damage_is_refused_as_decode_entry_refuses_it(at, value, length):
    octets = ENTRY[:at] + bytes([value]) * length + ENTRY[at + length :]
    try:
        entry = decode_entry(octets)
    except ValueError:
        entry = None
    try:
        rows = READER.read(octets)
    except ValueError:
        rows = None
    if rows is not None:
        assert entry is not None
        same(rows, entry)


def test_who_does_not_ask_for_movements_gets_none():
    rows = EntryReader(USAGE_DTYPE).read(ENTRY)
    assert (len(rows.requests), len(rows.usages), len(rows.movements)) == (3, 3, 0)
    rows = EntryReader(USAGE_DTYPE).take(decode_entry(ENTRY))
    assert (len(rows.requests), len(rows.usages), len(rows.movements)) == (3, 3, 0)


@settings(max_examples=100)
@given(st.integers(0, len(ENTRY)))
def test_an_entry_that_is_cut_off_is_refused(length):
    if length < len(ENTRY):
        with pytest.raises(ValueError, match="journal entry"):
            READER.read(ENTRY[:length])

"""An entry of the journal: columns come back as they were written, and whatever is damaged is a ValueError that says where."""

from contextlib import suppress

import msgpack
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from balances.journal import JOURNAL_REQUEST_DTYPE, MOVEMENT_DTYPE, decode_entry
from balances.journal_writer import encode_entry
from balances.store import EntryId
from tests.reference.journal_entries import Asked, entry_of

ENTRY = entry_of([Asked()] * 3, partition=1, follows=EntryId(1790000000000, 77), now_ns=123, voids=("1-2",))


def damaged(**changes):
    """The entry with these keys changed; None removes one."""
    columns = msgpack.unpackb(ENTRY) | changes
    return msgpack.packb({key: value for key, value in columns.items() if value is not None})


def test_columns_come_back_as_they_were_written():
    requests = np.zeros(3, JOURNAL_REQUEST_DTYPE)
    requests["account_id"], requests["outcome"] = [5, -6, 2**62], [1, 2, 255]
    movements = np.zeros(2, MOVEMENT_DTYPE)
    movements["amount"] = [10**18, 7]
    tables = {"requests": requests, "usages": np.zeros(0, MOVEMENT_DTYPE), "movements": movements}
    text = np.frombuffer(b"session", np.uint8)
    entry = decode_entry(
        encode_entry(partition=4, follows="9-8", now_ns=11, tables=tables, octets=text, voids=("9-9",))
    )
    assert (entry.partition, entry.follows, entry.now_ns, entry.voids) == (4, "9-8", 11, ("9-9",))
    assert entry.octets.tobytes() == b"session"
    for name in JOURNAL_REQUEST_DTYPE.names:
        assert entry.requests[name].tolist() == requests[name].tolist()
    assert entry.movements["amount"].tolist() == [10**18, 7]


@pytest.mark.parametrize(
    ("octets", "says"),
    [
        (b"", "no journal entry"),
        (b"\xc1", "no journal entry"),
        (ENTRY[:100], "no journal entry"),
        (msgpack.packb([1, 2]), "another release"),
        (damaged(version=1), "another release"),
        (damaged(follows=None), "follows is None"),
        (damaged(partition="1"), "partition is '1'"),
        (damaged(octets="text"), "octets is 'text'"),
        (damaged(voids=[3]), "voids"),
        (damaged(**{"requests.outcome:<(": b""}), "has no type"),
        (damaged(**{"requests.outcome:": b""}), "has no type"),
        (damaged(**{"requests.outcome:|O": b"12345678"}), "has no type"),
        (damaged(**{"requests.outcome:<i4,<i4": b"12345678"}), "has no type"),
        (damaged(**{"requests.account_id:<i8": b"1234567"}), "no column of 3 rows"),
        (damaged(**{"requests.account_id:<i8": b"123456789"}), "no column of 3 rows"),
        (damaged(**{"requests.account_id:<i8": 5}), "has no octets"),
        (damaged(rows={"requests": 2**40, "usages": 3, "movements": 0}), "not counts"),
        (damaged(rows={"requests": -1}), "not counts"),
        (damaged(rows={"usages": 3}), "no count of rows"),
    ],
)
def test_says_what_is_damaged(octets, says):
    with pytest.raises(ValueError, match=says):
        decode_entry(octets)


def test_a_key_that_is_no_text_is_damage():
    columns = msgpack.unpackb(ENTRY)
    with pytest.raises(ValueError, match="no text"):
        decode_entry(msgpack.packb({**columns, b"requests.x:<i8": b""}))


@settings(max_examples=150)
@given(st.integers(0, len(ENTRY) - 1), st.integers(0, 255), st.integers(1, 8))
def test_any_damage_is_a_value_error_or_other_values(at, value, length):
    """Octets that are overwritten anywhere: no other exception than ValueError comes out."""
    octets = ENTRY[:at] + bytes([value]) * length + ENTRY[at + length :]
    with suppress(ValueError):
        decode_entry(octets)

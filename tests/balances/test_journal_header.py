"""The head of an entry is what decode_entry says, however long its list of voids is."""

import msgpack
import pytest

from balances.journal import decode_entry
from balances.journal_header import read_header
from balances.store import EntryId
from tests.reference.journal_entries import Asked, entry_of


@pytest.mark.parametrize("void_count", [0, 1, 5000])
def test_agrees_with_the_whole_entry(void_count):
    voids = tuple(f"1790000000000-{number}" for number in range(void_count))
    octets = entry_of([Asked()] * 40, partition=3, follows=EntryId(1790000000000, 77), now_ns=123, voids=voids)
    header, whole = read_header(memoryview(octets)), decode_entry(octets)
    assert (header.partition, str(header.follows), header.now_ns) == (whole.partition, whole.follows, whole.now_ns)
    assert header.voids == whole.voids == voids


@pytest.mark.parametrize(
    ("octets", "says"),
    [
        (b"", "torn"),
        (entry_of([Asked()])[:20], "torn"),
        (b"\xc1rubbish", "no msgpack map"),
        (b"\x93\x01\x02\x03", "no msgpack map"),
        (msgpack.packb({"version": 99, "partition": 0, "follows": "0-0", "now_ns": 1}), "another release"),
        (msgpack.packb({"version": 2, "partition": 0, "octets": b"", "now_ns": 1}), "no follows, now_ns"),
    ],
)
def test_refuses_what_is_no_entry(octets, says):
    with pytest.raises(ValueError, match=says):
        read_header(octets)

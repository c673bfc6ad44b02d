"""Kernels of the store's protocol against plain Python: what they write, and what they make of any octets cut anywhere."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from balances.resp import (
    WALK_BROKEN,
    WALK_DONE,
    WALK_MORE,
    Spans,
    Walk,
    count_digits,
    put_account_key,
    put_decimal,
    put_digest_key,
    put_load,
    put_number,
    put_numbers,
    put_session_keys,
    start_walk,
    walk_replies,
)
from balances.store import SESSION_KEY_DTYPE
from tests.balances.plain_resp import LINE_OCTETS_MAX, BrokenReplyError, read_replies, read_requests, request
from vocabulary.kernel import kernel
from vocabulary.limits import STORE_REPLY_LINE_OCTETS_MAX, STORE_REPLY_OCTETS_MAX

STATES = {WALK_MORE: "more", WALK_DONE: "done", WALK_BROKEN: "broken"}
GUARD = 0xA5
numbers = st.one_of(st.integers(0, 2**63 - 1), st.integers(0, 18).map(lambda power: 10**power), st.integers(0, 20))
words64 = st.integers(0, 2**64 - 1)


@kernel
def digits_of(value):
    """count_digits is inlined into kernels."""
    return count_digits(value)


def written(put, *arguments):
    """What a writer puts behind a place, with nothing else touched."""
    out = np.full(1 << 16, GUARD, np.uint8)
    end = put(out, 7, *arguments)
    assert (out[:7] == GUARD).all()
    assert (out[end:] == GUARD).all()
    return out[7:end].tobytes()


def octets(text):
    return np.frombuffer(text, np.uint8).copy()


# --- writing
@given(value=numbers)
def test_decimals(value):
    assert digits_of(value) == len(str(value))
    assert written(put_decimal, value, digits_of(value)) == str(value).encode()
    assert b"*1\r\n" + written(put_number, value) == request(value)


@given(tenant=st.integers(0, 32767), account_id=numbers, high=words64, low=words64)
def test_keys(tenant, account_id, high, low):
    prefix = octets(b"{p12}:a:")
    assert read_requests(b"*1\r\n" + written(put_account_key, prefix, tenant, account_id)) == [
        [b"{p12}:a:%d:%d" % (tenant, account_id)]
    ]
    prefix = octets(b"{p0}:route:")
    assert read_requests(b"*1\r\n" + written(put_digest_key, prefix, np.uint64(high), np.uint64(low))) == [
        [b"{p0}:route:%016x%016x" % (high, low)]
    ]


@given(rows=st.lists(st.tuples(words64, words64, numbers, st.sampled_from((0, 1, 9, 14400))), max_size=9))
def test_session_keys(rows):
    expected = b""
    for high, low, account_id, life_s in rows:
        key = f"s:{high:016x}{low:016x}"
        expected += request("SET", key, account_id, "EX", life_s) if life_s else request("UNLINK", key)
    assert written(put_session_keys, np.array(rows, SESSION_KEY_DTYPE)) == expected


@given(
    accounts=st.lists(st.tuples(st.integers(1, 32767), numbers), max_size=9),
    answered=st.lists(st.tuples(words64, words64), max_size=5),
    values=st.lists(numbers, max_size=5),
)
def test_load(accounts, answered, values):
    tenants = np.array([tenant for tenant, _ in accounts], np.int32)
    ids = np.array([account_id for _, account_id in accounts], np.int64)
    digests = np.array(answered, np.uint64).reshape(-1, 2)
    found = written(put_load, octets(b"{p}:a:"), octets(b"{p}:answered:"), tenants, ids, len(accounts), digests)
    found += written(put_numbers, np.array(values, np.int64))
    keys = [f"{{p}}:a:{tenant}:{account_id}" for tenant, account_id in accounts]
    keys += [f"{{p}}:answered:{high:016x}{low:016x}" for high, low in answered]
    assert found == request(*keys, *values).partition(b"\r\n")[2]


# --- reading
class Walker:
    """walk_replies over octets that come in pieces, as the connection drives it."""

    def __init__(self, replies, elements, transaction=0):
        self.walk = np.zeros(Walk.SIZE, np.int64)
        start_walk(self.walk, replies, elements, transaction)
        self.leaves_max = replies + elements + replies * transaction
        self.spans = Spans(self.leaves_max + 1)
        self.spans.kinds[:] = GUARD
        self.buffer = np.full(1 << 15, GUARD, np.uint8)
        self.filled = 0

    def take(self, piece):
        """State after this piece."""
        self.buffer[self.filled : self.filled + len(piece)] = octets(piece)
        self.filled += len(piece)
        spans = self.spans
        state = walk_replies(self.buffer, self.filled, self.walk, spans.kinds, spans.first, spans.octets)
        assert (spans.kinds[self.leaves_max :] == GUARD).all(), "no leaf beyond those that were awaited"
        return STATES[state]

    def leaves(self):
        """What the spans say, in the terms of plain_resp."""
        spans, count = self.spans, int(self.walk[Walk.LEAF])
        rows = zip(spans.kinds[:count], spans.first[:count], spans.octets[:count], strict=True)
        found = []
        for kind, first, length in rows:
            assert 0 <= first <= first + length <= self.filled
            found.append((chr(kind), self.buffer[first : first + length].tobytes()))
        return found


def walked(whole, cuts, replies, elements, transaction=0):
    """(state, leaves) of octets that come cut at these places; "more" where the walk says to go on."""
    walker = Walker(replies, elements, transaction)
    places = sorted({cut for cut in cuts if cut < len(whole)} | {0, len(whole)})
    state = "more"
    for start, end in pairwise(places):
        state = walker.take(whole[start:end])
        if state == "broken":
            return state, []
    return state, walker.leaves()


def plain(whole, replies, elements):
    """The same of plain_resp, which sees the octets at once."""
    try:
        leaves = read_replies(whole, replies, elements)
    except BrokenReplyError:
        return "broken", []
    return ("more", None) if leaves is None else ("done", leaves)


lines = st.binary(max_size=12).map(lambda text: text.replace(b"\r", b"").replace(b"\n", b""))
bulks = st.one_of(st.just(None), st.binary(max_size=30))


def bulk(value):
    return b"$-1\r\n" if value is None else b"$%d\r\n%b\r\n" % (len(value), value)


@st.composite
def replies(draw):
    """(octets, replies, elements, leaves) of what a store may say to an exchange."""
    whole, leaves = b"", []
    singles = draw(
        st.lists(st.one_of(st.tuples(st.sampled_from("+-:"), lines), st.tuples(st.just("$"), bulks)), max_size=4)
    )
    for kind, value in singles:
        if kind == "$":
            whole += bulk(value)
            leaves.append(("_", b"") if value is None else ("$", value))
        else:
            whole += kind.encode() + value + b"\r\n"
            leaves.append((kind, value))
    elements = draw(st.lists(bulks, max_size=6))
    if elements:
        whole += b"*%d\r\n" % len(elements) + b"".join(map(bulk, elements))
        leaves += [("_", b"") if value is None else ("$", value) for value in elements]
    return whole, len(singles) + bool(elements), len(elements), leaves


@settings(max_examples=150)
@given(reply=replies(), cuts=st.lists(st.integers(1, 300), max_size=12))
def test_replies_cut_anywhere_are_read(reply, cuts):
    whole, count, elements, leaves = reply
    if not whole:
        return
    assert walked(whole, cuts, count, elements) == ("done", leaves)


def test_reply_that_comes_octet_by_octet_is_done_with_its_last():
    whole = b"+COMMITTED\r\n+OK\r\n:5\r\n*3\r\n$4\r\n\r\n\r\n\r\n$-1\r\n$0\r\n\r\n"
    walker = Walker(4, 3)
    for place in range(len(whole) - 1):
        assert walker.take(whole[place : place + 1]) == "more", place
    assert walker.take(whole[-1:]) == "done"
    assert walker.leaves() == [
        ("+", b"COMMITTED"),
        ("+", b"OK"),
        (":", b"5"),
        ("$", b"\r\n\r\n"),
        ("_", b""),
        ("$", b""),
    ]


def test_walk_says_how_many_octets_it_needs():
    walker = Walker(1, 0)
    assert walker.take(b"$1000\r\nab") == "more"
    assert walker.walk[Walk.NEED] == len(b"$1000\r\n") + 1002


protocol_octets = st.lists(
    st.sampled_from(
        (b"$", b"*", b"+", b"-", b":", b"\r\n", b"\r", b"\n", b"0", b"1", b"2", b"-1", b"9999999999", b"ab", b"\0")
    ),
    max_size=24,
).map(b"".join)


@settings(max_examples=300)
@given(
    whole=st.one_of(protocol_octets, st.binary(max_size=60), replies().map(lambda reply: reply[0] + b"*")),
    cuts=st.lists(st.integers(1, 60), max_size=8),
    count=st.integers(1, 3),
    elements=st.integers(0, 3),
)
def test_hostile_octets_are_broken_or_awaited_never_misread(whole, cuts, count, elements):
    state, leaves = walked(whole, cuts, count, elements)
    expected, expected_leaves = plain(whole, count, elements)
    if whole:
        assert state == expected
    if state == "done":
        assert leaves == expected_leaves


@settings(max_examples=100)
@given(reply=replies(), place=st.integers(0, 400), octet=st.integers(0, 255))
def test_one_octet_changed_is_read_as_plain_python_reads_it(reply, place, octet):
    whole, count, elements, _ = reply
    if not whole:
        return
    at = place % len(whole)
    changed = whole[:at] + bytes([octet]) + whole[at + 1 :]
    state, leaves = walked(changed, [], count, elements)
    expected, expected_leaves = plain(changed, count, elements)
    assert state == expected
    assert state != "done" or leaves == expected_leaves


@pytest.mark.parametrize(
    "whole",
    [
        b"*4\r\n$1\r\na\r\n",
        b"*-1\r\n",
        b"*3\r\n*1\r\n",
        b"$-2\r\n",
        b"$12345678901\r\n",
        b"$%d\r\n" % (STORE_REPLY_OCTETS_MAX + 1),
        b"$1\r\nabc",
        b"$\r\n",
        b"%1\r\n",
        b"x" * (STORE_REPLY_LINE_OCTETS_MAX + 1),
        b"*3\r\n$-1\r\n$-1\r\n$-1\r\n+more\r\n",
    ],
)
def test_replies_that_no_store_gives_are_broken(whole):
    assert LINE_OCTETS_MAX == STORE_REPLY_LINE_OCTETS_MAX
    assert walked(whole, [], 1, 3)[0] == "broken"
    assert plain(whole, 1, 3)[0] == "broken"


scalars = st.one_of(st.tuples(st.sampled_from("+-:"), lines), st.tuples(st.just("$"), bulks))


def scalar(kind, value):
    return bulk(value) if kind == "$" else kind.encode() + value + b"\r\n"


def leaf_of(kind, value):
    return ("_", b"") if value is None else (kind, value)


@settings(max_examples=100)
@given(
    queued=st.lists(scalars, min_size=1, max_size=5),
    is_dropped=st.booleans(),
    loaded=st.lists(bulks, min_size=1, max_size=5),
    cuts=st.lists(st.integers(1, 300), max_size=12),
)
def test_what_a_transaction_answers_is_read(queued, is_dropped, loaded, cuts):
    """OK, QUEUED each, the array of EXEC or nil, OK of WATCH, the load."""
    count = len(queued)
    whole = b"+OK\r\n" + b"+QUEUED\r\n" * count
    leaves = [("+", b"OK"), *[("+", b"QUEUED")] * count]
    if is_dropped:
        whole += b"*-1\r\n"
        leaves.append(("_", b""))
    else:
        whole += b"*%d\r\n" % count + b"".join(scalar(*each) for each in queued)
        leaves += [leaf_of(*each) for each in queued]
    whole += b"+OK\r\n*%d\r\n" % len(loaded) + b"".join(map(bulk, loaded))
    leaves += [("+", b"OK"), *(leaf_of("$", value) for value in loaded)]
    assert walked(whole, cuts, count + 4, len(loaded), count) == ("done", leaves)
    assert read_replies(whole, count + 4, len(loaded), count) == leaves

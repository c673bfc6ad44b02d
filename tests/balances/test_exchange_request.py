"""The octets of an exchange against plain Python: each request of the transaction, in its order, and the fence."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from balances.exchange_request import ExchangeRequest
from balances.keys import DUE_BUCKET_S
from balances.store import EntryId, Expiring, Ownership
from balances.stored_record import to_stored
from tests.balances.edge.commits import commit_of, load_of, record_of
from tests.balances.plain_resp import read_requests, request
from vocabulary.limits import DUE_KEPT_S

OWNERSHIP = Ownership(1, "1000:one:00112233445566aa", 1000, EntryId(0, 0), "0-0")
TAG = "p1"
words64 = st.integers(0, 2**64 - 1)
lives = st.sampled_from((0, 0, 1, 60, 14400))
accounts = st.tuples(st.integers(1, 32767), st.integers(1, 2**62))


def key(name):
    return f"{{{TAG}}}:{name}"


def route_key(high, low, is_answer):
    return key(f"{'answered' if is_answer else 'route'}:{high:016x}{low:016x}")


def fence_and_load(keys=()):
    """The requests at the end of every exchange."""
    return request("WATCH", key("owner"), key("tail")) + request("MGET", key("owner"), key("tail"), *keys)


def expected(records, routes, expiring, session_keys, due, due_done, position, entry):
    """The requests of a commit, as the module says, and how many of them are within the transaction."""
    inside = [request("XADD", key("journal"), "1000-2", "b", entry)]
    words = [word for (t, a), octets in records.items() for word in (key(f"a:{t}:{a}"), octets)]
    inside.append(request("MSET", key("tail"), "1000-2", *words))
    for high, low, value, life, kind in routes:
        name = route_key(high, low, kind)
        if life:  # without a value it keeps that which it has
            inside.append(request("SET", name, value, "EX", life) if value else request("EXPIRE", name, life))
    inside += [request("SET", key(row.name), row.value, "EX", row.life_s) for row in expiring if row.life_s]
    gone = [route_key(high, low, kind) for high, low, _, life, kind in routes if not life]
    gone += [key(row.name) for row in expiring if not row.life_s]
    gone += [key(f"due:{due_done}")] if due_done >= 0 else []
    inside += [request("UNLINK", *gone)] if gone else []
    for bucket, members in due:
        if members:
            inside.append(request("SADD", key(f"due:{bucket}"), *members))
            inside.append(request("EXPIREAT", key(f"due:{bucket}"), (bucket + 1) * DUE_BUCKET_S + DUE_KEPT_S))
    if position is not None:
        inside.append(request("SET", key("commands:position"), position))
        inside.append(request("XTRIM", key("commands"), "MINID", "~", position))
    octets = request("MULTI") + b"".join(inside) + request("EXEC")
    for high, low, account_id, life in session_keys:
        name = f"s:{high:016x}{low:016x}"
        octets += request("SET", name, account_id, "EX", life) if life else request("UNLINK", name)
    return octets, len(inside)


@settings(max_examples=100)
@given(
    accounts=st.lists(accounts, max_size=6, unique=True),
    unchanged=st.lists(accounts, max_size=3, unique=True),
    routes=st.lists(st.tuples(words64, words64, st.binary(max_size=20), lives, st.integers(0, 1)), max_size=5),
    expiring=st.lists(
        st.builds(Expiring, st.text("ab:-", min_size=1, max_size=9), st.binary(max_size=9), lives), max_size=4
    ),
    session_keys=st.lists(st.tuples(words64, words64, st.integers(1, 2**62), lives), max_size=4),
    due=st.lists(st.tuples(st.integers(0, 10**8), st.lists(st.integers(0, 2**62), max_size=5)), max_size=3),
    due_done=st.integers(-1, 10**8),
    position=st.sampled_from((None, "0-0", "1790000000000-12")),
    entry=st.binary(max_size=50),
    loads=st.lists(accounts, max_size=4),
    answered=st.lists(st.tuples(words64, words64), max_size=3),
    names=st.lists(st.text("ab:", min_size=1, max_size=9), max_size=3),
)
def test_exchange_is_the_requests_that_plain_python_writes(
    accounts, unchanged, routes, expiring, session_keys, due, due_done, position, entry, loads, answered, names
):
    records = {account: record_of(account, 5, ended=range(account[1] % 4)) for account in accounts}
    commit = commit_of(
        OWNERSHIP,
        EntryId(1000, 2),
        EntryId(1000, 1),
        records,
        unchanged={account: record_of(account) for account in unchanged if account not in records},
        entry=entry,
        routes=routes,
        session_keys=session_keys,
        due=due,
        due_done=due_done,
        expiring=expiring,
        commands_position=position,
    )
    stored = {account: to_stored(record) for account, record in records.items()}
    wanted, queued = expected(stored, routes, expiring, session_keys, due, due_done, position, entry)
    load = load_of(loads, answered=answered, names=names)
    keys = [key(f"a:{tenant}:{account_id}") for tenant, account_id in loads]
    keys += [route_key(high, low, True) for high, low in answered] + [key(name) for name in names]
    wanted += fence_and_load(keys)
    small = ExchangeRequest(TAG, 1)
    for _ in range(2):
        awaited = small.build(commit, load)
        assert bytes(awaited.octets) == wanted
        assert awaited.replies == len(read_requests(wanted))
        assert (awaited.queued, awaited.session_keys, awaited.loaded) == (queued, len(session_keys), len(keys))


def test_commit_or_load_alone_or_nothing():
    exchange = ExchangeRequest(TAG)
    awaited = exchange.build(None, load_of([(1, 5)]))
    assert (bytes(awaited.octets), awaited.replies, awaited.loaded) == (fence_and_load([key("a:1:5")]), 2, 1)
    awaited = exchange.build(commit_of(OWNERSHIP, EntryId(1000, 2), EntryId(1000, 1)), None)
    assert (len(read_requests(bytes(awaited.octets))), awaited.replies, awaited.loaded) == (6, 6, 0)
    for load in (None, load_of()):
        assert bytes(exchange.build(None, load).octets) == fence_and_load() == exchange.fence()


def test_room_is_made_for_the_largest_rows():
    """Digits as many as they get, in a buffer that starts too small: what is asked for is always there."""
    exchange = ExchangeRequest("p4095", 1)
    high = 2**64 - 1
    commit = commit_of(
        OWNERSHIP,
        EntryId(2**53, 2**53),
        EntryId(2**53, 1),
        {(32767, 2**63 - 1 - number): b"\1" * 80 for number in range(2048)},
        routes=[(high, high - number, b"", 2**40, 1) for number in range(4096)],
        session_keys=[(high, high, 2**63 - 1, 2**40)] * 4096,
        due=[(10**9, [2**63 - 1] * 4096)] * 3,
        due_done=10**9,
    )
    load = load_of([(32767, 2**63 - 1)] * 2048, answered=[(high, high)] * 2048)
    awaited = exchange.build(commit, load)
    found = read_requests(bytes(awaited.octets))
    queued = 2 + 4096 + 1 + 2 * 3
    assert (len(found), awaited.queued, awaited.loaded) == (queued + 2 + 4096 + 2, queued, 4096)
    assert awaited.replies == len(found)


def test_exchange_that_is_too_large_is_refused(monkeypatch):
    monkeypatch.setattr("balances.exchange_request.STORE_REQUEST_OCTETS_MAX", 4000)
    exchange = ExchangeRequest(TAG, 1)
    commit = commit_of(OWNERSHIP, EntryId(1000, 2), EntryId(1000, 1), entry=np.zeros(4000, np.uint8).tobytes())
    with pytest.raises(ValueError, match=r"a commit and load of \d+ octets are more than 4000: cut the batch"):
        exchange.build(commit, None)

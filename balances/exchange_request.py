"""One exchange of a partition as octets, in one buffer: the commit's transaction, session index keys, fence and load.

    MULTI, XADD journal, MSET tail and records, SET ... EX, UNLINK, SADD and EXPIREAT, SET commands:position, EXEC
    SET or UNLINK of each session index key, in slots of their own
    WATCH owner tail, MGET owner tail and what the next batch needs

The fence is at the end: owner and tail are watched, then read. The next exchange's transaction is sent only where they are
what its commit follows, and the store drops it whole where one of them changed since they were watched. So a commit is
judged by the rules of `balances.store.judge_commit` as one server function would, without the values passing through an
interpreter in the store, which cost it 1.5 us a row (docs/decisions/0001).

What there is once a batch (ids, token, counts) is formatted here in Python; what there is once a row is written by the
kernels of balances/resp.py.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from balances.keys import DUE_BUCKET_S, partition_key
from balances.resp import (
    CHANGED,
    KEPT,
    KEY_ROOM,
    NUMBER_ROOM,
    RECORD_OCTETS,
    VALUE_OCTETS,
    count_changed,
    count_routes,
    put_load,
    put_numbers,
    put_records,
    put_removed_routes,
    put_routes,
    put_session_keys,
)
from balances.store import ROUTE_DTYPE, SESSION_KEY_DTYPE, Commit, Load
from vocabulary.limits import BATCH_REQUESTS_MAX, DUE_KEPT_S, STORE_REQUEST_OCTETS_MAX

_HEAD_ROOM: Final = 1024
_NO_ROUTES: Final = np.zeros(0, ROUTE_DTYPE)
_NO_OCTETS: Final = np.zeros(0, np.uint8)
_NO_SESSION_KEYS: Final = np.zeros(0, SESSION_KEY_DTYPE)
_SESSION_KEY_ROOM: Final = 160
FENCE_KEYS: Final = 2
"""Owner and tail, which come before what was asked for in every load."""


class Awaited(NamedTuple):
    """The octets of an exchange, and the replies that it gets."""

    octets: memoryview
    """valid until the next `build`"""
    queued: int
    """commands within the transaction; 0 where there is none"""
    session_keys: int
    loaded: int
    """values of the load, without the fence's"""

    @property
    def replies(self) -> int:
        """Replies, the load's array last: of MULTI, each queued command and EXEC, each session key, WATCH and MGET."""
        return (self.queued + 2 if self.queued else 0) + self.session_keys + 2

    @property
    def leaves_max(self) -> int:
        """Rows of `Spans` that they take at most."""
        return self.replies + self.queued + FENCE_KEYS + self.loaded


def _octets_of(text: str) -> NDArray[np.uint8]:
    return np.frombuffer(text.encode(), np.uint8).copy()


def _bulk(value: bytes) -> bytes:
    return b"$%d\r\n%b\r\n" % (len(value), value)


def _words(*words: bytes) -> bytes:
    return b"*%d\r\n" % len(words) + b"".join(_bulk(word) for word in words)


class ExchangeRequest:
    """The octets of one exchange at a time. The buffer grows to the largest exchange seen and is used again."""

    def __init__(self, tag: str, octets: int = 1 << 20) -> None:
        self._out = np.zeros(octets, np.uint8)
        self._view = memoryview(self._out.data)
        self._counts = np.zeros(2, np.int64)
        self._key_start = partition_key(tag, "").encode()
        self._account_prefix = _octets_of(partition_key(tag, "a:"))
        self._answered_prefix = _octets_of(partition_key(tag, "answered:"))
        self._route_prefix = _octets_of(partition_key(tag, "route:"))
        self._key_room = KEY_ROOM + len(self._account_prefix) + len("answered:")
        self._keys = {
            name: _bulk(self._key_start + name.encode())
            for name in ("owner", "tail", "journal", "commands:position", "commands")
        }
        self._begin = _words(b"MULTI") + b"*5\r\n" + _bulk(b"XADD") + self._keys["journal"]
        self._fence = b"*3\r\n" + _bulk(b"WATCH") + self._keys["owner"] + self._keys["tail"]

    def fence(self) -> bytes:
        """The fence alone, for a new connection: a reply of its own and an array of FENCE_KEYS."""
        return self._fence + b"*3\r\n" + _bulk(b"MGET") + self._keys["owner"] + self._keys["tail"]

    def build(self, commit: Commit | None, load: Load | None) -> Awaited:
        """The exchange of a commit that may be written, and a load; without either it is the fence."""
        at = queued = session_count = loaded = 0
        if commit is not None:
            at, queued = self._put_commit(commit)
            session_keys = _NO_SESSION_KEYS if commit.session_keys is None else commit.session_keys
            session_count = len(session_keys)
            self._reserve(at, _SESSION_KEY_ROOM * session_count)
            at = put_session_keys(self._out, at, session_keys)
        if load is not None:
            loaded = load.slot_count + len(load.answered) + len(load.names)
        at = self._put_load(load, loaded, at)
        return Awaited(self._view[:at], queued, session_count, loaded)

    def _put_commit(self, commit: Commit) -> tuple[int, int]:
        """The transaction; the place behind it and the count of its commands."""
        counts = self._counts
        assert commit.slot_count <= BATCH_REQUESTS_MAX
        count_changed(commit.arena, commit.slot_count, counts)
        changed, record_octets = int(counts[CHANGED]), int(counts[RECORD_OCTETS])
        routes = _NO_ROUTES if commit.routes is None else commit.routes
        route_octets = _NO_OCTETS if commit.route_octets is None else commit.route_octets
        count_routes(routes, counts)
        kept, value_octets = int(counts[KEPT]), int(counts[VALUE_OCTETS])
        removed = len(routes) - kept
        expiring, gone = self._bulk_expiring(commit)
        hints = self._bulk_due(commit)
        entry_id = _bulk(str(commit.entry_id).encode())
        position = self._bulk_position(commit)

        room = _HEAD_ROOM + len(commit.entry) + record_octets + value_octets + len(position)
        room += (changed + len(routes)) * (self._key_room + 2 * NUMBER_ROOM)
        room += sum(map(len, expiring)) + sum(map(len, gone)) + sum(len(head) + len(tail) for head, _, tail in hints)
        self._reserve(0, room + 2 * NUMBER_ROOM * sum(len(accounts) for _, accounts, _ in hints))

        at = self._put(0, self._begin + entry_id + _bulk(b"b") + b"$%d\r\n" % len(commit.entry))
        at = self._put(at, commit.entry)
        head = b"\r\n*%d\r\n" % (3 + 2 * changed) + _bulk(b"MSET") + self._keys["tail"] + entry_id
        at = put_records(
            self._out,
            self._put(at, head),
            self._account_prefix,
            commit.arena,
            commit.tenants,
            commit.account_ids,
            commit.slot_count,
        )
        at = put_routes(self._out, at, self._route_prefix, self._answered_prefix, routes, route_octets)
        for row in expiring:
            at = self._put(at, row)
        removals = removed + len(gone)
        if removals:
            at = self._put(at, b"*%d\r\n" % (1 + removals) + _bulk(b"UNLINK"))
            at = put_removed_routes(self._out, at, self._route_prefix, self._answered_prefix, routes)
            at = self._put(at, b"".join(gone))
        for head, accounts, tail in hints:
            at = self._put(put_numbers(self._out, self._put(at, head), accounts), tail)
        at = self._put(at, position + _words(b"EXEC"))
        queued = 2 + kept + len(expiring) + bool(removals) + 2 * len(hints) + 2 * bool(position)
        return at, queued

    def _bulk_expiring(self, commit: Commit) -> tuple[list[bytes], list[bytes]]:
        """What costs Python each: commands for keys that are written, and keys that are removed."""
        kept: list[bytes] = []
        gone: list[bytes] = []
        for row in commit.expiring:
            key = self._key_start + row.name.encode()
            if row.life_s == 0:
                gone.append(_bulk(key))
            else:
                kept.append(_words(b"SET", key, row.value, b"EX", b"%d" % row.life_s))
        if commit.due_done >= 0:
            gone.append(_bulk(self._due_key(commit.due_done)))
        return kept, gone

    def _bulk_due(self, commit: Commit) -> list[tuple[bytes, NDArray[np.int64], bytes]]:
        """What stands before and behind the accounts of each due bucket: SADD, and EXPIREAT."""
        hints = []
        for bucket, accounts in commit.due:
            key = self._due_key(bucket)
            ends_s = (bucket + 1) * DUE_BUCKET_S + DUE_KEPT_S
            head = b"*%d\r\n" % (2 + len(accounts)) + _bulk(b"SADD") + _bulk(key)
            hints.append((head, accounts, _words(b"EXPIREAT", key, b"%d" % ends_s)))
        return [hint for hint in hints if len(hint[1])]

    def _bulk_position(self, commit: Commit) -> bytes:
        """Commands that note how far account commands are decided, and trim what lies behind."""
        if commit.commands_position is None:
            return b""
        position = _bulk(commit.commands_position.encode())
        noted = b"*3\r\n" + _bulk(b"SET") + self._keys["commands:position"] + position
        return noted + b"*5\r\n" + _bulk(b"XTRIM") + self._keys["commands"] + _bulk(b"MINID") + _bulk(b"~") + position

    def _put_load(self, load: Load | None, loaded: int, at: int) -> int:
        """The fence, and the keys of the load behind its own."""
        names = [] if load is None else [_bulk(self._key_start + name.encode()) for name in load.names]
        self._reserve(at, loaded * self._key_room + sum(map(len, names)) + _HEAD_ROOM)
        head = b"*%d\r\n" % (1 + FENCE_KEYS + loaded) + _bulk(b"MGET") + self._keys["owner"] + self._keys["tail"]
        at = self._put(at, self._fence + head)
        if load is not None:
            at = put_load(
                self._out,
                at,
                self._account_prefix,
                self._answered_prefix,
                load.tenants,
                load.account_ids,
                load.slot_count,
                load.answered,
            )
        for name in names:
            at = self._put(at, name)
        return at

    def _due_key(self, bucket: int) -> bytes:
        return self._key_start + b"due:%d" % bucket

    def _put(self, at: int, octets: bytes) -> int:
        end = at + len(octets)
        self._view[at:end] = octets
        return end

    def _reserve(self, at: int, room: int) -> None:
        """Room for so many octets from `at` on."""
        need = at + room
        if need <= len(self._out):
            return
        if need > STORE_REQUEST_OCTETS_MAX:
            raise ValueError(
                f"a commit and load of {need} octets are more than {STORE_REQUEST_OCTETS_MAX}: cut the batch"
            )
        grown = np.zeros(min(2 * need, STORE_REQUEST_OCTETS_MAX), np.uint8)
        grown[:at] = self._out[:at]
        self._out = grown
        self._view = memoryview(grown.data)

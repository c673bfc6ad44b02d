"""One exchange of a partition as octets: `[FCALL commit][SET session index keys][MGET load]`, in one buffer.

What there is once a batch (ids, token, counts) is formatted here in Python; what there is once a row is written by the
kernels of balances/resp.py. The arguments of the commit function are laid out for it to take slices of, never to copy
one by one (balances/edge/store_function.py):

    FCALL farebox_1_commit 5 owner tail journal commands:position commands
          token previous_id id entry position, four counts,
          MSET arguments (tail first, then the records), SET triples, removed keys, due groups
"""

from typing import Final

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

FUNCTION_LIBRARY: Final = "farebox_1"
"""Library of the store's functions; the number changes with their arguments: two releases can run side by side."""
COMMIT_FUNCTION: Final = f"{FUNCTION_LIBRARY}_commit"

_FIXED_ARGUMENTS: Final = 17
"""FCALL, name, key count and five keys; token, two ids, entry, position and four counts."""
_HEAD_ROOM: Final = 1024
_NO_ROUTES: Final = np.zeros(0, ROUTE_DTYPE)
_NO_OCTETS: Final = np.zeros(0, np.uint8)
_NO_SESSION_KEYS: Final = np.zeros(0, SESSION_KEY_DTYPE)
_SESSION_KEY_ROOM: Final = 160


def _octets_of(text: str) -> NDArray[np.uint8]:
    return np.frombuffer(text.encode(), np.uint8).copy()


def _bulk(value: bytes) -> bytes:
    return b"$%d\r\n%b\r\n" % (len(value), value)


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
        self._tail_key = _bulk(self._key_start + b"tail")
        keys = ("owner", "tail", "journal", "commands:position", "commands")
        self._function = _bulk(b"FCALL") + _bulk(COMMIT_FUNCTION.encode()) + _bulk(b"5")
        self._function += b"".join(_bulk(self._key_start + name.encode()) for name in keys)

    def build(self, commit: Commit | None, load: Load | None) -> tuple[memoryview, int, int]:
        """(octets, replies to await, elements of the last reply). The octets are valid until the next build."""
        at = 0
        replies = 0
        elements = 0
        if commit is not None:
            at = self._put_commit(commit)
            session_keys = _NO_SESSION_KEYS if commit.session_keys is None else commit.session_keys
            replies = 1 + len(session_keys)
            if len(session_keys):
                self._reserve(at, _SESSION_KEY_ROOM * len(session_keys))
                at = put_session_keys(self._out, at, session_keys)
        if load is not None:
            elements = load.slot_count + len(load.answered) + len(load.names)
            if elements:
                replies += 1
                at = self._put_load(load, at)
        return self._view[:at], replies, elements

    def _put_commit(self, commit: Commit) -> int:
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
        due_members = sum(len(accounts) for _, accounts in commit.due)

        entry_id = str(commit.entry_id).encode()
        position = b"" if commit.commands_position is None else commit.commands_position.encode()
        set_arguments = 2 * (1 + changed)
        triples = kept + len(expiring)
        removals = removed + len(gone)
        arguments = _FIXED_ARGUMENTS + set_arguments + 3 * triples + removals + 3 * len(commit.due) + due_members
        room = _HEAD_ROOM + len(commit.entry) + record_octets + value_octets
        room += (changed + len(routes)) * (self._key_room + 2 * NUMBER_ROOM) + len(position)
        room += sum(map(len, expiring)) + sum(map(len, gone)) + 2 * NUMBER_ROOM * due_members
        self._reserve(0, room + len(commit.due) * 2 * self._key_room)

        at = self._put(0, b"*%d\r\n" % arguments + self._function)
        at = self._put(at, _bulk(commit.ownership.token.encode()) + _bulk(str(commit.previous_id).encode()))
        at = self._put(at, _bulk(entry_id) + b"$%d\r\n" % len(commit.entry))
        at = self._put(at, commit.entry)
        at = self._put(at, b"\r\n" + _bulk(position))
        for count in (set_arguments, triples, removals, len(commit.due)):
            at = self._put(at, _bulk(b"%d" % count))
        at = self._put(at, self._tail_key + _bulk(entry_id))
        at = put_records(
            self._out, at, self._account_prefix, commit.arena, commit.tenants, commit.account_ids, commit.slot_count
        )
        if kept:
            at = put_routes(self._out, at, self._route_prefix, self._answered_prefix, routes, route_octets)
        for row in expiring:
            at = self._put(at, row)
        if removed:
            at = put_removed_routes(self._out, at, self._route_prefix, self._answered_prefix, routes)
        for row in gone:
            at = self._put(at, row)
        for bucket, accounts in commit.due:
            ends_s = (bucket + 1) * DUE_BUCKET_S + DUE_KEPT_S
            head = _bulk(self._due_key(bucket)) + _bulk(b"%d" % ends_s) + _bulk(b"%d" % len(accounts))
            at = put_numbers(self._out, self._put(at, head), accounts)
        return at

    def _bulk_expiring(self, commit: Commit) -> tuple[list[bytes], list[bytes]]:
        """Arguments for the keys that cost Python each: those that are written, those that are removed."""
        kept: list[bytes] = []
        gone: list[bytes] = []
        for row in commit.expiring:
            key = _bulk(self._key_start + row.name.encode())
            if row.life_s == 0:
                gone.append(key)
            else:
                kept.append(key + _bulk(row.value) + _bulk(b"%d" % row.life_s))
        if commit.due_done >= 0:
            gone.append(_bulk(self._due_key(commit.due_done)))
        return kept, gone

    def _put_load(self, load: Load, at: int) -> int:
        names = [_bulk(self._key_start + name.encode()) for name in load.names]
        room = (load.slot_count + len(load.answered)) * self._key_room + sum(map(len, names)) + _HEAD_ROOM
        self._reserve(at, room)
        at = put_load(
            self._out,
            at,
            self._account_prefix,
            self._answered_prefix,
            load.tenants,
            load.account_ids,
            load.slot_count,
            load.answered,
            len(names),
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

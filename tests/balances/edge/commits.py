"""Commits, loads and exchanges in the words of a test: records as octets by (tenant, account id), one line each."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from balances.arena import Arena, new_arena
from balances.store import ROUTE_DTYPE, SESSION_KEY_DTYPE, Commit, EntryId, Exchanged, Load, Loaded, Ownership
from balances.stored_record import from_stored
from tests.reference.record_octets import encode_rows

Account = tuple[int, int]
"""(tenant, account id)"""
A: Account = (1, 7)
B: Account = (1, 9)
"""Two accounts of one partition."""
ZERO = EntryId(0, 0)
"""Before the first entry."""


def record_of(account: Account, charged_micros: int = 0, *, ended: Sequence[int] = ()) -> bytes:
    """A record that says so much was charged; `ended` makes it longer."""
    tenant, account_id = account
    header = {"tenant": tenant, "account_id": account_id, "charged_micros": charged_micros, "status": 1}
    return encode_rows({"header": [header], "ended": [{"mark": mark} for mark in ended]})


def arena_of(records: Sequence[bytes], changed: Sequence[int]) -> Arena:
    """Records side by side, a gap of some words between them."""
    arena = new_arena(slots=max(len(records), 1), words=sum(len(record) // 8 + 3 for record in records) + 1)
    at = 2
    for slot, record in enumerate(records):
        arena.first[slot], arena.length[slot] = at, len(record) // 8
        arena.octets[8 * at : 8 * at + len(record)] = np.frombuffer(record, np.uint8)
        at += len(record) // 8 + 3
    arena.changed[: len(records)] = changed
    return arena


def routes_of(rows: Sequence[tuple[int, int, bytes, int, int]]) -> tuple[Any, Any]:
    """(routes, route_octets) of (high, low, value, life_s, is_answer) rows; nothing where there are none."""
    if not rows:
        return None, None
    routes = np.zeros(len(rows), ROUTE_DTYPE)
    octets = b"".join(value for _, _, value, _, _ in rows)
    at = 0
    for row, (high, low, value, life_s, is_answer) in enumerate(rows):
        routes[row] = (high, low, at, len(value), life_s, is_answer)
        at += len(value)
    return routes, np.frombuffer(octets + b"\0", np.uint8)


def session_keys_of(rows: Sequence[tuple[int, int, int, int]]) -> Any:
    """SESSION_KEY_DTYPE rows of (high, low, account id, life_s)."""
    return np.array(list(rows), SESSION_KEY_DTYPE) if rows else None


def commit_of(
    ownership: Ownership,
    entry_id: EntryId,
    previous_id: EntryId,
    records: Mapping[Account, bytes] | None = None,
    *,
    unchanged: Mapping[Account, bytes] | None = None,
    entry: bytes = b"the entry",
    routes: Sequence[tuple[int, int, bytes, int, int]] = (),
    session_keys: Sequence[tuple[int, int, int, int]] = (),
    due: Sequence[tuple[int, Sequence[int]]] = (),
    **more: Any,
) -> Commit:
    """The commit of a batch whose changed records are `records`; `unchanged` ones lie in the arena and aren't written."""
    written, kept = records or {}, unchanged or {}
    accounts = [*written, *kept]
    route_rows, route_octets = routes_of(routes)
    return Commit(
        ownership=ownership,
        entry_id=entry_id,
        previous_id=previous_id,
        entry=entry,
        arena=arena_of([*written.values(), *kept.values()], [1] * len(written) + [0] * len(kept)),
        tenants=np.array([tenant for tenant, _ in accounts], np.int32),
        account_ids=np.array([account_id for _, account_id in accounts], np.int64),
        slot_count=len(accounts),
        routes=route_rows,
        route_octets=route_octets,
        session_keys=session_keys_of(session_keys),
        due=[(bucket, np.array(members, np.int64)) for bucket, members in due],
        **more,
    )


def load_of(
    accounts: Sequence[Account] = (), *, answered: Sequence[tuple[int, int]] = (), names: Sequence[str] = ()
) -> Load:
    """The load of these accounts, answers and further keys."""
    return Load(
        tenants=np.array([tenant for tenant, _ in accounts], np.int32),
        account_ids=np.array([account_id for _, account_id in accounts], np.int64),
        slot_count=len(accounts),
        answered=np.array(answered, np.uint64).reshape(-1, 2),
        names=names,
    )


def _spans(source: Any, first: Any, octets: Any) -> list[bytes]:
    return [source[at : at + length].tobytes() for at, length in zip(first.tolist(), octets.tolist(), strict=True)]


def loaded_records(loaded: Loaded) -> list[bytes]:
    """Each record, b'' where there is none."""
    stored = _spans(loaded.source, loaded.first, loaded.octets)
    return [from_stored(octets) if octets else b"" for octets in stored]


def loaded_answers(loaded: Loaded) -> list[bytes]:
    """Octets of each recorded answer, b'' where there is none."""
    return _spans(loaded.source, loaded.answered_first, loaded.answered_octets)


def start_exchange(connection: Any, commit: Commit | None, load: Load | None) -> "asyncio.Future[Exchanged]":
    """Send an exchange; what it came to."""
    ended: asyncio.Future[Exchanged] = asyncio.get_running_loop().create_future()
    connection.exchange(commit, load, ended.set_result)
    return ended


async def exchange(connection: Any, commit: Commit | None = None, load: Load | None = None) -> Exchanged:
    """One exchange, waited for."""
    return await asyncio.wait_for(start_exchange(connection, commit, load), 30)


def after(entry_id: EntryId, count: int = 1) -> EntryId:
    """The id so many further in the same epoch."""
    return EntryId(entry_id.epoch, entry_id.number + count)


def first_of(ownership: Ownership) -> EntryId:
    """The first id of an epoch."""
    return EntryId(ownership.epoch, 1)

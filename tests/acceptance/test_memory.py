"""What accounts and open sessions take of the store's memory: MEMORY USAGE of every key, and used_memory beside it."""

import re
from collections import Counter
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import redis

from bench.workload import provision
from tests.acceptance import evidence
from tests.kills.loaded_up import LoadedUp, kill_plan
from tests.runtime.running_up import wait_until

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(300)]

ACCOUNTS = 20_000
BARE_OCTETS_MAX = 600
"""An account with money and one bucket of data."""
IDENTITIES_OCTETS_MAX = 750
"""The same with two identities."""
SESSION_OCTETS_MAX = 500
"""More for each open session: in the record, its index key and its route."""
_KINDS = (
    ("account", re.compile(rb"\{[^}]*\}:a:")),
    ("identity", re.compile(rb"\d+:(imsi|e164):")),
    ("session", re.compile(rb"s:")),
    ("route", re.compile(rb"\{[^}]*\}:route:")),
    ("command answer", re.compile(rb"\{[^}]*\}:command:")),
    ("stream", re.compile(rb"\{[^}]*\}:(journal|commands)$")),
)
_PAGE = 1000


def kind_of(key: bytes) -> str:
    """What a key is, by its pattern."""
    return next((name for name, pattern in _KINDS if pattern.match(key)), "other")


def usage(client: Any) -> tuple[Counter[str], Counter[str], dict[bytes, int]]:
    """(keys, octets by MEMORY USAGE) by kind, and the octets of each account."""
    counts: Counter[str] = Counter()
    octets: Counter[str] = Counter()
    accounts: dict[bytes, int] = {}
    position = 0
    while True:
        position, keys = client.scan(position, count=_PAGE)
        pipeline = client.pipeline(transaction=False)
        for key in keys:
            pipeline.memory_usage(key, samples=0)
        for key, size in zip(keys, pipeline.execute(), strict=True):
            if size is None:
                continue  # gone since
            kind = kind_of(key)
            counts[kind] += 1
            octets[kind] += size
            if kind == "account":
                accounts[key] = size
        if position == 0:
            return counts, octets, accounts


def test_octets_an_account_and_an_open_session(tmp_path: Path) -> None:
    plan = kill_plan(
        subscribers=ACCOUNTS,
        sessions_open=ACCOUNTS,
        outstanding=2_048,
        updates_min=100_000,
        updates_max=100_000,
        measured_s=120.0,
    )
    with LoadedUp(tmp_path / "data", plan) as farebox:
        client = redis.Redis(unix_socket_path=farebox.up.state.store_url.removeprefix("unix://"))
        counts, octets, bare = usage(client)
        has_data = provision(plan.subscribers, plan.seed).allowance_octets > 0
        first_account = farebox.store.first_account
        assert counts["account"] == ACCOUNTS
        assert counts["identity"] == 2 * ACCOUNTS
        used_before = client.info("memory")["used_memory"]
        seen: dict[str, Any] = {}

        def look() -> None:
            def are_open() -> bool:
                return (
                    int(client.dbsize()) >= counts.total() + 2 * ACCOUNTS * 9 // 10
                )  # the poor end their sessions soon

            wait_until("sessions are open", are_open, 60)
            Event().wait(3.0)  # each has reported some times by then
            seen["counts"], seen["octets"], seen["accounts"] = usage(client)
            seen["used"] = client.info("memory")["used_memory"]

        loaded = farebox.load(look)
        farebox.check_store(loaded)
        client.close()
    assert not loaded.faults, loaded.faults[:10]
    bare_octets = [size for key, size in bare.items() if has_data[int(key.rpartition(b":")[2]) - first_account]]
    assert len(bare_octets) > ACCOUNTS // 2
    account = sum(bare_octets) / len(bare_octets)
    identities = octets["identity"] / ACCOUNTS
    open_keys = seen["counts"]["session"]
    assert open_keys >= ACCOUNTS * 9 // 10
    grown = (seen["octets"]["account"] - octets["account"]) / open_keys
    beside = (seen["octets"]["session"] + seen["octets"]["route"]) / open_keys
    rows = [
        ("accounts", ACCOUNTS, ""),
        ("a bare account with money and data", round(account, 1), BARE_OCTETS_MAX),
        ("the largest of them", max(bare_octets), BARE_OCTETS_MAX),
        ("with two identities", round(account + identities, 1), IDENTITIES_OCTETS_MAX),
        ("more in the record for an open session", round(grown, 1), ""),
        ("session index and route", round(beside, 1), ""),
        ("an open session in all", round(grown + beside, 1), SESSION_OCTETS_MAX),
        ("kept 30 days: the answer of the opening command", round(octets["command answer"] / ACCOUNTS, 1), ""),
        ("used_memory an account, all keys, streams and tables", round(used_before / ACCOUNTS, 1), ""),
        ("more used_memory an open session, journal included", round((seen["used"] - used_before) / open_keys, 1), ""),
    ]
    says = f"MEMORY USAGE of all keys of {ACCOUNTS:,} accounts, octets; sessions have reported a few times."
    evidence.write("memory", "Store memory", says, ("what", "octets", "at most"), rows)
    assert account <= BARE_OCTETS_MAX
    assert account + identities <= IDENTITIES_OCTETS_MAX
    assert grown + beside <= SESSION_OCTETS_MAX

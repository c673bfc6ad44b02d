"""A data directory and a store that isn't its own: whatever is started on both is refused, and nothing of either changes."""

import shutil
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as NoConnection

from cdr.edge.read import read_records
from tests.reference.private_valkey import private_valkey
from tests.runtime.private_engine import create_store
from tests.runtime.running_up import (
    IMSI,
    RunningUp,
    charge_session,
    farebox,
    invoke,
    open_account,
    running_up,
    wait_until,
)

pytestmark = pytest.mark.timeout(240)

PROCESSES = ("engine", "archiver", "records", "notifier")


def kept(data: Path) -> dict[str, bytes]:
    """The files that count, by name: journal, records, and what says which."""
    files = [data / "store.json", *(data / "segments").rglob("*"), *(data / "records").rglob("*")]
    return {str(path.relative_to(data)): path.read_bytes() for path in files if path.is_file()}


def sessions(up: RunningUp) -> list[str]:
    """Those that have a record that counts."""
    return sorted(row["session_id"] for row in read_records(up.folder.records).to_pylist())


def charged(up: RunningUp, *names: str) -> None:
    """Charge the last of these sessions; exactly these have a record."""
    charge_session(up, names[-1])
    wanted = sorted(f"pgw1.example.net;{name}" for name in names)
    wait_until("a record of each session", lambda: len(sessions(up)) >= len(wanted))
    assert sessions(up) == wanted


def test_records_outlive_each_attempt_with_another_store(tmp_path: Path) -> None:
    data, folders = tmp_path / "data", [tmp_path / name for name in ("own", "other", "empty")]
    for folder in folders:
        folder.mkdir()
    with private_valkey(folders[0]) as own, private_valkey(folders[1]) as other, private_valkey(folders[2]) as empty:
        create_store(other)
        with running_up(data, "--store", own) as up:
            open_account(up, IMSI)
            charged(up, "first")
            assert up.interrupt() == 0
        before = kept(data)
        assert {"store.json", "records/manifest.sqlite", "segments/p1/durable"} <= before.keys()
        whose = f"data directory {data} belongs to the store at {own}, created 20"
        up_words = ("up", "--engine-only", "--data-dir", str(data), "--port", "0", "--metrics-port", "-1")
        for store, what in (
            ((), f"and there is no store in {data / 'store'}"),
            (("--store", other), f"and the store at {other} is another, created 20"),
            (("--store", empty), f"and the store at {empty} is new"),
        ):
            refused = invoke(*up_words, *store)
            assert refused.returncode == 2, refused.stdout + refused.stderr
            assert whose in refused.stderr
            assert what in refused.stderr
            assert "give --store of the store it belongs to, or give another --data-dir" in refused.stderr
        for name in PROCESSES:
            ended = farebox(name, "--data-dir", str(data), "--store", other, "--metrics-port", "-1")
            assert ended.returncode == 2, ended.stdout + ended.stderr
            assert whose in ended.stderr
        with Redis.from_url(empty) as client:
            assert client.dbsize() == 0
        assert kept(data) == before
        assert not (data / "store").exists()
        with running_up(data, "--store", own) as up:
            charged(up, "first", "second")
            assert not list((data / "records" / "void").rglob("*.*"))
            audit = invoke("audit", "--store", own, "--data-dir", str(data))
            assert audit.returncode == 0, audit.stdout


def test_an_embedded_store_of_another_directory_is_refused_and_stopped(tmp_path: Path) -> None:
    """Its files lie where those of the directory's own store were."""
    data = tmp_path / "data"
    with running_up(data) as up:
        url = up.state.store_url
        assert up.interrupt() == 0
    (data / "store.json").write_text('{"created_ns": 1790000000000000000, "address": ""}\n')
    before = kept(data)
    refused = invoke("up", "--engine-only", "--data-dir", str(data), "--port", "0", "--metrics-port", "-1")
    assert refused.returncode == 2, refused.stdout + refused.stderr
    assert "belongs to its embedded store, created 2026-09-21T" in refused.stderr
    assert kept(data) == before
    with pytest.raises(NoConnection), Redis.from_url(url) as client:
        client.ping()


def test_a_store_that_was_restored_is_the_same_and_voids_what_it_lost(tmp_path: Path) -> None:
    data, copy = tmp_path / "data", tmp_path / "copy"
    with running_up(data) as up:
        open_account(up, IMSI)
        charged(up, "first")
        assert up.interrupt() == 0
    shutil.copytree(data / "store", copy, ignore=shutil.ignore_patterns("*.sock"))
    with running_up(data) as up:
        charged(up, "first", "lost")
        assert up.interrupt() == 0
    shutil.rmtree(data / "store")
    refused = invoke("up", "--engine-only", "--data-dir", str(data), "--port", "0", "--metrics-port", "-1")
    assert refused.returncode == 2, refused.stdout + refused.stderr
    assert f"its files in {data / 'store'} (from a copy where they are lost)" in refused.stderr
    shutil.copytree(copy, data / "store")
    with running_up(data) as up:
        charge_session(up, "again")
        wanted = ["pgw1.example.net;again", "pgw1.example.net;first"]
        wait_until("the lost one is void", lambda: sessions(up) == wanted)

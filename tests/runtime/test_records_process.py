"""The record writer as a process: names of tenants from a real store, metrics, and files closed by SIGTERM."""

import asyncio
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from balances.edge.redis_store import RedisStore
from balances.store import StoreError
from cdr.edge.read import RecordReader
from cdr.edge.record_folder import RecordFolder
from runtime.data_folder import DataFolder
from runtime.own_store import bind_to_store
from runtime.records_process import run_records
from runtime.settings import Settings, StoreSettings, TelemetrySettings
from tests.cdr.edge.writing import event, session_rows
from tests.cdr.journals import Journal

WITHIN_S = 60.0


async def _create(url: str, data_dir: Path, *tenants: str) -> None:
    """A store, and a data directory that is its own."""
    store = RedisStore(url)
    await store.command("FLUSHALL")
    await store.create(2)
    await store.open()
    for name in tenants:
        await store.add_tenant(name)
    await bind_to_store(DataFolder(data_dir), store)
    await store.close()


async def _add_tenant(url: str, name: str) -> int:
    store = RedisStore(url)
    await store.open()
    number = await store.add_tenant(name)
    await store.close()
    return number


def wait_for(what: Callable[[], Any]) -> Any:
    """What `what` gives once that is true."""
    ends = time.monotonic() + WITHIN_S
    while time.monotonic() < ends:
        found = what()
        if found:
            return found
        time.sleep(0.02)  # tidy: asks for files and metrics of another process, bounded by WITHIN_S
    raise AssertionError("it didn't come in time")


def test_writes_the_records_of_tenants_old_and_new(valkey: str, tmp_path: Path) -> None:
    data_dir, ready = tmp_path / "data", tmp_path / "records.ready"
    asyncio.run(_create(valkey, data_dir, "acme"))
    journals = [Journal(data_dir / "segments", partition) for partition in (0, 1)]
    for entry in session_rows(1):
        journals[0].add(entry)
    command = [sys.executable, "-m", "tests.runtime.records_child", valkey, str(data_dir), str(ready)]
    environment = {name: value for name, value in os.environ.items() if name != "FAREBOX_KILL_AT"}
    process = subprocess.Popen(command, env=environment)
    try:
        port, pid = map(int, wait_for(lambda: ready.exists() and ready.read_text().split()))
        assert pid == process.pid
        with RecordReader(data_dir / "records") as reader:
            assert [row["session_id"] for row in wait_for(lambda: list(reader.rows()))] == ["pgw;1"]
            number = asyncio.run(_add_tenant(valkey, "late"))
            journals[1].add([event(5, tenant=number)])
            assert [row["tenant_name"] for row in wait_for(lambda: list(reader.rows()))] == ["late"]
            metrics = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10).read().decode()
            assert "farebox_records_total 2.0" in metrics
            assert 'farebox_record_files_total{format="csv"} 2.0' in metrics
            assert 'farebox_record_entries_total{partition="0"} 4.0' in metrics
            journals[1].add([event(6, tenant=number)])
            entries = 'farebox_record_entries_total{partition="1"} 2.0'
            wait_for(
                lambda: (
                    entries in urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10).read().decode()
                )
            )
            process.send_signal(signal.SIGTERM)
            assert process.wait(WITHIN_S) == 0
            assert [row["session_id"] for row in reader.rows()] == ["sms;6"]
    finally:
        process.kill()
        process.wait()
        for journal in journals:
            journal.close()


def test_a_folder_that_another_writer_holds_is_refused_by_name(valkey: str, tmp_path: Path) -> None:
    asyncio.run(_create(valkey, tmp_path))
    settings = replace(Settings(), store=StoreSettings(data_dir=tmp_path), telemetry=TelemetrySettings(port=-1))
    folder = RecordFolder(tmp_path / "records", lambda _: None)
    with pytest.raises(StoreError, match="another record writer works in"):
        run_records(settings, valkey)
    folder.close()

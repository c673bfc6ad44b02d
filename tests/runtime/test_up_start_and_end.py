"""How `farebox up` begins and ends: it waits for a store, may be interrupted at any instant, and its last words are true."""

import signal
import socket
import subprocess
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from balances.store import StoreMeta
from runtime.settings import Settings, StoreSettings
from runtime.up import UP_LINE, Up
from tests.reference.private_valkey import private_valkey
from tests.runtime.running_up import ROLES, RunningUp, command, environment, farebox

pytestmark = pytest.mark.timeout(240)


def test_given_store_that_is_down_is_waited_for_and_left_running(tmp_path: Path) -> None:
    folder = tmp_path / "valkey"
    folder.mkdir()
    up = RunningUp(tmp_path / "data", "--store", f"unix://{folder / 's'}", "--partitions", "3")
    try:
        line = up.wait_for_line("waiting for the store")
        assert str(folder / "s") in line
        with private_valkey(folder) as address:
            up.wait_for_line("3 partitions")
            up.wait_for_line(UP_LINE)
            assert "store" not in up.state.pids
            assert up.interrupt() == 0
            with socket.socket(socket.AF_UNIX) as probe:
                probe.connect(address.removeprefix("unix://"))
            other = farebox("up", "--data-dir", str(tmp_path / "data"), "--store", address, "--partitions", "2")
            assert other.returncode == 2
            assert "--partitions 2" in other.stderr
            assert "has 3" in other.stderr
    finally:
        up.end()


def test_waiting_for_a_store_can_be_interrupted(tmp_path: Path) -> None:
    up = RunningUp(tmp_path / "data", "--store", f"unix://{tmp_path / 'nobody'}")
    try:
        up.wait_for_line("waiting for the store")
        assert up.interrupt() == 0
        assert not up.folder.up_file.exists()
    finally:
        up.end()


def test_starting_can_be_interrupted_and_leaves_no_store(tmp_path: Path) -> None:
    up = RunningUp(tmp_path / "data")
    try:
        up.wait_for_line("embedded, in")
        assert up.interrupt() == 0
        assert not up.folder.up_file.exists()
        with socket.socket(socket.AF_UNIX) as probe, pytest.raises(OSError, match=r"refused|No such"):
            probe.connect(str(up.folder.store / "store.sock"))
    finally:
        up.end()


def test_reader_of_its_lines_may_go_away(tmp_path: Path) -> None:
    up = RunningUp(tmp_path / "data", cut_after="embedded, in")
    try:
        up.wait_ready(*ROLES, "store", timeout_s=110)
        assert up.interrupt() == 0
        assert not up.folder.up_file.exists()
    finally:
        up.end()


def test_interrupt_at_any_instant_of_a_start_is_no_traceback(tmp_path: Path) -> None:
    """From the first line of ours on; what comes before is the interpreter's."""
    for delay_s in (0.05, 0.1, 0.2, 0.4):
        process = subprocess.Popen(
            command("up", "--data-dir", str(tmp_path / f"data-{delay_s}"), "--port", "0"),
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        with suppress(subprocess.TimeoutExpired):
            process.wait(delay_s)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        assert "runtime/" not in errors, errors


def test_last_words_are_true_where_the_store_writes_once_a_second(tmp_path: Path) -> None:
    up = RunningUp(tmp_path / "data", "--port", "0", "--fsync", "everysec")
    try:
        up.wait_ready(*ROLES, "store", timeout_s=110)
        assert up.interrupt() == 0
        up.wait_for_line("everything that was answered is in the store, which wrote its file to disk as it ended")
    finally:
        up.end()


def test_a_store_that_was_killed_is_not_said_to_have_written(tmp_path: Path) -> None:
    """Nor a given one, which goes on."""
    settings = Settings(store=StoreSettings(data_dir=tmp_path, fsync="everysec"))
    up = Up(settings, {}, lambda *_: None)
    meta = StoreMeta(partition_count=1, secret=np.zeros(2, np.uint64), tags=("p0",), fsync="everysec", created_ns=1)
    assert up.last_words() == "it hadn't begun to serve, nothing was answered"
    up._meta = meta
    assert "appendfsync everysec the last second or two" in up.last_words()

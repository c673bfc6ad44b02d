"""`farebox up` starts what is killed again, without losing or repeating a charge; its store is adopted."""

import json
import os
import signal
import socket
from pathlib import Path
from typing import Any

import pytest

from cdr.edge.read import read_records
from charging.batch import UPDATE
from runtime.up import UP_LINE
from tests.runtime.gy_client import gy_client
from tests.runtime.running_up import (
    IMSI,
    MIB,
    ROLES,
    RunningUp,
    charge_session,
    invoke,
    is_alive,
    open_account,
    running_up,
    wait_until,
)

UNKNOWN_SESSION = "pgw1.example.net;never opened"
pytestmark = pytest.mark.timeout(240)


def test_killed_children_are_started_again_and_nothing_is_lost_or_charged_twice(tmp_path: Path) -> None:
    with running_up(tmp_path / "data") as up:
        open_account(up, IMSI)
        for role in (*ROLES, "store"):
            before = up.state
            os.kill(before.pids[role], signal.SIGKILL)
            up.wait_ready(role, but_not={role: before.pids[role]})
            charge_session(up, f"after {role}")
            after = up.wait_ready(*ROLES, "store")
            others = {name for name in before.pids if before.pids[name] == after.pids[name]}
            assert others == {*ROLES, "store"} - {role}, "only what was killed was started again"
        with gy_client(up.state.ports["gy"]) as client:
            assert client.ask(UPDATE, 1, UNKNOWN_SESSION, IMSI, used=MIB, asked=MIB).result == 5002
        check_books(up)
        charge_session(up, "last of all")
        pids, path = up.state.pids, up.state.store_url.removeprefix("unix://")
        assert up.interrupt() == 0
        stopped = [line.split()[0] for line in up.text().splitlines() if line.split()[1:2] == ["stopped"]]
        assert stopped == ["engine", "notifier", "archiver", "records", "store"], "in the order in which data flows"
        assert not any(is_alive(pid) for pid in pids.values())
        assert not up.folder.up_file.exists()
        with socket.socket(socket.AF_UNIX) as probe, pytest.raises(OSError, match=r"refused|No such"):
            probe.connect(path)
        last = [row for row in read_records(up.folder.records).to_pylist() if "last of all" in row["session_id"]]
        assert [row["used_units"] for row in last] == [MIB], "what was answered before ^C has its record behind it"


def check_books(up: RunningUp) -> None:
    """The audit is green, and each session that was charged after a kill has exactly one record, of what it used."""
    wanted = sorted([UNKNOWN_SESSION, *(f"pgw1.example.net;after {role}" for role in (*ROLES, "store"))])

    def rows() -> list[dict[str, Any]] | None:
        found = read_records(up.folder.records).to_pylist()
        return found if {row["session_id"] for row in found} >= set(wanted) else None

    records = wait_until("a record of each session", rows)
    assert sorted(row["session_id"] for row in records) == wanted
    assert {row["used_units"] for row in records} == {MIB}
    (refused,) = [row for row in records if row["session_id"] == UNKNOWN_SESSION]
    assert (refused["result_code"], refused["uncharged_units"], refused["charged_micros"]) == (5002, MIB, 0)
    assert refused["origin_host"], "whose peer it was"
    assert refused["identity"] == IMSI, "whose use it was that nobody paid"
    data = ("--data-dir", str(up.folder.path))
    audit = invoke("audit", "--store", up.state.store_url, *data)
    assert audit.returncode == 0, audit.stdout
    tail = invoke("cdr", "tail", "-n", "100", *data)
    assert tail.returncode == 0
    assert [line for line in tail.stdout.splitlines() if "after engine" in line and f"{MIB} octets" in line]
    as_json = invoke("cdr", "tail", "-n", "1", "--json", *data).stdout.splitlines()
    assert [json.loads(line)["used_units"] for line in as_json] == [MIB]


def test_killed_up_leaves_no_orphan_and_its_store_is_adopted(tmp_path: Path) -> None:
    data = tmp_path / "data"
    first = RunningUp(data)
    try:
        first.wait_for_line(UP_LINE)
        open_account(first, IMSI)
        with gy_client(first.state.ports["gy"]) as client:
            granted = client.ask(1, 0, "pgw1.example.net;survives", IMSI, asked=MIB)
        pids = first.state.pids
        first.process.kill()
        first.process.wait()
        with running_up(data) as second:
            state = second.state
            assert state.is_store_adopted
            assert state.pids["store"] == pids["store"]
            assert any("adopted" in line for line in second.lines)
            wait_until("children of the killed one end", lambda: not any(is_alive(pids[role]) for role in ROLES))
            with gy_client(state.ports["gy"]) as client:
                again = client.ask(1, 0, "pgw1.example.net;survives", IMSI, asked=MIB)
                assert again[:4] == granted[:4], "the repeat gets the recorded answer"
                assert client.ask(3, 1, "pgw1.example.net;survives", IMSI, used=MIB).result == 2001
            os.kill(state.pids["store"], signal.SIGKILL)
            restarted = second.wait_ready("store", but_not=state.pids)
            assert not restarted.is_store_adopted
            charge_session(second, "on the restarted store")
            audit = invoke("audit", "--store", restarted.store_url, "--data-dir", str(data))
            assert audit.returncode == 0, audit.stdout
        assert not is_alive(pids["store"])
    finally:
        first.end()


def test_armed_kill_point_ends_a_child_once(tmp_path: Path) -> None:
    with running_up(tmp_path / "data", FAREBOX_KILL_AT="engine.commit_done:3") as up:
        before = up.state.pids["engine"]
        open_account(up, IMSI)
        charge_session(up, "over a kill point")
        after = up.wait_ready("engine", but_not={"engine": before})
        charge_session(up, "behind it")
        assert up.state.pids["engine"] == after.pids["engine"], "the restarted engine isn't armed"
        audit = invoke("audit", "--store", up.state.store_url, "--data-dir", str(up.folder.path))
        assert audit.returncode == 0, audit.stdout

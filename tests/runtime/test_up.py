"""`farebox up` as a whole: serves, restarts what is killed without losing or repeating a charge, stops, is adopted."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from balances.edge.redis_store import RedisStore
from balances.store import StoreMeta
from cdr.edge.read import read_records
from runtime.settings import Settings, StoreSettings
from runtime.telemetry import METRICS
from runtime.up import ROLES, UP_LINE, Up
from tests.reference.private_valkey import private_valkey
from tests.runtime.gy_client import gy_client
from tests.runtime.private_engine import create_store
from tests.runtime.running_up import (
    RunningUp,
    command,
    environment,
    farebox,
    invoke,
    is_alive,
    open_account,
    running_up,
    wait_until,
)

pytestmark = pytest.mark.timeout(240)

IMSI = "001010000000001"
MIB = 1 << 20


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningUp]:
    with running_up(tmp_path_factory.mktemp("up") / "data") as running:
        open_account(running, IMSI)
        yield running


def charge_session(up: RunningUp, name: str) -> None:
    """One session of 1 MiB from beginning to end; each request until it is answered, as a packet core repeats them."""
    session = f"pgw1.example.net;{name}"
    for number, (kind, used, asked) in enumerate(((1, None, MIB), (2, MIB, MIB), (3, 0, None))):

        def ask(number: int = number, kind: int = kind, used: int | None = used, asked: int | None = asked) -> bool:
            try:
                with gy_client(up.state.ports["gy"]) as client:
                    answer = client.ask(kind, number, session, IMSI, used=used, asked=asked)
            except (OSError, KeyError, AssertionError):
                return False
            assert answer.result in (2001, 3004), f"{session} {number}: {answer}"
            return answer.result == 2001

        wait_until(f"CCR {number} of {session} is answered", ask, 60)


def test_first_request_is_answered(up: RunningUp) -> None:
    with gy_client(up.state.ports["gy"]) as client:
        first = client.ask(1, 0, "pgw1.example.net;first", IMSI, asked=10 * MIB)
        assert (first.result, first.mscc_result, first.granted_octets, first.is_final) == (2001, 2001, 10 * MIB, False)
        last = client.ask(3, 1, "pgw1.example.net;first", IMSI, used=3 * MIB)
        assert (last.result, last.mscc_result) == (2001, 2001)


def test_up_json_says_what_runs(up: RunningUp) -> None:
    state = up.state
    assert state.pid == up.process.pid
    assert set(state.pids) == {*ROLES, "store"}
    assert all(is_alive(pid) for pid in state.pids.values())
    assert set(state.states.values()) == {"ready"}
    assert set(state.ports) == {"gy", "engine_metrics", "archiver_metrics", "records_metrics"}
    assert state.store_url.startswith("unix://")
    assert not state.is_store_adopted


def get(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_metrics_of_each_process_are_scraped(up: RunningUp) -> None:
    charge_session(up, "scraped")
    for role in ROLES:
        port = up.state.ports[f"{role}_metrics"]
        status, text = get(port, "/metrics")
        assert status == 200
        names = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE farebox_")}
        assert names == {row.name for row in METRICS if row.process == role}
        assert "process_cpu_seconds_total" in text
        assert get(port, "/health/live") == (200, '{"live": true}\n')
        status, body = get(port, "/health/ready")
        assert (status, json.loads(body)) == (200, {"ready": True, "reasons": []})
        assert get(port, "/other")[0] == 404


def values(port: int, name: str) -> float:
    """Sum of a metric's samples."""
    lines = get(port, "/metrics")[1].splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.split("{")[0].split(" ")[0] == name)


def test_metrics_count_what_happened(up: RunningUp) -> None:
    engine = up.state.ports["engine_metrics"]
    names = ("requests_total", "sessions_opened_total", "sessions_ended_total", "decide_seconds_count")
    before = {name: values(engine, f"farebox_{name}") for name in names}
    records = up.state.ports["records_metrics"]
    records_before = values(records, "farebox_records_total")
    charge_session(up, "counted")
    after = {name: values(engine, f"farebox_{name}") for name in names}
    assert {name: after[name] - before[name] for name in names} == {
        "requests_total": 3,
        "sessions_opened_total": 1,
        "sessions_ended_total": 1,
        "decide_seconds_count": 3,
    }
    assert values(engine, "farebox_commit_seconds_count") == values(engine, "farebox_batch_requests_count")
    assert 0 < values(engine, "farebox_commit_seconds_sum") < 60
    assert values(engine, "farebox_store_up") == 2
    wait_until("its record is counted", lambda: values(records, "farebox_records_total") > records_before)
    wait_until("no session is open", lambda: values(records, "farebox_sessions_open") == 0)
    archiver = up.state.ports["archiver_metrics"]
    assert values(archiver, "farebox_archived_entries_total") > 0
    assert values(archiver, "farebox_archiver_working") == 2


def test_open_sessions_are_listed_and_shown(up: RunningUp) -> None:
    store = ("--store", up.state.store_url)
    session = "pgw1.example.net;shown"
    with gy_client(up.state.ports["gy"]) as client:
        client.ask(1, 0, session, IMSI, asked=10 * MIB)
        listed = json.loads(invoke("session", "list", "--json", *store).stdout)
        own = [live for live in listed if live["session_id"] == session]
        assert len(own) == 1
        assert own[0]["origin_host"] == "pgw1.example.net"
        assert own[0]["services"][0]["rating_group"] == 10
        assert own[0]["services"][0]["reservations"][0]["amount"] == 10 * MIB
        assert json.loads(invoke("session", "list", IMSI, "--json", *store).stdout) == own
        table = invoke("session", "list", *store).stdout
        assert session in table
        assert "10 MiB of data-1gib" in table
        for name in (session, own[0]["key"], f"imsi:{IMSI}"):
            assert json.loads(invoke("session", "show", name, "--json", *store).stdout) == own
        page = invoke("session", "show", session, *store).stdout
        for part in (session, "INITIAL 0: granted", "prepaid-start, in force", "10 MiB of data-1gib"):
            assert part in page
        client.ask(3, 1, session, IMSI, used=0)
    gone = invoke("session", "show", session, *store)
    assert gone.returncode == 1
    assert "no open session" in gone.stdout
    wrong = invoke("session", "list", "imsi:x", *store)
    assert wrong.returncode == 2
    assert "6 to 15 digits" in wrong.stderr


def test_second_up_on_the_directory_is_refused(up: RunningUp) -> None:
    second = farebox("up", "--data-dir", str(up.folder.path), "--port", "0")
    assert second.returncode == 2
    assert f"is used by process {up.process.pid}" in second.stderr
    assert "--data-dir" in second.stderr
    assert up.state.pid == up.process.pid


def test_engine_beside_up_is_refused_and_takes_nothing(up: RunningUp) -> None:
    before = up.state.pids["engine"]
    second = farebox("engine", "--data-dir", str(up.folder.path), "--port", "0", "--metrics-port", "-1")
    assert second.returncode == 2
    assert f"is used by farebox up, process {up.process.pid}, which runs an engine" in second.stderr
    with gy_client(up.state.ports["gy"]) as client:
        client.ask(1, 0, "pgw1.example.net;beside", IMSI, asked=MIB)
        client.ask(3, 1, "pgw1.example.net;beside", IMSI, used=0)
    assert up.state.pids["engine"] == before


def test_engine_that_lost_its_partitions_is_started_again_and_that_is_said(up: RunningUp) -> None:
    before = up.state.pids["engine"]

    async def take_one() -> None:
        store = RedisStore(up.state.store_url)
        try:
            await store.open()
            await store.claim(0, "stranger", wall_ms=time.time_ns() // 1_000_000, last_epoch=0)
        finally:
            await store.close()

    asyncio.run(take_one())
    up.wait_for_line("took partitions of this one")
    wait_until("another engine is ready", lambda: up.state.pids.get("engine", before) != before, timeout_s=60)
    up.wait_ready(*ROLES, "store", timeout_s=60)
    with gy_client(up.state.ports["gy"]) as client:
        client.ask(1, 0, "pgw1.example.net;after", IMSI, asked=MIB)
        client.ask(3, 1, "pgw1.example.net;after", IMSI, used=0)


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
        check_books(up)
        charge_session(up, "last of all")
        pids, path = up.state.pids, up.state.store_url.removeprefix("unix://")
        assert up.interrupt() == 0
        stopped = [line.split()[0] for line in up.text().splitlines() if line.split()[1:2] == ["stopped"]]
        assert stopped == ["engine", "archiver", "records", "store"], "in the order in which data flows"
        assert not any(is_alive(pid) for pid in pids.values())
        assert not up.folder.up_file.exists()
        with socket.socket(socket.AF_UNIX) as probe, pytest.raises(OSError, match=r"refused|No such"):
            probe.connect(path)
        last = [row for row in read_records(up.folder.records).to_pylist() if "last of all" in row["session_id"]]
        assert [row["used_units"] for row in last] == [MIB], "what was answered before ^C has its record behind it"


def check_books(up: RunningUp) -> None:
    """The audit is green, and each session that was charged after a kill has exactly one record, of what it used."""
    wanted = sorted(f"pgw1.example.net;after {role}" for role in (*ROLES, "store"))

    def rows() -> list[dict[str, Any]] | None:
        found = read_records(up.folder.records).to_pylist()
        return found if {row["session_id"] for row in found} >= set(wanted) else None

    records = wait_until("a record of each session", rows)
    assert sorted(row["session_id"] for row in records) == wanted
    assert {row["used_units"] for row in records} == {MIB}
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


# --- the store at start ----------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize(
    ("setting", "value"), [("maxmemory-policy", "allkeys-lru"), ("appendonly", "no"), ("appendfsync", "no")]
)
def test_unsafe_store_is_refused_and_named(tmp_path: Path, setting: str, value: str) -> None:
    import redis

    folder = tmp_path / "valkey"
    folder.mkdir()
    with private_valkey(folder) as address:
        client = redis.Redis(unix_socket_path=address.removeprefix("unix://"))
        client.config_set(setting, value)
        client.close()
        refused = farebox(
            "up",
            "--data-dir",
            str(tmp_path / "data"),
            "--store",
            address,
            "--port",
            "0",
            FAREBOX_ENGINE_ENVIRONMENT="production",
        )
    assert refused.returncode == 2
    assert setting in refused.stderr
    assert not (tmp_path / "data" / "up.json").exists()


def test_kill_points_are_refused_in_production_and_where_unknown(tmp_path: Path) -> None:
    arguments = ("up", "--data-dir", str(tmp_path / "data"), "--port", "0")
    refused = farebox(*arguments, FAREBOX_ENGINE_ENVIRONMENT="production", FAREBOX_KILL_AT="engine.commit_done")
    assert refused.returncode == 2
    assert "FAREBOX_KILL_AT" in refused.stderr
    unknown = farebox(*arguments, FAREBOX_KILL_AT="engine.nowhere")
    assert unknown.returncode == 2
    assert "engine.nowhere" in unknown.stderr


def test_taken_port_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = farebox("up", "--data-dir", str(tmp_path / "data"), "--port", str(port), "--metrics-port", "-1")
    assert refused.returncode == 2
    assert f"gy.port: something listens on 127.0.0.1:{port} already" in refused.stderr


def test_mistakes_of_flags_and_environment_are_told_at_once(tmp_path: Path) -> None:
    refused = farebox(
        "up", "--data-dir", str(tmp_path), "--port", "70000", "--fsync", "sometimes", FAREBOX_STORE_PARTITION="3"
    )
    assert refused.returncode == 2
    for part in ("gy.port (flag)", "store.fsync (flag)", "FAREBOX_STORE_PARTITION", "did you mean partitions?"):
        assert part in refused.stderr


def test_processor_that_is_not_there_is_named_with_its_setting(tmp_path: Path) -> None:
    with private_valkey(tmp_path) as address:
        create_store(address)
        ended = farebox(
            "engine", "--store", address, "--data-dir", str(tmp_path), "--metrics-port", "-1", FAREBOX_ENGINE_CPU="4095"
        )
    assert ended.returncode == 2
    assert "engine.cpu is 4095: this machine has no such processor for us, choose 0.." in ended.stderr


def test_data_directory_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    ended = invoke("up", "--data-dir", str(tmp_path / "data"), "--port", "0")
    assert ended.returncode == 2
    assert ended.stderr == f"farebox: data directory {tmp_path / 'data'} is a file: give a folder with --data-dir\n"


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
    assert up.last_words() == "everything that was answered is in the store", "nothing was"
    up._meta = meta
    assert "appendfsync everysec the last second or two" in up.last_words()


def test_engine_alone_says_that_the_store_was_never_created(tmp_path: Path) -> None:
    folder = tmp_path / "valkey"
    folder.mkdir()
    with private_valkey(folder) as address:
        ended = subprocess.run(
            command("engine", "--store", address, "--port", "0", "--metrics-port", "-1"),
            env=environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert ended.returncode == 2
    assert "never created" in ended.stderr
    assert "farebox up" in ended.stderr


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

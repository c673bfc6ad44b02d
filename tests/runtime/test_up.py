"""`farebox up` while it serves: requests, metrics, sessions that are open, and who else may not have its directory."""

import asyncio
import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from balances.edge.redis_store import RedisStore
from bss.engine_port import NoEngine
from bss.session_stories import ToldSession
from runtime.session_stories import JournalStories
from runtime.telemetry import METRICS
from tests.runtime.gy_client import gy_client
from tests.runtime.running_up import (
    IMSI,
    MIB,
    ROLES,
    RunningUp,
    charge_session,
    farebox,
    invoke,
    is_alive,
    open_account,
    running_up,
    wait_until,
)

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningUp]:
    with running_up(tmp_path_factory.mktemp("up") / "data") as running:
        open_account(running, IMSI)
        yield running


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
    assert set(state.ports) == {
        "gy",
        "engine_metrics",
        "notifier_metrics",
        "archiver_metrics",
        "records_metrics",
    }
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


def test_the_console_is_told_each_decision_of_a_session(up: RunningUp) -> None:
    stories, session = JournalStories(lambda: up.state.store_url, up.folder), "pgw1.example.net;told"
    with gy_client(up.state.ports["gy"]) as client:
        client.ask(1, 0, session, IMSI, asked=10 * MIB)
        listed = json.loads(invoke("session", "list", IMSI, "--json", "--store", up.state.store_url).stdout)
        account_id, key = next((own["account_id"], own["key"]) for own in listed if own["session_id"] == session)
        told = stories.of_open("default", account_id, key)
        assert isinstance(told, ToldSession)
        assert (told.session_id, told.client, told.closed_ns) == (session, "pgw1.example.net", None)
        assert "Granted: 10 MiB: the client asked for 10 MiB" in told.steps[-1].lines
        assert stories.of_open("default", account_id, "0" * 32) is None
        client.ask(3, 1, session, IMSI, used=3 * MIB)

    def ended() -> ToldSession | None:
        found = stories.last_ended("default", account_id, 100)
        assert not isinstance(found, NoEngine)
        return next((each for each in found if each.session_id == session), None)

    over = wait_until("its record is written", ended)
    assert over.how == "by termination, 2001"
    assert any(line.startswith("Used: 3 MiB, paid by 3 MiB of data-1gib") for line in over.steps[-1].lines)
    assert stories.last_ended("brand-2", account_id, 100) == (), "another tenant's are nobody else's"


def test_open_sessions_are_listed_and_shown(up: RunningUp) -> None:
    store, data = ("--store", up.state.store_url), ("--data-dir", str(up.folder.path))
    session = "pgw1.example.net;shown"

    def shown_as_json(name: str) -> str:
        return invoke("session", "show", name, "--json", *store, *data).stdout

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
            (shown,) = json.loads(invoke("session", "show", name, "--json", *store, *data).stdout)
            assert own[0].items() <= {key: value for key, value in shown.items() if key in own[0]}.items()
            assert (shown["is_open"], shown["steps_missing"]) == (True, None)
            assert shown["steps"][-1]["services"][0]["why_granted"] == ["the client asked for 10 MiB"]
        page = invoke("session", "show", session, *store, *data).stdout
        for part in (session, "INITIAL 0: granted", "prepaid-start, in force", "10 MiB of data-1gib"):
            assert part in page
        assert "Price: data-general of prepaid-start, release 1 (Prepaid, spring): 0.02 EUR per 1 MiB" in page
        assert "Granted: 10 MiB: the client asked for 10 MiB" in page
        client.ask(3, 1, session, IMSI, used=3 * MIB)
    wait_until("its record is written", lambda: '"is_open": false' in shown_as_json(session))
    closed = invoke("session", "show", session, *store, *data).stdout
    assert re.search(r"closed +\S+Z by termination", closed)
    assert "Used: 3 MiB, paid by 3 MiB of data-1gib" in closed
    assert "The session ended with it" in closed
    gone = invoke("session", "show", "pgw1.example.net;never", *store, *data)
    assert gone.returncode == 1
    assert "no session pgw1.example.net;never, open or in the charging records" in gone.stdout
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

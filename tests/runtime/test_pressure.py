"""What presses on an engine: levels of a journal, room on a disk, clocks; on real files, and on a whole `farebox up`."""

import json
import os
import re
import signal
import urllib.error
import urllib.request
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from balances.store import EntryId
from charging.batch import INITIAL, TERMINATION, UPDATE
from runtime import pressure
from runtime.journal_fill import JournalFill
from runtime.pressure import JournalLevel, Pressure, PressureLimits, journal_level
from runtime.telemetry import ENGINE, Telemetry
from tests.runtime.gy_client import gy_client
from tests.runtime.running_up import RunningUp, open_account, running_up, wait_until
from vocabulary.instants import NS_PER_S
from vocabulary.limits import JOURNAL_ALARM_PERCENT, JOURNAL_FULL_PERCENT

LIMIT = 100_000
MIB = 1 << 20


def scene(
    folders: tuple[Path, ...] = (), *, disk_free_octets_min: int = 0
) -> tuple[Pressure, Telemetry, SimpleNamespace]:
    telemetry = Telemetry(ENGINE)
    pipeline = SimpleNamespace(partition=1, journal_fill=JournalFill(), takes_new_sessions=True)
    limits = PressureLimits(LIMIT, disk_free_octets_min, folders)
    return Pressure(limits, telemetry), telemetry, pipeline


def value_of(telemetry: Telemetry, name: str, **labels: str) -> float:
    found = telemetry.registry.get_sample_value(f"farebox_{name}", labels)
    assert found is not None
    return found


def events_of(logs: list[Any]) -> list[str]:
    return [line["event"] for line in logs]


@pytest.mark.parametrize(
    ("percent", "before", "level"),
    [
        (JOURNAL_ALARM_PERCENT - 0.1, JournalLevel.ROOMY, JournalLevel.ROOMY),
        (JOURNAL_ALARM_PERCENT, JournalLevel.ROOMY, JournalLevel.ALARM),
        (JOURNAL_ALARM_PERCENT - 4.9, JournalLevel.ALARM, JournalLevel.ALARM),
        (JOURNAL_ALARM_PERCENT - 5.1, JournalLevel.ALARM, JournalLevel.ROOMY),
        (JOURNAL_FULL_PERCENT - 0.1, JournalLevel.ALARM, JournalLevel.ALARM),
        (JOURNAL_FULL_PERCENT, JournalLevel.ROOMY, JournalLevel.FULL),
        (JOURNAL_FULL_PERCENT - 4.9, JournalLevel.FULL, JournalLevel.FULL),
        (JOURNAL_FULL_PERCENT - 5.1, JournalLevel.FULL, JournalLevel.ALARM),
        (0.0, JournalLevel.FULL, JournalLevel.ROOMY),
        (250.0, JournalLevel.FULL, JournalLevel.FULL),
    ],
)
def test_a_level_is_left_some_way_below_where_it_is_reached(
    percent: float, before: JournalLevel, level: JournalLevel
) -> None:
    assert journal_level(percent, before) is level


def test_a_journal_that_fills_up_is_told_once_and_then_takes_no_new_sessions() -> None:
    watched, telemetry, pipeline = scene()
    steps = (
        (70_000, [], True),
        (80_000, ["journal fills up"], True),
        (81_000, [], True),
        (95_000, ["journal is full, new sessions are refused"], False),
        (94_000, [], False),
        (120_000, [], False),
        (80_000, ["journal takes new sessions again"], True),
        (10, ["journal has room again"], True),
        (99_000, ["journal is full, new sessions are refused"], False),
        (0, ["journal takes new sessions again"], True),
    )
    for octets, events, takes in steps:
        pipeline.journal_fill.begin(EntryId(1, 1), octets)
        with capture_logs() as logs:
            watched.look_at_journals([pipeline])
            watched.apply([pipeline])
        assert (events_of(logs), pipeline.takes_new_sessions) == (events, takes), octets
        assert value_of(telemetry, "journal_fill_ratio", partition="1") == octets / LIMIT
        assert bool(watched.reasons()) is not takes
        assert all("archiver" in line["remedy"] for line in logs if "remedy" in line)


def test_it_is_said_for_whom_a_journal_is_kept() -> None:
    watched, telemetry, pipeline = scene()
    pipeline.journal_fill.begin(EntryId(1, 1), 90_000)
    pipeline.journal_fill.add(EntryId(1, 2), 6_000)

    def look(**read_to: EntryId) -> tuple[str, str]:
        watched.look_at_readers(pipeline, read_to)
        with capture_logs() as logs:
            watched.look_at_journals([pipeline])
        (reason,) = watched.reasons()
        return reason, str(logs[0]["remedy"] if logs else "")

    reason, remedy = look(archiver=EntryId(1, 2), notifier=EntryId(1, 1))
    assert reason == "partition 1: journal is full, held by the notifier: new sessions are refused"
    assert "farebox notifier --retire" in remedy
    for reader, octets in (("archiver", 0), ("notifier", 6_000)):
        assert value_of(telemetry, "journal_held_octets", partition="1", reader=reader) == octets
    reason, _ = look(archiver=EntryId(0, 0))
    assert "held by the archiver" in reason
    assert value_of(telemetry, "journal_held_octets", partition="1", reader="archiver") == 96_000
    assert value_of(telemetry, "journal_held_octets", partition="1", reader="notifier") == 0, "it has retired"


def test_a_disk_without_room_refuses_new_sessions_until_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "segments").mkdir()
    folders = (tmp_path / "store", tmp_path / "segments")
    watched, telemetry, pipeline = scene(folders, disk_free_octets_min=100 * MIB)
    asked = []

    def look(free_octets: int) -> list[str]:
        def fake(folder: Path) -> int:
            asked.append(folder)
            return free_octets

        monkeypatch.setattr(pressure, "_free_octets", fake)
        with capture_logs() as logs:
            watched.look_at_disk()
            watched.apply([pipeline])
        return events_of(logs)

    assert (look(100 * MIB), pipeline.takes_new_sessions) == ([], True)
    assert set(asked) == {tmp_path / "segments"}, "a folder that isn't there is on no disk of ours"
    assert (look(99 * MIB), pipeline.takes_new_sessions) == (["disk is nearly full"], False)
    (reason,) = watched.reasons()
    assert reason.startswith("99 MiB of disk are free at ")
    assert "records.disk_free_min_mib" in reason
    assert value_of(telemetry, "disk_free_octets") == 99 * MIB
    assert (look(104 * MIB), pipeline.takes_new_sessions) == ([], False)
    assert (look(105 * MIB), pipeline.takes_new_sessions) == (["disk has room again"], True)
    assert watched.reasons() == ()


def test_the_real_room_of_a_disk_is_looked_at(tmp_path: Path) -> None:
    watched, telemetry, pipeline = scene((tmp_path,), disk_free_octets_min=1 << 62)
    watched.look_at_disk()
    watched.apply([pipeline])
    found = os.statvfs(tmp_path)
    assert not pipeline.takes_new_sessions
    assert value_of(telemetry, "disk_free_octets") == pytest.approx(found.f_bavail * found.f_frsize, rel=0.1)


@pytest.mark.parametrize(
    ("skew_s", "waited_s", "says"),
    [
        (0.0, 0.001, ""),
        (0.9, 0.001, ""),
        (-0.9, 0.001, ""),
        (1.2, 0.001, "the clock is 1.2 s ahead of the store's"),
        (-75.0, 0.001, "the clock is 75.0 s behind the store's"),
        (1.2, 2.0, ""),
        (2.5, 2.0, "the clock is 2.5 s ahead of"),
    ],
)
def test_clocks_that_differ_by_more_than_a_second_are_told_once(skew_s: float, waited_s: float, says: str) -> None:
    """What the answer took is not held against the clocks: the store's was read at any instant of it."""
    watched, telemetry, pipeline = scene()
    asked_ns = 1_790_000_000 * NS_PER_S
    answered_ns = asked_ns + int(waited_s * NS_PER_S)
    store_ns = (asked_ns + answered_ns) // 2 - int(skew_s * NS_PER_S)
    with capture_logs() as logs:
        watched.look_at_clock(asked_ns, store_ns, answered_ns)
        watched.look_at_clock(asked_ns, store_ns, answered_ns)
    watched.apply([pipeline])
    assert pipeline.takes_new_sessions, "a clock is no reason to refuse, only not to be chosen"
    assert value_of(telemetry, "clock_skew_seconds") == pytest.approx(skew_s, abs=1e-6)
    assert events_of(logs) == (["clocks differ"] if says else [])
    assert [reason[: len(says)] for reason in watched.reasons()] == ([says] if says else [])
    with capture_logs() as logs:
        watched.look_at_clock(asked_ns, asked_ns, asked_ns)
    assert events_of(logs) == (["clocks agree again"] if says else [])
    assert watched.reasons() == ()


# --- a whole `farebox up` --------------------------------------------------------------------------------------------

IMSI = "001010000000031"
ASKED = 50_000


def get(port: int, path: str) -> str:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            text: str = answer.read().decode()
    except urllib.error.HTTPError as error:
        text = error.read().decode()
    return text


def fill_of(up: RunningUp, partition: int) -> float:
    lines = get(up.state.ports["engine_metrics"], "/metrics").splitlines()
    name = f'farebox_journal_fill_ratio{{partition="{partition}"}} '
    found = [float(line.removeprefix(name)) for line in lines if line.startswith(name)]
    return found[0] if found else 0.0


@pytest.mark.timeout(600)
def test_a_journal_that_nobody_archives_refuses_new_sessions_and_ends_what_is_open(tmp_path: Path) -> None:
    """The archiver stands still, the journal may be 1 MiB: INITIAL and EVENT get 3004, UPDATE and TERMINATION go on."""
    with running_up(tmp_path / "data", FAREBOX_STORE_JOURNAL_MIB_MAX="1", FAREBOX_STORE_PARTITIONS="1") as up:
        open_account(up, IMSI)
        archiver, metrics = up.state.pids["archiver"], up.state.ports["engine_metrics"]
        os.kill(archiver, signal.SIGSTOP)
        try:
            with gy_client(up.state.ports["gy"]) as client:
                assert client.ask(INITIAL, 0, "pgw;1;open", IMSI, asked=ASKED).result == 2001
                updates = 0
                while json.loads(get(metrics, "/health/ready"))["ready"]:
                    for _ in range(50):
                        updates += 1
                        answer = client.ask(UPDATE, updates, "pgw;1;open", IMSI, used=10, asked=ASKED)
                        assert answer.result == 2001
                    assert updates < 20_000, "the journal is never full"
                reasons = json.loads(get(metrics, "/health/ready"))["reasons"]
                assert reasons == ["partition 0: journal is full, held by the archiver: new sessions are refused"]
                assert fill_of(up, 0) >= JOURNAL_FULL_PERCENT / 100
                assert client.ask(INITIAL, 0, "pgw;1;new", IMSI, asked=ASKED).result == 3004
                assert client.ask(4, 0, "pgw;1;event", IMSI, asked=ASKED).result == 3004
                assert client.ask(UPDATE, updates + 1, "pgw;1;open", IMSI, used=10, asked=ASKED).result == 2001
                assert client.ask(TERMINATION, updates + 2, "pgw;1;open", IMSI, used=10).result == 2001
                os.kill(archiver, signal.SIGCONT)
                wait_until("the engine is ready again", lambda: json.loads(get(metrics, "/health/ready"))["ready"])
                assert client.ask(INITIAL, 0, "pgw;1;new", IMSI, asked=ASKED).result == 2001
                wait_until("there is room", lambda: fill_of(up, 0) < JOURNAL_ALARM_PERCENT / 100)
        finally:
            os.kill(archiver, signal.SIGCONT)
        log = (up.folder.logs / "engine.log").read_text()
        assert log.count("journal is full, new sessions are refused") == 1
        assert log.count("journal takes new sessions again") == 1


@pytest.mark.timeout(600)
def test_a_disk_with_too_little_room_refuses_new_sessions(tmp_path: Path) -> None:
    """More room is asked for than the disk has: INITIAL gets 3004 within a moment, and health says why."""
    with running_up(tmp_path / "data", FAREBOX_RECORDS_DISK_FREE_MIN_MIB=str(1 << 20)) as up:
        open_account(up, IMSI)
        metrics = up.state.ports["engine_metrics"]
        reasons = wait_until("health names the disk", lambda: json.loads(get(metrics, "/health/ready"))["reasons"])
        assert "records.disk_free_min_mib" in reasons[0]
        with gy_client(up.state.ports["gy"]) as client:
            assert client.ask(INITIAL, 0, "pgw;1;1", IMSI, asked=ASKED).result == 3004


@pytest.mark.timeout(240)
def test_a_store_that_hangs_refuses_new_sessions_until_it_answers_again(tmp_path: Path) -> None:
    """Its process stands still, no connection is lost: what was asked before is answered, and charged, once it goes on."""
    with running_up(tmp_path / "data") as up:
        open_account(up, IMSI)
        store, metrics = up.state.pids["store"], up.state.ports["engine_metrics"]
        with gy_client(up.state.ports["gy"]) as client:
            assert client.ask(INITIAL, 0, "pgw;1;open", IMSI, asked=ASKED).result == 2001
            os.kill(store, signal.SIGSTOP)
            try:
                wait_until("the engine is not ready", lambda: not json.loads(get(metrics, "/health/ready"))["ready"])
                (reason,) = json.loads(get(metrics, "/health/ready"))["reasons"]
                assert re.fullmatch(r"the store has not answered for \d+ s: new sessions are refused", reason)
                assert client.ask(INITIAL, 0, "pgw;1;new", IMSI, asked=ASKED).result == 3004
            finally:
                os.kill(store, signal.SIGCONT)
            wait_until("the engine is ready again", lambda: json.loads(get(metrics, "/health/ready"))["ready"])
            assert client.ask(INITIAL, 0, "pgw;1;new", IMSI, asked=ASKED).result == 2001
            assert client.ask(TERMINATION, 1, "pgw;1;open", IMSI, used=ASKED).result == 2001

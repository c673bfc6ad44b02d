"""The clock that is moved: seen at once by who has it open, durable, forward only, and never in production."""

import time
from pathlib import Path

import pytest

from runtime.clock import SystemClock
from runtime.config import ConfigError, read_settings
from runtime.data_folder import DataFolder
from runtime.moved_clock import (
    AHEAD_DAYS_MAX,
    ClockRefused,
    MovedClock,
    advance,
    begin_clock,
    clock_of,
    duration_text,
    parse_duration,
    read_ahead_ns,
    refuse_in_production,
)
from runtime.settings import EngineSettings, Settings, StoreSettings
from tests.runtime.running_up import invoke
from vocabulary.instants import NS_PER_S, from_rfc3339

DAY_NS = 86400 * NS_PER_S


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    found = DataFolder(tmp_path)
    begin_clock(found, is_wanted=True)
    return found


def settings_of(folder: DataFolder, environment: str = "lab") -> Settings:
    return Settings(
        store=StoreSettings(data_dir=folder.path),
        engine=EngineSettings(environment=environment),  # type: ignore[arg-type]
    )


def test_who_has_it_open_sees_that_it_was_moved(folder: DataFolder) -> None:
    clock, other = clock_of(settings_of(folder)), MovedClock(folder.clock)
    before_ns = clock.now_ns()
    assert advance(folder, 31 * DAY_NS) == 31 * DAY_NS
    for one in (clock, other, clock_of(settings_of(folder))):
        assert 0 <= one.now_ns() - before_ns - 31 * DAY_NS < 60 * NS_PER_S
    assert advance(folder, DAY_NS) == read_ahead_ns(folder) == 32 * DAY_NS


def test_it_never_steps_back(folder: DataFolder) -> None:
    clock = MovedClock(folder.clock)
    advance(folder, DAY_NS)
    ahead_ns = clock.now_ns()
    folder.clock.write_bytes(bytes(8))  # whatever somebody does to the file
    assert clock.now_ns() == ahead_ns


def test_without_its_file_the_machines_clock_is_all(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    begin_clock(folder, is_wanted=False)
    assert isinstance(clock_of(settings_of(folder)), SystemClock)
    with pytest.raises(ClockRefused, match="it gets one from farebox up --test-clock"):
        advance(folder, 1)
    assert not folder.clock.exists()


def test_a_directory_keeps_its_time(folder: DataFolder) -> None:
    advance(folder, DAY_NS)
    begin_clock(folder, is_wanted=True)
    assert read_ahead_ns(folder) == DAY_NS
    with pytest.raises(ClockRefused, match="is 1d ahead: start with --test-clock"):
        begin_clock(folder, is_wanted=False)


def test_one_that_was_not_moved_is_given_up(folder: DataFolder) -> None:
    begin_clock(folder, is_wanted=False)
    assert not folder.clock.exists()


def test_it_goes_no_further_than_that(folder: DataFolder) -> None:
    advance(folder, AHEAD_DAYS_MAX * DAY_NS)
    with pytest.raises(ClockRefused, match="3650 days at most"):
        advance(folder, NS_PER_S)
    assert read_ahead_ns(folder) == AHEAD_DAYS_MAX * DAY_NS


def test_a_damaged_file_is_named(folder: DataFolder) -> None:
    folder.clock.write_bytes(b"123")
    with pytest.raises(ClockRefused, match="is damaged"):
        read_ahead_ns(folder)


def test_production_refuses_it(folder: DataFolder) -> None:
    production = {"FAREBOX_ENGINE_ENVIRONMENT": "production"}
    with pytest.raises(ConfigError, match=r"engine.test_clock \(flag\): is set: leave it out"):
        read_settings(None, production, {"engine.test_clock": True})
    refuse_in_production(settings_of(folder, "production"))  # nobody moved it
    advance(folder, DAY_NS)
    with pytest.raises(ClockRefused, match="was moved for a test: give another --data-dir"):
        refuse_in_production(settings_of(folder, "production"))
    data = ("--data-dir", str(folder.path))
    refused = invoke("up", "--engine-only", "--test-clock", *data, **production)
    assert (refused.returncode, "engine.test_clock" in refused.stderr) == (2, True)
    refused = invoke("clock", "show", *data, **production)
    assert (refused.returncode, "was moved for a test" in refused.stderr) == (2, True)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("31d", 31 * 86400), ("12h", 43200), ("30m", 1800), ("45s", 45), ("1d12h", 129600), ("1d2h3m4s", 93784)],
)
def test_durations(text: str, seconds: int) -> None:
    assert parse_duration(text) == seconds
    assert duration_text(seconds * NS_PER_S + 1) == text


@pytest.mark.parametrize("text", ["", "31", "d", "-5d", "1h1d", "1.5d", "31 d", "31D", "1d\n"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ClockRefused, match="write 31d, 12h, 30m or 45s"):
        parse_duration(text)


def test_the_commands(folder: DataFolder, tmp_path: Path) -> None:
    data = ("--data-dir", str(folder.path))
    shown = invoke("clock", "show", *data)
    assert (shown.returncode, "the machine's clock" in shown.stdout) == (0, True)
    moved = invoke("clock", "advance", "1d12h", *data)
    assert (moved.returncode, "1d12h ahead of the machine's clock" in moved.stdout) == (0, True)
    assert f'"ahead_ns": {36 * 3600 * NS_PER_S}' in invoke("clock", "show", "--json", *data).stdout
    shown_s = from_rfc3339(invoke("clock", "show", *data).stdout.split()[0]) // NS_PER_S
    assert 0 <= time.time() + 36 * 3600 - shown_s < 60
    assert invoke("clock", "advance", "soon", *data).returncode == 2
    refused = invoke("clock", "advance", "1d", "--data-dir", str(tmp_path / "other"))
    assert (refused.returncode, "has no test clock" in refused.stderr) == (2, True)

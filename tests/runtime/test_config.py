"""Settings: precedence, every mistake at once with its place and remedy, and the pages that list them."""

import dataclasses
from pathlib import Path

import pytest

from gy_interface.config import PeerConfig
from runtime.config import (
    OTHER_VARIABLES,
    ConfigError,
    SettingRow,
    describe,
    environment_of,
    explain_settings,
    read_settings,
)
from runtime.settings import Settings

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No farebox.toml of the folder where tests run."""
    monkeypatch.chdir(tmp_path)


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "settings.toml"
    path.write_text(text)
    return path


def problems(
    tmp_path: Path, text: str = "", environment: dict[str, str] | None = None, flags: dict[str, object] | None = None
) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        read_settings(written(tmp_path, text), environment or {}, flags or {})
    assert str(raised.value) == "\n".join(raised.value.problems)
    return raised.value.problems


# --- where values come from ------------------------------------------------------------------------------------------


def test_without_anything_the_defaults_hold() -> None:
    assert read_settings(None, {}, {}) == Settings()


def test_flags_win_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, '[store]\npartitions = 3\nrewrite_min_mib = 64\nfsync = "everysec"\n')
    environment = {"FAREBOX_STORE_PARTITIONS": "4", "FAREBOX_STORE_REWRITE_MIN_MIB": "128"}
    flags = {"store.partitions": 5, "gy.port": None}
    store = read_settings(path, environment, flags).store
    assert (store.partitions, store.rewrite_min_mib, store.fsync) == (5, 128, "everysec")
    rows = {row.name: row.source for row in explain_settings(path, environment, flags)}
    assert rows["store.partitions"] == "flag"
    assert rows["store.rewrite_min_mib"] == "environment FAREBOX_STORE_REWRITE_MIN_MIB"
    assert rows["store.fsync"] == str(path)
    assert rows["gy.port"] == rows["store.url"] == "default"


def test_file_is_the_named_one_else_of_the_environment_else_of_the_folder(tmp_path: Path) -> None:
    for name, port in (("named", 1001), ("environment", 1002)):
        (tmp_path / name).write_text(f"[gy]\nport = {port}\n")
    (tmp_path / "farebox.toml").write_text("[gy]\nport = 1003\n")
    environment = {"FAREBOX_CONFIG": str(tmp_path / "environment")}
    assert read_settings(tmp_path / "named", environment, {}).gy.port == 1001
    assert read_settings(None, environment, {}).gy.port == 1002
    assert read_settings(None, {}, {}).gy.port == 1003


def test_values_of_each_type_are_read_from_text_and_from_toml(tmp_path: Path) -> None:
    environment = {
        "FAREBOX_TELEMETRY_LOG_JSON": "yes",
        "FAREBOX_STORE_DATA_DIR": "~/farebox",
        "FAREBOX_ENGINE_NODE": "engine-7",
        "FAREBOX_TELEMETRY_PORT": "-1",
    }
    settings = read_settings(None, environment, {})
    assert settings.telemetry.log_json is True
    assert settings.store.data_dir == Path.home() / "farebox"
    assert (settings.engine.node, settings.telemetry.port) == ("engine-7", -1)
    path = written(
        tmp_path,
        "[gy.peers.core]\norigin_hosts = ['smf.example.net', 'smf2.example.net']\ntenant = 'acme'\n"
        "[gy.peers.lab]\norigin_hosts = ['*']\ncounts = 'never'\nlenient = true\n",
    )
    peers = read_settings(path, {}, {}).gy.peers
    assert peers == {
        "core": PeerConfig(origin_hosts=("smf.example.net", "smf2.example.net"), tenant="acme"),
        "lab": PeerConfig(origin_hosts=("*",), counts="never", lenient=True),
    }


def test_children_have_the_same_settings_through_their_environment(tmp_path: Path) -> None:
    flags = {"store.data_dir": tmp_path / "d", "gy.port": 0, "store.fsync": "everysec", "store.url": None}
    environment = {"FAREBOX_GY_PORT": "77", **environment_of(flags)}
    assert read_settings(None, environment, {}) == read_settings(None, {}, flags)


def test_variables_that_are_no_settings_are_left_alone() -> None:
    assert read_settings(None, dict.fromkeys(OTHER_VARIABLES - {"FAREBOX_CONFIG"}, "x"), {}) == Settings()


# --- mistakes --------------------------------------------------------------------------------------------------------

MISTAKES = (
    #  file                                     named         what it says
    ("[store]\npartitions = 'two'", "store.partitions", "is 'two': write a whole number"),
    ("[store]\npartitions = 2.5", "store.partitions", "is 2.5: write a whole number"),
    ("[store]\npartitions = true", "store.partitions", "is True: write a whole number"),
    ("[store]\npartitions = 0", "store.partitions", "is 0: choose 1..4096"),
    ("[store]\nfsync = 'no'", "store.fsync", "is 'no': choose one of always, everysec"),
    ("[store]\nurl = 'http://x'", "store.url", "begin it with redis://"),
    ("[store]\nurl = 7", "store.url", "is 7: write text in quotes"),
    ("[store]\ndata_dir = 7", "store.data_dir", "is 7: write text in quotes"),
    ("[store]\npartition = 2", "store.partition", "no such setting: did you mean partitions?"),
    ("[stor]\nfsync = 'always'", "stor", "no such setting: did you mean store?"),
    (
        "[zzz]\n",
        "zzz",
        "no such setting: known are store, gy, chf, nrf, engine, records, notify, bss, webhooks, telemetry",
    ),
    ("store = 3", "store", "is 3: write a table [store]"),
    ("[telemetry]\nlog_json = 'perhaps'", "telemetry.log_json", "is 'perhaps': write true or false"),
    ("[telemetry]\nlog_level = 'loud'", "telemetry.log_level", "choose one of debug, info, warning, error"),
    ("[telemetry]\nport = 65534", "telemetry.port", "is 65534: choose -1..65468"),
    ("[engine]\nenvironment = 'test'", "engine.environment", "choose one of lab, production"),
    ("[engine]\nnode = 'a:b'", "engine.node", "write 1 to 32 letters"),
    ("[engine]\ncpu = -2", "engine.cpu", "is -2: choose -1..4095"),
    ("[records]\nfile_age_s = 0", "records.file_age_s", "is 0: choose 1..86400"),
    ("[gy]\nport = -1", "gy.port", "is -1: choose 0..65535"),
    ("[gy]\norigin_host = ''", "gy.origin_host", "write a domain name"),
    ("[gy]\npeers = 3", "gy.peers", "is 3: write a table a name"),
    ("[gy]\npeers_core = 3", "gy.peers_core", "no such setting: tables such as [gy.peers.<name>] stand in the"),
    ("[gy.peers]\ncore = 3", "gy.peers.core", "is 3: write a table [gy.peers.core]"),
    ("[gy.peers.core]\norigin_hosts = 3", "gy.peers.core.origin_hosts", "is 3: write a list"),
    ("[gy.peers.core]\norigin_hosts = [3]", "gy.peers.core.origin_hosts[0]", "is 3: write text in quotes"),
    ("[gy.peers.core]\norigin_hosts = []", "gy.peers.core.origin_hosts", "is empty: name at least one Origin-Host"),
    ("[gy.peers.core]\norigin_host = 'a'", "gy.peers.core.origin_host", "did you mean origin_hosts?"),
)


@pytest.mark.parametrize(("text", "name", "says"), MISTAKES)
def test_each_kind_of_mistake_is_named_with_its_place_and_remedy(
    tmp_path: Path, text: str, name: str, says: str
) -> None:
    found = problems(tmp_path, text)
    assert len(found) == 1, found
    assert found[0].startswith(f"{name} ({tmp_path / 'settings.toml'}): ")
    assert says in found[0]


def test_all_mistakes_are_told_at_once_from_wherever_they_come(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        "[store]\npartitions = 'two'\nrewrite_min_mib = 0\nurrl = 'x'\n[gy]\nport = 70000\nwatchdog_s = 1\n[other]\n",
        {"FAREBOX_RECORDS_FILE_AGE_S": "soon", "FAREBOX_NOTHING_AT_ALL": "1", "PATH": "/bin"},
        {"engine.cpu": "none"},
    )
    assert [line.split()[0].rstrip(":") for line in sorted(found)] == [
        "engine.cpu",
        "environment",
        "gy.port",
        "gy.watchdog_s",
        "other",
        "records.file_age_s",
        "store.partitions",
        "store.rewrite_min_mib",
        "store.urrl",
    ]
    assert "records.file_age_s (environment FAREBOX_RECORDS_FILE_AGE_S): is 'soon': write a whole number" in found
    assert "engine.cpu (flag): is 'none': write a whole number" in found


def test_mistakes_of_peers_come_with_those_of_everything_else(tmp_path: Path) -> None:
    """Also those behind an ill-formed value of the same peer, of another, or of the section; and none that nobody made."""
    text = (
        "[gy]\nport = 'x'\nwatchdog_s = 1\n[gy.peers.a]\norigin_hosts = 3\ntenant = 'Big'\n"
        "[gy.peers.b]\norigin_hosts = ['h']\nconnections_max = 0\nlenient = 'perhaps'\n"
        "[gy.peers.c]\norigin_hosts = ['H']\norigin_host = 'x'\n"
    )
    assert sorted(line.split()[0] for line in problems(tmp_path, text)) == [
        "gy.peers.a.origin_hosts",
        "gy.peers.a.tenant",
        "gy.peers.b.connections_max",
        "gy.peers.b.lenient",
        "gy.peers.c.origin_host",
        "gy.port",
        "gy.watchdog_s",
    ]


def test_what_is_replaced_is_not_looked_at(tmp_path: Path) -> None:
    path = written(tmp_path, "[store]\npartitions = 'two'\n")
    assert read_settings(path, {"FAREBOX_STORE_PARTITIONS": "3"}, {}).store.partitions == 3


def test_file_that_cannot_be_read_or_is_no_toml_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent.toml: can't be read \(No such file or directory\): name another"):
        read_settings(tmp_path / "absent.toml", {}, {})
    assert "settings.toml: is not TOML" in problems(tmp_path, "[store\n")[0]
    (tmp_path / "settings.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="is not TOML"):
        read_settings(tmp_path / "settings.toml", {}, {})


def test_passwords_of_stores_are_not_shown() -> None:
    rows = explain_settings(None, {"FAREBOX_STORE_URL": "redis://me:secret@host:6379/0"}, {})
    assert next(row.value for row in rows if row.name == "store.url") == "redis://me:***@host:6379/0"
    assert not any("secret" in field for row in rows for field in row)


# --- the page --------------------------------------------------------------------------------------------------------


def documented(name: str) -> list[tuple[str, ...]]:
    """Rows of a page's tables: cells without their backticks."""
    lines = (ROOT / "docs" / name).read_text().splitlines()
    rows = [tuple(cell.strip().strip("`") for cell in line.strip("|").split("|")) for line in lines if line[:1] == "|"]
    return [row for row in rows if not set("".join(row)) <= set("-: ") and row[0] not in ("setting", "metric")]


def row_of(row: SettingRow) -> tuple[str, ...]:
    name = row.name.replace("gy.peers.any.", "gy.peers.<name>.")
    return (name, row.value, row.meaning)


def test_configuration_page_lists_every_setting_with_default_and_meaning() -> None:
    assert documented("configuration.md") == [row_of(row) for row in describe(Settings())]


def test_every_setting_has_a_meaning() -> None:
    assert all(row.meaning for row in describe(Settings()))
    sections = [item.name for item in dataclasses.fields(Settings)]
    assert sections == ["store", "gy", "chf", "nrf", "engine", "records", "notify", "bss", "webhooks", "telemetry"]

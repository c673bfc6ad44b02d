"""What `farebox up` and `farebox engine` refuse to start with: each mistake is named, with its remedy."""

import socket
import subprocess
from pathlib import Path

import pytest

from tests.reference.private_valkey import private_valkey
from tests.runtime.private_engine import create_store
from tests.runtime.running_up import command, environment, farebox, invoke

pytestmark = pytest.mark.timeout(240)


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
        refused = invoke(
            "up",
            "--engine-only",
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
    arguments = ("up", "--engine-only", "--data-dir", str(tmp_path / "data"), "--port", "0")
    refused = invoke(*arguments, FAREBOX_ENGINE_ENVIRONMENT="production", FAREBOX_KILL_AT="engine.commit_done")
    assert refused.returncode == 2
    assert "FAREBOX_KILL_AT" in refused.stderr
    unknown = invoke(*arguments, FAREBOX_KILL_AT="engine.nowhere")
    assert unknown.returncode == 2
    assert "engine.nowhere" in unknown.stderr


def test_taken_port_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = invoke("up", "--data-dir", str(tmp_path / "data"), "--port", str(port), "--metrics-port", "-1")
    assert refused.returncode == 2
    assert f"gy.port: something listens on 127.0.0.1:{port} already" in refused.stderr


def test_mistakes_of_flags_and_environment_are_told_at_once(tmp_path: Path) -> None:
    refused = invoke(
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

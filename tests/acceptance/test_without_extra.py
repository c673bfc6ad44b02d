"""An installation without the `[bss]` extra, made by pip in a virtual environment of its own: the engine charges, the commands
are there, and who wants the business side is told how to get it.
"""

import os
import shutil
import subprocess
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.bss_extra import MODULES
from runtime.data_folder import DataFolder, read_up_state
from runtime.up import UP_LINE
from tests.runtime.gy_client import gy_client
from tests.runtime.running_up import IMSI, MIB, environment, is_alive, wait_until
from tests.tidy.sources import ROOT

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(1000)]

INSTALL_S = 600
COMPILED_S = 300
"""Where no kernel was compiled yet; else it is those of the tests."""
NOT_OF_THE_SOURCES = shutil.ignore_patterns(".git", ".venv", "*.egg-info", "build", "__pycache__", ".*_cache", "data")


class Installed:
    """A farebox command without the extra."""

    def __init__(self, folder: Path) -> None:
        self._python = folder / "bin" / "python"
        self._program = folder / "bin" / "farebox"
        self._folder = folder

    def _environment(self) -> dict[str, str]:
        own = ("PYTHONPATH", "FAREBOX_BSS_WEB", "FAREBOX_BSS_WORKERS")
        return {name: value for name, value in environment().items() if name not in own}

    def python(self, code: str) -> "subprocess.CompletedProcess[str]":
        """Run a line of Python there."""
        return self._run(str(self._python), "-c", code)

    def farebox(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end."""
        return self._run(str(self._program), *words)

    def _run(self, *command: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            command, env=self._environment(), cwd=self._folder, capture_output=True, text=True, timeout=120, check=False
        )

    def start(self, data_dir: Path, *words: str) -> "subprocess.Popen[bytes]":
        """`farebox up` that writes to up.log in the folder of its data."""
        with (data_dir.parent / "up.log").open("wb") as log:
            command = [str(self._program), "up", "--data-dir", str(data_dir), "--port", "0", *words]
            return subprocess.Popen(command, env=self._environment(), cwd=self._folder, stdout=log, stderr=log)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    folder = tmp_path_factory.mktemp("installed")
    sources = folder / "sources"  # pip builds beside what it installs
    shutil.copytree(ROOT, sources, ignore=NOT_OF_THE_SOURCES)
    venv.create(folder / "venv", with_pip=True)
    command = [str(folder / "venv" / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    own = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    made = subprocess.run(
        [*command, "-c", str(ROOT / "constraints.txt"), "-e", str(sources)],
        env=own,
        capture_output=True,
        text=True,
        timeout=INSTALL_S,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    yield Installed(folder / "venv")
    shutil.rmtree(folder)


def test_nothing_of_the_extra_is_there(installed: Installed) -> None:
    for module in MODULES:
        assert "ModuleNotFoundError" in installed.python(f"import {module}").stderr, module


def test_commands_say_what_they_do(installed: Installed) -> None:
    helped = installed.farebox("--help")
    assert (helped.returncode, "farebox up" in helped.stdout) == (0, True), helped.stderr
    for group in ("customer", "order", "inventory", "user", "clock", "catalog"):
        assert installed.farebox(group, "--help").returncode == 0


def test_plain_up_names_what_lacks_and_both_remedies(installed: Installed, tmp_path: Path) -> None:
    refused = installed.farebox("up", "--data-dir", str(tmp_path / "data"))
    assert refused.returncode == 2
    for part in ("sqlalchemy", "nicegui", "pip install 'farebox[bss]'", "farebox up --engine-only"):
        assert part in refused.stderr
    assert not (tmp_path / "data").exists()
    refused = installed.farebox("customer", "search", "49", "--data-dir", str(tmp_path))
    assert (refused.returncode, "pip install 'farebox[bss]'" in refused.stderr) == (2, True)


def test_the_engine_charges(installed: Installed, tmp_path: Path) -> None:
    data = tmp_path / "data"
    process = installed.start(data, "--engine-only", "--metrics-port", "-1")
    log = tmp_path / "up.log"
    try:
        wait_until("it is up", lambda: UP_LINE in log.read_text() or process.poll() is not None, COMPILED_S)
        state = read_up_state(DataFolder(data))
        assert state is not None, log.read_text()
        assert not {"bss-web", "bss-worker"} & set(state.pids)
        where = ("--data-dir", str(data))
        published = installed.farebox("catalog", "publish", str(ROOT / "catalog_loader/samples/prepaid.yaml"), *where)
        assert published.returncode == 0, published.stderr
        added = installed.farebox("subscriber", "add", "--imsi", IMSI, "--offer", "prepaid-start", *where)
        assert added.returncode == 0, added.stderr
        with gy_client(state.ports["gy"]) as client:
            asked = client.ask(1, 0, "pgw1.example.net;bare", IMSI, asked=MIB)
            assert (asked.result, asked.granted_octets) == (2001, MIB)
            assert client.ask(3, 1, "pgw1.example.net;bare", IMSI, used=MIB).result == 2001
    finally:
        process.terminate()
        assert process.wait(60) == 0, log.read_text()
    assert not any(is_alive(pid) for pid in state.pids.values())

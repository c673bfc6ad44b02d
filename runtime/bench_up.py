"""A Farebox of the harness's own: `farebox up` as a child process in a folder, on free ports, as an operator starts it."""

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from runtime.data_folder import DataFolder, UpState, read_up_state

START_S: Final = 300.0
"""A first start compiles kernels."""
STOP_S: Final = 60.0
SCRAPE_S: Final = 1.0
_ROLES: Final = {"engine": "engine", "store": "store", "archiver": "archiver", "records": "writer"}
"""The harness's name by name of up.json."""
_FRONT_ENDS: Final = "gy-"
"""How those of front ends begin that are processes of their own (`engine.front_ends`)."""


def is_scraped(port: int) -> bool:
    """Read a metrics page; a late one is a missed sample to a Prometheus, and no fault of the run."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=SCRAPE_S) as page:
            page.read()
    except OSError:
        return False
    return True


class BenchUpError(Exception):
    """Farebox did not start; the message says where to look."""


def stop_as_operator(process: "subprocess.Popen[bytes]") -> None:
    """End a process as ^C does, by force after a minute."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()


class BenchFarebox:
    """A running `farebox up`; ended by `close`."""

    def __init__(
        self, folder: Path, *, fsync: str, partitions: int, environment: Mapping[str, str] | None = None
    ) -> None:
        self.folder = DataFolder(folder)
        self.scrapes_missed = 0
        flags = ["--data-dir", str(folder), "--port", "0", "--metrics-port", "0", "--fsync", fsync]
        flags += ["--partitions", str(partitions)]
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "up.log").open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "runtime.cli.main", "up", *flags],
                stdout=log,
                stderr=log,
                env={**os.environ, **(environment or {})},
            )
        self._wait()

    def _wait(self) -> None:
        """Until everything serves."""
        ends = time.monotonic() + START_S
        while time.monotonic() < ends:
            if self.process.poll() is not None:
                break
            state = read_up_state(self.folder)
            if state is not None and _is_whole(state):
                return
            time.sleep(0.05)
        said = (self.folder.path / "up.log").read_text(errors="replace").strip()
        self.close()
        raise BenchUpError(f"farebox up did not come up in {self.folder.path}. It said:\n{said}")

    @property
    def state(self) -> UpState:
        """What runs now."""
        state = read_up_state(self.folder)
        if state is None:
            raise BenchUpError(f"farebox up has ended: see {self.folder.path / 'up.log'}")
        return state

    def pids(self) -> dict[str, Sequence[int]]:
        """Process ids by role, in the harness's names."""
        pids = self.state.pids
        found: dict[str, Sequence[int]] = {_ROLES[name]: [pid] for name, pid in pids.items() if name in _ROLES and pid}
        front_ends = [pid for name, pid in pids.items() if name.startswith(_FRONT_ENDS) and pid]
        return {**found, "front_ends": front_ends} if front_ends else found

    @property
    def port(self) -> int:
        """Of Diameter Gy."""
        return self.state.ports["gy"]

    def scrape(self) -> None:
        """Read every metrics page, as a Prometheus would."""
        for name, port in self.state.ports.items():
            if name.endswith("_metrics") and not is_scraped(port):
                self.scrapes_missed += 1

    def close(self) -> None:
        """Stop it as ^C does, by force after a minute."""
        stop_as_operator(self.process)

    def __enter__(self) -> "BenchFarebox":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _is_whole(state: UpState) -> bool:
    """Does everything serve?"""
    return state.states.keys() >= _ROLES.keys() and set(state.states.values()) == {"ready"}

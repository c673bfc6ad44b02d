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
_ROLES: Final = {
    "engine": "engine",
    "store": "store",
    "notifier": "notifier",
    "archiver": "archiver",
    "records": "writer",
}
"""The harness's name by role of up.json."""
CHF: Final = "chf"
"""Name and port of 5G front ends."""
_SEVERAL: Final = {"gy-": "front_ends", "chf-": CHF}
"""The same by how roles begin of which there may be several: chf-1, chf-2."""


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
        self,
        folder: Path,
        *,
        fsync: str,
        partitions: int,
        chf: int = 0,
        front_ends: int = 0,
        has_business: bool = False,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """BenchUpError. `chf` 5G front ends run beside the engine; with any, `port` is theirs. `front_ends`: of Gy."""
        self._chf_roles = [f"{CHF}-{number}" for number in range(1, chf + 1)]
        self.folder = DataFolder(folder)
        self.scrapes_missed = 0
        flags = ["--web-port", "0"] if has_business else ["--engine-only"]
        flags += ["--data-dir", str(folder), "--port", "0", "--metrics-port", "0", "--fsync", fsync]
        flags += ["--partitions", str(partitions), "--chf", str(chf), "--front-ends", str(front_ends)]
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "up.log").open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "runtime.cli.main", "up", *flags],
                stdout=log,
                stderr=log,
                env={**os.environ, "FAREBOX_CHF_PORT": "0", **(environment or {})},
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
        found = self.state.pids
        pids: dict[str, Sequence[int]] = {name: [found[role]] for role, name in _ROLES.items() if found.get(role)}
        for begin, name in _SEVERAL.items():
            several = [pid for role, pid in found.items() if role.startswith(begin) and pid]
            if several:
                pids[name] = several
        return pids

    @property
    def port(self) -> int:
        """What the load goes to: of Diameter Gy, or of Nchf."""
        return self.state.ports[CHF if self._chf_roles else "gy"]

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

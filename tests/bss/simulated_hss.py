"""A simulated HSS in a process of its own."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

START_S = 60.0


class SimulatedHss:
    """Where it listens, and what a test has it do."""

    def __init__(self, url: str) -> None:
        self.url = url

    def fault(self, operation: str, fault: str, *, times: int = 1, seconds: float = 0.5) -> None:
        """The next requests of the operation meet the fault."""
        body = {"operation": operation, "fault": fault, "times": times, "seconds": seconds}
        httpx.post(f"{self.url}/faults", json=body).raise_for_status()

    def subscribers(self) -> list[dict[str, str]]:
        """All that it knows."""
        found: list[dict[str, str]] = httpx.get(f"{self.url}/subscribers").json()["subscribers"]
        return found


@contextmanager
def simulated_hss(folder: Path) -> Iterator[SimulatedHss]:
    """A running one that keeps its subscribers in the folder; it ends with the context."""
    ready = folder / "hss-ready"
    ready.unlink(missing_ok=True)
    arguments = (
        "simulate",
        "hss",
        "--port",
        "0",
        "--subscribers",
        str(folder / "hss.sqlite"),
        "--ready-file",
        str(ready),
    )
    with (folder / "hss.log").open("ab") as log:  # no fork of a process that has kernels: this one needs none
        process = subprocess.Popen([sys.executable, "-m", "runtime.cli.main", *arguments], stdout=log, stderr=log)
    try:
        ends = time.monotonic() + START_S
        while not ready.exists():
            assert process.poll() is None, (folder / "hss.log").read_text()
            assert time.monotonic() < ends, "the HSS doesn't start"
            time.sleep(0.01)  # tidy: another process's file is looked at
        yield SimulatedHss(f"http://127.0.0.1:{ready.read_text().split()[0]}")
    finally:
        process.kill()
        process.wait()

"""The 5G front end of the harness's own: `farebox chf` as a child process beside a `farebox up`, on its data folder."""

import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Final

from runtime.bench_up import START_S, BenchFarebox, BenchUpError, is_scraped, stop_as_operator

ROLE: Final = "chf"


class BenchChf:
    """A running `farebox chf` and the `farebox up` that it hands requests to; ended by `close`, which leaves the other."""

    def __init__(self, farebox: BenchFarebox) -> None:
        self._farebox = farebox
        self._own_scrapes_missed = 0
        folder = farebox.folder.path
        self._ready = folder / "chf-ready"
        self._log = folder / "chf.log"
        flags = ["--data-dir", str(folder), "--port", "0", "--metrics-port", "0", "--ready-file", str(self._ready)]
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "runtime.cli.main", "chf", *flags], stdout=log, stderr=log
            )
        self.port, self._metrics_port = self._wait()

    def _wait(self) -> tuple[int, int]:
        """Ports of Nchf and of its metrics, once it serves. BenchUpError."""
        ends = time.monotonic() + START_S
        while time.monotonic() < ends and self.process.poll() is None:
            words = self._ready.read_text().split() if self._ready.exists() else []
            if len(words) == 3:
                return int(words[0]), int(words[1])
            time.sleep(0.05)
        said = self._log.read_text(errors="replace").strip()
        self.close()
        raise BenchUpError(f"farebox chf did not come up in {self._farebox.folder.path}. It said:\n{said}")

    def pids(self) -> dict[str, Sequence[int]]:
        """Process ids by role, in the harness's names."""
        return self._farebox.pids() | {ROLE: [self.process.pid]}

    def scrape(self) -> None:
        """Read every metrics page, its own too."""
        self._farebox.scrape()
        if not is_scraped(self._metrics_port):
            self._own_scrapes_missed += 1

    @property
    def scrapes_missed(self) -> int:
        """Pages that came late, of all processes."""
        return self._farebox.scrapes_missed + self._own_scrapes_missed

    def close(self) -> None:
        """Stop it as ^C does."""
        stop_as_operator(self.process)

    def __enter__(self) -> "BenchChf":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

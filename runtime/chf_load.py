"""How loaded the 5G front ends of a data directory are, told from process to process by small files in its run folder.

A file each, so that no port and no order of starting is needed; one that isn't renewed is of a process that has ended.
"""

import os
import time
from pathlib import Path
from typing import Final

from vocabulary.instants import NS_PER_S
from vocabulary.limits import REQUESTS_QUEUED_NEW_SESSIONS_MAX

TELL_S: Final = 1.0
FRESH_S: Final = 10
_PATTERN: Final = "chf-*.load"


class LoadTeller:
    """Tells the load of this process."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / f"chf-{os.getpid()}.load"
        self._cpu_s, self._at_s = time.process_time(), time.monotonic()

    def tell(self, waiting_count: int, now_ns: int) -> None:
        """In hundredths: the part of one processor that was used since the last time, or of the room for requests that wait."""
        cpu_s, at_s = time.process_time(), time.monotonic()
        busy = (cpu_s - self._cpu_s) / max(at_s - self._at_s, 1e-3)
        self._cpu_s, self._at_s = cpu_s, at_s
        load = min(100, round(100 * max(busy, waiting_count / REQUESTS_QUEUED_NEW_SESSIONS_MAX)))
        partial = self._path.with_suffix(".partial")
        partial.write_text(f"{load} {now_ns}\n")
        partial.replace(self._path)

    def end(self) -> None:
        """This process takes no requests any more."""
        self._path.unlink(missing_ok=True)


def told_load(folder: Path, now_ns: int) -> int | None:
    """The mean of the front ends that serve, in hundredths; None where none does. What dead ones left is removed."""
    loads = []
    for path in folder.glob(_PATTERN):
        try:
            load, told_ns = map(int, path.read_text().split())
        except (OSError, ValueError):
            continue
        if now_ns - told_ns <= FRESH_S * NS_PER_S:
            loads.append(load)
        else:
            path.unlink(missing_ok=True)
    return round(sum(loads) / len(loads)) if loads else None

"""The clock of tests and demonstrations: the machine's, and how far it was moved ahead, which a file of the data folder says.

Every process of the directory maps the file, so that all see at once that it was moved, and reading it is no system call.
It goes forward only: balances, journal and records follow it, and what they hold is never from the future. Where the file
isn't there, the machine's clock is all.
"""

import fcntl
import mmap
import os
import re
import struct
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from runtime.clock import Clock, SystemClock
from runtime.data_folder import DataFolder
from vocabulary.instants import NS_PER_S

if TYPE_CHECKING:
    from runtime.settings import Settings

AHEAD_DAYS_MAX: Final = 3650
_DAY_S: Final = 86400
_OFFSET: Final = struct.Struct("=q")
_DURATION: Final = re.compile(r"(?:(\d{1,5})d)?(?:(\d{1,6})h)?(?:(\d{1,8})m)?(?:(\d{1,9})s)?")
_UNITS_S: Final = (_DAY_S, 3600, 60, 1)


class ClockRefused(Exception):
    """The clock can't be had, or can't be moved like that; the message says the remedy."""


class MovedClock:
    """The machine's clock and the offset of the file; see Clock."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self._offset_ns = memoryview(mmap.mmap(file.fileno(), _OFFSET.size, access=mmap.ACCESS_READ)).cast("q")
        self._last_ns = 0

    def now_ns(self) -> int:
        """See Clock."""
        self._last_ns = max(self._last_ns, time.time_ns() + self._offset_ns[0])
        return self._last_ns


def clock_of(settings: "Settings") -> Clock:
    """The clock of whoever works on the data directory."""
    path = DataFolder(settings.store.data_dir).clock
    return MovedClock(path) if path.exists() else SystemClock()


def begin_clock(folder: DataFolder, *, is_wanted: bool) -> None:
    """Give the directory a clock that can be moved, where it is wanted. ClockRefused where it isn't and time would go back."""
    if is_wanted and not folder.clock.exists():
        partial = folder.clock.with_suffix(".partial")
        partial.write_bytes(_OFFSET.pack(0))
        partial.replace(folder.clock)
    elif not is_wanted and folder.clock.exists():
        ahead_ns = read_ahead_ns(folder)
        if ahead_ns:
            raise ClockRefused(
                f"the clock of data directory {folder.path} is {duration_text(ahead_ns)} ahead: start with --test-clock,"
                " or give another --data-dir"
            )
        folder.clock.unlink()


def refuse_in_production(settings: "Settings") -> None:
    """ClockRefused where a production configuration meets a data directory whose clock was moved."""
    folder = DataFolder(settings.store.data_dir)
    if settings.engine.environment == "production" and folder.clock.exists() and read_ahead_ns(folder):
        raise ClockRefused(
            f"engine.environment is production, and the clock of data directory {folder.path} was moved for a test:"
            " give another --data-dir"
        )


def read_ahead_ns(folder: DataFolder) -> int:
    """How far the clock is ahead. ClockRefused where the directory has none that moves."""
    try:
        (ahead_ns,) = _OFFSET.unpack(folder.clock.read_bytes())
    except FileNotFoundError:
        raise ClockRefused(
            f"data directory {folder.path} has no test clock: it gets one from farebox up --test-clock"
        ) from None
    except struct.error:
        raise ClockRefused(f"{folder.clock} is damaged: it holds no offset") from None
    return int(ahead_ns)


def advance(folder: DataFolder, by_ns: int) -> int:
    """Move the clock ahead, durably, for every process of the directory; how far it is ahead then. ClockRefused."""
    read_ahead_ns(folder)  # it is there
    descriptor = os.open(folder.clock, os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)  # of two that move it, both count
        ahead_ns = read_ahead_ns(folder) + by_ns
        if ahead_ns > AHEAD_DAYS_MAX * _DAY_S * NS_PER_S:
            raise ClockRefused(f"the clock would be {duration_text(ahead_ns)} ahead: {AHEAD_DAYS_MAX} days at most")
        os.pwrite(descriptor, _OFFSET.pack(ahead_ns), 0)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return ahead_ns


def parse_duration(text: str) -> int:
    """Seconds of `31d`, `12h`, `90m`, `45s` or `1d12h`. ClockRefused says how it is written."""
    found = _DURATION.fullmatch(text)
    if found is None or not any(found.groups()):
        raise ClockRefused(
            f"{text!r} is no duration: write 31d, 12h, 30m or 45s, or several such as 1d12h; it only goes forward"
        )
    return sum(int(count or 0) * unit for count, unit in zip(found.groups(), _UNITS_S, strict=True))


def duration_text(duration_ns: int) -> str:
    """A duration as `parse_duration` takes it, to the second."""
    rest, words = duration_ns // NS_PER_S, []
    for unit, sign in zip(_UNITS_S, "dhms", strict=True):
        count, rest = divmod(rest, unit)
        if count:
            words.append(f"{count}{sign}")
    return "".join(words) or "0s"

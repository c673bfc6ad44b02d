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

from bench.books import AccountsView, Books, compare, load_books, together
from bench.bound import measure_protocol_floor
from bench.floor_store import FloorStorePlan, measure_fsync_ms, measure_store_floor
from bench.generator_process import BOOKS, BenchError, run_generators
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
from bench.workload import GyPlan, LoadPlan, provision

ROLES: Final = ("front_ends", "engine", "store", "chf", "notifier", "archiver", "writer", "telemetry")
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


class Load(NamedTuple):
    """A plan and what it is run against."""

    plan: LoadPlan
    target: Target


class _Followed(NamedTuple):
    """What was seen of loads that ran at the same time."""

    figures: list[dict[str, Any]]
    cost_us: dict[str, float]
    """CPU a request of all of them by role, within the measured time"""
    watch: RewriteWatch


def _follow_loads(plans: Sequence[LoadPlan], target: Target, folders: Sequence[Path]) -> _Followed:
    """Run the generators. BenchError."""
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
        figures = run_generators(plans, folders, on_event=on_event, on_tick=on_tick)
    except ProcessGone as fault:
        raise BenchError(f"a process of Farebox ended during the run: {fault}") from fault
    if len(samples) == 2:
        for each in figures:
            each["processors"] = processor_shares(samples["measuring"].machine, samples["measured"].machine)
    if pids.get("measuring") != pids.get("measured"):
        # A restarted process began at zero CPU: its figure would flatter. Kill runs read books and losses only.
        return _Followed(figures, {}, watch)
    answered = sum(each["answered"] for each in figures)
    return _Followed(figures, us_per_request(samples["measuring"], samples["measured"], answered), watch)


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


def _compare_books(loads: Sequence[Load], folders: Sequence[Path], *, is_shared: bool) -> list[dict[str, Any]]:
    """Of each load how its books differ from the store; loads on the same subscribers have one set of books."""
    books = [load_books(folder / BOOKS) for folder in folders]
    if not is_shared:
        return [_differences(one, load.target) for one, load in zip(books, loads, strict=True)]
    plan = loads[0].plan
    owned = provision(plan.subscribers, plan.seed, has_money_only=plan.has_money_only)
    return [_differences(together(books, owned.money_micros), loads[0].target)] * len(loads)


def _differences(books: Books, target: Target) -> dict[str, Any]:
    differences = compare(books, target.read_accounts())
    return {
        "differences_count": len(differences),
        "differences": [str(difference) for difference in differences[:DIFFERENCES_SHOWN]],
    }


def run_load(plan: LoadPlan, target: Target, *, floor_s: float = 10.0) -> dict[str, Any]:
    """Run a plan against a target. Returns the result that `report.save` writes; floor_s 0 leaves the floors out.

    The floors are those of Gy; other protocols have none. BenchError where the run can't be made; what the run finds
    (losses, wrong answers, differences) is in the result.
    """
    (result,) = run_loads([Load(plan, target)])
    if floor_s > 0 and isinstance(plan, GyPlan):
        result |= measure_floors(replace(plan, host=target.host, port=target.port), target, floor_s)
        floors_us = result["protocol_floor_us"] + result["store_floor_us"]
        costs = ("engine_us_per_request", "store_us_per_request")
        if floors_us > 0 and all(cost in result for cost in costs):
            result["floor_ratio"] = round(sum(result[cost] for cost in costs) / floors_us, 2)
    return result


def run_loads(loads: Sequence[Load], *, is_shared: bool = False) -> list[dict[str, Any]]:
    """Run several plans at the same time against one Farebox; a result of each, as `run_load` has it, without floors.

    CPU a request is that of all their requests. `is_shared`: they have the same subscribers (MixedPlan). BenchError.
    """
    machine = machine_stamp()
    plans = [replace(plan, host=target.host, port=target.port) for plan, target in loads]
    with tempfile.TemporaryDirectory(prefix="farebox-bench-") as name:
        folders = [Path(name) / str(place) for place in range(len(loads))]
        for folder in folders:
            folder.mkdir()
        followed = _follow_loads(plans, loads[0].target, folders)
        differences = _compare_books(loads, folders, is_shared=is_shared)
    cost_us, watch = followed.cost_us, followed.watch
    return [
        {
            "load": plan.LOAD,
            **figures,
            **differing,
            "fsync": target.fsync,
            **{f"{role}_us_per_request": cost_us[role] for role in ROLES if role in cost_us},
            "aof_rewrites": {"count": watch.count, "seconds": round(watch.seconds, 1)},
            "machine": machine,
            "versions": versions_stamp(),
            "commit": commit_stamp(Path(__file__).resolve().parent),
            "plan": {key: getattr(plan, key) for key in plan.__dataclass_fields__ if key.islower()},
        }
        for (plan, target), figures, differing in zip(loads, followed.figures, differences, strict=True)
    ]

"""One run of `farebox bench gy` from an empty folder to a result: start, prepare, load, audit, stop."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from balances.edge.redis_store import RedisStore
from bench.run_gy import run_gy
from bench.workload import GyPlan
from runtime.audit_store import audit_store
from runtime.bench_gy import GyBenchStore
from runtime.bench_up import BenchFarebox

if TYPE_CHECKING:
    from balances.audit_report import AuditReport


def run_bench(
    plan: GyPlan, folder: Path, *, fsync: str, partitions: int, floor_s: float, say: Callable[[str], None]
) -> dict[str, Any]:
    """The result of a run in an empty folder; `say` gets a line a stage. BenchError, BenchUpError, StoreError."""
    say("starting Farebox (the first start on a machine compiles kernels for about a minute) ...")
    with BenchFarebox(folder, fsync=fsync, partitions=partitions) as farebox:
        store = GyBenchStore(farebox.state.store_url, plan)
        try:
            say(f"opening {plan.subscribers:,} accounts ...")
            store.prepare()
            state = farebox.state
            say(f"warming up {plan.warm_up_s:.0f} s, then measuring {plan.measured_s:.0f} s ...")
            target = store.target(host="127.0.0.1", port=state.ports["gy"], pids=farebox.pids, folder=folder)
            result = run_gy(plan, replace(target, scrape=farebox.scrape), floor_s=floor_s)
        finally:
            store.close()
        say("auditing the journal ...")
        report = asyncio.run(_audit(state.store_url, farebox.folder.segments))
    result["scrapes_missed"] = farebox.scrapes_missed
    result["audit"] = {"entries": report.entry_count, "faults": report.fault_count, "sound": report.is_sound}
    return result


async def _audit(url: str, segments: Path) -> "AuditReport":
    store = RedisStore(url)
    try:
        await store.open()
        return await audit_store(store, segments)
    finally:
        await store.close()

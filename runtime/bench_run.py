"""One run of `farebox bench` from an empty folder to a result: start, prepare, load, audit, stop."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from balances.edge.redis_store import RedisStore
from bench.run_load import run_load
from bench.workload import LoadPlan
from runtime.audit_store import audit_store
from runtime.bench_store import BenchStore
from runtime.bench_up import BenchFarebox

if TYPE_CHECKING:
    from balances.audit_report import AuditReport


def run_bench(
    plan: LoadPlan,
    folder: Path,
    *,
    fsync: str,
    partitions: int,
    chf: int = 0,
    floor_s: float,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """The result of a run in an empty folder; `say` gets a line a stage. BenchError, BenchUpError, StoreError.

    chf   5G front ends, 1 or more for a ChfPlan
    """
    say("starting Farebox (the first start on a machine compiles kernels for about a minute) ...")
    with BenchFarebox(folder, fsync=fsync, partitions=partitions, chf=chf) as farebox:
        state = farebox.state
        store = BenchStore(state.store_url, plan)
        try:
            say(f"opening {plan.subscribers:,} accounts ...")
            store.prepare()
            say(f"warming up {plan.warm_up_s:.0f} s, then measuring {plan.measured_s:.0f} s ...")
            target = store.target(host="127.0.0.1", port=farebox.port, pids=farebox.pids, folder=folder)
            result = run_load(plan, replace(target, scrape=farebox.scrape), floor_s=floor_s)
        finally:
            store.close()
        say("auditing the journal ...")
        report = asyncio.run(_audit(state.store_url, farebox.folder.segments))
    result["front_ends"] = chf
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

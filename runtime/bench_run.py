"""One run of `farebox bench` from an empty folder to a result: start, prepare, load, audit, stop."""

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from balances.edge.redis_store import RedisStore
from bench.run_load import run_load
from bench.workload import ChfPlan, LoadPlan
from runtime.audit_store import audit_store
from runtime.bench_chf import BenchChf
from runtime.bench_store import BenchStore
from runtime.bench_up import BenchFarebox

if TYPE_CHECKING:
    from balances.audit_report import AuditReport


def run_bench(
    plan: LoadPlan, folder: Path, *, fsync: str, partitions: int, floor_s: float, say: Callable[[str], None]
) -> dict[str, Any]:
    """The result of a run in an empty folder; `say` gets a line a stage. BenchError, BenchUpError, StoreError."""
    say("starting Farebox (the first start on a machine compiles kernels for about a minute) ...")
    with ExitStack() as stack:
        farebox = stack.enter_context(BenchFarebox(folder, fsync=fsync, partitions=partitions))
        served: BenchFarebox | BenchChf = farebox
        if isinstance(plan, ChfPlan):
            served = stack.enter_context(BenchChf(farebox))
        state = farebox.state
        store = BenchStore(state.store_url, plan)
        try:
            say(f"opening {plan.subscribers:,} accounts ...")
            store.prepare()
            say(f"warming up {plan.warm_up_s:.0f} s, then measuring {plan.measured_s:.0f} s ...")
            target = store.target(host="127.0.0.1", port=served.port, pids=served.pids, folder=folder)
            result = run_load(plan, replace(target, scrape=served.scrape), floor_s=floor_s)
        finally:
            store.close()
        say("auditing the journal ...")
        report = asyncio.run(_audit(state.store_url, farebox.folder.segments))
    result["scrapes_missed"] = served.scrapes_missed
    result["audit"] = {"entries": report.entry_count, "faults": report.fault_count, "sound": report.is_sound}
    return result


async def _audit(url: str, segments: Path) -> "AuditReport":
    store = RedisStore(url)
    try:
        await store.open()
        return await audit_store(store, segments)
    finally:
        await store.close()

"""One run of `farebox bench` from an empty folder to a result: start, prepare, load, audit, stop."""

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from balances.edge.redis_store import RedisStore
from bench.mixed_load import MixedPlan, Phase, mixed_result
from bench.run_load import Load, run_load, run_loads
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
    say("starting Farebox (the first start on a machine compiles kernels for one to four minutes) ...")
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


def run_mixed_bench(
    plan: MixedPlan,
    folder: Path,
    *,
    fsync: str,
    partitions: int,
    chf: int,
    front_ends: int = 0,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """The result of a run of Gy and Nchf in an empty folder, as `run_bench`.

    chf, front_ends   5G front ends, 1 or more, and processes for Gy, 0: within the engine's
    """
    say("starting Farebox (the first start on a machine compiles kernels for one to four minutes) ...")
    results: dict[str, Any] = {}
    with BenchFarebox(folder, fsync=fsync, partitions=partitions, chf=chf, front_ends=front_ends) as farebox:
        for place, phase in enumerate(plan.phases()):
            with ExitStack() as stack:
                loads = _prepared(phase, farebox, stack, is_published=place > 0, is_shared=plan.is_shared)
                longest = max(phase.plans.values(), key=lambda each: each.warm_up_s)
                say(
                    f"{phase.title}: warming up {longest.warm_up_s:.0f} s, then measuring {longest.measured_s:.0f} s ..."
                )
                results |= zip(phase.plans, run_loads(loads, is_shared=plan.is_shared and len(loads) > 1), strict=True)
        say("auditing the journal ...")
        report = asyncio.run(_audit(farebox.state.store_url, farebox.folder.segments))
        results = mixed_result(results, is_shared=plan.is_shared)
        results["scrapes_missed"] = farebox.scrapes_missed
    results["chf_front_ends"], results["gy_front_ends"] = chf, front_ends
    results["audit"] = {"entries": report.entry_count, "faults": report.fault_count, "sound": report.is_sound}
    return results


def _prepared(
    phase: Phase, farebox: BenchFarebox, stack: ExitStack, *, is_published: bool, is_shared: bool
) -> list[Load]:
    """Open the accounts of a phase; its loads with what they run against. Loads on shared accounts share a store, too."""
    loads: list[Load] = []
    store: BenchStore | None = None
    for plan in phase.plans.values():
        if store is None or not is_shared:
            store = BenchStore(farebox.state.store_url, plan)
            stack.callback(store.close)
            store.prepare(is_published=is_published or bool(loads))
        port = farebox.state.ports[plan.LOAD]
        target = store.target(host="127.0.0.1", port=port, pids=farebox.pids, folder=farebox.folder.path)
        loads.append(Load(plan, replace(target, scrape=farebox.scrape)))
    return loads


async def _audit(url: str, segments: Path) -> "AuditReport":
    store = RedisStore(url)
    try:
        await store.open()
        return await audit_store(store, segments)
    finally:
        await store.close()

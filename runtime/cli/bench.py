"""`farebox bench`: the load harness against a Farebox of its own."""

import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from runtime.cli.options import fail

if TYPE_CHECKING:
    from bench.workload import LoadPlan

EXIT_UNSOUND = 1

DurationOption = Annotated[float, typer.Option(help="Measured seconds, after the warm-up.")]
SubscribersOption = Annotated[int, typer.Option(help="Accounts that are opened and used.")]
OutstandingOption = Annotated[int, typer.Option(help="Closed loop: requests that wait for an answer at most.")]
RateOption = Annotated[int, typer.Option(help="Open loop: requests a second; 0 is a closed loop.")]
SessionsOpenOption = Annotated[int, typer.Option(help="Sessions open at a time.")]
FsyncOption = Annotated[str, typer.Option(help="always or everysec, of the embedded store.")]
PartitionsOption = Annotated[int, typer.Option(help="Partitions of the store.")]
SaveOption = Annotated[Path | None, typer.Option(help="Write the result to this JSON file.")]
CompareOption = Annotated[Path | None, typer.Option(help="Show the change against a saved result.")]
FolderOption = Annotated[
    Path | None, typer.Option(help="Keep Farebox's data in this empty folder.", show_default="a temporary one")
]


def gy(
    duration: DurationOption = 30.0,
    subscribers: SubscribersOption = 100_000,
    outstanding: OutstandingOption = 4096,
    rate: RateOption = 0,
    connections: Annotated[int, typer.Option(help="Diameter connections of the one peer.")] = 4,
    msccs: Annotated[int, typer.Option(help="Services (MSCCs) of each request, 1 to 3.")] = 1,
    updates: Annotated[str, typer.Option(help="CCR-U of a session, least-most.")] = "6-11",
    zipf: Annotated[float, typer.Option(help="0: all subscribers alike; 0.8: a few are far more active.")] = 0.0,
    sessions_open: SessionsOpenOption = 16_384,
    hot: Annotated[bool, typer.Option("--hot", help="All requests on one account with 32 sessions.")] = False,
    fsync: FsyncOption = "always",
    partitions: PartitionsOption = 2,
    floors: Annotated[
        float, typer.Option(help="Seconds for each of the two floors; 0: none, which can't be saved.")
    ] = 10.0,
    save: SaveOption = None,
    compare: CompareOption = None,
    folder: FolderOption = None,
) -> None:
    """Load Farebox with Diameter Gy and say what it does: rate, latency, CPU a request, and whether all money is right.

    Starts `farebox up` in a folder of its own, opens the subscribers' accounts, runs sessions (10 % initial, 80 % update,
    10 % termination; 6 % of the subscribers run out of money), then compares the generator's own books with every
    balance of the store and audits the journal. The floors are what framing with canned answers and bare store writes
    cost in the same run. Exit code 1: something was lost, wrong or different.
    """
    from bench.workload import GyPlan, hot_account_plan

    if save is not None and floors <= 0:
        fail("--save: a result is saved with its floors: give --floors more than 0, or leave --save out")
    values: dict[str, Any] = {
        "measured_s": duration,
        "connections": connections,
        "mscc_count": msccs,
        "rate_per_s": rate,
    }
    try:
        values |= _updates_of(updates)
        if hot:
            plan = hot_account_plan(**values)
        else:
            values |= {"outstanding": outstanding, "subscribers": subscribers, "zipf_exponent": zipf}
            plan = GyPlan(**values, sessions_open=min(sessions_open, 4 * subscribers))
    except ValueError as error:
        fail(f"these options make no plan: {error}")
    _run(plan, fsync=fsync, partitions=partitions, floor_s=floors, save=save, compare=compare, folder=folder)


def chf(
    duration: DurationOption = 30.0,
    subscribers: SubscribersOption = 5_000,
    outstanding: OutstandingOption = 1024,
    rate: RateOption = 0,
    connections: Annotated[int, typer.Option(help="HTTP/2 connections of the one SMF.")] = 4,
    processes: Annotated[int, typer.Option(help="5G front ends, which share the port.")] = 1,
    groups: Annotated[int, typer.Option(help="Rating groups of each request, 1 to 3.")] = 1,
    updates: Annotated[str, typer.Option(help="Updates of a session, least-most.")] = "6-11",
    sessions_open: SessionsOpenOption = 2_048,
    fsync: FsyncOption = "always",
    partitions: PartitionsOption = 2,
    save: SaveOption = None,
    compare: CompareOption = None,
    folder: FolderOption = None,
) -> None:
    """Load 5G front ends with Nchf over HTTP/2 and say what they do: as `farebox bench gy`, with the same books.

    Starts `farebox up --chf` in a folder of its own, opens the subscribers' accounts, runs charging sessions
    (10 % create, 80 % update, 10 % release; 6 % of the subscribers run out of money), then compares the generator's own
    books with every balance of the store and audits the journal. No floors are measured. Exit code 1: something was
    lost, wrong or different.
    """
    from bench.workload import ChfPlan

    values: dict[str, Any] = {
        "measured_s": duration,
        "subscribers": subscribers,
        "outstanding": outstanding,
        "rate_per_s": rate,
        "connections": connections,
        "mscc_count": groups,
        "sessions_open": min(sessions_open, subscribers),
    }
    try:
        plan = ChfPlan(**(values | _updates_of(updates)))
    except ValueError as error:
        fail(f"these options make no plan: {error}")
    if processes < 1:
        fail("these options make no plan: processes must be 1 or more")
    _run(
        plan,
        fsync=fsync,
        partitions=partitions,
        chf=processes,
        floor_s=0,
        save=save,
        compare=compare,
        folder=folder,
    )


def mixed(
    duration: Annotated[float, typer.Option(help="Measured seconds of each phase, after its warm-up.")] = 30.0,
    gy_rate: Annotated[int, typer.Option(help="Gy requests a second; 0 is a closed loop.")] = 30_000,
    nchf_rate: Annotated[int, typer.Option(help="Nchf requests a second; 0 is a closed loop.")] = 5_000,
    gy_outstanding: Annotated[int, typer.Option(help="Closed loop: Gy requests that wait at most.")] = 4096,
    nchf_outstanding: Annotated[int, typer.Option(help="Closed loop: Nchf requests that wait at most.")] = 1024,
    gy_subscribers: Annotated[int, typer.Option(help="Accounts that Gy uses, in each phase.")] = 100_000,
    nchf_subscribers: Annotated[int, typer.Option(help="Accounts that Nchf uses, in each phase.")] = 5_000,
    shared: Annotated[
        bool, typer.Option("--shared", help="Both use the accounts of Nchf, at the same time; with one set of books.")
    ] = False,
    alone: Annotated[bool, typer.Option(help="Run each load alone before, to compare with.")] = True,
    processes: Annotated[int, typer.Option(help="5G front ends, which share the port.")] = 1,
    front_ends: Annotated[int, typer.Option(help="Processes for Diameter Gy; 0: within the engine's.")] = 0,
    fsync: FsyncOption = "always",
    partitions: PartitionsOption = 2,
    save: SaveOption = None,
    compare: CompareOption = None,
    folder: FolderOption = None,
) -> None:
    """Load Farebox with Gy and Nchf at the same time, and say what the one costs the other.

    Three phases on one `farebox up`: Gy alone, Nchf alone, both; each load as in `farebox bench gy` and `farebox bench chf`,
    with accounts and books of its own in each phase, each p99 beside its own alone. With --shared each subscriber is charged
    over both at once; nobody has an allowance or runs out of money then, so that one set of books is right whatever the
    order. In the end the journal is audited. Exit code 1: something was lost, wrong or different.
    """
    from bench.mixed_load import MixedPlan
    from bench.workload import ChfPlan, GyPlan

    try:
        nchf = ChfPlan(
            measured_s=duration,
            rate_per_s=nchf_rate,
            outstanding=nchf_outstanding,
            subscribers=nchf_subscribers,
            sessions_open=min(2_048, nchf_subscribers),
        )
        gy = GyPlan(
            measured_s=duration,
            rate_per_s=gy_rate,
            outstanding=gy_outstanding,
            subscribers=gy_subscribers,
            sessions_open=min(16_384, 4 * gy_subscribers),
            warm_up_s=nchf.warm_up_s,
        )
        plan = MixedPlan(gy=gy, chf=nchf, has_alone=alone, is_shared=shared)
    except ValueError as error:
        fail(f"these options make no plan: {error}")
    if processes < 1 or front_ends < 0:
        fail("these options make no plan: processes must be 1 or more, front-ends 0 or more")

    def run(at: Path, say: Callable[[str], None]) -> dict[str, Any]:
        from runtime.bench_run import run_mixed_bench

        return run_mixed_bench(
            plan, at, fsync=fsync, partitions=partitions, chf=processes, front_ends=front_ends, say=say
        )

    _report(run, save=save, compare=compare, folder=folder)


def business(
    orders: Annotated[int, typer.Option(help="Orders of one prepaid SIM; 0: none.")] = 400,
    connections: Annotated[int, typer.Option(help="Connections that post them, and that read.")] = 4,
    customers: Annotated[
        int, typer.Option(help="Customers with a product each, for reads, lists, pages; 0: none.")
    ] = 1_000_000,
    seconds: Annotated[float, typer.Option(help="Seconds of each kind of read.")] = 10.0,
    idle: Annotated[float, typer.Option(help="Seconds in which nobody asks anything.")] = 20.0,
    browser: Annotated[bool, typer.Option("--browser", help="Open the pages in Chromium, too.")] = False,
    engine: Annotated[
        float,
        typer.Option(help="Seconds of Gy load beside a business side that waits, and beside a live page; 0: none."),
    ] = 0.0,
    fsync: FsyncOption = "always",
    save: SaveOption = None,
    compare: CompareOption = None,
    folder: FolderOption = None,
) -> None:
    """Load the business side, on SQLite with one web process and one worker, and say what it does.

    Orders go over TMF622 until each is completed, then inventory, engine and network are compared. Beside a database of many
    customers: lists by each declared filter with their count, reads of one resource, pages of the console, and what web and
    worker take while nobody asks. With --engine a load of Gy runs at its highest rate, and web and worker are stopped every
    other two seconds: what of the rate they cost. Exit code 1: an order isn't completed, or something differs.
    """
    from runtime import bss_extra

    if not bss_extra.is_installed():
        fail(f"the business side isn't installed: {bss_extra.REMEDY}")
    from bench.business_pages import BROWSER_REMEDY, has_browser
    from runtime.bench_business import BusinessPlan

    if browser and not has_browser():
        fail(f"--browser can't be: {BROWSER_REMEDY}")
    if min(orders, customers, idle, engine) < 0 or connections < 1 or seconds <= 0:
        fail("these options make no plan: counts must be 0 or more, connections and seconds more than 0")
    plan = BusinessPlan(
        orders=orders,
        order_connections=connections,
        customers=customers,
        read_s=seconds,
        read_connections=connections,
        idle_s=idle,
        has_browser=browser,
        engine_s=engine,
    )

    def run(at: Path, say: Callable[[str], None]) -> dict[str, Any]:
        from runtime.bench_business import run_business

        return run_business(plan, at, fsync=fsync, say=say)

    _report(run, save=save, compare=compare, folder=folder)


def _updates_of(text: str) -> dict[str, int]:
    """`least-most` or one number, as fields of a plan. ValueError."""
    least, _, most = text.partition("-")
    return {"updates_min": int(least), "updates_max": int(most or least)}


def _run(
    plan: "LoadPlan",
    *,
    fsync: str,
    partitions: int,
    chf: int = 0,
    floor_s: float,
    save: Path | None,
    compare: Path | None,
    folder: Path | None,
) -> None:
    def run(at: Path, say: Callable[[str], None]) -> dict[str, Any]:
        from runtime.bench_run import run_bench

        return run_bench(plan, at, fsync=fsync, partitions=partitions, chf=chf, floor_s=floor_s, say=say)

    _report(run, save=save, compare=compare, folder=folder)


def _report(
    run: Callable[[Path, Callable[[str], None]], dict[str, Any]],
    *,
    save: Path | None,
    compare: Path | None,
    folder: Path | None,
) -> None:
    """Run in a folder, show the result, save it; exit code 1 where it isn't sound."""
    from rich.console import Console

    from balances.store import StoreError
    from bench import report
    from bench.generator_process import BenchError
    from runtime.bench_store import BenchTargetError
    from runtime.bench_up import BenchUpError

    console = Console(highlight=False)
    try:
        before = None if compare is None else report.load(compare)
        with ExitStack() as stack:
            if folder is None:
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="farebox-bench-")))
            elif folder.exists() and any(folder.iterdir()):
                fail(f"{folder} isn't empty: the run needs a store of its own")
            result = run(folder, console.print)
        report.show(result, console, before)
        if save is not None:
            report.save(result, save)
            console.print(f"saved to {save}")
    except (BenchError, BenchTargetError, BenchUpError, StoreError, report.ReportError) as error:
        fail(str(error))
    if not report.is_sound(result):
        raise typer.Exit(EXIT_UNSOUND)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, help="Size and prove Farebox with a load of its own.")
    group.command()(gy)
    group.command()(chf)
    group.command()(mixed)
    group.command()(business)

    @group.callback()
    def bench() -> None:
        """Size and prove Farebox with a load of its own."""

    app.add_typer(group, name="bench")

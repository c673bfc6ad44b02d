"""`farebox engine`, and the other processes that `farebox up` starts: each may also be run by itself on a given store."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from runtime.cli.contexts import works_on
from runtime.cli.options import (
    ConfigOption,
    DataDirOption,
    GyHostOption,
    GyPortOption,
    StoreOption,
    fail,
    flags_by_name,
    settings_of_flags,
    store_url,
)

if TYPE_CHECKING:
    from runtime.settings import Settings

ReadyFileOption = Annotated[
    Path | None, typer.Option("--ready-file", help="Gets the ports and the process id once it serves.", hidden=True)
]
MetricsPortOption = Annotated[
    int | None, typer.Option(help="Port of /metrics and /health; 0: any, -1: none.", show_default="9464")
]

Run = Callable[["Settings", str], None]
"""What a process does with its settings and the store's address, until it is told to stop."""


class Process:
    """A process that is run by itself on a given store: what its options say."""

    def __init__(self, config: Path | None, flags: dict[str, Any], ready_file: Path | None) -> None:
        self._config = config
        self._flags = flags
        self.ready_file = ready_file

    def run(self, name: str, run: Run, *, is_beside_up: bool = False, **flags: Any) -> None:
        """See run_process; `flags` are further settings, by `section__field`."""
        run_process(name, self._config, flags_by_name(**flags) | self._flags, run, is_beside_up=is_beside_up)


def _process(
    config: ConfigOption = None,
    store: StoreOption = None,
    data_dir: DataDirOption = None,
    metrics_port: MetricsPortOption = None,
    ready_file: ReadyFileOption = None,
) -> Process:
    return Process(config, flags_by_name(store, data_dir, telemetry__port=metrics_port), ready_file)


as_process: Final = works_on(_process)
"""The command gets the Process that it runs first."""


@as_process
def engine(
    process: Process,
    host: GyHostOption = None,
    port: GyPortOption = None,
    gy: Annotated[
        bool, typer.Option("--gy/--no-gy", help="Listen for Diameter in this process, or leave it to farebox gy.")
    ] = True,
) -> None:
    """Run the engine alone, with its Diameter Gy front end or without, on a store that runs.

    It becomes the owner of all partitions: an engine that had them before decides nothing more. `farebox up` runs one
    together with the rest; beside that, on its data directory and store, this one is refused.
    """
    from runtime import parent

    is_supervised = parent.VARIABLE in os.environ

    def run(settings: "Settings", url: str) -> None:
        from runtime.engine_process import run_engine

        await_running_store(settings, url)
        run_engine(settings, url, ready_file=process.ready_file, report=say, ends_when_lost=is_supervised, has_gy=gy)

    process.run("engine", run, gy__host=host, gy__port=port)


@as_process
def archiver(process: Process) -> None:
    """Run the archiver alone: journal of the store to segment files in the data directory."""

    def run(settings: "Settings", url: str) -> None:
        from runtime.archiver_process import run_archiver_process

        run_archiver_process(settings, url, ready_file=process.ready_file)

    process.run("archiver", run)


@as_process
def records(process: Process) -> None:
    """Run the record writer alone: segment files to charging records, both in the data directory."""

    def run(settings: "Settings", url: str) -> None:
        # Arrow's allocator gives pages back while the writer rests, and has them cleared again a moment later: a tenth of its
        # work. It reads this once, as it is loaded.
        os.environ.setdefault("MIMALLOC_PURGE_DELAY", "-1")
        from runtime.records_process import run_records

        run_records(settings, url, ready_file=process.ready_file)

    process.run("records", run)


@as_process
def notifier(
    process: Process,
    retire: Annotated[
        bool,
        typer.Option(
            "--retire", help="Run none: give up what clients are owed, and the place up to which the journal is kept."
        ),
    ] = False,
) -> None:
    """Run the notifier alone: re-authorisations and aborts to the clients of open sessions.

    Of several on one store one tells clients, the others stand by until it ends or dies.
    """

    def run(settings: "Settings", url: str) -> None:
        if retire:
            from runtime.notices.retire import retire_notifier

            count = retire_notifier(settings, url)
            say(f"The journal is kept for no notifier any more. Messages that clients were owed and won't get: {count}")
            return
        from runtime.notices.process import run_notifier

        run_notifier(settings, url, ready_file=process.ready_file)

    process.run("notifier", run)


@as_process
def bss_web(process: Process) -> None:
    """Serve the TM Forum APIs and the console alone."""

    def run(settings: "Settings", url: str) -> None:
        from runtime.bss_web import run_bss_web

        run_bss_web(settings, url, ready_file=process.ready_file)

    process.run("bss-web", run, is_beside_up=True)


@as_process
def bss_worker(process: Process) -> None:
    """Run a worker alone: orders, renewals and what is due. Of several each takes over from one that dies."""

    def run(settings: "Settings", url: str) -> None:
        from runtime.bss_worker import run_bss_worker

        run_bss_worker(settings, url, ready_file=process.ready_file)

    process.run("bss-worker", run, is_beside_up=True)


def run_process(
    name: str,
    config: Path | None,
    flags: dict[str, Any],
    run: Run,
    *,
    is_beside_up: bool = False,
) -> None:
    """Settings, logs and kill points of a process, then `run`; what ends it is its log's last line, exit 2.

    is_beside_up   it may run beside a `farebox up` of the same data directory
    """
    settings = settings_of_flags(config, flags)
    from balances.journal_chain import JournalGapError
    from balances.segments import SegmentError
    from balances.store import StoreError
    from runtime import kill_points, parent
    from runtime.config import ConfigError
    from runtime.data_folder import DataFolder, DataFolderTaken, refuse_beside_up
    from runtime.telemetry import configure_logs

    parents = [int(word) for word in os.environ.pop(parent.VARIABLE, "").split()]
    if parents:
        parent.end_with_parent(parents[-1])
    configure_logs(name, as_json=settings.telemetry.log_json, level=settings.telemetry.log_level)
    try:
        value = os.environ.get(kill_points.VARIABLE)
        kill_points.arm(value, environment=settings.engine.environment, process=name)
        url = store_url(settings)
        if not is_beside_up:
            refuse_beside_up(DataFolder(settings.store.data_dir), url, parents[0] if parents else 0)
        run(settings, url)
    except OSError as error:
        remedy = "; give another port, or stop what listens there" if error.errno == errno.EADDRINUSE else ""
        fail(f"{error}{remedy}")
    except ConfigError as error:
        fail(*error.problems)
    except (StoreError, JournalGapError, SegmentError, DataFolderTaken, kill_points.KillPointError) as error:
        fail(str(error))


def await_running_store(settings: "Settings", url: str) -> None:
    """Wait until the store answers; what it lacks otherwise, or that the data directory is another's, is raised."""
    import asyncio

    from balances.edge.redis_store import RedisStore
    from runtime.data_folder import DataFolder
    from runtime.own_store import bind_to_store
    from runtime.store_opening import await_store

    async def wait() -> None:
        store = RedisStore(url)
        try:
            await await_store(store, settings, creates=False, report=say)
            await bind_to_store(DataFolder(settings.store.data_dir), store)
        finally:
            await store.close()

    asyncio.run(wait())


def say(line: str) -> None:
    """Print a line of a process's start at once."""
    print(line, flush=True)


def register(app: typer.Typer) -> None:
    """Add the commands; those that only `farebox up` needs aren't listed."""
    app.command()(engine)
    app.command(hidden=True)(archiver)
    app.command(hidden=True)(records)
    app.command(hidden=True)(notifier)
    app.command("bss-web", hidden=True)(bss_web)
    app.command("bss-worker", hidden=True)(bss_worker)

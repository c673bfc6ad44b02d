"""`farebox up`: everything that one machine needs, in one command."""

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any

import typer

from runtime.cli.options import (
    ConfigOption,
    DataDirOption,
    GyHostOption,
    GyPortOption,
    StoreOption,
    fail,
    flags_by_name,
    settings_of_flags,
)

if TYPE_CHECKING:
    from runtime.settings import Settings

_STYLES = {"ready": "green", "ended": "red", "starting": "yellow"}


def up(
    config: ConfigOption = None,
    store: StoreOption = None,
    data_dir: DataDirOption = None,
    host: GyHostOption = None,
    port: GyPortOption = None,
    partitions: Annotated[
        int | None, typer.Option(help="Partitions of a store that is created now; fixed later.", show_default="2")
    ] = None,
    fsync: Annotated[
        str | None,
        typer.Option(
            help="always: nothing answered is ever lost; everysec: the last second or two may be.",
            show_default="always",
        ),
    ] = None,
    front_ends: Annotated[
        int | None,
        typer.Option(
            help="Processes of their own for Diameter Gy, among which connections are spread; 0: Gy is in the engine's.",
            show_default="0",
        ),
    ] = None,
    engines: Annotated[
        int | None,
        typer.Option(
            help="Engines that share the partitions, at most one a partition; with more than 1, --front-ends is needed.",
            show_default="1",
        ),
    ] = None,
    chf: Annotated[
        int | None,
        typer.Option(help="Processes for 5G Nchf, which share the port of chf.port; 0: none.", show_default="0"),
    ] = None,
    engine_only: Annotated[
        bool,
        typer.Option(
            "--engine-only",
            help="Nothing of the business side: no console, no APIs, no orders. It needs no [bss] extra.",
        ),
    ] = False,
    web_port: Annotated[
        int | None,
        typer.Option(help="Port of the console and the TM Forum APIs; 0: any free one.", show_default="8080"),
    ] = None,
    test_clock: Annotated[
        bool,
        typer.Option(
            "--test-clock",
            help="Follow a clock that `farebox clock advance` moves, to try out a month in a minute; refused in production.",
        ),
    ] = False,
    metrics_port: Annotated[
        int | None,
        typer.Option(
            help="Port of the engine's metrics; the other processes take the next ones. 0: any, -1: none.",
            show_default="9464",
        ),
    ] = None,
) -> None:
    """Start the store, the engine with Diameter Gy, what writes charging records, and the business side; keep them running.

    Without --store an embedded Valkey keeps its files in the data directory; without bss.url customers, orders and catalogue
    are in the SQLite file bss.sqlite there. The console is at http://127.0.0.1:8080/console, the APIs are explained at /docs;
    the first start says a login. --engine-only starts none of that.

    What dies is started again; ^C stops everything in the order in which data flows, `farebox restart` starts one process
    after another anew. <data dir>/up.json says what runs, <data dir>/logs why something ended.
    """
    flags = flags_by_name(
        store,
        data_dir,
        gy__host=host,
        gy__port=port,
        store__partitions=partitions,
        store__fsync=fsync,
        engine__front_ends=front_ends,
        engine__processes=engines,
        chf__processes=chf,
        telemetry__port=metrics_port,
        bss__workers=0 if engine_only else None,
        bss__web=0 if engine_only else None,
        bss__web_port=web_port,
        engine__test_clock=test_clock or None,
    )
    settings = settings_of_flags(config, flags)
    if config is not None:
        os.environ["FAREBOX_CONFIG"] = str(config)
    _run(settings, flags)


def _run(settings: "Settings", flags: dict[str, Any]) -> None:
    import asyncio

    from rich.console import Console
    from rich.markup import escape

    from balances.store import StoreError
    from runtime.bss_extra import BssMissing
    from runtime.data_folder import DataFolderTaken
    from runtime.kill_points import KillPointError
    from runtime.moved_clock import ClockRefused
    from runtime.up import PortTaken, Up

    console = Console(highlight=False, soft_wrap=True)

    def report(role: str, state: str, words: str) -> None:
        style = _STYLES.get(state, "bold")
        line = f"{role:<10} [{style}]{state:<9}[/] {escape(words)}" if role else f"[{style}]{state}[/]: {escape(words)}"
        with suppress(OSError, SystemExit):  # nobody reads any more (rich ends then): no reason to stop charging
            console.print(line)

    farebox = Up(settings, flags, report)
    try:
        asyncio.run(farebox.run())
    except (StoreError, BssMissing, DataFolderTaken, ClockRefused, PortTaken, KillPointError) as error:
        fail(str(error))
    report("", "Farebox has stopped", farebox.last_words())


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(up)

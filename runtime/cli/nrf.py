"""`farebox nrf`: the registration with an NRF in a process of its own."""

from typing import TYPE_CHECKING, Annotated

import typer

from runtime.cli.engine import MetricsPortOption, ReadyFileOption, await_running_store, run_process, say
from runtime.cli.options import ConfigOption, DataDirOption, StoreOption, flags_by_name

if TYPE_CHECKING:
    from runtime.settings import Settings


def nrf(
    config: ConfigOption = None,
    store: StoreOption = None,
    data_dir: DataDirOption = None,
    url: Annotated[str | None, typer.Option("--nrf", help="apiRoot of the NRF.", show_default="nrf.url")] = None,
    metrics_port: MetricsPortOption = None,
    ready_file: ReadyFileOption = None,
) -> None:
    """Register the 5G front ends of a data directory with an NRF, and keep them registered.

    One is enough for all of them. It waits until a front end serves; charging goes on without it.
    """
    flags = flags_by_name(store, data_dir, nrf__url=url, telemetry__port=metrics_port)

    def run(settings: "Settings", url: str) -> None:
        from runtime.nrf_process import run_nrf

        await_running_store(settings, url)
        run_nrf(settings, url, ready_file=ready_file, report=say)

    run_process("nrf", config, flags, run, is_beside_up=True)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(nrf)

"""`farebox nrf`: the registration with an NRF in a process of its own."""

from typing import TYPE_CHECKING, Annotated

import typer

from runtime.cli.engine import Process, as_process, await_running_store, say

if TYPE_CHECKING:
    from runtime.settings import Settings


@as_process
def nrf(
    process: Process,
    nrf_url: Annotated[str | None, typer.Option("--nrf", help="apiRoot of the NRF.", show_default="nrf.url")] = None,
) -> None:
    """Register the 5G front ends of a data directory with an NRF, and keep them registered.

    One is enough for all of them. It waits until a front end serves; charging goes on without it.
    """

    def run(settings: "Settings", url: str) -> None:
        from runtime.nrf_process import run_nrf

        await_running_store(settings, url)
        run_nrf(settings, url, ready_file=process.ready_file, report=say)

    process.run("nrf", run, is_beside_up=True, nrf__url=nrf_url)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(nrf)

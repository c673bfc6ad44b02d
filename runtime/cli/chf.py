"""`farebox chf`: a 5G front end in a process of its own."""

from typing import TYPE_CHECKING, Annotated

import typer

from runtime.cli.engine import MetricsPortOption, ReadyFileOption, await_running_store, run_process, say
from runtime.cli.options import ConfigOption, DataDirOption, StoreOption, flags_by_name

if TYPE_CHECKING:
    from runtime.settings import Settings

ChfHostOption = Annotated[
    str | None, typer.Option("--host", help="Address that Nchf listens on.", show_default="127.0.0.1")
]
ChfPortOption = Annotated[
    int | None, typer.Option("--port", help="Port of Nchf; 0: any free one.", show_default="7777")
]


def chf(
    config: ConfigOption = None,
    store: StoreOption = None,
    data_dir: DataDirOption = None,
    host: ChfHostOption = None,
    port: ChfPortOption = None,
    metrics_port: MetricsPortOption = None,
    ready_file: ReadyFileOption = None,
) -> None:
    """Run a 5G front end alone: Nchf over HTTP/2, handed to the engine of the same data directory; it holds no money.

    It listens once that engine runs, and waits for the next one where it ends.
    """
    flags = flags_by_name(store, data_dir, chf__host=host, chf__port=port, telemetry__port=metrics_port)

    def run(settings: "Settings", url: str) -> None:
        from runtime.chf_process import run_chf

        await_running_store(settings, url)
        run_chf(settings, url, ready_file=ready_file, report=say)

    run_process("chf", config, flags, run, is_beside_up=True)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(chf)

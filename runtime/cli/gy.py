"""`farebox gy`: a Diameter front end in a process of its own."""

from typing import TYPE_CHECKING, Annotated

import typer

from runtime.cli.engine import MetricsPortOption, ReadyFileOption
from runtime.cli.front_end import serve_front_end
from runtime.cli.options import ConfigOption, DataDirOption, GyHostOption, GyPortOption, StoreOption, flags_by_name

if TYPE_CHECKING:
    from runtime.front_end import FrontEndProcess
    from runtime.settings import Settings


def gy(
    config: ConfigOption = None,
    store: StoreOption = None,
    data_dir: DataDirOption = None,
    host: GyHostOption = None,
    port: GyPortOption = None,
    metrics_port: MetricsPortOption = None,
    ready_file: ReadyFileOption = None,
    listen: Annotated[
        bool, typer.Option("--listen/--no-listen", help="Listen, or take what `farebox up` accepts.", hidden=True)
    ] = True,
) -> None:
    """Run a Diameter Gy front end alone: it hands requests to the engines of the same data directory and holds no money.

    It listens once engines have every partition, and waits for the next ones where they end. The engine's --no-gy leaves
    the port to it.
    """
    flags = flags_by_name(store, data_dir, gy__host=host, gy__port=port, telemetry__port=metrics_port)

    def make(settings: "Settings", url: str) -> "FrontEndProcess":
        from runtime.gy_process import GyProcess

        return GyProcess(settings, url, is_listening=listen)

    serve_front_end("gy", config, flags, ready_file, make)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(gy)

"""`farebox gy`: a Diameter front end in a process of its own."""

from typing import TYPE_CHECKING

import typer

from runtime.cli.engine import MetricsPortOption, ReadyFileOption, await_running_store, run_process, say
from runtime.cli.options import ConfigOption, DataDirOption, GyHostOption, GyPortOption, StoreOption, flags_by_name

if TYPE_CHECKING:
    from runtime.settings import Settings


def gy(
    config: ConfigOption = None,
    store: StoreOption = None,
    data_dir: DataDirOption = None,
    host: GyHostOption = None,
    port: GyPortOption = None,
    metrics_port: MetricsPortOption = None,
    ready_file: ReadyFileOption = None,
) -> None:
    """Run a Diameter Gy front end alone: it hands requests to the engine of the same data directory and holds no money.

    It listens once that engine runs, and waits for the next one where it ends. The engine's --no-gy leaves the port to it.
    """
    flags = flags_by_name(store, data_dir, gy__host=host, gy__port=port, telemetry__port=metrics_port)

    def run(settings: "Settings", url: str) -> None:
        from runtime.gy_process import run_gy

        await_running_store(settings, url)
        run_gy(settings, url, ready_file=ready_file, report=say)

    run_process("gy", config, flags, run, is_beside_up=True)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(gy)

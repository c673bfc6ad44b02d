"""`farebox gy`: a Diameter front end in a process of its own."""

from typing import TYPE_CHECKING

import typer

from runtime.cli.engine import Process, as_process
from runtime.cli.front_end import ListenOption, serve_front_end
from runtime.cli.options import GyHostOption, GyPortOption

if TYPE_CHECKING:
    from runtime.front_end import FrontEndProcess
    from runtime.settings import Settings


@as_process
def gy(
    process: Process,
    host: GyHostOption = None,
    port: GyPortOption = None,
    listen: ListenOption = True,
) -> None:
    """Run a Diameter Gy front end alone: it hands requests to the engines of the same data directory and holds no money.

    It listens once engines have every partition, and waits for the next ones where they end. The engine's --no-gy leaves
    the port to it.
    """

    def make(settings: "Settings", url: str) -> "FrontEndProcess":
        from runtime.gy_process import GyProcess

        return GyProcess(settings, url, is_listening=listen)

    serve_front_end(process, "gy", make, gy__host=host, gy__port=port)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(gy)

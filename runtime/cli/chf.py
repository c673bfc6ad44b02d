"""`farebox chf`: a 5G front end in a process of its own."""

from typing import TYPE_CHECKING, Annotated

import typer

from runtime.cli.engine import Process, as_process
from runtime.cli.front_end import ListenOption, serve_front_end

if TYPE_CHECKING:
    from runtime.front_end import FrontEndProcess
    from runtime.settings import Settings

ChfHostOption = Annotated[
    str | None, typer.Option("--host", help="Address that Nchf listens on.", show_default="127.0.0.1")
]
ChfPortOption = Annotated[
    int | None, typer.Option("--port", help="Port of Nchf; 0: any free one.", show_default="7777")
]


@as_process
def chf(
    process: Process,
    host: ChfHostOption = None,
    port: ChfPortOption = None,
    listen: ListenOption = True,
) -> None:
    """Run a 5G front end alone: Nchf over HTTP/2, handed to the engines of the same data directory; it holds no money.

    It listens once engines have every partition, and waits for the next ones where they end.
    """

    def make(settings: "Settings", url: str) -> "FrontEndProcess":
        from runtime.chf_process import ChfProcess

        return ChfProcess(settings, url, is_listening=listen)

    serve_front_end(process, "chf", make, chf__host=host, chf__port=port)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(chf)

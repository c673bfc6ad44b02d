"""What `farebox gy` and `farebox chf` have in common: a front end beside the engines of its data directory."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from runtime.cli.engine import Process, await_running_store, say

if TYPE_CHECKING:
    from runtime.front_end import FrontEndProcess
    from runtime.settings import Settings

ListenOption = Annotated[
    bool, typer.Option("--listen/--no-listen", help="Listen, or take what `farebox up` accepts.", hidden=True)
]


def serve_front_end(
    process: Process, name: str, make: "Callable[[Settings, str], FrontEndProcess]", **flags: Any
) -> None:
    """Run a front end until it is told to stop.

    make   gives the process of settings and the store's address; called when kernels are warm
    flags  settings that were given, by `section__field`
    """

    def run(settings: "Settings", url: str) -> None:
        from runtime.front_end import run_front_end

        await_running_store(settings, url)
        run_front_end(lambda: make(settings, url), ready_file=process.ready_file, report=say)

    process.run(name, run, is_beside_up=True, **flags)

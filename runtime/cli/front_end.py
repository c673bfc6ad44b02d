"""What `farebox gy` and `farebox chf` have in common: a front end beside the engines of its data directory."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runtime.cli.engine import await_running_store, run_process, say

if TYPE_CHECKING:
    from runtime.front_end import FrontEndProcess
    from runtime.settings import Settings


def serve_front_end(
    name: str,
    config: Path | None,
    flags: dict[str, Any],
    ready_file: Path | None,
    make: "Callable[[Settings, str], FrontEndProcess]",
) -> None:
    """Run a front end until it is told to stop.

    make   gives the process of settings and the store's address; called when kernels are warm
    """

    def run(settings: "Settings", url: str) -> None:
        from runtime.front_end import run_front_end

        await_running_store(settings, url)
        run_front_end(lambda: make(settings, url), ready_file=ready_file, report=say)

    run_process(name, config, flags, run, is_beside_up=True)

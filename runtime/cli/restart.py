"""`farebox restart`: the processes of a running `farebox up` started anew, one after another, while the others serve."""

import os
import time
from typing import Annotated, Final

import typer

from runtime.cli.options import ConfigOption, DataDirOption, fail, flags_by_name, settings_of_flags

_LOOK_S: Final = 0.1


def restart(
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    timeout_s: Annotated[float, typer.Option("--timeout", help="Seconds after which to wait no longer.")] = 600.0,
) -> None:
    """Start the processes of `farebox up` anew, one after another: each serves again before the next is stopped.

    With two or more engines requests are answered all the while: an engine hands its partitions to the others first, a
    front end says good-bye and ends each connection behind its last answer, and new connections go to the others or wait
    for the next. The store goes on. Settings are read anew from the configuration file; flags and environment stay as
    `farebox up` got them.
    """
    settings = settings_of_flags(config, flags_by_name(None, data_dir))
    from runtime.data_folder import DataFolder, read_up_state
    from runtime.supervisor import RESTART_SIGNAL

    folder = DataFolder(settings.store.data_dir)
    before = read_up_state(folder)
    if before is None:
        fail(f"no farebox up runs on data directory {folder.path}: give its --data-dir")
        return
    os.kill(before.pid, RESTART_SIGNAL)
    waiting = [name for name in before.states if name != "store"]
    ends = time.monotonic() + timeout_s
    while waiting:
        state = read_up_state(folder)
        if state is None:
            fail("farebox up ended meanwhile: its output says why")
            return
        for name in list(waiting):
            if state.states.get(name) == "ready" and state.pids.get(name) not in (None, before.pids.get(name)):
                waiting.remove(name)
                typer.echo(f"{name} serves again, process {state.pids[name]}")
        if waiting and time.monotonic() > ends:
            fail(f"not restarted within {timeout_s:g} s: {', '.join(waiting)}; what farebox up prints says why")
        time.sleep(_LOOK_S)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(restart)

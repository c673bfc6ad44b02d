"""How `farebox up` starts a process of this program by itself, and what it uses of one."""

import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from runtime import parent


class StartedProcess(Protocol):
    """What is used of `subprocess.Popen`; forks (runtime/fork_client.py) have it too."""

    pid: int
    returncode: int | None

    def poll(self) -> int | None:
        """Its exit code, or the number of its signal, negative; None while it runs."""

    def wait(self, timeout: float | None = None) -> int:
        """Until it ended; blocks. subprocess.TimeoutExpired."""

    def terminate(self) -> None:
        """Ask it to end."""

    def kill(self) -> None:
        """End it."""


Launch = Callable[[Sequence[str], Mapping[str, str], Path], Awaitable[StartedProcess]]
"""Starts `farebox <arguments>` with an environment and a log. OSError: it can't now."""


def farebox_process(
    arguments: Sequence[str], environment: Mapping[str, str], *, log: Path | None = None
) -> "subprocess.Popen[bytes]":
    """A child of this program that ends with it; a group of its own, so that ^C of the terminal reaches this one alone.

    log   gets its standard error, appended; else it is ours, as its standard output is
    """
    command = [sys.executable, "-m", "runtime.cli.main", *arguments]
    own = {**environment, parent.VARIABLE: str(os.getpid())}
    if log is None:
        return subprocess.Popen(command, env=own, stdin=subprocess.DEVNULL, process_group=0)
    with log.open("ab") as file:
        return subprocess.Popen(command, env=own, stdin=subprocess.DEVNULL, stderr=file, process_group=0)


async def launch_alone(arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> StartedProcess:
    """See Launch: an interpreter of its own."""
    return farebox_process(arguments, environment, log=log)

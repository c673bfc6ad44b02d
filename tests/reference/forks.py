"""Processes of tests without a start of their own: forks of one that has imported everything and warmed the kernels.

Each `python -m <module>` takes three seconds of a processor before it does anything; tests start a hundred of them.
"""

import asyncio
import functools
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path

from runtime.fork_client import IS_USED, ForkedChild, ForkServer

ROOT = Path(__file__).resolve().parents[2]
START_S = 500.0
"""Kernels that nobody compiled yet take most of it."""

Forked = ForkedChild | subprocess.Popen[bytes]
"""As far as tests go the same."""


class _Forks:
    """A fork server, and a loop in a thread that reads it."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self._folder = tempfile.TemporaryDirectory(prefix="farebox-forks-")
        log = Path(self._folder.name) / "fork-server.log"
        self._server = ForkServer(
            {**os.environ, "PYTHONPATH": str(ROOT)}, log, module="tests.reference.fork_server_of_tests"
        )

    def start(self, arguments: tuple[str, ...], environment: Mapping[str, str], log: Path) -> ForkedChild:
        started = asyncio.run_coroutine_threadsafe(self._server.start(arguments, environment, log), self._loop)
        return started.result(START_S)


@functools.cache
def _forks() -> _Forks:
    """Of this process; it ends with it."""
    return _Forks()


def start_module(module: str, *arguments: str, log: Path, environment: Mapping[str, str] | None = None) -> Forked:
    """`python -m <module> <arguments>`, all that it says appended to `log`; without `environment` in that of this process."""
    own = {**(os.environ if environment is None else environment)}
    if IS_USED:
        return _forks().start((module, *arguments), own, log)
    with log.open("ab") as file:
        return subprocess.Popen([sys.executable, "-m", module, *arguments], env=own, stdout=file, stderr=file)

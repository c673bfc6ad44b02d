"""The `farebox up` of the demo: a child process on free ports, in a folder that nothing else uses."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from runtime.data_folder import DataFolder, UpState, read_up_state
from runtime.up import UP_LINE

START_S: Final = 300.0
"""Kernels may have to be compiled first."""
STOP_S: Final = 60.0
_KEPT_VARIABLES: Final = frozenset({"FAREBOX_CACHE"})


class DemoFailed(Exception):
    """The demo can't go on; the message says why."""


class DemoProcess:
    """A running `farebox up`.

    folder   its data directory
    say      called with each line that it prints
    """

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        self.folder = DataFolder(folder)
        self._say = say
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> UpState:
        """Start it and wait until everything serves. DemoFailed."""
        own = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("FAREBOX_") or name in _KEPT_VARIABLES
        }
        own |= {"FAREBOX_RECORDS_FILE_AGE_S": "1", "FAREBOX_CHF_PORT": "0"}
        own["FAREBOX_NOTIFY_ALLOWED_NETWORKS"] = "default,127.0.0.0/8"
        command = ("-m", "runtime.cli.main", "up", "--data-dir", str(self.folder.path), "--port", "0", "--chf", "1")
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            *command,
            "--metrics-port",
            "0",
            env=own,
            cwd=self.folder.path,  # a farebox.toml of the caller's folder is not the demo's
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            process_group=0,
        )
        try:
            async with asyncio.timeout(START_S):
                await self._read_until(UP_LINE)
        except TimeoutError as error:
            raise DemoFailed(f"farebox up did not come up within {START_S:g} s") from error
        state = read_up_state(self.folder)
        if state is None:
            raise DemoFailed(f"farebox up wrote no {self.folder.up_file}")
        return state

    async def _read_until(self, beginning: str) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            text = line.decode(errors="replace").rstrip()
            self._say(text)
            if text.startswith(beginning):
                return
        status = await self._process.wait()
        raise DemoFailed(f"farebox up ended with exit code {status}")

    async def stop(self) -> int:
        """^C, and wait; its exit code. Killed where it doesn't end in time."""
        process = self._process
        if process is None:
            return 0
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
        try:
            async with asyncio.timeout(STOP_S):
                assert process.stdout is not None
                while line := await process.stdout.readline():
                    self._say(line.decode(errors="replace").rstrip())
                return await process.wait()
        except TimeoutError:
            process.kill()
            return await process.wait()

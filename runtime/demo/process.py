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
_LOOK_S: Final = 0.05
_KEPT_VARIABLES: Final = frozenset({"FAREBOX_CACHE"})


class DemoFailed(Exception):
    """The demo can't go on; the message says why."""


def own_environment(**more: str) -> dict[str, str]:
    """Without settings of whoever runs the demo."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith("FAREBOX_") or name in _KEPT_VARIABLES
    }
    return {**kept, **more}


class DemoProcess:
    """A running `farebox up`.

    folder         its data directory
    say            called with each line that it prints
    has_business   with the business side, and a clock that can be moved
    """

    def __init__(self, folder: Path, say: Callable[[str], None], *, has_business: bool) -> None:
        self.folder = DataFolder(folder)
        self._say = say
        self._business = ("--web-port", "0", "--test-clock") if has_business else ("--engine-only",)
        self._process: asyncio.subprocess.Process | None = None

    async def start(self, hss_url: str) -> UpState:
        """Start it and wait until everything serves. DemoFailed.

        hss_url   of the subscriber store that the business side provisions; empty: none
        """
        own = own_environment(
            FAREBOX_RECORDS_FILE_AGE_S="1",
            FAREBOX_CHF_PORT="0",
            FAREBOX_NOTIFY_ALLOWED_NETWORKS="default,127.0.0.0/8",
            FAREBOX_BSS_HSS_URL=hss_url,
        )
        command = ("-m", "runtime.cli.main", "up", "--data-dir", str(self.folder.path), "--port", "0", "--chf", "1")
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            *command,
            "--metrics-port",
            "0",
            *self._business,
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


class SimulatedHss:
    """`farebox simulate hss`: the subscriber store that SIMs are provisioned in."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> str:
        """Start it; its address. DemoFailed."""
        ready = self._folder / "hss-ready"
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "runtime.cli.main", "simulate", "hss", "--port", "0", "--ready-file", str(ready)),
            env=own_environment(),
            cwd=self._folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            process_group=0,
        )
        for _ in range(round(START_S / _LOOK_S)):
            if ready.exists():
                return f"http://127.0.0.1:{ready.read_text().split()[0]}"
            if self._process.returncode is not None:
                break
            await asyncio.sleep(_LOOK_S)
        raise DemoFailed("farebox simulate hss did not start")

    async def stop(self) -> None:
        """End it."""
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
        if self._process is not None:
            await self._process.wait()

"""`farebox up`'s side of the fork server: children as forks of a process that has loaded everything.

They are used as those of `subprocess` are (runtime/supervisor.py). A fork server that dies takes its children along; the
next child that is asked for has a new one started.
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from runtime import parent
from runtime.fork_frames import Ended, Start, Started, to_line

IS_USED: Final = sys.platform == "linux"
"""Elsewhere a fork that doesn't begin another program isn't safe, and each child starts by itself."""
END_S: Final = 10.0
_THREADS: Final = {"OPENBLAS_NUM_THREADS": "1"}
"""Numpy's library would start threads as it is imported, which a fork doesn't have."""


class ForkedChild:
    """A child of the fork server; as far as it goes like `subprocess.Popen`."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._ended = threading.Event()

    def poll(self) -> int | None:
        """Its exit code, or the number of its signal, negative; None while it runs."""
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Until it ended; blocks, while the loop that reads the fork server goes on. subprocess.TimeoutExpired."""
        if not self._ended.wait(timeout):
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0.0)
        assert self.returncode is not None
        return self.returncode

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)

    def send_signal(self, number: int) -> None:
        """Nothing where it is known to have ended: its number may be another's."""
        if self.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def note_end(self, status: int) -> None:
        """The fork server says how it ended."""
        self.returncode = status
        self._ended.set()


class ForkServer:
    """The process, and what it was asked for.

    log      gets its standard error, appended
    module   what it runs
    """

    def __init__(self, environment: Mapping[str, str], log: Path, module: str = "runtime.fork_server") -> None:
        self._module = module
        self._environment = {**environment, **_THREADS}
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None
        self._beginning = asyncio.Lock()
        self._is_loaded = False
        self._asked: deque[asyncio.Future[ForkedChild]] = deque()
        self._children: dict[int, ForkedChild] = {}

    async def begin(self) -> None:
        """Have it load, where it doesn't run."""
        async with self._beginning:
            if self._reading is not None and not self._reading.done():
                return
            ours, theirs = socket.socketpair()
            with theirs:
                self._process = self._start_process(theirs)
            reader, self._writer = await asyncio.open_unix_connection(sock=ours)
            self._is_loaded = False
            self._reading = asyncio.get_running_loop().create_task(self._read(reader, self._process))

    def _start_process(self, asked: socket.socket) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", self._module]
        own = {**self._environment, parent.VARIABLE: str(os.getpid())}
        with self._log.open("ab") as log:
            return subprocess.Popen(command, env=own, stdin=asked.fileno(), stderr=log, process_group=0)

    async def start(self, arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> ForkedChild:
        """A child with these arguments, once the fork server has loaded. OSError: that ended before."""
        await self.begin()
        assert self._writer is not None
        child: asyncio.Future[ForkedChild] = asyncio.get_running_loop().create_future()
        self._asked.append(child)
        own = {**environment, **_THREADS, parent.VARIABLE: str(os.getpid())}
        self._writer.write(to_line(Start(tuple(arguments), own, str(log))))
        return await child

    def give_up_loading(self) -> None:
        """End it where it still loads, which may take a minute: who waits for a child gets an OSError."""
        if self._process is not None and not self._is_loaded:
            self._process.terminate()

    async def close(self) -> None:
        """End it; what still runs of its children is told to end."""
        if self._process is None or self._writer is None or self._reading is None:
            return
        self.give_up_loading()
        self._writer.close()
        try:
            await asyncio.to_thread(self._process.wait, END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            await asyncio.to_thread(self._process.wait)
        self._reading.cancel()
        await asyncio.wait([self._reading])

    async def _read(self, reader: asyncio.StreamReader, process: "subprocess.Popen[bytes]") -> None:
        """What it says, until it ends."""
        try:
            while line := await reader.readline():
                said = msgspec.json.decode(line, type=Started | Ended)
                if isinstance(said, Started):
                    self._is_loaded = True
                    child = self._children[said.pid] = ForkedChild(said.pid)
                    waiting = self._asked.popleft()
                    if waiting.cancelled():
                        child.terminate()
                    else:
                        waiting.set_result(child)
                else:
                    self._children.pop(said.pid).note_end(said.status)
        except ConnectionError:
            pass  # it was killed with something unread
        finally:
            self._note_all_ended(process.poll())

    def _note_all_ended(self, status: int | None) -> None:
        for child in self._children.values():
            child.note_end(-signal.SIGTERM)
        self._children.clear()
        words = "" if status is None else f" with exit code {status}" if status >= 0 else f" by signal {-status}"
        while self._asked:
            waiting = self._asked.popleft()
            if not waiting.done():
                waiting.set_exception(OSError(f"the process that starts others ended{words} (more in {self._log})"))

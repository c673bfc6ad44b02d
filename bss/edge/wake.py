"""How a commit in one process wakes the relay in another: an empty datagram on a local socket.

Nothing rests on it: a relay that isn't there, or doesn't hear, looks by itself once a second.
"""

import asyncio
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Final

NAME: Final = "relay.sock"
_READ_OCTETS: Final = 64


class Waker:
    """Wakes the relay that listens in a folder; from any thread."""

    def __init__(self, folder: Path) -> None:
        self._path = str(folder / NAME)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)

    def wake(self) -> None:
        """There may be something to do."""
        try:
            self._socket.sendto(b"", self._path)
        except OSError:
            return  # nobody listens, or it has enough to hear already: it looks by itself

    def close(self) -> None:
        """Wake nobody more."""
        self._socket.close()


class WakeListener:
    """Calls `wake` on the running loop whenever somebody's Waker does; the last one that listens in a folder is heard."""

    def __init__(self, folder: Path, wake: Callable[[], None]) -> None:
        """OSError: the socket can't be had."""
        self._path = folder / NAME
        self._wake = wake
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        own = self._path.with_suffix(f".{os.getpid()}")
        own.unlink(missing_ok=True)
        self._socket.bind(str(own))
        own.chmod(0o600)
        own.replace(self._path)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket, self._hear)

    def _hear(self) -> None:
        try:
            while True:
                self._socket.recv(_READ_OCTETS)
        except BlockingIOError:
            self._wake()

    def close(self) -> None:
        """Hear nothing more."""
        self._loop.remove_reader(self._socket)
        self._socket.close()
        self._path.unlink(missing_ok=True)

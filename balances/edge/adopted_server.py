"""A server that this process did not start: found by the socket that it listens on, held by a descriptor of its process.

A process id could be another's by the time it is used; a descriptor of the process never is.
"""

import contextlib
import os
import select
import signal
import socket
import struct
from pathlib import Path
from typing import Final

_CREDENTIALS: Final = struct.Struct("3i")
"""process, user and group of a socket's other side: struct ucred"""


class AdoptedServer:
    """A running process, by its descriptor."""

    def __init__(self, pid: int, descriptor: int) -> None:
        self.pid = pid
        self._descriptor = descriptor

    def ends_within(self, timeout_s: float) -> bool:
        """Has the process ended, or does it in time? What it started with others has its status by then."""
        waiting = select.poll()
        waiting.register(self._descriptor, select.POLLIN)
        return bool(waiting.poll(timeout_s * 1000))

    def kill(self) -> None:
        """End the process at once."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._descriptor, signal.SIGKILL)

    def close(self) -> None:
        """Let go of the process."""
        os.close(self._descriptor)


def find_listening_server(path: Path) -> AdoptedServer | None:
    """The process that listens on a Unix socket; None where nobody does."""
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(str(path))
        except OSError:
            return None
        pid, _, _ = _CREDENTIALS.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
        try:
            descriptor = os.pidfd_open(pid)
        except OSError:  # it ended, or lives where ids of processes are other ones
            return None
        if _is_open(connection):
            return AdoptedServer(pid, descriptor)
        os.close(descriptor)  # it ended meanwhile: the id may have been another's already
        return None


def _is_open(connection: socket.socket) -> bool:
    """Does the other side still hold the connection? It says nothing of itself."""
    try:
        return connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False

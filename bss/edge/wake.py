"""Wakes another process of this machine: a datagram to a unix socket, so that a commit is seen at once and nobody polls
faster than once a second.
"""

import contextlib
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Final, Self

_OCTETS: Final = 1


def waker(folder: Path) -> Callable[[], None]:
    """Call it to wake whoever waits in this folder; nothing where nobody does. It never blocks."""
    sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sender.setblocking(False)

    def wake() -> None:
        for path in sorted(folder.glob("*.wake")):
            with contextlib.suppress(OSError):  # it is gone, or is being woken already
                sender.sendto(b"w", str(path))

    return wake


class Waiting:
    """Waits to be woken; a socket of this name in the folder while it is open."""

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f"{name}.wake"
        self._path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self._path))
        self._path.chmod(0o600)

    def wait(self, timeout_s: float) -> None:
        """Until somebody wakes us, or the time is over."""
        self._socket.settimeout(timeout_s)
        try:
            self._socket.recv(_OCTETS)
            self._socket.setblocking(False)
            while self._socket.recv(_OCTETS):
                pass  # several commits are one wake
        except (TimeoutError, BlockingIOError):
            return

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        self._path.unlink(missing_ok=True)

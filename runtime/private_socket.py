"""Unix sockets at which one process waits for others of the same user: engines, the acceptor and the notifier for front ends.

Where such a socket may lie is `balances/edge/embedded_socket.py`.
"""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple


class PrivateSocket(NamedTuple):
    """A unix socket for this user alone, bound."""

    listening: socket.socket
    """doesn't block"""
    path: Path
    inode: int

    def remove(self) -> None:
        """Take it from the folder, so that nobody looks for us any more; a later process's of the same path stays."""
        with suppress(OSError):
            if self.path.stat().st_ino == self.inode:
                self.path.unlink()


@contextmanager
def private_socket(path: Path) -> Iterator[PrivateSocket]:
    """A socket that is at `path` once the block has made it listen; whatever lies there is replaced, in one step.

    So whoever finds it can connect: until then it has another name, and nobody could connect before its mode was set. The
    folder is made where it is missing. OSError where the socket can't be made; then nothing is left of it.
    """
    path.parent.resolve().mkdir(parents=True, exist_ok=True)  # it may be a link to a folder that isn't there yet
    fresh = path.with_suffix(f".{os.getpid()}")
    fresh.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listening.bind(str(fresh))
        fresh.chmod(0o600)
        listening.setblocking(False)
        yield PrivateSocket(listening, path, fresh.stat().st_ino)
        fresh.replace(path)
    except BaseException:
        listening.close()
        fresh.unlink(missing_ok=True)
        raise

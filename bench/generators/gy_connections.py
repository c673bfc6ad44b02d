"""The connections of a Gy generator: they are made, greeted, read, written and given up here; what is in a message is decided
elsewhere, base messages aside.

Octets lie in the fleet's buffers, a row a connection, where the kernels of gy_answers.py and gy_requests.py find them.
"""

import select
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from bench.generators.gy_fleet import OTHER_COUNT, Fleet
from bench.generators.gy_peer import (
    COMMAND_DISCONNECT,
    SUCCESS,
    PeerName,
    answer_to,
    capabilities_request,
    command_of,
    disconnect_request,
    result_code_of,
)
from bench.generators.gy_requests import repeat_requests
from bench.workload import GyPlan

CONNECT_S: Final = 10.0
RECONNECT_S: Final = 60.0
HANDSHAKE_S: Final = 5.0
SOCKET_OCTETS: Final = 4 * 1024 * 1024


class GeneratorError(Exception):
    """The run cannot start or go on; the message names the peer and the remedy."""


@dataclass(slots=True)
class Connection:
    """One connection of the fleet."""

    index: int
    peer: PeerName
    socket: socket.socket
    identifier: int = 0
    is_open: bool = True


def peer_name(plan: GyPlan, index: int) -> PeerName:
    """Who connection `index` says it is: the connections are spread over `plan.peers` hosts."""
    number = index % plan.peers
    host = plan.origin_host if number == 0 else f"pgw{number + 1}.{plan.origin_host.partition('.')[2]}"
    return PeerName(host, plan.origin_realm, plan.origin_state_id)


def _receive_message(stream: socket.socket) -> bytes:
    """One whole message, blocking, for the handshake."""
    message = b""
    need = 20
    while len(message) < need:
        octets = stream.recv(need - len(message))
        if not octets:
            raise ConnectionError("the server closed the connection instead of answering")
        message += octets
        if len(message) == 20:
            need = int.from_bytes(message[1:4], "big")
    return message


def connect(plan: GyPlan, index: int, within_s: float) -> Connection:
    """Connect and exchange CER and CEA. GeneratorError where no server does both in time, or the peer is refused."""
    deadline = time.monotonic() + within_s
    peer = peer_name(plan, index)
    while True:
        what = "nothing listens"
        try:
            stream = socket.create_connection((plan.host, plan.port), timeout=HANDSHAKE_S)
            what = f"no CEA for {peer.origin_host}"
            result = _shake_hands(stream, peer, index + 1)
            break
        except (OSError, ValueError) as fault:  # a server that is just starting may die of it once more
            if time.monotonic() > deadline:
                raise GeneratorError(
                    f"{plan.host}:{plan.port}: {what}: {fault}; start the Gy front end, or name its port"
                ) from fault
            time.sleep(0.05)
    if result != SUCCESS:
        stream.close()
        raise GeneratorError(
            f"{plan.host}:{plan.port} refuses {peer.origin_host} with {result}: add it to the server's peers,"
            f" with connections_max of at least {plan.connections}"
        )
    stream.setblocking(False)
    return Connection(index, peer, stream, identifier=index + 1)


def _shake_hands(stream: socket.socket, peer: PeerName, identifier: int) -> int:
    """Result-Code of the CEA; closes the connection where there is none."""
    try:
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_OCTETS)
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SOCKET_OCTETS)
        stream.sendall(capabilities_request(peer, identifier))
        return result_code_of(_receive_message(stream))
    except BaseException:
        stream.close()
        raise


class Connections:
    """All connections of a fleet. `stop` is told why the run can't go on without one that was lost."""

    def __init__(self, plan: GyPlan, fleet: Fleet, stop: Callable[[str], None]) -> None:
        self._plan = plan
        self._fleet = fleet
        self._stop = stop
        self._incoming = [memoryview(row) for row in fleet.incoming]  # type: ignore[arg-type]
        self._outgoing = [memoryview(row) for row in fleet.outgoing]  # type: ignore[arg-type]
        self._all: list[Connection] = []
        self.lost_count = 0

    def open(self) -> None:
        """Make all of them. GeneratorError where one is not to be had."""
        self._all = [connect(self._plan, index, CONNECT_S) for index in range(self._plan.connections)]

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
        """Watchdogs and disconnects of the server; anything else is refused."""
        fleet = self._fleet
        for place in range(int(fleet.counters[OTHER_COUNT])):
            index, first, length = (int(value) for value in fleet.others[place])
            message = fleet.others_kept[first : first + length].tobytes()
            _, is_request = command_of(message)
            if is_request:
                self._append(index, answer_to(self._all[index].peer, message))

    def reconnect(self) -> None:
        """Get lost ones back and repeat what is unanswered on them; without `reconnects` the run has stopped."""
        if not self._plan.reconnects:
            return
        for index, connection in enumerate(self._all):
            if not connection.is_open:
                try:
                    self._all[index] = connect(self._plan, index, RECONNECT_S)
                except GeneratorError as fault:
                    self._stop(str(fault))
                    return
                repeat_requests(self._fleet, index)

    def close(self) -> None:
        """DPR on each; its DPA is awaited a moment, being late is no fault of the run."""
        for each in self._all:
            if not each.is_open:
                continue
            each.identifier += 1_000
            try:
                each.socket.settimeout(1.0)
                each.socket.sendall(disconnect_request(each.peer, each.identifier))
                while command_of(_receive_message(each.socket)) != (COMMAND_DISCONNECT, False):
                    pass
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

    def _append(self, index: int, message: bytes) -> None:
        """Queue a base message behind what is unsent; one that finds no room is dropped with its connection."""
        span = self._fleet.outgoing_range[index]
        row = self._fleet.outgoing[index]
        if span[1] + len(message) > len(row):
            self.lose(index, "takes no octets: no room to answer its watchdog")
            return
        row[span[1] : span[1] + len(message)] = np.frombuffer(message, np.uint8)
        span[1] += len(message)

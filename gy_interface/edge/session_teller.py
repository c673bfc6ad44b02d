"""RAR and ASR over whichever connection leads to a session's client, and the answers to who waits for them."""

import asyncio
import random
from collections.abc import Sequence
from typing import NamedTuple

from gy_interface.base_messages import RELAY_APPLICATION
from gy_interface.edge.connection import GyConnection
from gy_interface.events import SessionAnswered
from gy_interface.session_messages import SessionRequest


class ReadyHost(NamedTuple):
    """A peer that a request of ours can be sent to."""

    origin_host: str
    """in lower case: DiameterIdentity has no case"""
    is_relay: bool
    """it passes on what is for others"""


class _Waiting(NamedTuple):
    connection: GyConnection
    answered: asyncio.Future[int | None]


def _host_of(connection: GyConnection | None) -> ReadyHost | None:
    """Whom the connection leads to; None where it takes no request of ours."""
    if connection is None or connection.is_ending or connection.peer is None or not connection.peer.is_open:
        return None
    said = connection.peer.capabilities
    if said is None:
        return None
    return ReadyHost(said.origin_host.lower(), RELAY_APPLICATION in said.applications)


class SessionTeller:
    """The requests of ours that wait, over all connections of a front end.

    connections   the server's slots, as they are at any time
    """

    def __init__(self, connections: Sequence[GyConnection | None]) -> None:
        self._connections = connections
        self._waiting: dict[tuple[int, int], _Waiting] = {}
        """by the connection's epoch and the hop-by-hop id"""

    def ready_hosts(self) -> set[ReadyHost]:
        """Peers that a request can be sent to now."""
        found = {_host_of(connection) for connection in self._connections}
        return {host for host in found if host is not None}

    async def ask(self, asked: SessionRequest, wait_s: float) -> int | None:
        """Send the request and wait for its answer: its result code; None where none came, or nobody leads there."""
        connection = self._connection_to(asked.destination_host.lower())
        if connection is None or connection.peer is None:
            return None
        identifier = connection.peer.ask_session(asked, random.getrandbits(32))
        if identifier is None:
            return None
        key = (connection.epoch, identifier)
        waiting = _Waiting(connection, asyncio.get_running_loop().create_future())
        self._waiting[key] = waiting
        connection.write(connection.peer.take_octets())
        try:
            return await asyncio.wait_for(waiting.answered, wait_s)
        except TimeoutError:
            return None
        finally:
            self._waiting.pop(key, None)
            connection.peer.forget_asked(identifier)

    def on_answered(self, connection: GyConnection, event: SessionAnswered) -> None:
        """An answer came on a connection."""
        waiting = self._waiting.get((connection.epoch, event.hop_by_hop))
        if waiting is not None and not waiting.answered.done():
            waiting.answered.set_result(event.result_code)

    def on_gone(self, connection: GyConnection) -> None:
        """A connection ended: what was asked over it gets no answer."""
        for waiting in self._waiting.values():
            if waiting.connection is connection and not waiting.answered.done():
                waiting.answered.set_result(None)

    def _connection_to(self, host: str) -> GyConnection | None:
        """The host's own connection, else that of a relay."""
        relay = None
        for connection in self._connections:
            found = _host_of(connection)
            if found is not None and found.origin_host == host:
                return connection
            if found is not None and found.is_relay and relay is None:
                relay = connection
        return relay

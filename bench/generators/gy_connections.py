"""The connections of a Gy generator: capabilities are exchanged, base messages answered, ends said."""

import socket
from typing import TYPE_CHECKING

from bench.generators.connections import Connections, GeneratorError, connect_and_greet, receive_exactly
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

_GOODBYE = 1_000
"""Added to a connection's number in the ids of its DPR, so that they are not those of its CER."""


def peer_name(plan: GyPlan, index: int) -> PeerName:
    """Who connection `index` says it is: the connections are spread over `plan.peers` hosts."""
    number = index % plan.peers
    host = plan.origin_host if number == 0 else f"pgw{number + 1}.{plan.origin_host.partition('.')[2]}"
    return PeerName(host, plan.origin_realm, plan.origin_state_id)


def _receive_message(stream: socket.socket) -> bytes:
    """One whole message, blocking."""
    head = receive_exactly(stream, 20)
    return head + receive_exactly(stream, int.from_bytes(head[1:4], "big") - 20)


class GyConnections(Connections):
    """All Diameter connections of a fleet."""

    if TYPE_CHECKING:
        _plan: GyPlan

    def connect(self, index: int, within_s: float) -> socket.socket:
        """Connect and exchange CER and CEA. GeneratorError where no server does both in time, or the peer is refused."""
        plan, peer = self._plan, peer_name(self._plan, index)

        def exchange_capabilities(stream: socket.socket) -> int:
            stream.sendall(capabilities_request(peer, index + 1))
            return result_code_of(_receive_message(stream))

        stream, result = connect_and_greet(plan, within_s, "the Gy front end", exchange_capabilities)
        if result != SUCCESS:
            stream.close()
            raise GeneratorError(
                f"{plan.host}:{plan.port} refuses {peer.origin_host} with {result}: add it to the server's peers,"
                f" with connections_max of at least {plan.connections}"
            )
        return stream

    def answer_to(self, index: int, message: bytes) -> bytes:
        """Watchdogs and disconnects of the server; other requests are refused."""
        _, is_request = command_of(message)
        return answer_to(peer_name(self._plan, index), message) if is_request else b""

    def say_goodbye(self, index: int, stream: socket.socket) -> None:
        """DPR; its DPA is awaited a moment."""
        stream.sendall(disconnect_request(peer_name(self._plan, index), index + 1 + _GOODBYE))
        while command_of(_receive_message(stream)) != (COMMAND_DISCONNECT, False):
            pass

    def repeat(self, index: int) -> None:
        """With the T flag."""
        repeat_requests(self._fleet, index)

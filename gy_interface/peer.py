"""One peer connection of the base protocol, without I/O: octets in, events and octets out; time is passed in.

On an open connection the driver decodes CCRs by kernel and hands only other messages to `receive_message`; until then,
and after a fault of framing, `receive_octets` takes everything.
"""

from collections import Counter
from typing import Final

from gy_interface.base_messages import (
    ABORT_SESSION,
    APPLICATION_UNSUPPORTED,
    CAPABILITIES_EXCHANGE,
    COMMAND_UNSUPPORTED,
    CREDIT_CONTROL,
    CREDIT_CONTROL_APPLICATION,
    DEVICE_WATCHDOG,
    DISCONNECT_PEER,
    NO_COMMON_APPLICATION,
    RE_AUTH,
    RELAY_APPLICATION,
    SUCCESS,
    TOO_BUSY,
    UNKNOWN_PEER,
    Capabilities,
    Identity,
    check_origin,
    read_capabilities,
    write_capabilities_answer,
    write_disconnect_answer,
    write_disconnect_request,
    write_error_answer,
    write_watchdog_answer,
    write_watchdog_request,
)
from gy_interface.config import GyConfig
from gy_interface.errors import PeerError
from gy_interface.events import PeerClosed, PeerEvent, PeerOpened
from gy_interface.framing import FLAG_ERROR, HEADER_OCTETS, INVALID_HEADER_BITS, Header, Message, read_header
from gy_interface.peer_transitions import NEXT_STATE, TAKES_REQUESTS, PeerInput, PeerState
from vocabulary.instants import NS_PER_S

REBOOTING: Final = 0
_DISCONNECT_NS: Final = 5 * NS_PER_S
_BASE_COMMANDS: Final = frozenset({CAPABILITIES_EXCHANGE, DEVICE_WATCHDOG, DISCONNECT_PEER})
_CREDIT_CONTROL_COMMANDS: Final = frozenset({CREDIT_CONTROL, RE_AUTH, ABORT_SESSION})


class PeerRegistry:
    """Which peers are connected how often, over all connections of a front end."""

    def __init__(self, config: GyConfig) -> None:
        self.config = config
        self._counts: Counter[str] = Counter()

    def count(self, peer_name: str) -> int:
        """Open connections of a peer."""
        return self._counts[peer_name]

    def has_room(self, peer_name: str) -> bool:
        """May the peer open one more?"""
        return self._counts[peer_name] < self.config.peers[peer_name].connections_max

    def enter(self, peer_name: str) -> None:
        """A connection of the peer is open."""
        self._counts[peer_name] += 1

    def leave(self, peer_name: str) -> None:
        """It is closed."""
        self._counts[peer_name] -= 1


class Peer:
    """A connection that a peer opened to us."""

    def __init__(self, registry: PeerRegistry, identity: Identity, *, now_ns: int, jitter_ns: int = 0) -> None:
        self.state = PeerState.WAIT_CER
        self.peer_name = ""
        self.capabilities: Capabilities | None = None
        self._registry = registry
        self._identity = identity
        self._watchdog_ns = registry.config.watchdog_s * NS_PER_S + jitter_ns
        self._deadline_ns = now_ns + registry.config.cer_timeout_s * NS_PER_S
        self._received = b""
        self._out: list[bytes] = []
        self._events: list[PeerEvent] = []
        self._next_hop_by_hop = 1
        self._awaited: set[int] = set()

    @property
    def takes_requests(self) -> bool:
        """Are CCRs decoded on this connection?"""
        return self.state in TAKES_REQUESTS

    @property
    def next_deadline_ns(self) -> int:
        """When `on_deadline` is to be called next."""
        return self._deadline_ns

    def take_octets(self) -> bytes:
        """What is to be written now."""
        octets = b"".join(self._out)
        self._out.clear()
        return octets

    def take_events(self) -> list[PeerEvent]:
        """What happened since the last call."""
        events, self._events = self._events, []
        return events

    def on_traffic(self, now_ns: int) -> None:
        """Something was received: Tw starts again (RFC 3539 §3.4.1)."""
        if self.state in TAKES_REQUESTS:
            self.state = PeerState.OPEN
            self._deadline_ns = now_ns + self._watchdog_ns

    def receive_octets(self, octets: bytes, now_ns: int) -> bytes:
        """Take octets of the stream. Once the connection is open, the octets behind the CER come back for the kernels."""
        self._received += octets
        while self.state is not PeerState.CLOSED and len(self._received) >= HEADER_OCTETS:
            try:
                header = read_header(self._received)
            except PeerError as error:
                self._fault(error)
                break
            if len(self._received) < header.length:
                break
            message = Message(header, self._received[: header.length])
            self._received = self._received[header.length :]
            self._receive(message, now_ns)
            if self.takes_requests:
                break
        if not self.takes_requests:
            return b""
        rest, self._received = self._received, b""
        return rest

    def receive_message(self, octets: bytes, now_ns: int) -> None:
        """Take one whole message that is no CCR, of an open connection."""
        self._receive(Message(read_header(octets), octets), now_ns)

    def on_fault(self, octets: bytes) -> None:
        """The stream can't be framed from here on: answer what can be answered, and close."""
        try:
            read_header(octets)
        except PeerError as error:
            self._fault(error, octets)
        else:
            self._close(PeerInput.FAULT, "the stream can't be framed", abort=True)

    def _fault(self, error: PeerError, octets: bytes = b"") -> None:
        """DB-19: unparsable data ends the connection; a request whose header can be read is answered first."""
        octets = octets or self._received
        flags = octets[4]
        if self.state in TAKES_REQUESTS and flags & 0x80:
            header = Header(0, flags, *(int.from_bytes(octets[i:j]) for i, j in ((5, 8), (8, 12), (12, 16), (16, 20))))
            message = Message(header, octets[:HEADER_OCTETS])
            self._out.append(write_error_answer(message, self._identity, error.result_code, str(error)))
            self._close(PeerInput.FAULT, str(error))
        else:
            self._close(PeerInput.FAULT, str(error), abort=True)

    def _receive(self, message: Message, now_ns: int) -> None:
        header = message.header
        if self.state is PeerState.WAIT_CER:
            if header.command == CAPABILITIES_EXCHANGE and header.is_request:
                self._receive_capabilities(message, now_ns)
            else:
                self._close(PeerInput.CER_REFUSED, "the first message is no Capabilities-Exchange-Request", abort=True)
            return
        self.on_traffic(now_ns)
        if not header.is_request:
            self._receive_answer(header)
            return
        try:
            self._receive_request(message)
        except PeerError as error:
            octets = write_error_answer(message, self._identity, error.result_code, str(error), error.failed_avp)
            self._out.append(octets)

    def _receive_capabilities(self, message: Message, now_ns: int) -> None:
        """CER on a new connection (RFC 6733 §5.3): a known peer with room and a common application is let in."""
        try:
            found = read_capabilities(message)
            name = self._registry.config.peer_of(found.origin_host)
            if name is None or not self._registry.has_room(name):
                why = "is no peer of ours" if name is None else "has all the connections that it may have"
                raise PeerError(UNKNOWN_PEER, f"{found.origin_host} {why}")
            if not found.applications & {CREDIT_CONTROL_APPLICATION, RELAY_APPLICATION}:
                raise PeerError(NO_COMMON_APPLICATION, f"{found.origin_host} doesn't speak credit control (4)")
        except PeerError as error:
            code, failed = error.result_code, error.failed_avp
            self._out.append(write_capabilities_answer(message.header, self._identity, code, failed))
            self._close(PeerInput.CER_REFUSED, str(error))
            return
        self._out.append(write_capabilities_answer(message.header, self._identity, SUCCESS))
        self.peer_name, self.capabilities = name, found
        self._registry.enter(name)
        self._move(PeerInput.CER_ACCEPTED)
        self._deadline_ns = now_ns + self._watchdog_ns
        self._events.append(PeerOpened(name, found.origin_host, found.origin_realm, found.origin_state_id))

    def _receive_answer(self, header: Header) -> None:
        """DWA, DPA; an answer to nothing that we asked is passed by (DB-03)."""
        if header.hop_by_hop not in self._awaited:
            return
        self._awaited.discard(header.hop_by_hop)
        if header.command == DISCONNECT_PEER:
            self._close(PeerInput.DPA, "disconnected by us")

    def _receive_request(self, message: Message) -> None:
        """A request that is no CCR of credit control."""
        header = message.header
        if header.flags & FLAG_ERROR:
            raise PeerError(INVALID_HEADER_BITS, "the E bit is set in a request")
        if header.application not in (0, CREDIT_CONTROL_APPLICATION):
            raise PeerError(APPLICATION_UNSUPPORTED, f"application {header.application} is not served")
        known = _BASE_COMMANDS if header.application == 0 else _CREDIT_CONTROL_COMMANDS
        if header.command not in known or header.command in (RE_AUTH, ABORT_SESSION):
            raise PeerError(COMMAND_UNSUPPORTED, f"command {header.command} is not served")
        check_origin(message)
        if header.command == CREDIT_CONTROL:
            raise PeerError(TOO_BUSY, "this connection is being closed: ask over another")
        if header.command == DEVICE_WATCHDOG:
            self._out.append(write_watchdog_answer(header, self._identity))
        elif header.command == DISCONNECT_PEER:
            self._out.append(write_disconnect_answer(header, self._identity))
            self._close(PeerInput.DPR, "disconnected by the peer")
        else:
            raise PeerError(UNKNOWN_PEER, "capabilities were exchanged already")

    def on_deadline(self, now_ns: int) -> None:
        """The instant of next_deadline_ns has come."""
        if now_ns < self._deadline_ns or self.state is PeerState.CLOSED:
            return
        if self.state is PeerState.OPEN:
            self._move(PeerInput.WATCHDOG_DUE)
            self._out.append(write_watchdog_request(self._identity, self._ask()))
            self._deadline_ns = now_ns + self._watchdog_ns
        else:
            self._close(PeerInput.DEADLINE, f"no answer while the connection was: {self.state.value}")

    def stop(self, now_ns: int, cause: int = REBOOTING) -> None:
        """Say good-bye: DPR, then wait for the DPA."""
        if self.state is PeerState.CLOSED:
            return
        if self.state not in TAKES_REQUESTS:
            self._close(PeerInput.STOP, "stopped by us")
            return
        self._out.append(write_disconnect_request(self._identity, self._ask(), cause))
        self._move(PeerInput.STOP)
        self._deadline_ns = now_ns + _DISCONNECT_NS

    def on_disconnected(self) -> None:
        """The transport is gone."""
        if self.state is not PeerState.CLOSED:
            self._close(PeerInput.DISCONNECTED, "the peer closed the connection", abort=True)

    def _ask(self) -> int:
        """A hop-by-hop id for a request of ours."""
        hop_by_hop = self._next_hop_by_hop
        self._next_hop_by_hop = (hop_by_hop + 1) & 0xFFFFFFFF
        self._awaited.add(hop_by_hop)
        return hop_by_hop

    def _move(self, happened: PeerInput) -> None:
        self.state = NEXT_STATE[self.state, happened]

    def _close(self, happened: PeerInput, reason: str, *, abort: bool = False) -> None:
        before = self.state
        self._move(happened)
        if self.state is PeerState.CLOSED and before is not PeerState.CLOSED:
            if self.peer_name:
                self._registry.leave(self.peer_name)
            self._events.append(PeerClosed(reason, abort))

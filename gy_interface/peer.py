"""One peer connection of the base protocol, without I/O: octets in, events and octets out; time is passed in.

Once capabilities were exchanged the driver decodes CCRs by kernel and hands only other messages to `receive_message`, and
says once a tick that there was traffic; before that `receive_octets` takes everything.
"""

from collections import Counter
from typing import Final, Protocol

from gy_interface.base_messages import (
    APPLICATION_UNSUPPORTED,
    BASE_APPLICATION,
    CAPABILITIES_EXCHANGE,
    COMMAND_UNSUPPORTED,
    CREDIT_CONTROL_APPLICATION,
    DEVICE_WATCHDOG,
    DISCONNECT_PEER,
    NO_COMMON_APPLICATION,
    RELAY_APPLICATION,
    REQUEST_RULES,
    UNKNOWN_PEER,
    Capabilities,
    Identity,
    check_request,
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
from gy_interface.events import PeerClosed, PeerEvent, PeerOpened, SessionAnswered
from gy_interface.framing import (
    HEADER_OCTETS,
    Message,
    check_framing,
    check_request_bits,
    next_message,
    read_header,
)
from gy_interface.peer_transitions import NEXT_STATE, OPEN_STATES, TAKES_REQUESTS, PeerInput, PeerState
from gy_interface.session_messages import NO_RESULT, SessionRequest, read_result_code, write_session_request
from vocabulary.instants import FOREVER_NS, NS_PER_S
from vocabulary.limits import SESSION_REQUESTS_WAITING_MAX

REBOOTING: Final = 0
CLOSING_S: Final = 5
"""How long a DPA, or the end of the transport after ours, is waited for."""


class SharedSlots(Protocol):
    """Connections over all front ends: a slot each. A holder is whose connections are counted together."""

    def take(self, holder: str, most: int) -> bool:
        """One of the holder's `most` slots for a connection here; False where all are taken."""

    def give_back(self, holder: str) -> None:
        """Let go of one that was taken here."""


class PeerRegistry:
    """Which peers are connected how often, over all connections of a front end.

    The listed hosts of a peer hold its `connections_max` together. A host that `*` lets in holds so many by itself: who is
    let in unlisted has nothing to do with the others that are.

    slots   where several front ends count together
    """

    def __init__(self, config: GyConfig, slots: SharedSlots | None = None) -> None:
        self.config = config
        self._slots = slots
        self._counts: Counter[str] = Counter()
        self._held: Counter[str] = Counter()
        """by holder"""

    def count(self, peer_name: str) -> int:
        """Open connections of a peer."""
        return self._counts[peer_name]

    def try_enter(self, peer_name: str, origin_host: str) -> bool:
        """A connection of the peer's host opens; False where its holder has all that it may have."""
        most = self.config.peers[peer_name].connections_max
        holder = self._holder_of(peer_name, origin_host)
        if self._held[holder] >= most:
            return False
        if self._slots is not None and not self._slots.take(holder, most):
            return False
        self._held[holder] += 1
        self._counts[peer_name] += 1
        return True

    def leave(self, peer_name: str, origin_host: str) -> None:
        """It is closed."""
        holder = self._holder_of(peer_name, origin_host)
        self._counts[peer_name] -= 1
        self._held[holder] -= 1
        if not self._held[holder]:
            del self._held[holder]  # hosts that come and go leave nothing
        if self._slots is not None:
            self._slots.give_back(holder)

    def _holder_of(self, peer_name: str, origin_host: str) -> str:
        """The peer, or a host of its that isn't listed."""
        host = origin_host.lower()
        is_listed = any(host == listed.lower() for listed in self.config.peers[peer_name].origin_hosts)
        return peer_name if is_listed else f"{peer_name} {host}"


class Peer:
    """A connection that a peer opened to us.

    jitter_ns   added to Tw, so that not all connections are asked at once (RFC 3539 §3.4.1: within 2 s)
    """

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
        self._next_identifier = 1
        self._awaited: dict[int, int] = {}  # command of each request of ours by its hop-by-hop id
        self._asked: dict[int, tuple[int, int]] = {}  # command and end-to-end id of each RAR and ASR, likewise

    @property
    def takes_requests(self) -> bool:
        """Are CCRs decoded on this connection?"""
        return self.state in TAKES_REQUESTS

    @property
    def awaits_capabilities(self) -> bool:
        """Has it not said yet who it is?"""
        return self.state is PeerState.WAIT_CER

    @property
    def is_open(self) -> bool:
        """May requests of ours be sent on it?"""
        return self.state in OPEN_STATES

    @property
    def is_closed(self) -> bool:
        """Is nothing taken any more?"""
        return self.state is PeerState.CLOSED

    @property
    def next_deadline_ns(self) -> int:
        """When `on_deadline` is to be called next; FOREVER_NS once the connection is closed."""
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

    # --- what arrives ----------------------------------------------------------------------------------------------------

    def on_traffic(self, now_ns: int) -> None:
        """Whole messages were received: Tw starts again (RFC 3539 §3.4.1); the time for a good-bye doesn't."""
        if self.is_open:
            self._move(PeerInput.MESSAGE)
            self._deadline_ns = now_ns + self._watchdog_ns

    def receive_octets(self, octets: bytes, now_ns: int) -> bytes:
        """Take octets of the stream up to the CER; once it was accepted, those behind it come back for the kernels."""
        if self.state is not PeerState.WAIT_CER:
            return octets if self.takes_requests else b""
        received, self._received = self._received + octets, b""
        try:
            message = next_message(received)
        except PeerError as error:
            self._fault(error, received[:HEADER_OCTETS])
            return b""
        if message is None:
            self._received = received
            return b""
        self._receive(message, now_ns)
        return received[message.header.length :] if self.takes_requests else b""

    def receive_message(self, octets: bytes, now_ns: int) -> None:
        """Take one whole message that is no CCR, of a connection that took requests when its octets came."""
        if not self.is_closed:
            self._receive(Message(read_header(octets), octets), now_ns)

    def on_fault(self, octets: bytes) -> None:
        """The stream can't be framed from `octets` on, a header or more: answer what can be answered, and close."""
        try:
            check_framing(octets[0], read_header(octets))
        except PeerError as error:
            self._fault(error, octets[:HEADER_OCTETS])
        else:
            raise AssertionError("the kernel can't frame what check_framing can")

    def _fault(self, error: PeerError, octets: bytes) -> None:
        """DB-19: octets that can't be framed end the connection; a request whose header can be read is answered first."""
        if self.is_closed:
            return
        header = read_header(octets)
        if self.state in TAKES_REQUESTS and header.is_request:
            message = Message(header, octets)
            self._out.append(write_error_answer(message, self._identity, error.result_code, error.reason))
            self._close(PeerInput.FAULT, error.reason)
        else:
            self._close(PeerInput.FAULT, error.reason, abort=True)

    def _receive(self, message: Message, now_ns: int) -> None:
        header = message.header
        if self.state is PeerState.WAIT_CER:
            if header.command == CAPABILITIES_EXCHANGE and header.is_request and header.application == BASE_APPLICATION:
                self._receive_capabilities(message, now_ns)
            else:
                self._close(PeerInput.CER_REFUSED, "the first message is no Capabilities-Exchange-Request", abort=True)
            return
        self.on_traffic(now_ns)
        if not header.is_request:
            self._receive_answer(message)
            return
        try:
            self._receive_request(message, now_ns)
        except PeerError as error:
            code, reason, failed = error.result_code, error.reason, error.failed_avp
            self._out.append(write_error_answer(message, self._identity, code, reason, failed))

    def _receive_capabilities(self, message: Message, now_ns: int) -> None:
        """CER on a new connection (RFC 6733 §5.3): a known peer with room and a common application is let in."""
        try:
            check_request_bits(message.header)
            found = read_capabilities(message)
            name = self._registry.config.peer_of(found.origin_host)
            if name is None:
                raise PeerError(UNKNOWN_PEER, f"{found.origin_host} is no peer of ours")
            check_request(message, lenient=self._registry.config.peers[name].lenient)
            if not found.applications & {CREDIT_CONTROL_APPLICATION, RELAY_APPLICATION}:
                raise PeerError(NO_COMMON_APPLICATION, f"{found.origin_host} doesn't speak credit control (4)")
            if not self._registry.try_enter(name, found.origin_host):
                raise PeerError(UNKNOWN_PEER, f"{found.origin_host} has all the connections that it may have")
        except PeerError as error:
            code, reason, failed = error.result_code, error.reason, error.failed_avp
            self._out.append(write_capabilities_answer(message.header, self._identity, code, reason, failed))
            self._close(PeerInput.CER_REFUSED, reason)
            return
        self._out.append(write_capabilities_answer(message.header, self._identity))
        self.peer_name, self.capabilities = name, found
        self._move(PeerInput.CER_ACCEPTED)
        self._deadline_ns = now_ns + self._watchdog_ns
        self._events.append(PeerOpened(name, found.origin_host, found.origin_realm, found.origin_state_id))

    def _receive_answer(self, message: Message) -> None:
        """DWA, DPA, RAA, ASA; an answer to nothing that we asked is passed by (RFC 6733 §3, Hop-by-Hop Identifier)."""
        header = message.header
        if self._asked.get(header.hop_by_hop) == (header.command, header.end_to_end):
            del self._asked[header.hop_by_hop]
            try:
                result_code = read_result_code(message)
            except PeerError:
                result_code = NO_RESULT
            self._events.append(SessionAnswered(header.hop_by_hop, result_code))
            return
        if self._awaited.get(header.hop_by_hop) != header.command:
            return
        del self._awaited[header.hop_by_hop]
        if header.command == DISCONNECT_PEER:
            self._close(PeerInput.DPA, "disconnected by us")

    def _receive_request(self, message: Message, now_ns: int) -> None:
        """A request that is no CCR, which the kernels take. PeerError says how it is refused."""
        header = message.header
        check_request_bits(header)
        if header.application not in (BASE_APPLICATION, CREDIT_CONTROL_APPLICATION):
            raise PeerError(APPLICATION_UNSUPPORTED, f"application {header.application} is not served")
        if header.application != BASE_APPLICATION or header.command not in REQUEST_RULES:
            raise PeerError(COMMAND_UNSUPPORTED, f"command {header.command} is not served")
        check_request(message, lenient=self._registry.config.peers[self.peer_name].lenient)
        if header.command == CAPABILITIES_EXCHANGE:
            raise PeerError(UNKNOWN_PEER, "capabilities were exchanged on this connection already")
        if header.command == DEVICE_WATCHDOG:
            self._out.append(write_watchdog_answer(header, self._identity))
            return
        self._out.append(write_disconnect_answer(header, self._identity))
        self._move(PeerInput.DPR)
        self._deadline_ns = now_ns + CLOSING_S * NS_PER_S

    # --- what time and we bring ------------------------------------------------------------------------------------------

    def on_deadline(self, now_ns: int) -> None:
        """The instant of next_deadline_ns has come; nothing happens before it."""
        if now_ns < self._deadline_ns or self.is_closed:
            return
        before = self.state
        if NEXT_STATE[before, PeerInput.DEADLINE] is PeerState.CLOSED:
            self._close(PeerInput.DEADLINE, f"nothing came while the connection was: {before.value}", abort=True)
            return
        self._move(PeerInput.DEADLINE)
        self._deadline_ns = now_ns + self._watchdog_ns
        if before is PeerState.OPEN:
            self._out.append(write_watchdog_request(self._identity, self._ask(DEVICE_WATCHDOG)))

    def stop(self, now_ns: int, cause: int = REBOOTING) -> None:
        """Say good-bye: DPR, then wait for the DPA. Where capabilities weren't exchanged, or it was said, nothing is sent."""
        if self.is_closed:
            return
        if self.state is PeerState.WAIT_CER:
            self._close(PeerInput.STOP, "stopped by us")
            return
        if self.is_open:
            self._out.append(write_disconnect_request(self._identity, self._ask(DISCONNECT_PEER), cause))
            self._deadline_ns = now_ns + CLOSING_S * NS_PER_S
        self._move(PeerInput.STOP)

    def give_way(self) -> None:
        """End a connection that awaits capabilities, for a newer one."""
        self._close(PeerInput.STOP, "it had said nothing yet, and a newer connection needed its place", abort=True)

    def ask_session(self, asked: SessionRequest, end_to_end: int) -> int | None:
        """Send an RAR or ASR; its hop-by-hop id, by which SessionAnswered names it. None: this connection takes none now.

        end_to_end   unlike that of any other request of ours (RFC 6733 §3)
        """
        if not self.is_open or len(self._asked) >= SESSION_REQUESTS_WAITING_MAX:
            return None
        identifier = self._new_identifier()
        self._asked[identifier] = (asked.command, end_to_end)
        self._out.append(write_session_request(asked, self._identity, identifier, end_to_end))
        return identifier

    def forget_asked(self, identifier: int) -> None:
        """An RAR or ASR is waited for no longer; its answer is passed by."""
        self._asked.pop(identifier, None)

    def on_disconnected(self) -> None:
        """The transport is gone."""
        if not self.is_closed:
            self._close(PeerInput.DISCONNECTED, "the peer closed the connection", abort=True)

    def _ask(self, command: int) -> int:
        """An id for a request of ours, on the way from here on. At most one of each command waits for its answer."""
        for identifier, waiting in list(self._awaited.items()):
            if waiting == command:
                del self._awaited[identifier]
        identifier = self._new_identifier()
        self._awaited[identifier] = command
        return identifier

    def _new_identifier(self) -> int:
        identifier = self._next_identifier
        self._next_identifier = (identifier + 1) & 0xFFFFFFFF
        return identifier

    def _move(self, happened: PeerInput) -> None:
        self.state = NEXT_STATE[self.state, happened]

    def _close(self, happened: PeerInput, reason: str, *, abort: bool = False) -> None:
        self._move(happened)
        assert self.is_closed, "only what ends a connection comes here"
        self._deadline_ns = FOREVER_NS
        if self.capabilities is not None:
            self._registry.leave(self.peer_name, self.capabilities.origin_host)
        self._events.append(PeerClosed(reason, abort))

"""The Gy front end's sockets: ticks that decode what all connections received, and answers with one write a connection.

The driver decides nothing: capabilities, watchdog and disconnect are gy_interface/peer.py, requests and answers are the
kernels of ccr.py and cca.py, and what a request comes to is the engine's.
"""

import asyncio
import random
import socket
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import numpy as np
import structlog
from numpy.typing import NDArray

from charging.batch import (
    COMMAND_LEVEL_LIMIT,
    ENDS_AT_TARIFF_CHANGE,
    NEVER_COUNTS,
    AnsweredBatch,
    UsageBatch,
    new_answer_batch,
    new_usage_batch,
)
from charging.batch_rows import answer_refused, hold_answered
from charging.final_units import FinalUnit
from gy_interface.base_messages import Identity
from gy_interface.cca import ANSWER_SPAN_DTYPE, answer_octets_max
from gy_interface.ccr import NEEDS_ROOM, NOT_FRAMED
from gy_interface.codec_rules import Sender, new_answer_order, new_answer_rules, new_decode_rules, new_sender
from gy_interface.config import GyConfig
from gy_interface.dictionary import failed_avp_examples, recognised_keys
from gy_interface.edge.connection import GyConnection
from gy_interface.edge.session_teller import SessionTeller
from gy_interface.events import PeerClosed, PeerOpened, SessionAnswered
from gy_interface.final_units import new_final_avps
from gy_interface.framing import HEADER_OCTETS
from gy_interface.held_codec import HELD_ANSWERS, HELD_TICK, AnswerMemory, TickMemory, decode_received, encode_batch
from gy_interface.opening_avps import new_opening_avps
from gy_interface.peer import Peer, PeerRegistry, SharedSlots
from vocabulary.held import Held
from vocabulary.limits import BATCH_REQUESTS_MAX

OUT_OCTETS: Final = 1 << 20
OTHERS_MAX: Final = 1024
DEADLINE_CHECK_S: Final = 0.5
JITTER_NS: Final = 2_000_000_000


class GyServer:
    """Listens, keeps the connections, and drives codec and peers.

    offer       takes a decoded tick; how many requests of it have an outcome, and are answered here, when it returns
    answered    is told of every batch whose answers were written
    tenants     tenant numbers by name
    secret      uint64[2] of the store, for digests
    now_ns      the clock
    slots       where several front ends count their peers' connections together
    on_gone     told of each connection that ended
    """

    def __init__(
        self,
        config: GyConfig,
        *,
        offer: Callable[[UsageBatch], int],
        answered: Callable[[Held[AnsweredBatch]], None] = lambda answered: None,
        now_ns: Callable[[], int],
        tenants: Mapping[str, int],
        secret: NDArray[np.uint64],
        origin_state_id: int,
        on_connections: Callable[[str, int], None] = lambda peer, count: None,
        slots: SharedSlots | None = None,
        on_gone: Callable[[], None] = lambda: None,
    ) -> None:
        self._config = config
        self._offer = offer
        self._answered = answered
        self._now_ns = now_ns
        self._tenants = tenants
        self._origin_state_id = origin_state_id
        self._on_connections = on_connections
        self._registry = PeerRegistry(config, slots)
        self._connections: list[GyConnection | None] = [None] * config.connections_max
        self.teller = SessionTeller(self._connections)
        """sends what we begin"""
        self._epochs = 0
        self._peer_numbers = {name: number for number, name in enumerate(config.peers)}
        self._ready: list[GyConnection] = []
        self._is_tick_due = False
        self._batch = new_usage_batch()
        self._refused = hold_answered(self._batch, new_answer_batch())
        keys = recognised_keys()
        self._others = np.zeros((OTHERS_MAX, 2), np.int64)
        rules = new_decode_rules(secret, keys, keys, config.origin_host, config.origin_realm)
        self._tick = Held(TickMemory(self._batch, rules, self._others), HELD_TICK)
        answer_rules = new_answer_rules(
            config.origin_host,
            config.origin_realm,
            failed_avp_examples(),
            openings=new_opening_avps(config.peers.values()),
        )
        assert answer_octets_max(answer_rules) <= OUT_OCTETS, "the longest answer must fit"
        order = new_answer_order(config.connections_max, 2 * BATCH_REQUESTS_MAX)
        out = np.zeros(OUT_OCTETS, np.uint8)
        self._out_view = out.data
        self._spans = np.zeros(config.connections_max, ANSWER_SPAN_DTYPE)
        self._answers = Held(AnswerMemory(order, answer_rules, out, self._spans), HELD_ANSWERS)
        self._final_units: dict[int, FinalUnit] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._server: asyncio.Server | None = None
        self._is_closing = False
        self._said_good_bye: list[GyConnection] = []
        self._parted = asyncio.Event()
        """set while it closes, when a connection said good-bye or is gone"""
        self._on_gone = on_gone
        self._log = structlog.get_logger(process="gy")

    def use_final_units(self, units: Mapping[int, FinalUnit]) -> None:
        """Texts that answers may name from now on, by their numbers; those told before stay."""
        if units.keys() <= self._final_units.keys():
            return
        self._final_units.update(units)
        memory = self._answers.value
        rules = memory.rules._replace(finals=new_final_avps(self._final_units))
        self._answers = Held(memory._replace(rules=rules), HELD_ANSWERS)

    async def start(self) -> int:
        """Listen; the port that it is."""
        self.begin()
        assert self._loop is not None
        self._server = await self._loop.create_server(
            self._protocol, self._config.host, self._config.port, reuse_address=True, backlog=512
        )
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def begin(self) -> None:
        """Serve connections that are accepted elsewhere, and given to `adopt`."""
        self._loop = asyncio.get_running_loop()
        self._check_deadlines()

    async def adopt(self, accepted: socket.socket) -> None:
        """Serve a connection that somebody else accepted. OSError where it has ended meanwhile."""
        assert self._loop is not None
        await self._loop.connect_accepted_socket(self._protocol, accepted)

    @property
    def connection_count(self) -> int:
        """Connections that it has now."""
        return sum(connection is not None for connection in self._connections)

    def _protocol(self) -> GyConnection:
        """A protocol in a free slot, or in one that is made free; one of no slot is closed as soon as it is made."""
        self._epochs += 1
        if None not in self._connections:
            self.make_room()
        index = self._connections.index(None) if None in self._connections else -1
        connection = GyConnection(self, index, self._epochs)
        if index >= 0:
            self._connections[index] = connection
        return connection

    def make_room(self) -> bool:
        """End the oldest connection whose peer hasn't said who it is, for a new one; False where there is none.

        Else whoever holds silent connections keeps peers out for `cer_timeout_s`. One whose octets wait for the tick stays.
        """
        silent = [
            connection
            for connection in self._connections
            if connection is not None
            and connection.peer is not None
            and connection.peer.awaits_capabilities
            and not connection.is_ready
        ]
        if not silent:
            return False
        oldest = min(silent, key=lambda connection: connection.epoch)
        assert oldest.peer is not None
        self._connections[oldest.index] = None
        oldest.peer.give_way()
        self._take_events(oldest)
        return True

    # --- connections -----------------------------------------------------------------------------------------------------

    def accept(self, connection: GyConnection) -> Peer | None:
        """A connection was made: its peer, in the state that waits for capabilities."""
        assert connection.transport is not None
        if connection.index < 0:
            self._log.warning("connection refused: all slots are taken", connections_max=self._config.connections_max)
            connection.close(abort=True)
            return None
        address = connection.transport.get_extra_info("sockname")[0]
        identity = Identity(
            self._config.origin_host, self._config.origin_realm, self._origin_state_id, (address.partition("%")[0],)
        )
        jitter_ns = random.randint(-JITTER_NS, JITTER_NS)
        return Peer(self._registry, identity, now_ns=self._now_ns(), jitter_ns=jitter_ns)

    def forget(self, connection: GyConnection) -> None:
        """A connection is gone."""
        if connection.peer is not None:
            connection.peer.on_disconnected()
            self._take_events(connection)
        self.teller.on_gone(connection)
        if connection.index >= 0 and self._connections[connection.index] is connection:
            self._connections[connection.index] = None
        self._parted.set()
        self._on_gone()

    def _take_events(self, connection: GyConnection) -> None:
        """Write what the peer says and follow what happened to it."""
        peer = connection.peer
        assert peer is not None
        connection.write(peer.take_octets())
        for event in peer.take_events():
            if isinstance(event, PeerOpened):
                connection.receive_as(self._sender_of(connection, event.peer_name))
                self._log.info("peer connected", peer=event.peer_name, origin_host=event.origin_host)
            elif isinstance(event, SessionAnswered):
                self.teller.on_answered(connection, event)
                continue
            elif isinstance(event, PeerClosed):
                self._log.info("peer disconnected", peer=peer.peer_name or "-", reason=event.reason)
                if self._is_closing and not event.abort:
                    self._said_good_bye.append(connection)  # answers that are under way are still written
                    self._parted.set()
                else:
                    connection.close(abort=event.abort)
            if peer.peer_name:
                self._on_connections(peer.peer_name, self._registry.count(peer.peer_name))

    def _sender_of(self, connection: GyConnection, peer_name: str) -> Sender:
        peer = self._config.peers[peer_name]
        presence = COMMAND_LEVEL_LIMIT if peer.credit_limit_level == "command" else 0
        presence |= NEVER_COUNTS if peer.counts == "never" else 0
        presence |= ENDS_AT_TARIFF_CHANGE if peer.tariff_change == "ends_grant" else 0
        return new_sender(
            connection.index,
            connection.epoch,
            self._peer_numbers[peer_name],
            self._tenants[peer.tenant],
            presence,
            peer.lenient,
        )

    def _check_deadlines(self) -> None:
        if self._loop is None:
            return
        self._loop.call_later(DEADLINE_CHECK_S, self._check_deadlines)
        now_ns = self._now_ns()
        for connection in self._connections:
            if connection is not None and connection.peer is not None and connection.peer.next_deadline_ns <= now_ns:
                connection.peer.on_deadline(now_ns)
                self._take_events(connection)

    # --- requests --------------------------------------------------------------------------------------------------------

    def mark_ready(self, connection: GyConnection) -> None:
        """Octets wait on a connection: a tick reads them, with those of all others, when this round of reads is over."""
        if not connection.is_ready:
            connection.is_ready = True
            self._ready.append(connection)
        if not self._is_tick_due:
            self._is_tick_due = True
            assert self._loop is not None
            self._loop.call_soon(self.tick)

    def tick(self) -> None:
        """Decode what all connections received, and offer it as one batch."""
        self._is_tick_due = False
        ready, self._ready = self._ready, []
        now_ns = self._now_ns()
        for connection in ready:
            connection.is_ready = False  # all of them first: what fails for one must not silence the others
        for connection in ready:
            if not connection.is_ending and connection.peer is not None:
                self._read(connection, connection.peer, now_ns)
        self._flush()

    def _read(self, connection: GyConnection, peer: Peer, now_ns: int) -> None:
        """One connection's octets: requests into the batch, all else to its peer."""
        if not peer.takes_requests:
            rest = peer.receive_octets(bytes(connection.received[: connection.length]), now_ns)
            connection.drop_consumed(connection.length - len(rest))
            self._take_events(connection)
            if not rest or connection.is_ending:
                return
        while True:
            assert connection.held is not None
            consumed, others, stopped = decode_received(
                connection.held.octets, connection.length, self._tick.octets, now_ns
            )
            if consumed:
                peer.on_traffic(now_ns)
            if others:
                for offset, length in self._others[:others].tolist():
                    peer.receive_message(bytes(connection.received[offset : offset + length]), now_ns)
            if stopped == NOT_FRAMED:
                self._flush()
                peer.on_fault(bytes(connection.received[consumed : consumed + HEADER_OCTETS]))
            connection.drop_consumed(consumed)
            if others or stopped == NOT_FRAMED:
                self._take_events(connection)
            if stopped != NEEDS_ROOM or connection.is_ending:
                return
            self._flush()
            if others == OTHERS_MAX:  # each of these costs Python time: the other connections come first
                self.mark_ready(connection)
                return

    def _flush(self) -> None:
        """Offer the tick's requests; those that nobody will decide are answered here."""
        if not self._batch.counts[0]:
            return
        try:
            if self._offer(self._batch):
                answer_refused(*self._refused.value)
                self.deliver(self._refused)
        finally:
            self._batch.counts[:] = 0

    def deliver(self, answered: Held[AnsweredBatch]) -> None:
        """Write the answers of a batch to the connections that asked; those of connections that are gone are dropped."""
        place, count = 0, 1
        while place < count:
            place, count, spans = encode_batch(answered.octets, self._answers.octets, place, count)
            for index, epoch, offset, length, _ in self._spans[:spans].tolist():
                connection = self._connections[index]
                if connection is not None and connection.epoch == epoch:
                    connection.write(bytes(self._out_view[offset : offset + length]))
        self._answered(answered)

    async def close(self, *, wait_s: float = 2.0, drain: Callable[[float], Awaitable[None]] | None = None) -> None:
        """Take no connection more, say good-bye to each peer, and wait a little for their answers.

        Requests that a peer sent before it had read our good-bye are taken as any other until it answers that.

        drain   waits so long at most until what was offered is delivered: a connection ends behind its last answer
        """
        if self._loop is None:
            return
        if self._server is not None:
            self._server.close()
            self._server = None
        now_ns = self._now_ns()
        self._is_closing = True
        for connection in self._connections:
            if connection is not None and connection.peer is not None:
                connection.peer.stop(now_ns)
                self._take_events(connection)
        ends = self._loop.time() + wait_s
        while await self._has_parted(ends):
            said_good_bye, self._said_good_bye = self._said_good_bye, []
            if drain is not None and said_good_bye:
                await drain(max(ends - self._loop.time(), 0))
            for connection in said_good_bye:
                connection.close(abort=False)
        for connection in self._connections:
            if connection is not None and not connection.is_ending:
                connection.close(abort=True)  # it didn't answer
        ends = self._loop.time() + wait_s
        while await self._has_parted(ends):
            pass
        self._loop = None
        for connection in self._connections:
            if connection is not None:
                connection.close(abort=True)

    async def _has_parted(self, ends: float) -> bool:
        """Wait until another connection said good-bye or is gone; False where none is left, or the loop's time is `ends`."""
        if self._said_good_bye:
            return True
        if all(connection is None for connection in self._connections):
            return False
        self._parted.clear()
        try:
            async with asyncio.timeout_at(ends):
                await self._parted.wait()
        except TimeoutError:
            return bool(self._said_good_bye)
        return True

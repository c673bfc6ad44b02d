"""A charged session in this process, before anything serves: every kernel that serving calls runs once, with its types.

A Gy server on a free loopback port, batcher and one pipeline over a store in memory, and a client that opens a session,
reports, ends it, charges an event and makes mistakes; then the same through a second server, which hands over. Exchanges
are written and read as octets of the store's protocol as well, so that its kernels are compiled. If anything here goes
wrong, so would serving: the process ends with the error.
"""

import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import structlog
from numpy.typing import NDArray

from balances.commands import Change, Credit, Open, Terms
from balances.edge.memory_store import MemoryStore
from balances.exchange_request import Awaited, ExchangeRequest
from balances.keys import identity_key
from balances.resp import WALK_DONE, Spans, Walk, start_walk, walk_replies
from balances.store import Commit, Exchanged, Expiring, Load, Loaded, PartitionConnection, StoreMeta
from charging.answer_tally import new_tally, tally_answers
from charging.batch import EVENT, INITIAL, TERMINATION, UPDATE, UsageBatch
from charging.batch_rows import refuse_undecided
from charging.handed_rows import (
    HELD_HANDED,
    REFUSE_ALL,
    end_overdue,
    keep_rows,
    new_handed_answers,
    refuse_some,
    send_rest,
    skip_answers,
    take_back,
)
from charging.routing import order_by_place, refuse_excess
from charging.tariff_tables import (
    ANY,
    OFFER_DTYPE,
    PRICE_DTYPE,
    RELEASE_DTYPE,
    FinalAction,
    TariffTables,
)
from gy_interface.avp import walk
from gy_interface.avp import write as avp
from gy_interface.config import GyConfig
from gy_interface.edge.server import GyServer
from gy_interface.framing import FLAG_PROXIABLE, FLAG_REQUEST, HEADER_OCTETS, Header, read_header, write_message
from runtime.batch_decision import Deciding, fill_expiry_row
from runtime.batch_in_flight import BatchInFlight, BatchPool
from runtime.batcher import Batcher
from runtime.chf_rehearsal import rehearse_chf
from runtime.clock import SystemClock
from runtime.commands_reader import append_command
from runtime.engine_links import ENGINE_SUFFIX, EngineLinks
from runtime.gathering import Gathering
from runtime.handoff_server import HandoffServer
from runtime.kept_ticks import Tick
from runtime.partition_pipeline import PartitionPipeline
from vocabulary.held import Held
from vocabulary.instants import FOREVER_NS
from vocabulary.limits import BATCH_REQUESTS_MAX
from vocabulary.outcomes import Outcome
from vocabulary.units import Unit

WITHIN_S: Final = 1200.0
_CREDIT_CONTROL: Final = 272
_APPLICATION: Final = 4
_RESULT_CODE: Final = 268
_VENDOR_3GPP: Final = 10415
_HOST: Final = "rehearsal.farebox.example"
_IMSI: Final = "001010000000001"
_CONTEXT: Final = 32251
_KEPT_OCTETS: Final = 1 << 16


class _OctetsConnection:
    """A connection in memory whose exchanges are also written and read in the store's protocol."""

    def __init__(self, inner: PartitionConnection) -> None:
        self._inner = inner
        self._request = ExchangeRequest("p0")
        self._walk = np.zeros(Walk.SIZE, np.int64)
        self._spans = Spans(3 * BATCH_REQUESTS_MAX)

    def exchange(self, commit: Commit | None, load: Load | None, done: Callable[[Exchanged], None]) -> None:
        """See PartitionConnection."""
        if commit is not None:
            commit.expiring = [*commit.expiring, Expiring("rehearsal", b"1", 1)]
        awaited = self._request.build(commit, load)

        def on_done(exchanged: Exchanged) -> None:
            if exchanged.loaded is not None:
                exchanged.loaded = self._read(exchanged.loaded, awaited)
            done(exchanged)

        self._inner.exchange(commit, load, on_done)

    def close(self) -> None:
        """See PartitionConnection."""
        self._inner.close()

    def _read(self, loaded: Loaded, awaited: Awaited) -> Loaded:
        """What the store would have sent, walked by the kernels."""
        firsts = [*loaded.first.tolist(), *loaded.answered_first.tolist()]
        lengths = [*loaded.octets.tolist(), *loaded.answered_octets.tolist()]
        values = [b"1:owner", b"0-0"]
        values += [bytes(loaded.source[first : first + length]) for first, length in zip(firsts, lengths, strict=True)]
        values += [value or b"" for value in loaded.values]
        body = b"".join(b"$%d\r\n%b\r\n" % (len(value), value) if value else b"$-1\r\n" for value in values)
        octets = b"+OK\r\n"
        if awaited.queued:
            done = b"*%d\r\n" % awaited.queued + b":1\r\n" * awaited.queued
            octets = b"+OK\r\n" + b"+QUEUED\r\n" * awaited.queued + done + b"+OK\r\n" * (awaited.session_keys + 1)
        octets += b"*%d\r\n" % len(values) + body
        buffer = np.frombuffer(bytearray(octets), np.uint8)
        start_walk(self._walk, awaited.replies, len(values), awaited.queued)
        spans = self._spans
        state = walk_replies(buffer, len(octets), self._walk, spans.kinds, spans.first, spans.octets)
        assert state == WALK_DONE, "the rehearsal's own reply is not understood"
        leaf = int(self._walk[Walk.LEAF]) - awaited.loaded
        slots, answered = len(loaded.first), len(loaded.answered_first)
        return Loaded(
            source=buffer,
            first=spans.first[leaf : leaf + slots],
            octets=spans.octets[leaf : leaf + slots],
            answered_first=spans.first[leaf + slots : leaf + slots + answered],
            answered_octets=spans.octets[leaf + slots : leaf + slots + answered],
            values=loaded.values,
        )


class _Events:
    """PipelineEvents that nothing may happen to."""

    def on_committed(self, partition: int, request_count: int, now_ns: int) -> None:
        """See PipelineEvents."""

    def on_away(self, partition: int, reason: str) -> None:
        """See PipelineEvents."""
        raise RuntimeError(f"rehearsal: {reason}")

    def on_diverged(self, partition: int, stored_tail: str) -> None:
        """See PipelineEvents."""
        raise RuntimeError(f"rehearsal: store at {stored_tail}")

    def on_lost(self, partition: int, stored_token: str) -> None:
        """See PipelineEvents."""
        raise RuntimeError(f"rehearsal: store owned by {stored_token}")

    def on_quarantined(self, partition: int, reason: str, batch: BatchInFlight) -> None:
        """See PipelineEvents."""
        raise RuntimeError(f"rehearsal: {reason}")


def _tables() -> TariffTables:
    """One offer with one price for everything."""
    releases, offers, prices = np.zeros(1, RELEASE_DTYPE), np.zeros(1, OFFER_DTYPE), np.zeros(1, PRICE_DTYPE)
    releases[0] = (1, 1, 0)
    offers[0] = (1, 1, 1, 0, 1)
    for name, value in {
        "service_context": _CONTEXT,
        "rating_group": ANY,
        "service_identifier": ANY,
        "block_units": 1,
        "price_micros": 1,
        "grant_units": 10,
        "grant_units_min": 1,
        "grant_units_max": 100,
        "validity_s": 60,
        "price": 1,
        "allowance_count": 1,
        "unit": int(Unit.OCTETS),
        "has_price": 1,
        "final_action": int(FinalAction.TERMINATE),
    }.items():
        prices[name] = value
    return TariffTables(releases, offers, prices, np.array([7], np.int32))


# --- the client ------------------------------------------------------------------------------------------------------
def _number(code: int, value: int, octets: int = 4) -> bytes:
    return avp(code, value.to_bytes(octets, "big"))


def _mscc(request_type: int) -> bytes:
    requested = avp(437, _number(421, 20, 8)) if request_type != TERMINATION else b""
    used = avp(446, _number(421, 5, 8)) if request_type in (UPDATE, TERMINATION) else b""
    return avp(456, _number(432, 1) + requested + used)


def _request(
    request_type: int,
    number: int,
    *,
    session: str,
    realm: str = "farebox.example",
    is_identified: bool = True,
) -> bytes:
    """A CCR of the rehearsal's subscriber; without Subscription-Id where it isn't identified."""
    body = avp(263, f"{_HOST};1;{session}".encode()) + avp(264, _HOST.encode()) + avp(296, b"farebox.example")
    body += avp(283, realm.encode()) + _number(258, _APPLICATION) + avp(461, b"32251@3gpp.org")
    body += _number(416, request_type) + _number(415, number) + _number(55, 3_900_000_000)
    body += avp(443, _number(450, 1) + avp(444, _IMSI.encode())) if is_identified else b""
    body += _number(436, 0) if request_type == EVENT else b""
    body += _mscc(request_type) + avp(873, avp(874, b"", vendor=_VENDOR_3GPP), vendor=_VENDOR_3GPP)
    header = Header(0, FLAG_REQUEST | FLAG_PROXIABLE, _CREDIT_CONTROL, _APPLICATION, number + 1, number + 1)
    return write_message(header, body)


def _capabilities() -> bytes:
    body = avp(264, _HOST.encode()) + avp(296, b"farebox.example") + avp(257, b"\0\1\x7f\0\0\1")
    body += _number(266, 0) + avp(269, b"rehearsal") + _number(258, _APPLICATION)
    return write_message(Header(0, FLAG_REQUEST, 257, 0, 1, 1), body)


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, message: bytes) -> int:
    """Send one request; the Result-Code of its answer."""
    writer.write(message)
    head = await reader.readexactly(HEADER_OCTETS)
    answer = head + await reader.readexactly(read_header(head).length - HEADER_OCTETS)
    return next(
        int.from_bytes(found.data, "big") for found in walk(answer, HEADER_OCTETS) if found.code == _RESULT_CODE
    )


async def _play_client(port: int, name: str) -> None:
    """The script, with sessions that begin with `name`."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    script = (
        (_capabilities(), 2001),
        (_request(INITIAL, 0, session=f"{name}1"), 2001),
        (_request(UPDATE, 1, session=f"{name}1"), 2001),
        (_request(UPDATE, 2, session=f"{name}1", is_identified=False), 2001),
        (_request(UPDATE, 2, session=f"{name}1", is_identified=False), 2001),
        (_request(TERMINATION, 3, session=f"{name}1"), 2001),
        (_request(EVENT, 0, session=f"{name}2"), 2001),
        (_request(EVENT, 0, session=f"{name}2"), 2001),
        (_request(INITIAL, 0, session=f"{name}3", realm="elsewhere.example"), 3002),
        (_request(UPDATE, 0, session=f"{name}4"), 5002),
    )
    for step, (message, expected) in enumerate(script):
        result = await _ask(reader, writer, message)
        if result != expected:
            raise RuntimeError(f"rehearsal: step {step} is answered {result}, not {expected}")
    writer.close()


# --- the server ------------------------------------------------------------------------------------------------------
def _open_account() -> list[Open | Change]:
    credit = Credit(Unit.MONEY, 1000, 0, 0, FOREVER_NS, 0)
    terms = Terms(currency=978, offer=1, release=0, credits=(credit,))
    identity = identity_key(1, "imsi", _IMSI)
    return [Open("rehearsal.1", 1, 1, (identity,), terms), Change("rehearsal.2", 1, 1, amounts=(credit,))]


def _gy_server(offer: Callable[[UsageBatch], int], clock: SystemClock, secret: NDArray[np.uint64]) -> GyServer:
    return GyServer(
        GyConfig(port=0, watchdog_s=3600, cer_timeout_s=300),  # compiling takes longer than a watchdog waits
        offer=offer,
        answered=lambda answered: tally_answers(answered.octets, new_tally()),
        now_ns=clock.now_ns,
        tenants={"default": 1},
        secret=secret,
        origin_state_id=1,
    )


async def _play_front_end(socket: Path, clock: SystemClock, store: MemoryStore, meta: StoreMeta) -> None:
    """The script once more, through a front end that hands over."""
    links = EngineLinks(
        socket.parent,
        meta=meta,
        store=store,
        name="rehearsal",
        deliver=lambda answered: server.deliver(answered),
        now_ns=clock.now_ns,
        grace_s=WITHIN_S,
    )
    server = _gy_server(links.offer, clock, meta.secret)
    await links.start()
    await links.wait_up()
    await _play_client(await server.start(), "handed")
    await server.close(wait_s=0.1)
    await links.close()


def _call_rare_kernels(batch: UsageBatch) -> None:
    """What a front end calls when an engine was lost or says nothing, on a batch without rows."""
    tick, handed = Tick(), Held(new_handed_answers(), HELD_HANDED)
    rows, places, firsts = np.zeros(1, np.int32), np.zeros(1, np.int32), np.zeros(4, np.int64)
    refuse_some(batch, REFUSE_ALL)
    keep_rows(tick.held.octets, 1, batch, rows, 0, 0, False)
    send_rest(tick.held.octets, batch)
    take_back(tick.held.octets, batch, places, 1, True)
    order_by_place(batch, places, 1, rows, firsts)
    end_overdue(tick.held.octets, 0, 0)
    skip_answers(handed.octets, 0, 0)


async def _rehearse() -> None:
    clock, pool, store = SystemClock(), BatchPool(), MemoryStore()
    await store.create(1)
    meta = await store.open()
    await store.claim_identities([(identity_key(1, "imsi", _IMSI), 1)])
    ownership = await store.claim(0, "rehearsal", wall_ms=1, last_epoch=0)

    def deliver(batch: BatchInFlight) -> None:
        server.deliver(batch.answered)
        handoff.deliver(batch.answered)

    batcher = Batcher(store=store, pool=pool, deliver=deliver)
    server = _gy_server(batcher.offer, clock, meta.secret)
    folder = tempfile.TemporaryDirectory(prefix="farebox-")
    socket = Path(folder.name) / f"rehearsal{ENGINE_SUFFIX}"
    handoff = HandoffServer(socket, store=meta.created_ns, epochs=np.ones(1, np.int64), offer=batcher.offer)
    pipeline = PartitionPipeline(
        ownership=ownership,
        connection=_OctetsConnection(await store.connect(ownership)),
        tariffs=_tables(),
        clock=clock,
        pool=pool,
        deliver=deliver,
        events=_Events(),
        reached=lambda name: None,
        gathering=Gathering(asyncio.get_running_loop().call_later),
        deciding=Deciding(_KEPT_OCTETS),
    )
    batcher.serve([pipeline], 1)
    commands = pipeline.waiting.for_commands()
    for command in _open_account():
        append_command(commands, command, clock.now_ns())
    fill_expiry_row(commands, 1, 1, clock.now_ns())
    pipeline.waiting.queued += commands.request_count
    pipeline.advance()
    await _play_client(await server.start(), "own")
    await handoff.start()
    await _play_front_end(socket, clock, store, meta)
    handoff.close()
    folder.cleanup()
    batcher.look_up.forget(identity_key(1, "imsi", _IMSI), meta.secret)
    spare = pool.take()
    _call_rare_kernels(spare.usage)
    await rehearse_chf(clock)
    refuse_excess(spare.usage, np.zeros(1, np.int32), 0, 0, True)
    refuse_undecided(spare.usage, spare.answers, int(Outcome.TOO_BUSY))
    await server.close(wait_s=0.1)


def rehearse() -> None:
    """Run it all once, without a word in the logs; TimeoutError where it hangs."""
    with structlog.testing.capture_logs():
        asyncio.run(asyncio.wait_for(_rehearse(), WITHIN_S))

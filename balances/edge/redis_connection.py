"""The owner's ordered connection to the store: one exchange at a time, written in one go, read where it lands.

`exchange` builds the octets in a buffer that is used again for the next exchange. uvloop keeps written buffers by
reference; that is safe here because all replies of an exchange can only be there once the store has read the whole of
it, and where it isn't so (a store that answers without reading), a copy is written.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, cast

import numpy as np

from balances.exchange_request import FENCE_KEYS, Awaited, ExchangeRequest
from balances.resp import (
    KIND_ERROR,
    KIND_NIL,
    WALK_BROKEN,
    WALK_MORE,
    Spans,
    Walk,
    start_walk,
    walk_replies,
)
from balances.store import (
    EMPTY_TAIL,
    Commit,
    CommitResult,
    Committed,
    Exchanged,
    Load,
    Loaded,
    StoreError,
    Unknown,
    Unwritten,
    judge_commit,
)
from vocabulary.limits import BATCH_REQUESTS_MAX, STORE_REPLY_OCTETS_MAX

_BUFFER_OCTETS: Final = 1 << 20
_ROOM_OCTETS_MIN: Final = 1 << 14
_DROPPED: Final = "EXECABORT"
"""The store's word for a transaction of which it refused a command, and executed none."""


class RedisPartitionConnection(asyncio.BufferedProtocol):
    """PartitionConnection on a stream socket; made by RedisStore.connect."""

    def __init__(self, tag: str, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._request = ExchangeRequest(tag)
        self._awaited = Awaited(memoryview(b""), 0, 0, 0)
        self._owner, self._tail = "", EMPTY_TAIL
        """as they were read behind the last exchange, watched since"""
        self._is_fenced = False
        self._buffer = np.zeros(_BUFFER_OCTETS, np.uint8)
        self._view = memoryview(self._buffer.data)
        self._filled = 0
        self._walk = np.zeros(Walk.SIZE, np.int64)
        self._spans = Spans(3 * BATCH_REQUESTS_MAX)
        self._done: Callable[[Exchanged], None] | None = None
        self._commit: Commit | None = None
        self._is_commit_sent = False
        self._load: Load | None = None
        self._closed_because = ""
        self._lost = "the connection to the store is not open"

    # --- what the owner calls
    def exchange(self, commit: Commit | None, load: Load | None, done: Callable[[Exchanged], None]) -> None:
        """Send both in one write; `done` is called once, never from inside this call."""
        if self._done is not None:
            raise RuntimeError("one exchange of a partition at a time: the one before is not done")
        self._commit, self._load, self._done = commit, load, done
        self._is_commit_sent = False
        if self._transport is None or self._closed_because:
            self._loop.call_soon(self._fail, done)
        else:
            self._send(self._transport, commit, load)

    def _send(self, transport: asyncio.Transport, commit: Commit | None, load: Load | None) -> None:
        """Send the exchange; its commit only where owner and tail are watched and say that it may be written."""
        is_sent = self._is_commit_sent = commit is not None and self._is_fenced and self._verdict(commit) is None
        awaited = self._awaited = self._request.build(commit if is_sent else None, load)
        self._is_fenced = False
        self._filled = 0
        start_walk(self._walk, awaited.replies, FENCE_KEYS + awaited.loaded, awaited.queued)
        self._spans.reserve(awaited.leaves_max)
        unread = transport.get_write_buffer_size()
        transport.write(bytes(awaited.octets) if unread else awaited.octets)

    def _verdict(self, commit: Commit) -> CommitResult | None:
        """What owner and tail, as they were read last, make of the commit; None: it may be written."""
        return judge_commit(
            self._owner,
            self._tail,
            token=commit.ownership.token,
            previous_id=str(commit.previous_id),
            entry_id=str(commit.entry_id),
        )

    def close(self) -> None:
        """End the connection; an exchange under way ends with Unknown."""
        self._end("the connection to the store was closed here")

    async def introduce(self, commands: Sequence[bytes]) -> None:
        """Send what comes first on a connection (AUTH, SELECT, CLIENT SETNAME), and the fence. StoreError: refused."""
        assert self._transport is not None
        assert self._done is None
        ended: asyncio.Future[Exchanged] = self._loop.create_future()
        self._done = ended.set_result
        self._filled = 0
        self._awaited = Awaited(memoryview(b""), 0, len(commands), 0)
        start_walk(self._walk, len(commands) + 2, FENCE_KEYS)
        self._transport.write(b"".join(commands) + self._request.fence())
        failed = (await ended).failed
        refused = self._find_error(0, len(commands))
        if refused >= 0 or self._transport is None:
            self.close()
            raise StoreError(f"the store refuses the connection: {self._text(refused) if refused >= 0 else failed}")

    @property
    def is_open(self) -> bool:
        """Can exchanges be sent?"""
        return self._transport is not None

    # --- what the event loop calls
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.BaseProtocol."""
        # uvloop's transports are asyncio's by behaviour, not by class.
        self._transport = cast(asyncio.Transport, transport)
        # Nobody is to be paused: one exchange is outstanding, and its size is limited.
        self._transport.set_write_buffer_limits(high=1 << 30)

    def get_buffer(self, sizehint: int) -> memoryview:
        """See asyncio.BufferedProtocol: the room behind what was received, never empty."""
        if len(self._buffer) - self._filled < _ROOM_OCTETS_MIN:
            self._grow(2 * len(self._buffer))
        return self._view[self._filled :]

    def buffer_updated(self, nbytes: int) -> None:
        """See asyncio.BufferedProtocol: replies are walked once all octets that they announce are here."""
        self._filled += nbytes
        walk = self._walk
        if self._done is None:
            self._end("the store sent octets that nobody asked for")
            return
        if self._filled < walk[Walk.NEED]:
            return
        spans = self._spans
        state = walk_replies(self._buffer, self._filled, walk, spans.kinds, spans.first, spans.octets)
        if state == WALK_MORE:
            if walk[Walk.NEED] + _ROOM_OCTETS_MIN > len(self._buffer):
                self._grow(int(walk[Walk.NEED]) + 2 * _ROOM_OCTETS_MIN)
        elif state == WALK_BROKEN:
            head = bytes(self._buffer[walk[Walk.AT] : min(walk[Walk.AT] + 40, self._filled)])
            self._end(f"the store's reply is not what was asked for: {head!r}")
        else:
            self._finish()

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.BaseProtocol: whoever waits for replies learns why none come."""
        self._transport = None
        why = "the store closed the connection" if exc is None else f"the connection to the store was lost: {exc}"
        self._lost = self._closed_because or why
        if self._done is not None:
            self._fail(self._done)

    # --- inside
    def _end(self, reason: str) -> None:
        """Close at once; what the exchange under way came to stays unknown."""
        self._lost = self._closed_because = self._closed_because or reason
        if self._transport is not None:
            self._transport.abort()

    def _fail(self, done: Callable[[Exchanged], None]) -> None:
        if self._done is not done:
            return
        lost = Unknown(self._lost) if self._is_commit_sent else Unwritten(self._lost)
        commit = None if self._commit is None else lost
        self._done = self._commit = self._load = None
        done(Exchanged(commit=commit, loaded=None, failed=self._lost))

    def _finish(self) -> None:
        commit, load, done = self._commit, self._load, self._done
        if done is None:
            return
        failed = self._read_fence()
        was_held_back = commit is not None and not self._awaited.queued
        if commit is not None and was_held_back and not failed and self._verdict(commit) is None and self._transport:
            self._send(self._transport, commit, load)  # owner and tail were not known; they are now
            return
        self._done = self._commit = self._load = None
        result = None if commit is None else self._read_commit(commit, failed)
        loaded = None if load is None or failed else self._read_load(load)
        done(Exchanged(commit=result, loaded=loaded, failed=failed))

    def _read_fence(self) -> str:
        """Note owner and tail, which are watched from here on; why they could not be read, or ''."""
        leaves = int(self._walk[Walk.LEAF])
        if self._spans.kinds[leaves - 1] == KIND_ERROR:
            return self._text(leaves - 1)
        first = leaves - FENCE_KEYS - self._awaited.loaded
        if self._spans.kinds[first - 1] == KIND_ERROR:  # of WATCH
            return self._text(first - 1)
        self._owner = self._text(first)
        self._tail = self._text(first + 1) or EMPTY_TAIL
        self._is_fenced = True
        return ""

    def _read_commit(self, commit: Commit, failed: str) -> CommitResult:
        """What the transaction came to: written, refused by a command of it, dropped because of the fence, or not sent."""
        awaited, kinds = self._awaited, self._spans.kinds
        if not awaited.queued:
            verdict = None if failed else self._verdict(commit)
            return verdict or Unwritten(reason=failed or self._lost)
        refused = self._find_error(0, awaited.queued + 1)
        executed = awaited.queued + 1
        if refused > 0 and kinds[executed] == KIND_ERROR and self._text(executed).startswith(_DROPPED):
            return Unwritten(reason=self._text(refused))
        if refused >= 0:
            return Unknown(reason=self._text(refused))
        if kinds[executed] == KIND_ERROR:
            return Unknown(reason=self._text(executed))
        if kinds[executed] == KIND_NIL:  # owner or tail changed since they were watched
            verdict = None if failed else self._verdict(commit)
            return verdict or Unwritten(reason=failed or "owner or tail was written by somebody else")
        return self._read_written(executed)

    def _read_written(self, executed: int) -> CommitResult:
        """The transaction was written; Unknown where a session index key behind it was refused: sent again, all are done."""
        awaited = self._awaited
        wrong = self._find_error(executed, 2)
        if wrong >= 0:
            # The claim's epoch is above all ids of the journal, so this is a store that somebody else wrote into.
            return Unknown(reason=f"the journal or a record was refused: {self._text(wrong)}")
        refused = self._find_error(executed + awaited.queued, awaited.session_keys)
        return Unknown(reason=self._text(refused)) if refused >= 0 else Committed()

    def _read_load(self, load: Load) -> Loaded:
        spans = self._spans
        slots, answered = load.slot_count, len(load.answered)
        end = int(self._walk[Walk.LEAF])
        first = end - self._awaited.loaded
        records_end = first + slots
        answered_end = records_end + answered
        values = [None if spans.kinds[row] == KIND_NIL else self._octets(row) for row in range(answered_end, end)]
        return Loaded(
            source=self._buffer,
            first=spans.first[first:records_end],
            octets=spans.octets[first:records_end],
            answered_first=spans.first[records_end:answered_end],
            answered_octets=spans.octets[records_end:answered_end],
            values=values,
        )

    def _find_error(self, first: int, count: int) -> int:
        """The first of so many leaves that is an error; -1 where none is."""
        found = self._spans.kinds[first : first + count].tobytes().find(KIND_ERROR)
        return first + found if found >= 0 else -1

    def _octets(self, leaf: int) -> bytes:
        first = self._spans.first[leaf]
        return bytes(self._view[first : first + self._spans.octets[leaf]])

    def _text(self, leaf: int) -> str:
        return self._octets(leaf).decode(errors="replace")

    def _grow(self, octets: int) -> None:
        if octets > STORE_REPLY_OCTETS_MAX:
            octets = STORE_REPLY_OCTETS_MAX
        if octets <= len(self._buffer):
            self._end(f"the store's replies are more than {STORE_REPLY_OCTETS_MAX} octets")
            return
        grown = np.zeros(octets, np.uint8)
        grown[: self._filled] = self._buffer[: self._filled]
        self._buffer = grown
        self._view = memoryview(grown.data)

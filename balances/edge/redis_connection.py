"""The owner's ordered connection to the store: one exchange at a time, written in one go, read where it lands.

`exchange` builds the octets in a buffer that is used again for the next exchange. uvloop keeps written buffers by
reference; that is safe here because all replies of an exchange can only be there once the store has read the whole of
it, and where it isn't so (a store that answers without reading), a copy is written.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, cast

import numpy as np

from balances.exchange_request import ExchangeRequest
from balances.resp import (
    KIND_BULK,
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
    Commit,
    CommitResult,
    Committed,
    Diverged,
    Exchanged,
    Load,
    Loaded,
    LostOwnership,
    StoreError,
    Unknown,
)
from vocabulary.limits import BATCH_REQUESTS_MAX, STORE_REPLY_OCTETS_MAX

_BUFFER_OCTETS: Final = 1 << 20
_ROOM_OCTETS_MIN: Final = 1 << 14
_NO_SPANS: Final = np.zeros(0, np.int64)


def read_commit_reply(text: str) -> CommitResult:
    """What the commit function said."""
    word, _, rest = text.partition(" ")
    if word == "COMMITTED":
        return Committed()
    if word == "LOST":
        return LostOwnership(stored_token=rest)
    if word == "DIVERGED":
        return Diverged(stored_tail=rest)
    return Unknown(reason=f"the commit function answered {text!r}: is its library of another release?")


class RedisPartitionConnection(asyncio.BufferedProtocol):
    """PartitionConnection on a stream socket; made by RedisStore.connect."""

    def __init__(self, tag: str, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._request = ExchangeRequest(tag)
        self._buffer = np.zeros(_BUFFER_OCTETS, np.uint8)
        self._view = memoryview(self._buffer.data)
        self._filled = 0
        self._walk = np.zeros(Walk.SIZE, np.int64)
        self._spans = Spans(3 * BATCH_REQUESTS_MAX)
        self._done: Callable[[Exchanged], None] | None = None
        self._commit: Commit | None = None
        self._load: Load | None = None
        self._closed_because = ""
        self._lost = "the connection to the store is not open"

    # --- what the owner calls
    def exchange(self, commit: Commit | None, load: Load | None, done: Callable[[Exchanged], None]) -> None:
        """Send both in one write; `done` is called once, never from inside this call."""
        if self._done is not None:
            raise RuntimeError("one exchange of a partition at a time: the one before is not done")
        self._commit, self._load, self._done = commit, load, done
        octets, replies, elements = self._request.build(commit, load)
        self._filled = 0
        start_walk(self._walk, replies, elements)
        self._spans.reserve(replies + elements)
        if self._transport is None:
            self._loop.call_soon(self._fail, done)
        elif not replies:
            self._loop.call_soon(self._finish)
        else:
            unread = self._transport.get_write_buffer_size()
            self._transport.write(bytes(octets) if unread else octets)

    def close(self) -> None:
        """End the connection; an exchange under way ends with Unknown."""
        self._end("the connection to the store was closed here")

    async def introduce(self, commands: Sequence[bytes]) -> None:
        """Send what comes first on a connection (AUTH, SELECT, CLIENT SETNAME). StoreError where one is refused."""
        assert self._transport is not None
        assert self._done is None
        ended: asyncio.Future[Exchanged] = self._loop.create_future()
        self._done = ended.set_result
        self._filled = 0
        start_walk(self._walk, len(commands), 0)
        self._transport.write(b"".join(commands))
        failed = (await ended).failed
        refused = np.flatnonzero(self._spans.kinds[: len(commands)] == KIND_ERROR)
        if failed or refused.size:
            self.close()
            raise StoreError(f"the store refuses the connection: {failed or self._text(int(refused[0]))}")

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
        self._closed_because = self._closed_because or reason
        if self._transport is not None:
            self._transport.abort()

    def _fail(self, done: Callable[[Exchanged], None]) -> None:
        if self._done is not done:
            return
        commit = None if self._commit is None else Unknown(reason=self._lost)
        self._done = self._commit = self._load = None
        done(Exchanged(commit=commit, loaded=None, failed=self._lost))

    def _finish(self) -> None:
        commit, load, done = self._commit, self._load, self._done
        if done is None:
            return
        self._done = self._commit = self._load = None
        leaf = 0
        result: CommitResult | None = None
        if commit is not None:
            leaf = 1 + (0 if commit.session_keys is None else len(commit.session_keys))
            result = self._read_commit(leaf)
        loaded, failed = (None, "") if load is None else self._read_load(load, leaf)
        done(Exchanged(commit=result, loaded=loaded, failed=failed))

    def _read_commit(self, leaves: int) -> CommitResult:
        """The commit's result; Unknown where a session index key behind it was refused: sent again, both are done."""
        kinds = self._spans.kinds
        if kinds[0] == KIND_ERROR:
            return Unknown(reason=self._text(0))
        result = read_commit_reply(self._text(0))
        if leaves > 1 and isinstance(result, Committed):
            refused = np.flatnonzero(kinds[1:leaves] == KIND_ERROR)
            if refused.size:
                return Unknown(reason=self._text(1 + int(refused[0])))
        return result

    def _read_load(self, load: Load, leaf: int) -> tuple[Loaded | None, str]:
        spans = self._spans
        slots, answered = load.slot_count, len(load.answered)
        count = slots + answered + len(load.names)
        if count == 0:
            return Loaded(self._buffer, _NO_SPANS, _NO_SPANS, _NO_SPANS, _NO_SPANS), ""
        if spans.kinds[leaf] != KIND_BULK and spans.kinds[leaf] != KIND_NIL:
            return None, self._text(leaf)
        records_end = leaf + slots
        answered_end = records_end + answered
        values = [
            None if spans.kinds[row] == KIND_NIL else self._octets(row) for row in range(answered_end, leaf + count)
        ]
        loaded = Loaded(
            source=self._buffer,
            first=spans.first[leaf:records_end],
            octets=spans.octets[leaf:records_end],
            answered_first=spans.first[records_end:answered_end],
            answered_octets=spans.octets[records_end:answered_end],
            values=values,
        )
        return loaded, ""

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

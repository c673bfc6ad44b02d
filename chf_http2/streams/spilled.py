"""Octets of streams that had no room in their texts: kept in Python from when a callback left them until the stream ends."""

from collections.abc import Iterator
from typing import Final

from chf_http2.streams.memory import SPILL_COUNT, SPILL_OCTETS, StreamMemory

SPILLED_OCTETS_MAX: Final = 64 << 20
"""Of all streams together."""


class Spilled:
    """What of one stream had no room."""

    __slots__ = ("body", "headers")

    def __init__(self) -> None:
        self.headers = bytearray()
        self.body = bytearray()


_NOTHING: Final = Spilled()


class SpilledOctets:
    """By tickets of streams; `octets` are all of them."""

    def __init__(self) -> None:
        self.octets = 0
        self._kept: dict[int, Spilled] = {}

    def of(self, ticket: int) -> Spilled:
        """What of a stream had no room; nobody changes it."""
        return self._kept.get(ticket, _NOTHING)

    def drain(self, memory: StreamMemory) -> Iterator[int]:
        """Take over what callbacks left; tickets of streams for which there is too much, to be ended."""
        count = int(memory.counts[SPILL_COUNT])
        if not count:
            return
        octets = memory.spill_octets.data
        for ticket, is_body, at, length in memory.spills[:count].tolist():
            kept = self._kept.setdefault(ticket, Spilled())
            (kept.body if is_body else kept.headers).extend(octets[at : at + length])
            self.octets += length
            if self.octets > SPILLED_OCTETS_MAX:
                yield ticket
        memory.counts[SPILL_COUNT] = memory.counts[SPILL_OCTETS] = 0

    def forget(self, ticket: int) -> None:
        """A stream has ended."""
        spilled = self._kept.pop(ticket, None)
        if spilled is not None:
            self.octets -= len(spilled.headers) + len(spilled.body)

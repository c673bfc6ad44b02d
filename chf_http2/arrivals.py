"""Requests of a tick as they arrive: their octets are put beside each other, and the kernel reads them all at once."""

from typing import Final

import msgspec

from chf_http2.known_values import accept_value
from chf_http2.requests import REQUEST_TYPES
from chf_http2.routes import Route
from chf_http2.tick_memory import ARRIVED_PACKER, TICK_ARRIVED, TickMemory
from chf_http2.usual_bodies import UNKNOWN_VALUE, UNUSUAL, read_arrived
from chf_http2.usual_members import DECODERS
from vocabulary.held import Held

ACCEPTED_AT_ONCE_MAX: Final = 16
"""Values of one request: two whose digests fall on one place would drive each other out for ever."""


class Arrivals:
    """What arrived since the last tick, in the memory of a front end."""

    def __init__(self, tick: Held[TickMemory]) -> None:
        arrived = tick.value.arrived
        self._tick = tick
        self._heads = arrived.heads.view("u1").data
        self._heads_max = arrived.heads.size
        self._octets = arrived.octets.data
        self._waiting = arrived.heads["waiting"]
        self._stop = tick.value.stop
        self._counts = tick.value.counts
        self._count = self._at = 0

    def has_room(self, route: Route, body: bytes) -> bool:
        """For one request more?"""
        return self._count < self._heads_max and self._at + 4 * len(route.ref) + len(body) <= len(self._octets)

    def put(self, waiting: int, route: Route, body: bytes) -> None:
        """Add a request; `waiting` comes back with its answer."""
        ref = route.ref.encode("utf-8", "replace")
        at = self._at + len(ref)
        behind = at + len(body)
        self._octets[self._at : at] = ref
        self._octets[at:behind] = body
        ARRIVED_PACKER.pack_into(
            self._heads,
            self._count * ARRIVED_PACKER.size,
            waiting,
            self._at,
            len(ref),
            at,
            len(body),
            REQUEST_TYPES[route.operation],
            not route.service.is_offline_only,
        )
        self._count += 1
        self._at = behind

    def waiting_of(self, index: int) -> int:
        """Who waits for the answer of a request."""
        return int(self._waiting[index])

    def read(self, first: int) -> tuple[int, int]:
        """Pack requests from the one in `first` on, up to one that the kernel can't: (which, why), or (their number, 0)."""
        self._counts[TICK_ARRIVED] = self._count
        accepted, accepted_of = 0, -1
        while True:
            at, reason = read_arrived(self._tick.octets, first)
            if reason != UNKNOWN_VALUE:
                return at, reason
            accepted = accepted + 1 if at == accepted_of else 1
            accepted_of = first = at
            if accepted > ACCEPTED_AT_ONCE_MAX or not self._accept():
                return at, UNUSUAL

    def _accept(self) -> bool:
        """Does the schema accept the value that the kernel stopped at?"""
        member, at, end = self._stop.tolist()
        try:
            DECODERS[member].decode(self._octets[at:end])
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            return False
        accept_value(self._tick.octets)
        return True

    def clear(self) -> None:
        """Begin a tick."""
        self._count = self._at = 0

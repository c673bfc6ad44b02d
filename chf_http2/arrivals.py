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
    """What arrived since the last tick, in the memory of a front end: put there by a kernel (usual_requests.py), or here.

    first   place in the arrived octets from which on they are ours, for bodies that aren't in one piece
    """

    def __init__(self, tick: Held[TickMemory], first: int = 0) -> None:
        arrived = tick.value.arrived
        self._tick = tick
        self._rows = arrived.heads
        self._heads = arrived.heads.view("u1").data
        self._octets = arrived.octets.data
        self._stop = tick.value.stop
        self._counts = tick.value.counts
        self._first = self._at = first

    def has_room(self, route: Route, body: bytes) -> bool:
        """For one request more?"""
        is_full = self._counts[TICK_ARRIVED] == self._rows.size
        return not is_full and self._at + 4 * len(route.ref) + len(body) <= len(self._octets)

    def put(self, waiting: int, route: Route, body: bytes) -> None:
        """Add a request; `waiting` comes back with its answer."""
        ref = route.ref.encode("utf-8", "replace")
        at = self._at + len(ref)
        behind = at + len(body)
        self._octets[self._at : at] = ref
        self._octets[at:behind] = body
        count = int(self._counts[TICK_ARRIVED])
        ARRIVED_PACKER.pack_into(
            self._heads,
            count * ARRIVED_PACKER.size,
            waiting,
            self._at,
            len(ref),
            at,
            len(body),
            REQUEST_TYPES[route.operation],
            route.service.gives_quota,
        )
        self._counts[TICK_ARRIVED] = count + 1
        self._at = behind

    def waiting_of(self, index: int) -> int:
        """Who waits for the answer of a request."""
        return int(self._rows["waiting"][index])

    def texts_of(self, index: int) -> tuple[str, bytes]:
        """Ref and body of a request."""
        head = self._rows[index]
        ref_at, body_at = int(head["ref_at"]), int(head["body_at"])
        ref = bytes(self._octets[ref_at : ref_at + int(head["ref_length"])])
        return ref.decode("utf-8", "replace"), bytes(self._octets[body_at : body_at + int(head["body_length"])])

    def read(self, first: int) -> tuple[int, int]:
        """Pack requests from the one in `first` on, up to one that the kernel can't: (which, why), or (their number, 0)."""
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
        self._counts[TICK_ARRIVED] = 0
        self._at = self._first

"""The memory of a 5G front end: its streams, the tick's requests, and what all its answers say."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from charging.batch import new_usage_batch
from chf_http2.routes import OPERATIONS, SERVICES, Operation
from chf_http2.streams.memory import STREAM_OCTETS, STREAMS_MAX, StreamMemory, new_stream_memory
from chf_http2.tick_memory import ARRIVED_OCTETS_MAX, TickMemory, new_packed_rows, new_tick_memory
from chf_http2.usual_members import words
from vocabulary.held import Held, kind_of
from vocabulary.limits import BATCH_REQUESTS_MAX

PARTS_MAX: Final = 1 << 12
PARTS_OCTETS_MAX: Final = 1 << 20
TOKENS_MAX: Final = 1 << 10
OPERATIONS_COUNT: Final = len(OPERATIONS)
SERVICES_COUNT: Final = len(SERVICES)

# Columns of `counts`
REST_COUNT: Final = 0
PARTS_END: Final = 1

SAID: Final = (
    ":status",
    "200",
    "201",
    "204",
    "content-type",
    "application/json",
    "location",
    "date",
)
"""What stands in headers of usual answers."""
DATE_OCTETS: Final = 29
STAMP_OCTETS: Final = 22


class FrontMemory(NamedTuple):
    """Arrays of one front end."""

    streams: StreamMemory
    tick: TickMemory
    bases: NDArray[np.uint8]  # (SERVICES_COUNT, longest) paths of collections with the prefix
    base_lengths: NDArray[np.int64]
    root: NDArray[np.uint8]  # scheme and authority of our URIs; empty: as the client wrote them
    opening: NDArray[np.uint8]  # members of an answer that opens a session
    words: NDArray[np.uint8]  # (len(SAID), longest)
    word_lengths: NDArray[np.int64]
    date: NDArray[np.uint8]  # (DATE_OCTETS,) of this second, as a header
    stamp: NDArray[np.uint8]  # (STAMP_OCTETS,) and as a member
    part_keys: NDArray[np.uint64]  # (PARTS_MAX, 2) digests of what a MultipleUnitInformation says
    part_places: NDArray[np.int64]  # (PARTS_MAX, 2) place and length of its octets
    part_octets: NDArray[np.uint8]
    part_stop: NDArray[np.int64]  # (3,) MSCC row whose part isn't known; place and length of its uPFID
    token_digests: NDArray[np.uint64]  # (TOKENS_MAX, 2) of Authorization headers that were verified
    token_ends: NDArray[np.int64]  # (TOKENS_MAX, 2) when each expires, ns, and its services (known_tokens.services_of)
    rest: NDArray[np.int32]  # rows whose answers Python gives
    counts: NDArray[np.int64]  # (2,) REST_COUNT, PARTS_END
    scratch: NDArray[np.uint8]


def _octets(text: bytes) -> NDArray[np.uint8]:
    return np.frombuffer(bytearray(text), np.uint8) if text else np.zeros(0, np.uint8)


def new_front_memory(
    streams: StreamMemory, tick: TickMemory, *, api_prefix: str = "", api_root: str = "", opening: bytes = b""
) -> FrontMemory:
    """Memory of a front end whose arrived octets are those of its streams."""
    return FrontMemory(
        streams,
        tick,
        *words([one.base(api_prefix) for one in SERVICES]),
        _octets(api_root.encode()),
        _octets(opening),
        *words(list(SAID)),
        np.zeros(DATE_OCTETS, np.uint8),
        np.zeros(STAMP_OCTETS, np.uint8),
        np.zeros((PARTS_MAX, 2), np.uint64),
        np.zeros((PARTS_MAX, 2), np.int64),
        np.zeros(PARTS_OCTETS_MAX, np.uint8),
        np.zeros(3, np.int64),
        np.zeros((TOKENS_MAX, 2), np.uint64),
        np.zeros((TOKENS_MAX, 2), np.int64),
        np.zeros(BATCH_REQUESTS_MAX, np.int32),
        np.zeros(2, np.int64),
        np.zeros(1024, np.uint8),
    )


def new_stream_texts() -> StreamMemory:
    """Memory of streams with room behind it for bodies that aren't in one piece."""
    return new_stream_memory(behind_octets=ARRIVED_OCTETS_MAX)


TEXTS_END: Final = STREAMS_MAX * STREAM_OCTETS
"""Where that room begins."""


def route_code(service: int, operation: Operation) -> int:
    """A route as kernels know it: places in SERVICES and OPERATIONS."""
    return service * OPERATIONS_COUNT + next(
        place for place, row in enumerate(OPERATIONS) if row.operation is operation
    )


HELD_FRONT: Final = kind_of(
    new_front_memory(
        new_stream_memory(1, connections_max=1, spills_max=1, spill_octets_max=1),
        new_tick_memory(
            new_usage_batch(1, 1, 1),
            new_packed_rows(1, 1, 1, 1),
            np.zeros(2, np.uint64),
            0,
            arrived_octets=np.zeros(1, np.uint8),
            known_values_max=1,
        ),
    )
)


def hold_front(memory: FrontMemory) -> Held[FrontMemory]:
    """For kernels."""
    return Held(memory, HELD_FRONT)

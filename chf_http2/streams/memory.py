"""The memory of a server's streams: a row a stream, its octets beside it, and what callbacks leave for who comes after.

A stream has STREAM_OCTETS of `texts`: the headers as they came, each behind two octets with the length of its name and two
with that of its value, then the body; when its answer is known, the body of that. What has no room there spills: callbacks put
it into `spill_octets`, and Python keeps it from there until the stream ends.

A request is known by its ticket, uint32: the number of its row below, how often the row was used above.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chf_http2.config import CONNECTIONS_MAX
from vocabulary.held import kind_of

STREAMS_MAX: Final = 8192
"""Of all connections at a time; those beyond are refused, as one may send again (RFC 9113 §8.7)."""
STREAM_OCTETS: Final = 4096
HEADERS_OCTETS_MAX: Final = 16 * 1024
"""A stream with more is reset."""
SPILL_OCTETS_MAX: Final = 1 << 19
SPILLS_MAX: Final = 1 << 15
ROW_BITS: Final = 16
ROW_MASK: Final = (1 << ROW_BITS) - 1
HEAD_OCTETS: Final = 4
"""Before a header in `texts`: lengths of name and value."""
NV_MAX: Final = 32
"""Headers of one answer."""
NV_WORDS: Final = 5
"""nghttp2_nv: places of name and value, their lengths, flags; eight octets each."""
ABSENT: Final = -1

# States of a stream
FREE: Final = 0
COMING: Final = 1
"""headers or body"""
WHOLE: Final = 2
"""the request is there"""
WAITING: Final = 3
"""for the answer of an engine"""
ANSWERED: Final = 4

# Why a request is Python's, bits of `odd`
ODD_HEADER: Final = 1
ODD_SPILLED: Final = 2
ODD_TOO_LARGE: Final = 4
"""of its body no more is kept"""
ODD_KEPT: Final = 8
"""Python keeps something of it: how it is to be answered, or the octets of its answer"""

# Columns of `counts`
FREE_COUNT: Final = 0
WHOLE_COUNT: Final = 1
SPILL_COUNT: Final = 2
SPILL_OCTETS: Final = 3
CLOSED_COUNT: Final = 4
WAITING_COUNT: Final = 5
TOUCHED_COUNT: Final = 6
ODD_COUNT: Final = 7
NOW_NS: Final = 8
BODY_OCTETS_MAX_COLUMN: Final = 9
_COUNTS: Final = 10

STREAM_DTYPE: Final = np.dtype(
    [
        ("session", np.uint64),  # nghttp2's
        ("response_place", np.uint64),  # where the octets are that are being sent
        ("since_ns", np.int64),  # when it began
        ("ticket", np.uint32),
        ("connection", np.int32),
        ("stream", np.int32),  # its number in HTTP/2
        ("text_length", np.int32),  # of headers and body in texts
        ("header_octets", np.int32),  # as they count for their limit
        ("body_at", np.int32),  # from here on texts have the body
        ("body_length", np.int32),  # in texts or spilled
        ("path_at", np.int32),
        ("path_length", np.int32),
        ("authority_at", np.int32),
        ("authority_length", np.int32),
        ("authorization_at", np.int32),
        ("authorization_length", np.int32),
        ("response_length", np.int32),
        ("response_sent", np.int32),
        ("state", np.uint8),
        ("odd", np.uint8),
        ("has_headers", np.uint8),  # they ended
        ("is_json", np.uint8),  # content-type says so, once
        ("is_post", np.uint8),
        ("is_https", np.uint8),
        ("route", np.uint8),
    ]
)
SPILL_DTYPE: Final = np.dtype([("ticket", np.uint32), ("is_body", np.int32), ("at", np.int32), ("length", np.int32)])


class StreamMemory(NamedTuple):
    """Arrays of one server."""

    streams: NDArray[np.void]  # (STREAMS_MAX,) STREAM_DTYPE
    texts: NDArray[np.uint8]  # (STREAMS_MAX * STREAM_OCTETS + what its owner wants behind them,)
    counts: NDArray[np.int64]  # (_COUNTS,)
    free: NDArray[np.int32]  # rows that are free, counts[FREE_COUNT] of them
    whole: NDArray[np.uint32]  # tickets of requests that became whole; there may be more than rows: some end at once
    odd: NDArray[np.uint32]  # tickets of requests that are Python's
    closed: NDArray[np.uint32]  # tickets of streams with spilled octets that ended
    touched: NDArray[np.int32]  # connections that have something to send
    is_touched: NDArray[np.uint8]  # by connection
    spills: NDArray[np.void]  # SPILL_DTYPE
    spill_octets: NDArray[np.uint8]
    provider: NDArray[np.uint64]  # (2,) nghttp2_data_provider: row, callback
    nv: NDArray[np.uint64]  # (NV_MAX, NV_WORDS)
    place: NDArray[np.uint64]  # (1,) where nghttp2 has octets to send
    scratch: NDArray[np.uint8]  # a header's value while it is handed over


def new_stream_memory(
    streams_max: int = STREAMS_MAX,
    *,
    behind_octets: int = 0,
    connections_max: int = CONNECTIONS_MAX,
    spills_max: int = SPILLS_MAX,
    spill_octets_max: int = SPILL_OCTETS_MAX,
) -> StreamMemory:
    """Memory with all rows free; `behind_octets` of texts are their owner's."""
    counts = np.zeros(_COUNTS, np.int64)
    counts[FREE_COUNT] = streams_max
    streams = np.zeros(streams_max, STREAM_DTYPE)
    streams["ticket"] = np.arange(streams_max)
    tickets = 2 * streams_max
    return StreamMemory(
        streams=streams,
        texts=np.zeros(streams_max * STREAM_OCTETS + behind_octets, np.uint8),
        counts=counts,
        free=np.arange(streams_max - 1, -1, -1, dtype=np.int32),
        whole=np.zeros(tickets, np.uint32),
        odd=np.zeros(tickets, np.uint32),
        closed=np.zeros(tickets, np.uint32),
        touched=np.zeros(connections_max, np.int32),
        is_touched=np.zeros(connections_max, np.uint8),
        spills=np.zeros(spills_max, SPILL_DTYPE),
        spill_octets=np.zeros(spill_octets_max, np.uint8),
        provider=np.zeros(2, np.uint64),
        nv=np.zeros((NV_MAX, NV_WORDS), np.uint64),
        place=np.zeros(1, np.uint64),
        scratch=np.zeros(STREAM_OCTETS, np.uint8),
    )


HELD_STREAMS: Final = kind_of(new_stream_memory(1, connections_max=1, spills_max=1, spill_octets_max=1))

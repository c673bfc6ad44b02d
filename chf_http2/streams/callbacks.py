"""What nghttp2 calls while it reads and writes: kernels that keep requests in the memory of streams, and give answers out.

nghttp2 has checked by then what HTTP/2 demands: frames, the order and the signs of headers, that a body is as long as it was
said to be. A stream's number of its row plus one is its user data at nghttp2; a connection's are two words: the place of the
memory's held octets, and its index.
"""

from functools import cache
from typing import Final

import numpy as np
from numba import cfunc, types

from chf_http2.json_octets import is_text
from chf_http2.streams.library import (
    DATA_FLAG_EOF,
    FLAG_END_STREAM,
    HEADERS,
    OK,
    REFUSED_STREAM,
    RESET_STREAM,
    get_stream_user_data,
    set_stream_user_data,
    submit_rst_stream,
)
from chf_http2.streams.memory import (
    ABSENT,
    BODY_OCTETS_MAX_COLUMN,
    CLOSED_COUNT,
    COMING,
    FREE,
    FREE_COUNT,
    HEAD_OCTETS,
    HEADERS_OCTETS_MAX,
    HELD_STREAMS,
    NOW_NS,
    ODD_HEADER,
    ODD_KEPT,
    ODD_SPILLED,
    ODD_TOO_LARGE,
    ROW_BITS,
    ROW_MASK,
    SPILL_COUNT,
    SPILL_OCTETS,
    STREAM_OCTETS,
    WAITING,
    WAITING_COUNT,
    WHOLE,
    WHOLE_COUNT,
)
from chf_http2.usual_members import word, words
from vocabulary.foreign import int32_at, int64_at, octets_at
from vocabulary.held import held_at
from vocabulary.kernel import kernel
from vocabulary.octets import copy_octets

_PLAIN, _METHOD, _PATH, _SCHEME, _AUTHORITY, _TYPE, _AUTHORIZATION, _ODD = range(8)
_HEADER_OVERHEAD = 32
"""What a header counts beside its octets (RFC 9113 §6.5.2)."""


_NAMES: Final = (
    (":method", _METHOD),
    (":path", _PATH),
    (":scheme", _SCHEME),
    (":authority", _AUTHORITY),
    ("content-type", _TYPE),
    ("authorization", _AUTHORIZATION),
    ("content-encoding", _ODD),
    ("3gpp-sbi-max-rsp-time", _ODD),
    ("3gpp-sbi-correlation-info", _ODD),
)
"""Headers that say something to us; of others none is looked at."""
_ROWS, _LENGTHS = words([name for name, _ in _NAMES])
_MEANS = np.array([means for _, means in _NAMES], np.int64)
_POST, _HTTPS, _JSON = word("POST"), word("https"), word("application/json")


@kernel
def _meaning_of(name):
    for row in range(_LENGTHS.shape[0]):
        if _LENGTHS[row] == name.shape[0] and is_text(name, 0, name.shape[0], _ROWS[row, : name.shape[0]]):
            return _MEANS[row]
    return _PLAIN


@kernel
def _row_of(session, stream):
    """The row of a stream; -1 where it has none."""
    return np.int64(get_stream_user_data(session, stream)) - 1


@kernel
def begin_stream(memory, connection, session, stream):
    """Give a stream a row; one for which there is none is refused."""
    if memory.counts[FREE_COUNT] == 0:
        submit_rst_stream(session, 0, stream, REFUSED_STREAM)
        return OK
    memory.counts[FREE_COUNT] -= 1
    row = memory.free[memory.counts[FREE_COUNT]]
    one = memory.streams[row]
    one.session = session
    one.connection = connection
    one.stream = stream
    one.since_ns = memory.counts[NOW_NS]
    one.text_length = 0
    one.header_octets = 0
    one.body_at = 0
    one.body_length = 0
    one.path_at = ABSENT
    one.authority_at = ABSENT
    one.authorization_at = ABSENT
    one.authorization_length = 0
    one.path_length = 0
    one.authority_length = 0
    one.response_place = 0
    one.response_length = 0
    one.response_sent = 0
    one.state = COMING
    one.odd = 0
    one.has_headers = 0
    one.is_json = 0
    one.is_post = 0
    one.is_https = 0
    one.route = 0
    set_stream_user_data(session, stream, np.uint64(row + 1))
    return OK


@kernel
def _spill(memory, one, octets, is_body):
    """Leave octets for Python; False where there is no room."""
    counts = memory.counts
    at, index = counts[SPILL_OCTETS], counts[SPILL_COUNT]
    if index == memory.spills.shape[0] or at + octets.shape[0] > memory.spill_octets.shape[0]:
        return False
    copy_octets(octets, 0, memory.spill_octets, at, octets.shape[0])
    spill = memory.spills[index]
    spill.ticket = one.ticket
    spill.is_body = is_body
    spill.at = at
    spill.length = octets.shape[0]
    one.odd |= ODD_SPILLED
    counts[SPILL_OCTETS] = at + octets.shape[0]
    counts[SPILL_COUNT] = index + 1
    return True


@kernel
def _keep_header(memory, row, name, value):
    """Put a header behind those before: where its value is in texts; ABSENT: it spilled, or -2: there is no room at all."""
    one = memory.streams[row]
    length = HEAD_OCTETS + name.shape[0] + value.shape[0]
    if one.odd & ODD_SPILLED or one.text_length + length > STREAM_OCTETS:
        head = memory.scratch[:HEAD_OCTETS]
        _write_head(head, 0, name, value)
        if _spill(memory, one, head, 0) and _spill(memory, one, name, 0) and _spill(memory, one, value, 0):
            return ABSENT
        return -2
    at = np.int64(row) * STREAM_OCTETS + one.text_length
    _write_head(memory.texts, at, name, value)
    copy_octets(name, 0, memory.texts, at + HEAD_OCTETS, name.shape[0])
    value_at = at + HEAD_OCTETS + name.shape[0]
    copy_octets(value, 0, memory.texts, value_at, value.shape[0])
    one.text_length += length
    return value_at


@kernel
def _write_head(out, at, name, value):
    out[at] = name.shape[0] & 255
    out[at + 1] = name.shape[0] >> 8
    out[at + 2] = value.shape[0] & 255
    out[at + 3] = value.shape[0] >> 8


@kernel
def take_header(memory, session, stream, name, value):
    """A header of a request; those behind a body say nothing to us."""
    row = _row_of(session, stream)
    if row < 0:
        return OK
    one = memory.streams[row]
    if one.has_headers:
        return OK
    one.header_octets += name.shape[0] + value.shape[0] + _HEADER_OVERHEAD
    if one.header_octets > HEADERS_OCTETS_MAX:
        return RESET_STREAM
    value_at = _keep_header(memory, row, name, value)
    if value_at < ABSENT:
        return RESET_STREAM
    means = _meaning_of(name)
    if means == _PLAIN:
        return OK
    if means == _METHOD:
        one.is_post = is_text(value, 0, value.shape[0], _POST)
    elif means == _PATH:
        one.path_at, one.path_length = value_at, value.shape[0]
    elif means == _SCHEME:
        one.is_https = is_text(value, 0, value.shape[0], _HTTPS)
    elif means == _AUTHORITY:
        one.authority_at, one.authority_length = value_at, value.shape[0]
    elif means == _AUTHORIZATION and one.authorization_at == ABSENT:
        one.authorization_at, one.authorization_length = value_at, value.shape[0]
    elif means == _TYPE and not one.is_json and is_text(value, 0, value.shape[0], _JSON):
        one.is_json = 1
    else:
        one.odd |= ODD_HEADER
    return OK


@kernel
def take_body(memory, session, stream, piece):
    """Octets of a body: beside the headers, or spilled, or beyond the limit and dropped."""
    row = _row_of(session, stream)
    if row < 0:
        return OK
    one = memory.streams[row]
    if one.state != COMING or one.odd & ODD_TOO_LARGE:
        return OK
    if one.body_length + piece.shape[0] > memory.counts[BODY_OCTETS_MAX_COLUMN]:
        one.odd |= ODD_TOO_LARGE
        return _end_request(memory, one)
    if not one.odd & ODD_SPILLED and one.text_length + piece.shape[0] <= STREAM_OCTETS:
        at = np.int64(row) * STREAM_OCTETS + one.text_length
        copy_octets(piece, 0, memory.texts, at, piece.shape[0])
        one.text_length += piece.shape[0]
    elif not _spill(memory, one, piece, 1):
        return RESET_STREAM
    one.body_length += piece.shape[0]
    return OK


@kernel
def _end_request(memory, one):
    """Nothing more of a request is waited for."""
    count = memory.counts[WHOLE_COUNT]
    if count == memory.whole.shape[0]:
        return RESET_STREAM
    one.state = WHOLE
    memory.whole[count] = one.ticket
    memory.counts[WHOLE_COUNT] = count + 1
    return OK


@kernel
def take_frame(memory, session, stream, kind, flags):
    """A frame of a request ended."""
    row = _row_of(session, stream)
    if row < 0:
        return OK
    one = memory.streams[row]
    if kind == HEADERS and not one.has_headers:
        one.has_headers = 1
        one.body_at = row * STREAM_OCTETS + one.text_length
    if flags & FLAG_END_STREAM and one.state == COMING:
        return _end_request(memory, one)
    return OK


@kernel
def end_stream(memory, session, stream):
    """A stream closed, for whatever reason: its row is free, its ticket nobody's."""
    row = _row_of(session, stream)
    if row >= 0:
        free_row(memory, row)
    return OK


@kernel
def free_row(memory, row):
    """Give a row back."""
    one, counts = memory.streams[row], memory.counts
    if one.state == WAITING:
        counts[WAITING_COUNT] -= 1
    if one.odd & (ODD_SPILLED | ODD_KEPT) and counts[CLOSED_COUNT] < memory.closed.shape[0]:
        memory.closed[counts[CLOSED_COUNT]] = one.ticket
        counts[CLOSED_COUNT] += 1
    one.state = FREE
    one.ticket = ((one.ticket >> ROW_BITS) + 1 << ROW_BITS) | (one.ticket & ROW_MASK)
    memory.free[counts[FREE_COUNT]] = row
    counts[FREE_COUNT] += 1


@kernel
def give_body(memory, row, out, flags):
    """The next octets of an answer's body; how many."""
    one = memory.streams[row]
    count = min(np.int64(one.response_length - one.response_sent), out.shape[0])
    source = octets_at(one.response_place + np.uint64(one.response_sent), count)
    copy_octets(source, 0, out, 0, count)
    one.response_sent += count
    if one.response_sent == one.response_length:
        flags[0] |= DATA_FLAG_EOF
    return count


_STREAM, _KIND_AND_FLAGS, _HEAD_WORDS = 2, 3, 4
"""Words of nghttp2_frame_hd, int32."""


class Callbacks:
    """The compiled functions, by the name that nghttp2 has for them, and that which answers' bodies are read by."""

    def __init__(self) -> None:
        def on_begin_headers(session, frame, words):
            stream = int32_at(frame, _HEAD_WORDS)[_STREAM]
            if get_stream_user_data(session, stream) != 0:
                return OK
            known = int64_at(words, 2)
            return begin_stream(held_at(known[0], HELD_STREAMS), known[1], session, stream)

        # tidy: the library calls it so
        def on_header(session, frame, name, name_length, value, value_length, flags, words):
            stream = int32_at(frame, _HEAD_WORDS)[_STREAM]
            memory = held_at(int64_at(words, 2)[0], HELD_STREAMS)
            return take_header(memory, session, stream, octets_at(name, name_length), octets_at(value, value_length))

        def on_data_chunk_recv(session, flags, stream, octets, length, words):
            memory = held_at(int64_at(words, 2)[0], HELD_STREAMS)
            return take_body(memory, session, stream, octets_at(octets, length))

        def on_frame_recv(session, frame, words):
            head = int32_at(frame, _HEAD_WORDS)
            kind, flags = head[_KIND_AND_FLAGS] & 255, head[_KIND_AND_FLAGS] >> 8 & 255
            if kind > HEADERS:
                return OK
            return take_frame(held_at(int64_at(words, 2)[0], HELD_STREAMS), session, head[_STREAM], kind, flags)

        def on_stream_close(session, stream, error_code, words):
            return end_stream(held_at(int64_at(words, 2)[0], HELD_STREAMS), session, stream)

        # tidy: the library calls it so
        def read(session, stream, out, length, flags, source, words):
            memory = held_at(int64_at(words, 2)[0], HELD_STREAMS)
            return give_body(memory, int64_at(source, 1)[0], octets_at(out, length), int32_at(flags, 1))

        place, i32, octet = types.uintp, types.int32, types.uint8
        signatures = {
            on_begin_headers: i32(place, place, place),
            on_header: i32(place, place, place, place, place, place, octet, place),
            on_data_chunk_recv: i32(place, octet, i32, place, place, place),
            on_frame_recv: i32(place, place, place),
            on_stream_close: i32(place, i32, types.uint32, place),
            read: types.intp(place, i32, place, place, place, place, place),
        }
        self._kept = {
            one.__name__: cfunc(signature, cache=True)(one)  # type: ignore[type-var]
            for one, signature in signatures.items()
        }

    def place(self, name: str) -> int:
        """Where a function is."""
        return int(self._kept[name].address or 0)


@cache
def callbacks() -> Callbacks:
    """Compiled, or loaded, when they are asked for."""
    return Callbacks()

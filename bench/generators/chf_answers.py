"""Kernels that take what comes over HTTP/2: frames, then the answer of a stream once it has ended.

An answer is checked before it counts: its stream must be one that waits, its status that of the operation, its number the
request's, its rating groups and results those that a sound server gives, what it grants at most what was asked; a create's
must say where the charging data is.
"""

import numpy as np

from bench.generators.answered import (
    NO_CONNECTION,
    SUCCESS,
    TOO_BUSY,
    check_services,
    forget_taken,
    has_log_room,
    keep_other,
    note_wrong,
    settle_answer,
)
from bench.generators.chf_bodies import read_response
from bench.generators.chf_headers import HEAD_BODY_OCTETS, HEAD_HAS_REF, HEAD_STATUS, read_headers
from bench.generators.chf_templates import BODY_OCTETS_MAX, STREAM_PLACES
from bench.generators.fleet import (
    OTHER_COUNT,
    REPEATS,
    RIGHT,
    SEEN_NUMBER,
    SEEN_RESULT_CODE,
    WAITING,
    WRONG_FRAME,
    WRONG_LOCATION,
    WRONG_NUMBER,
    WRONG_REQUEST,
    WRONG_RESET,
    WRONG_RESULT_CODE,
)
from bench.generators.http2_frames import (
    CONTINUATION,
    DATA,
    FLAG_END_HEADERS,
    FLAG_END_STREAM,
    FLAG_PADDED,
    FLAG_PRIORITY,
    GOAWAY,
    HEAD_OCTETS,
    HEADERS,
    PING,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
)
from bench.generators.sessions import INITIAL, ask_again
from vocabulary.kernel import inlined_kernel, kernel
from vocabulary.octets import copy_octets

FRAME_OCTETS_MAX = 16_384
_STATUS_DONE = (0, 201, 200, 204)
"""By request type: create, update, release."""
_TOO_BUSY_STATUS = 503
_UNKNOWN_STATUS = 504
"""The front end knows no answer: sent again, the request gets the one that it had."""
_NO_SLOT = -1
_TAKEN, _BROKEN, _NOT_TAKEN = 0, 1, 2


@inlined_kernel
def _be32(octets, at):
    return (
        (np.int64(octets[at]) << 24)
        | (np.int64(octets[at + 1]) << 16)
        | (np.int64(octets[at + 2]) << 8)
        | np.int64(octets[at + 3])
    )


@kernel
def _slot_of(fleet, connection, stream):
    """The slot whose request waits on a stream, _NO_SLOT where none does."""
    slot = np.int64(fleet.wire.streams[connection, (stream >> 1) & (STREAM_PLACES - 1)]) - 1
    if slot < 0 or fleet.slots[slot].request_id != stream or fleet.slots[slot].phase != WAITING:
        return np.int64(_NO_SLOT)
    return slot


@kernel
def _end_stream(fleet, connection, stream, slot, octets, span, reason, now_ns):
    """The answer of a stream is over, its first wrong octets are octets[span[0]:span[1]]."""
    fleet.wire.streams[connection, (stream >> 1) & (STREAM_PLACES - 1)] = 0
    fleet.wire.open_streams[connection] -= 1
    is_unknown = reason == WRONG_RESET or fleet.wire.heads[slot, HEAD_STATUS] == _UNKNOWN_STATUS
    if is_unknown and fleet.parameters[REPEATS] != 0:
        ask_again(fleet, slot)
        return
    settle_answer(fleet, slot, octets, span[0], span[1], reason, fleet.wire.heads[slot, HEAD_STATUS], now_ns)


@kernel
def check_answer(fleet, slot, body, start, end):
    """Read the body and check the whole answer of a slot; RIGHT, or what is wrong. Fills `seen` and `seen_mscc`."""
    row, head = fleet.slots[slot], fleet.wire.heads[slot]
    fleet.seen[:] = 0
    fleet.seen_mscc[:] = 0
    status = head[HEAD_STATUS]
    if status == _TOO_BUSY_STATUS:
        fleet.seen[SEEN_RESULT_CODE] = TOO_BUSY
        return RIGHT
    if status != _STATUS_DONE[row.request_type]:
        return WRONG_RESULT_CODE
    fleet.seen[SEEN_RESULT_CODE] = SUCCESS
    if row.request_type == INITIAL and head[HEAD_HAS_REF] == 0:
        return WRONG_LOCATION
    if status == _STATUS_DONE[3]:
        return RIGHT if start == end else WRONG_FRAME
    reason = read_response(fleet, body, start, end)
    if reason != RIGHT:
        return reason
    if fleet.seen[SEEN_NUMBER] != row.number + 1:
        return WRONG_NUMBER
    return check_services(fleet, row.request_type)


@kernel
def _without_padding(octets, at, first, end):
    """(first, end) of a frame's content: padding and priority are left out (RFC 9113 §6.1, §6.2)."""
    flags = octets[at + 4]
    padding = np.int64(0)
    if flags & FLAG_PADDED and first < end:
        padding = np.int64(octets[first])
        first += 1
    if octets[at + 3] == HEADERS and flags & FLAG_PRIORITY:
        first += 5
    return first, end - padding


@kernel
def _take_headers(fleet, connection, stream, octets, at, end, now_ns):
    """A HEADERS frame octets[at:end]. _BROKEN where its block goes on in another frame, or is not to be read."""
    slot = _slot_of(fleet, connection, stream)
    if octets[at + 4] & FLAG_END_HEADERS == 0:
        return _BROKEN
    if slot < 0:
        note_wrong(fleet, octets, at, end, WRONG_REQUEST)
        return _TAKEN
    first, last = _without_padding(octets, at, at + HEAD_OCTETS, end)
    ref = fleet.wire.refs[slot]
    is_create = fleet.slots[slot].request_type == INITIAL
    reason = read_headers(fleet.wire, octets, first, last, fleet.wire.heads[slot], ref if is_create else ref[:0])
    if reason == WRONG_FRAME:
        return _BROKEN
    if octets[at + 4] & FLAG_END_STREAM:
        if reason == RIGHT:
            reason = check_answer(fleet, slot, octets, last, last)
        _end_stream(fleet, connection, stream, slot, octets, (at, end), reason, now_ns)
    return _TAKEN


@kernel
def _take_data(fleet, connection, stream, octets, at, end, now_ns):
    """A DATA frame octets[at:end]: a whole body is read where it lies, one in pieces is put together first."""
    wire = fleet.wire
    wire.received[connection] += end - at - HEAD_OCTETS
    slot = _slot_of(fleet, connection, stream)
    if slot < 0:
        note_wrong(fleet, octets, at, end, WRONG_REQUEST)
        return _TAKEN
    first, last = _without_padding(octets, at, at + HEAD_OCTETS, end)
    head = wire.heads[slot]
    has_ended = octets[at + 4] & FLAG_END_STREAM != 0
    if has_ended and head[HEAD_BODY_OCTETS] == 0:
        reason = check_answer(fleet, slot, octets, first, last)
        _end_stream(fleet, connection, stream, slot, octets, (at, end), reason, now_ns)
        return _TAKEN
    if last < first or head[HEAD_BODY_OCTETS] + last - first > BODY_OCTETS_MAX:
        return _BROKEN
    head[HEAD_BODY_OCTETS] = copy_octets(octets, first, wire.bodies[slot], head[HEAD_BODY_OCTETS], last - first)
    if has_ended:
        reason = check_answer(fleet, slot, wire.bodies[slot], np.int64(0), head[HEAD_BODY_OCTETS])
        _end_stream(fleet, connection, stream, slot, octets, (at, end), reason, now_ns)
    return _TAKEN


@kernel
def _take_reset(fleet, connection, stream, octets, at, end, now_ns):
    """A RST_STREAM: the request is answered by nothing. Of a stream that has ended it says nothing more."""
    slot = _slot_of(fleet, connection, stream)
    if slot >= 0:
        fleet.seen[:] = 0
        fleet.seen_mscc[:] = 0
        _end_stream(fleet, connection, stream, slot, octets, (at, end), np.int64(WRONG_RESET), now_ns)
    return _TAKEN


@kernel
def _take_frame(fleet, connection, octets, at, end, now_ns):
    """One whole frame. _BROKEN: the connection is not to be understood; _NOT_TAKEN: no room for it this turn."""
    stream = _be32(octets, at + 5) & 0x7FFFFFFF
    kind = octets[at + 3]
    if kind == HEADERS:
        return _take_headers(fleet, connection, stream, octets, at, end, now_ns)
    if kind == DATA:
        return _take_data(fleet, connection, stream, octets, at, end, now_ns)
    if kind == RST_STREAM:
        return _take_reset(fleet, connection, stream, octets, at, end, now_ns)
    if kind == WINDOW_UPDATE:
        if stream == 0 and end - at == HEAD_OCTETS + 4:
            fleet.wire.window[connection] += _be32(octets, at + HEAD_OCTETS) & 0x7FFFFFFF
        return _TAKEN
    if kind in (SETTINGS, PING, GOAWAY):
        return _TAKEN if keep_other(fleet, octets, connection, at, end) else _NOT_TAKEN
    return _BROKEN if kind == CONTINUATION else _TAKEN


@kernel
def take_answers(fleet, now_ns):
    """Take all complete frames of all connections. Returns the connection that is not to be understood, -1 where none is.

    SETTINGS, PING and GOAWAY are left in `others` for Python, OTHERS_MAX at most a turn. What is incomplete moves to the
    front of its buffer.
    """
    fleet.counters[OTHER_COUNT] = 0
    for connection in range(fleet.incoming.shape[0]):
        octets = fleet.incoming[connection]
        end = fleet.incoming_end[connection]
        at = np.int64(0)
        while at + HEAD_OCTETS <= end and has_log_room(fleet):
            length = (_be32(octets, at) >> 8) & 0xFFFFFF
            if length > FRAME_OCTETS_MAX:
                fleet.wrong[WRONG_FRAME] += 1
                return connection
            behind = at + HEAD_OCTETS + length
            if behind > end:
                break
            taken = _take_frame(fleet, connection, octets, at, behind, now_ns)
            if taken == _BROKEN:
                note_wrong(fleet, octets, at, behind, WRONG_FRAME)
                return connection
            if taken == _NOT_TAKEN:
                break
            at = behind
        forget_taken(fleet, connection, at)
    return NO_CONNECTION

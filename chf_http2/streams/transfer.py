"""Kernels that hand octets to nghttp2 and take octets from it, and that hand it an answer."""

import numpy as np

from chf_http2.streams.callbacks import free_row
from chf_http2.streams.library import (
    mem_recv,
    mem_send,
    submit_response,
    submit_rst_stream,
    want_read,
    want_write,
)
from chf_http2.streams.memory import (
    ANSWERED,
    COMING,
    FREE,
    HEAD_OCTETS,
    HELD_STREAMS,
    NOW_NS,
    ROW_MASK,
    TOUCHED_COUNT,
    WAITING,
    WAITING_COUNT,
)
from vocabulary.foreign import octets_at, place_of
from vocabulary.held import held
from vocabulary.kernel import kernel
from vocabulary.octets import copy_octets

FRAME_OCTETS_MAX = 1 << 16
"""More than nghttp2 gives at once."""
IS_OVER = 1 << 40
IS_MORE = 1 << 41


@kernel
def receive(memory_octets, session, octets, length, now_ns):
    """Have nghttp2 read octets[:length]; below 0: the connection is to be ended at once."""
    held(memory_octets, HELD_STREAMS).counts[NOW_NS] = now_ns
    return mem_recv(session, np.uint64(place_of(octets)), np.uint64(length))


@kernel
def send(memory_octets, session, out):
    """Write what nghttp2 wants to send to out: how many octets.

    IS_MORE is added where out has no room for the rest, IS_OVER where the connection has nothing more to say or to hear.
    """
    place = held(memory_octets, HELD_STREAMS).place
    at = np.int64(0)
    while at + FRAME_OCTETS_MAX <= out.shape[0]:
        count = mem_send(session, np.uint64(place_of(place)))
        if count < 0:
            return at + IS_OVER
        if count == 0:
            return at if want_read(session) or want_write(session) else at + IS_OVER
        at = copy_octets(octets_at(place[0], count), 0, out, at, np.int64(count))
    return at + IS_MORE


@kernel
def row_of_ticket(memory, ticket):
    """The row of a stream that is still there; -1."""
    row = np.int64(ticket) & ROW_MASK
    if row >= memory.streams.shape[0] or memory.streams[row].ticket != ticket or memory.streams[row].state == FREE:
        return np.int64(-1)
    return row


@kernel
def put_header(memory, index, name_place, name_length, value_place, value_length, flags):
    """Header `index` of the answer that is being made."""
    nv = memory.nv[index]
    nv[0], nv[1], nv[2], nv[3], nv[4] = name_place, value_place, name_length, value_length, flags


@kernel
def answer(memory, row, headers, place, length):
    """Hand nghttp2 the answer of a stream: the first `headers` of nv, and the body at `place`; length 0: it has none."""
    one = memory.streams[row]
    if one.state == WAITING:
        memory.counts[WAITING_COUNT] -= 1
    one.state = ANSWERED
    one.response_place, one.response_length, one.response_sent = place, length, 0
    memory.provider[0] = row
    provider = np.uint64(place_of(memory.provider)) if length else np.uint64(0)
    submit_response(one.session, one.stream, np.uint64(place_of(memory.nv)), np.uint64(headers), provider)
    if not memory.is_touched[one.connection]:
        memory.is_touched[one.connection] = 1
        memory.touched[memory.counts[TOUCHED_COUNT]] = one.connection
        memory.counts[TOUCHED_COUNT] += 1


@kernel
def answer_ticket(memory_octets, ticket, head, headers, place, length):
    """Answer a request from Python; False where its stream is gone.

    head      uint8: `headers` times lengths of name and value, two octets each, and both
    place     where the body is: who made it keeps it until the stream has ended; length 0: none
    """
    memory = held(memory_octets, HELD_STREAMS)
    row = row_of_ticket(memory, ticket)
    if row < 0 or memory.streams[row].state == ANSWERED:
        return False
    first, at = np.uint64(place_of(head)), np.int64(0)
    for index in range(headers):
        name = np.int64(head[at]) | np.int64(head[at + 1]) << 8
        value = np.int64(head[at + 2]) | np.int64(head[at + 3]) << 8
        at += HEAD_OCTETS
        put_header(memory, index, first + np.uint64(at), name, first + np.uint64(at + name), value, 0)
        at += name + value
    answer(memory, row, headers, place, length)
    return True


@kernel
def reset(memory_octets, ticket, code):
    """End a stream without an answer; False where it is gone."""
    memory = held(memory_octets, HELD_STREAMS)
    row = row_of_ticket(memory, ticket)
    if row < 0:
        return False
    submit_rst_stream(memory.streams[row].session, 0, memory.streams[row].stream, code)
    return True


@kernel
def forget_connection(memory_octets, connection):
    """Give back all rows of a connection that is gone."""
    memory = held(memory_octets, HELD_STREAMS)
    for row in range(memory.streams.shape[0]):
        if memory.streams[row].state != FREE and memory.streams[row].connection == connection:
            free_row(memory, row)


@kernel
def find_overdue(memory_octets, coming_before_ns, waiting_before_ns, answered_before_ns, tickets):
    """Tickets of streams that began before: still coming, waiting for an engine, or answered and not taken; how many.

    tickets   uint32, written; those that don't fit are found the next time
    """
    memory = held(memory_octets, HELD_STREAMS)
    count = 0
    for row in range(memory.streams.shape[0]):
        one = memory.streams[row]
        if one.state == COMING:
            before_ns = coming_before_ns
        elif one.state == WAITING:
            before_ns = waiting_before_ns
        elif one.state == ANSWERED:
            before_ns = answered_before_ns
        else:
            continue
        if one.since_ns < before_ns and count < tickets.shape[0]:
            tickets[count] = one.ticket
            count += 1
    return count

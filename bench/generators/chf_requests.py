"""Kernels that patch the templates of create, update and release and queue them for sending, a stream each."""

from bench.generators.chf_templates import (
    CELL_DIGITS,
    IMSI_DIGITS,
    MARK_CELL,
    MARK_CHARGING_ID,
    MARK_CONTAINER,
    MARK_CONTAINER_STAMP,
    MARK_DATA,
    MARK_DOWNLINK,
    MARK_IMSI,
    MARK_MSISDN,
    MARK_NUMBER,
    MARK_REF,
    MARK_SESSION_CHARGING_ID,
    MARK_STAMP,
    MARK_TIME,
    MARK_TOTAL,
    MARK_UPLINK,
    MSISDN_DIGITS,
    NUMBER_WIDTH,
    REF_DIGITS,
    STAMP_OCTETS,
    STREAM_PLACES,
)
from bench.generators.fleet import FIRST_IMSI, FIRST_MSISDN, WAITING
from bench.generators.sessions import ask_again, connection_of, has_not_sent, has_sent, next_slot, put_digits, room_for
from vocabulary.kernel import kernel
from vocabulary.octets import copy_octets

_CELLS = 100_000


@kernel
def put_number(out, at, number):
    """`number`, 0 or more, as JSON at the end of the NUMBER_WIDTH octets at out[at:], which are spaces and a 0 before."""
    index = at + NUMBER_WIDTH - 1
    while number > 0 and index >= at:
        quotient = number // 10
        out[index] = 48 + number - 10 * quotient
        number = quotient
        index -= 1


@kernel
def _put_stream(out, at, stream):
    """The stream of the frame at out[at:]."""
    out[at + 5] = (stream >> 24) & 127
    out[at + 6] = (stream >> 16) & 255
    out[at + 7] = (stream >> 8) & 255
    out[at + 8] = stream & 255


@kernel
def _patch_services(fleet, out, at, slot, row):
    """Reports of each rating group: number, time, how the total splits."""
    wire = fleet.wire
    for service in range(fleet.used.shape[1]):
        marks = wire.mscc_marks[row.request_type - 1, service]
        if marks[MARK_TOTAL] == 0:
            continue
        used = fleet.used[slot, service]
        uplink = used >> 3
        put_number(out, at + marks[MARK_CONTAINER], row.number)
        put_number(out, at + marks[MARK_TIME], row.cc_time_s)
        put_number(out, at + marks[MARK_TOTAL], used)
        put_number(out, at + marks[MARK_UPLINK], uplink)
        put_number(out, at + marks[MARK_DOWNLINK], used - uplink)
        copy_octets(wire.stamps[slot], 0, out, at + marks[MARK_CONTAINER_STAMP], STAMP_OCTETS)


@kernel
def write_request(fleet, out, at, slot, stream):
    """Write the slot's request as frames of `stream` at octet `at` of `out`; returns the octet behind it."""
    wire, row = fleet.wire, fleet.slots[slot]
    template = row.request_type - 1
    length = wire.lengths[template]
    copy_octets(wire.octets[template], 0, out, at, length)
    marks = wire.marks[template]
    _put_stream(out, at, stream)
    _put_stream(out, at + marks[MARK_DATA], stream)
    if marks[MARK_REF] > 0:
        copy_octets(wire.refs[slot], 0, out, at + marks[MARK_REF], REF_DIGITS)
    copy_octets(wire.stamps[slot], 0, out, at + marks[MARK_STAMP], STAMP_OCTETS)
    put_digits(out, at + marks[MARK_IMSI], IMSI_DIGITS, fleet.parameters[FIRST_IMSI] + row.subscriber)
    put_digits(out, at + marks[MARK_MSISDN], MSISDN_DIGITS, fleet.parameters[FIRST_MSISDN] + row.subscriber)
    put_number(out, at + marks[MARK_NUMBER], row.number)
    put_number(out, at + marks[MARK_CHARGING_ID], row.ordinal & 0xFFFFFFFF)
    put_number(out, at + marks[MARK_SESSION_CHARGING_ID], row.ordinal & 0xFFFFFFFF)
    # The subscriber moves to the next cell every eight requests, as in the Gy load.
    put_digits(out, at + marks[MARK_CELL], CELL_DIGITS, (row.ordinal * 7 + (row.number >> 3)) % _CELLS)
    _patch_services(fleet, out, at, slot, row)
    return at + length


@kernel
def _free_stream(wire, connection):
    """The next stream of a connection whose place is free; those that are passed over count as closed (RFC 9113 §5.1.1)."""
    stream = wire.next_stream[connection]
    while wire.streams[connection, (stream >> 1) & (STREAM_PLACES - 1)] != 0:
        stream += 2
    wire.next_stream[connection] = stream + 2
    return stream


@kernel
def _takes_one_more(fleet, connection, template):
    """Has the connection room for the request: of ours, and by the server's windows and limits?"""
    wire = fleet.wire
    return (
        wire.open_streams[connection] < wire.streams_max[connection]
        and wire.window[connection] >= wire.body_lengths[template]
        and room_for(fleet, connection, wire.lengths[template])
    )


@kernel
def send_requests(fleet, now_ns, event_s):
    """Queue all requests that may leave now (`next_slot`); returns how many."""
    sent = 0
    wire = fleet.wire
    while True:
        slot = next_slot(fleet, now_ns, event_s)
        if slot < 0:
            return sent
        row = fleet.slots[slot]
        connection = connection_of(row.subscriber, fleet.outgoing.shape[0])
        template = row.request_type - 1
        if not _takes_one_more(fleet, connection, template):
            has_not_sent(fleet, slot)
            return sent
        stream = _free_stream(wire, connection)
        wire.streams[connection, (stream >> 1) & (STREAM_PLACES - 1)] = slot + 1
        wire.open_streams[connection] += 1
        wire.window[connection] -= wire.body_lengths[template]
        for column in range(wire.heads.shape[1]):
            wire.heads[slot, column] = 0
        if row.is_unanswered == 0:
            copy_octets(wire.stamp, 0, wire.stamps[slot], 0, STAMP_OCTETS)
        has_sent(fleet, slot, stream, now_ns)
        last = fleet.outgoing_range[connection, 1]
        fleet.outgoing_range[connection, 1] = write_request(fleet, fleet.outgoing[connection], last, slot, stream)
        sent += 1


@kernel
def repeat_requests(fleet, connection):
    """Of a connection that was lost and is back: its streams are new, what is unanswered leaves again as it was.

    A create keeps its time, by which it is known again; the others are known by their number. How many.
    """
    wire = fleet.wire
    fleet.outgoing_range[connection, 0] = 0
    fleet.outgoing_range[connection, 1] = 0
    for place in range(wire.streams.shape[1]):
        wire.streams[connection, place] = 0
    wire.next_stream[connection] = 1
    wire.open_streams[connection] = 0
    wire.received[connection] = 0
    repeated = 0
    for slot in range(fleet.slots.shape[0]):
        row = fleet.slots[slot]
        if row.phase == WAITING and connection_of(row.subscriber, fleet.outgoing.shape[0]) == connection:
            ask_again(fleet, slot)
            repeated += 1
    return repeated

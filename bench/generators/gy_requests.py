"""Kernels that patch the templates of CCRs and queue them for sending.

Hop-by-hop ids carry the slot in their low bits and a generation above, so that an answer finds its slot without a search
and a stale one is noticed. A request is a pure function of its slot (`write_request`), so that a repeat after a lost
connection has the same octets but for the T flag.
"""

import numpy as np

from bench.generators.fleet import (
    FIRST_IMSI,
    FIRST_MSISDN,
    GENERATION,
    REPEATED_COUNT,
    SLOT_BITS,
    WAITING,
)
from bench.generators.gy_templates import (
    IMSI_DIGITS,
    MARK_CC_TIME,
    MARK_CELL,
    MARK_CHARGING_ID,
    MARK_EVENT_TIME,
    MARK_IMSI,
    MARK_INPUT,
    MARK_MSISDN,
    MARK_OUTPUT,
    MARK_PDP_ADDRESS,
    MARK_REASON,
    MARK_REQUEST_NUMBER,
    MARK_SESSION,
    MARK_TOTAL,
    MSISDN_DIGITS,
    SESSION_DIGITS,
)
from bench.generators.sessions import (
    TERMINATION,
    connection_of,
    has_not_sent,
    has_sent,
    next_slot,
    put_digits,
    room_for,
)
from vocabulary.kernel import inlined_kernel, kernel

END_TO_END_STEP = 2_654_435_761
"""Odd, so that end-to-end ids are as different as hop-by-hop ids, and never the same number."""
FLAG_RETRANSMITTED = 0x10
REASON_FINAL = 2
REASON_QUOTA_EXHAUSTED = 3
REASON_VALIDITY_TIME = 4


@inlined_kernel
def _put32(out, at, value):
    out[at] = (value >> 24) & 255
    out[at + 1] = (value >> 16) & 255
    out[at + 2] = (value >> 8) & 255
    out[at + 3] = value & 255


@kernel
def _patch_services(fleet, out, at, slot, row):
    """Reports of each MSCC: total, how it splits, time, reason."""
    for service in range(fleet.used.shape[1]):
        marks = fleet.wire.mscc_marks[row.request_type - 1, service]
        if marks[MARK_TOTAL] == 0:
            continue
        used = fleet.used[slot, service]
        uplink = used >> 3
        _put32(out, at + marks[MARK_CC_TIME], row.cc_time_s)
        _put32(out, at + marks[MARK_TOTAL], used >> 32)
        _put32(out, at + marks[MARK_TOTAL] + 4, used)
        _put32(out, at + marks[MARK_INPUT] + 4, uplink)
        _put32(out, at + marks[MARK_OUTPUT] + 4, used - uplink)
        reason = REASON_VALIDITY_TIME
        if row.request_type == TERMINATION:
            reason = REASON_FINAL
        elif used >= fleet.granted[slot, service]:
            reason = REASON_QUOTA_EXHAUSTED
        _put32(out, at + marks[MARK_REASON], reason)


@kernel
def write_request(fleet, out, at, slot, flags):
    """Write the slot's request at octet `at` of `out`; returns the octet behind it. `flags` are added to R and P."""
    row = fleet.slots[slot]
    template = row.request_type - 1
    length = fleet.wire.lengths[template]
    source = fleet.wire.octets
    for index in range(length):
        out[at + index] = source[template, index]
    marks = fleet.wire.marks[template]
    out[at + 4] |= flags
    _put32(out, at + 12, row.request_id)
    _put32(out, at + 16, (row.request_id * END_TO_END_STEP) & 0xFFFFFFFF)
    put_digits(out, at + marks[MARK_SESSION], SESSION_DIGITS, row.ordinal)
    _put32(out, at + marks[MARK_REQUEST_NUMBER], row.number)
    _put32(out, at + marks[MARK_EVENT_TIME], row.event_s)
    put_digits(out, at + marks[MARK_MSISDN], MSISDN_DIGITS, fleet.parameters[FIRST_MSISDN] + row.subscriber)
    put_digits(out, at + marks[MARK_IMSI], IMSI_DIGITS, fleet.parameters[FIRST_IMSI] + row.subscriber)
    _put32(out, at + marks[MARK_CHARGING_ID], row.ordinal & 0xFFFFFFFF)
    address = at + marks[MARK_PDP_ADDRESS]
    out[address] = (row.subscriber >> 16) & 255
    out[address + 1] = (row.subscriber >> 8) & 255
    out[address + 2] = row.subscriber & 255
    # The subscriber moves to the next cell every eight requests, so Service-Information changes once in most sessions.
    cell = row.ordinal * 7 + (row.number >> 3)
    out[at + marks[MARK_CELL]] = (cell >> 8) & 255
    out[at + marks[MARK_CELL] + 1] = cell & 255
    _patch_services(fleet, out, at, slot, row)
    return at + length


@kernel
def send_requests(fleet, now_ns, event_s):
    """Queue all requests that may leave now (`next_slot`); returns how many."""
    sent = 0
    while True:
        slot = next_slot(fleet, now_ns, event_s)
        if slot < 0:
            return sent
        row = fleet.slots[slot]
        connection = connection_of(row.subscriber, fleet.outgoing.shape[0])
        if not room_for(fleet, connection, fleet.wire.lengths[row.request_type - 1]):
            has_not_sent(fleet, slot)
            return sent
        fleet.counters[GENERATION] += 1
        has_sent(fleet, slot, ((fleet.counters[GENERATION] << fleet.parameters[SLOT_BITS]) | slot) & 0xFFFFFFFF, now_ns)
        last = fleet.outgoing_range[connection, 1]
        flags = FLAG_RETRANSMITTED if row.is_unanswered != 0 else 0
        fleet.outgoing_range[connection, 1] = write_request(fleet, fleet.outgoing[connection], last, slot, flags)
        sent += 1


@kernel
def repeat_requests(fleet, connection):
    """Queue all unanswered requests of a connection again, with the T flag, in place of what was unsent; how many."""
    fleet.outgoing_range[connection, 0] = 0
    last = np.int64(0)
    repeated = 0
    out = fleet.outgoing[connection]
    for slot in range(fleet.slots.shape[0]):
        row = fleet.slots[slot]
        if row.phase != WAITING or connection_of(row.subscriber, fleet.outgoing.shape[0]) != connection:
            continue
        row.is_unanswered = 1
        last = write_request(fleet, out, last, slot, FLAG_RETRANSMITTED)
        repeated += 1
    fleet.outgoing_range[connection, 1] = last
    fleet.counters[REPEATED_COUNT] += repeated
    return repeated

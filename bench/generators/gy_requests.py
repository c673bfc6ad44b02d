"""Kernels that open sessions, choose what was used, patch templates and queue requests for sending.

A request is a pure function of its slot (`write_request`), so that a repeat after a lost connection has the same octets
but for the T flag.
"""

import numpy as np

from bench.generators.gy_fleet import (
    DUE_NS,
    FIRST_IMSI,
    FIRST_MSISDN,
    GENERATION,
    IDLE,
    INTERVAL_NS,
    IS_DRAINING,
    NEXT_ORDINAL,
    OPEN,
    OUTSTANDING,
    PLACES,
    REPEATED_COUNT,
    RETIRED,
    RETIRED_COUNT,
    RING_HEAD,
    RING_TAIL,
    SENT_COUNT,
    SLOT_BITS,
    SUBSCRIBERS,
    UPDATES_MAX,
    UPDATES_MIN,
    WAITING,
    WAITING_COUNT,
)
from bench.generators.gy_templates import (
    IMSI_DIGITS,
    INITIAL,
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
    TERMINATION,
)
from vocabulary.kernel import inlined_kernel, kernel

_STEP = np.uint64(0x9E3779B97F4A7C15)
_MIX1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX2 = np.uint64(0x94D049BB133111EB)
END_TO_END_STEP = 2_654_435_761
"""Odd, so that end-to-end ids are as different as hop-by-hop ids, and never the same number."""
FLAG_RETRANSMITTED = 0x10
OVERUSE_OCTETS_MAX = 4_096
REASON_FINAL = 2
REASON_QUOTA_EXHAUSTED = 3
REASON_VALIDITY_TIME = 4
_DRAWS_MAX = 16


@kernel
def random_below(random, bound):
    """Next number of SplitMix64 (Steele, Lea, Flood 2014), 0..bound - 1; bound 1..2**40. `random` is uint64[1]."""
    random[0] += _STEP
    mixed = random[0]
    mixed = (mixed ^ (mixed >> np.uint64(30))) * _MIX1
    mixed = (mixed ^ (mixed >> np.uint64(27))) * _MIX2
    mixed ^= mixed >> np.uint64(31)
    return np.int64((mixed >> np.uint64(11)) % np.uint64(bound))


@kernel
def draw_used(random, granted):
    """Octets that a session reports of `granted`: half the time all of it, sometimes nothing, sometimes a little more."""
    if granted <= 0:
        return np.int64(0)
    kind = random_below(random, 100)
    if kind < 52:
        return granted
    if kind < 90:
        return random_below(random, granted)
    if kind < 95:
        return np.int64(0)
    return granted + 1 + random_below(random, OVERUSE_OCTETS_MAX)


@kernel
def draw_subscriber(fleet):
    """A subscriber, uniform or by the cumulative shares (binary search)."""
    subscribers = fleet.parameters[SUBSCRIBERS]
    if fleet.cumulative.shape[0] == 0:
        return random_below(fleet.random, subscribers)
    share = np.float64(random_below(fleet.random, 1 << 40)) / np.float64(1 << 40)
    low, high = np.int64(0), subscribers - 1
    while low < high:
        middle = (low + high) // 2
        if fleet.cumulative[middle] <= share:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def connection_of(subscriber, connections):
    """The one connection over which all sessions of a subscriber go (bench/books.py says why)."""
    return ((subscriber * 2_654_435_761) >> 16) % connections


@kernel
def _free_place(taken, places):
    for place in range(places):
        if taken & (np.uint32(1) << np.uint32(place)) == 0:
            return place
    return -1


@kernel
def _open_session(fleet, slot):
    """Give the slot a new session of a subscriber that has less than its most; False where none has."""
    subscribers = fleet.parameters[SUBSCRIBERS]
    place = -1
    subscriber = np.int64(0)
    for _ in range(_DRAWS_MAX):
        subscriber = draw_subscriber(fleet)
        place = _free_place(fleet.places_taken[subscriber], fleet.parameters[PLACES])
        if place >= 0:
            break
    if place < 0:
        for _ in range(subscribers):
            subscriber = (subscriber + 1) % subscribers
            place = _free_place(fleet.places_taken[subscriber], fleet.parameters[PLACES])
            if place >= 0:
                break
    if place < 0:
        return False
    fleet.places_taken[subscriber] |= np.uint32(1) << np.uint32(place)
    row = fleet.slots[slot]
    row.subscriber = subscriber
    row.place = place
    row.ordinal = fleet.counters[NEXT_ORDINAL]
    fleet.counters[NEXT_ORDINAL] += 1
    row.number = 0
    row.request_type = INITIAL
    row.is_repeated = 0
    spread = fleet.parameters[UPDATES_MAX] - fleet.parameters[UPDATES_MIN] + 1
    row.updates_left = fleet.parameters[UPDATES_MIN] + random_below(fleet.random, spread)
    for service in range(fleet.used.shape[1]):
        fleet.used[slot, service] = 0
        fleet.granted[slot, service] = 0
    return True


@kernel
def _put_digits(out, at, count, number):
    for index in range(at + count - 1, at - 1, -1):
        quotient = number // 10
        out[index] = 48 + number - 10 * quotient
        number = quotient


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
        marks = fleet.templates.mscc_marks[row.request_type - 1, service]
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
    length = fleet.templates.lengths[template]
    source = fleet.templates.octets
    for index in range(length):
        out[at + index] = source[template, index]
    marks = fleet.templates.marks[template]
    out[at + 4] |= flags
    _put32(out, at + 12, row.hop_by_hop)
    _put32(out, at + 16, (row.hop_by_hop * END_TO_END_STEP) & 0xFFFFFFFF)
    _put_digits(out, at + marks[MARK_SESSION], SESSION_DIGITS, row.ordinal)
    _put32(out, at + marks[MARK_REQUEST_NUMBER], row.number)
    _put32(out, at + marks[MARK_EVENT_TIME], row.event_s)
    _put_digits(out, at + marks[MARK_MSISDN], MSISDN_DIGITS, fleet.parameters[FIRST_MSISDN] + row.subscriber)
    _put_digits(out, at + marks[MARK_IMSI], IMSI_DIGITS, fleet.parameters[FIRST_IMSI] + row.subscriber)
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
def _room_for(fleet, connection, length):
    """Make room at the end of the connection's outgoing octets; False where what is unsent fills it."""
    first, last = fleet.outgoing_range[connection, 0], fleet.outgoing_range[connection, 1]
    out = fleet.outgoing[connection]
    if last + length <= out.shape[0]:
        return True
    if first == 0:
        return False
    for index in range(last - first):
        out[index] = out[first + index]
    fleet.outgoing_range[connection, 0] = 0
    fleet.outgoing_range[connection, 1] = last - first
    return last - first + length <= out.shape[0]


@kernel
def put_back(fleet, slot):
    """Queue a slot for sending, behind the others."""
    tail = fleet.counters[RING_TAIL]
    fleet.ring[tail & (fleet.ring.shape[0] - 1)] = slot
    fleet.counters[RING_TAIL] = tail + 1


@kernel
def _prepare(fleet, slot, event_s):
    """Decide what the slot's next request says: a new session, or what was used of the last grant."""
    row = fleet.slots[slot]
    if row.phase == IDLE:
        if not _open_session(fleet, slot):
            return False
        row.phase = OPEN
    elif row.is_repeated == 0:
        for service in range(fleet.used.shape[1]):
            fleet.used[slot, service] = draw_used(fleet.random, fleet.granted[slot, service])
        row.cc_time_s = 1 + random_below(fleet.random, 600)
    row.event_s = event_s
    return True


@kernel
def _send_slot(fleet, slot, sent_ns):
    row = fleet.slots[slot]
    connection = connection_of(row.subscriber, fleet.outgoing.shape[0])
    if not _room_for(fleet, connection, fleet.templates.lengths[row.request_type - 1]):
        return False
    fleet.counters[GENERATION] += 1
    row.hop_by_hop = ((fleet.counters[GENERATION] << fleet.parameters[SLOT_BITS]) | slot) & 0xFFFFFFFF
    row.phase = WAITING
    row.sent_ns = sent_ns
    out = fleet.outgoing[connection]
    last = fleet.outgoing_range[connection, 1]
    fleet.outgoing_range[connection, 1] = write_request(fleet, out, last, slot, 0)
    fleet.counters[WAITING_COUNT] += 1
    fleet.counters[SENT_COUNT] += 1
    return True


@kernel
def send_requests(fleet, now_ns, event_s):
    """Queue all requests that may leave now; returns how many.

    Closed loop: while fewer than `outstanding` wait. Open loop: those that are due, each with its intended time.
    Draining sends the T of each open session, and retires the idle slots.
    """
    sent = 0
    counters = fleet.counters
    interval_ns = fleet.parameters[INTERVAL_NS]
    is_paced = interval_ns > 0 and counters[IS_DRAINING] == 0
    while counters[WAITING_COUNT] < fleet.parameters[OUTSTANDING] and counters[RING_HEAD] < counters[RING_TAIL]:
        if is_paced and counters[DUE_NS] > now_ns:
            break
        slot = np.int64(fleet.ring[counters[RING_HEAD] & (fleet.ring.shape[0] - 1)])
        row = fleet.slots[slot]
        if row.phase == IDLE and counters[IS_DRAINING] != 0:
            row.phase = RETIRED
            counters[RETIRED_COUNT] += 1
            counters[RING_HEAD] += 1
            continue
        if row.phase == OPEN and row.request_type != INITIAL and counters[IS_DRAINING] != 0:
            row.request_type = TERMINATION
        if not _prepare(fleet, slot, event_s):
            break
        if not _send_slot(fleet, slot, counters[DUE_NS] if is_paced else now_ns):
            row.is_repeated = 1
            break
        counters[RING_HEAD] += 1
        counters[DUE_NS] += interval_ns
        sent += 1
    return sent


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
        last = write_request(fleet, out, last, slot, FLAG_RETRANSMITTED)
        repeated += 1
    fleet.outgoing_range[connection, 1] = last
    fleet.counters[REPEATED_COUNT] += repeated
    return repeated

"""Kernels that open sessions, choose what was used and say which slot sends next, whatever the protocol."""

import numpy as np

from bench.generators.fleet import (
    DUE_NS,
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
    SUBSCRIBERS,
    UPDATES_MAX,
    UPDATES_MIN,
    WAITING,
    WAITING_COUNT,
)
from vocabulary.kernel import kernel

INITIAL = 1
UPDATE = 2
TERMINATION = 3
"""Request types, as CC-Request-Type numbers them."""
NONE_MAY_SEND = -1

_STEP = np.uint64(0x9E3779B97F4A7C15)
_MIX1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX2 = np.uint64(0x94D049BB133111EB)
OVERUSE_OCTETS_MAX = 4_096
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
    row.is_unanswered = 0
    spread = fleet.parameters[UPDATES_MAX] - fleet.parameters[UPDATES_MIN] + 1
    row.updates_left = fleet.parameters[UPDATES_MIN] + random_below(fleet.random, spread)
    for service in range(fleet.used.shape[1]):
        fleet.used[slot, service] = 0
        fleet.granted[slot, service] = 0
    return True


@kernel
def put_digits(out, at, count, number):
    """`number` in `count` decimal digits at out[at:]."""
    for index in range(at + count - 1, at - 1, -1):
        quotient = number // 10
        out[index] = 48 + number - 10 * quotient
        number = quotient


@kernel
def room_for(fleet, connection, length):
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
    if row.is_unanswered != 0:
        return True
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
def next_slot(fleet, now_ns, event_s):
    """The slot whose request leaves next, NONE_MAY_SEND where none may leave now; `has_sent` or `has_not_sent` follows.

    Closed loop: while fewer than `outstanding` wait. Open loop: those that are due. Draining ends each open session and
    retires the idle slots.
    """
    counters = fleet.counters
    is_paced = fleet.parameters[INTERVAL_NS] > 0 and counters[IS_DRAINING] == 0
    while counters[WAITING_COUNT] < fleet.parameters[OUTSTANDING] and counters[RING_HEAD] < counters[RING_TAIL]:
        if is_paced and counters[DUE_NS] > now_ns:
            return NONE_MAY_SEND
        slot = np.int64(fleet.ring[counters[RING_HEAD] & (fleet.ring.shape[0] - 1)])
        row = fleet.slots[slot]
        if row.phase == IDLE and counters[IS_DRAINING] != 0:
            row.phase = RETIRED
            counters[RETIRED_COUNT] += 1
            counters[RING_HEAD] += 1
            continue
        is_free = row.phase == OPEN and row.is_unanswered == 0
        if is_free and row.request_type != INITIAL and counters[IS_DRAINING] != 0:
            row.request_type = TERMINATION
        return slot if _prepare(fleet, slot, event_s) else NONE_MAY_SEND
    return NONE_MAY_SEND


@kernel
def has_sent(fleet, slot, request_id, now_ns):
    """The slot's request is queued and waits for its answer; in an open loop it counts from its intended time."""
    counters = fleet.counters
    row = fleet.slots[slot]
    row.request_id = request_id
    row.phase = WAITING
    counters[RING_HEAD] += 1
    counters[WAITING_COUNT] += 1
    if row.is_unanswered != 0:
        counters[REPEATED_COUNT] += 1
        return  # its latency counts from when it was sent first
    row.sent_ns = now_ns
    if fleet.parameters[INTERVAL_NS] > 0 and counters[IS_DRAINING] == 0:
        row.sent_ns = counters[DUE_NS]
    counters[DUE_NS] += fleet.parameters[INTERVAL_NS]
    counters[SENT_COUNT] += 1


@kernel
def has_not_sent(fleet, slot):
    """No room for the slot's request now: it leaves later, as it is."""
    fleet.slots[slot].is_repeated = 1


@kernel
def ask_again(fleet, slot):
    """The slot's request has no answer that says whether it was decided: it is sent again as it was, behind the others."""
    row = fleet.slots[slot]
    row.phase = OPEN
    row.is_unanswered = 1
    fleet.counters[WAITING_COUNT] -= 1
    put_back(fleet, slot)

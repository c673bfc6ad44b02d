"""multipleUnitUsage of a usual body (usual_bodies.py): UPFs of rating groups with what they ask for and report, summed."""

import numpy as np

from charging.batch import (
    HAS_REQUESTED,
    HAS_REQUESTED_EVENTS,
    HAS_REQUESTED_OCTETS,
    HAS_REQUESTED_SECONDS,
    HAS_USED,
    HAS_USED_EVENTS,
    HAS_USED_OCTETS,
    HAS_USED_SECONDS,
    IS_OFFLINE,
)
from chf_http2.json_octets import (
    CLOSE_LIST,
    CLOSE_OBJECT,
    NOT_USUAL,
    OPEN_LIST,
    OPEN_OBJECT,
    behind_string,
    behind_value,
    enter,
    go_on,
    is_text,
    read_instant,
    read_name,
    read_whole,
)
from chf_http2.known_values import behind_known, read_member
from chf_http2.numbering import upf_digest
from chf_http2.tick_memory import TICK_MSCCS, UPF_ID_OCTETS_MAX
from chf_http2.triggers import OF_QUOTA
from chf_http2.usual_members import (
    CONDITIONS,
    CONTAINER,
    CONTAINERS,
    DETAIL,
    DOES,
    EVENTS,
    INDICATOR,
    KNOWN,
    OCTETS_DOWN,
    OCTETS_TOTAL,
    OCTETS_UP,
    OFFLINE_CHARGING,
    RATING_GROUP,
    REQUESTED,
    SECONDS,
    TRIGGER_TIME,
    UNITS,
    UPF_ID,
    USAGE,
    word,
    words,
)
from vocabulary.kernel import kernel
from vocabulary.limits import MSCCS_PER_REQUEST_MAX, UNITS_MAX

_UINT32_MAX = 2**32 - 1
_OFFLINE = word(OFFLINE_CHARGING)
_TRIGGER_TYPE = word("triggerType")
_OF_QUOTA, _OF_QUOTA_LENGTHS = words(list(OF_QUOTA))
_QUOTE = 34
_ABSENT = -1
"""Units that aren't said."""
_AMOUNTS = 3
"""octets, seconds, events"""
_REQUESTED_BITS = (HAS_REQUESTED_OCTETS, HAS_REQUESTED_SECONDS, HAS_REQUESTED_EVENTS)
_USED_BITS = (HAS_USED_OCTETS, HAS_USED_SECONDS, HAS_USED_EVENTS)
_NOT_OFFLINE = ~IS_OFFLINE & 0xFFFFFFFF
_ALL_USED = HAS_USED | HAS_USED_OCTETS | HAS_USED_SECONDS | HAS_USED_EVENTS


@kernel
def _read_amounts(tick, at, end, of, has_number):
    """Behind an object of units: `tick.amounts` gets octets, seconds and events, _ABSENT where they aren't said.

    has_number   of a used unit container, which must have its number
    """
    octets, amounts = tick.arrived.octets, tick.amounts
    total, up, down = np.int64(_ABSENT), np.int64(_ABSENT), np.int64(_ABSENT)
    amounts[1], amounts[2] = _ABSENT, _ABSENT
    seen = np.uint64(0)
    at, more = enter(octets, at, end, OPEN_OBJECT, CLOSE_OBJECT)
    while more and at >= 0:
        at, row, seen = read_member(octets, at, end, of, seen)
        if at < 0:
            return np.int64(at)
        does = DOES[row]
        if does in (KNOWN, DETAIL, CONDITIONS):
            value = at
            at = behind_known(tick, row, at, end)
            if at >= 0 and does == CONDITIONS:
                conditions = _count_conditions(octets, value, at)
                if conditions < 0:
                    return conditions
                tick.facts[0].has_details |= conditions > 0
            tick.facts[0].has_details |= does == DETAIL
        elif does == INDICATOR:
            behind = behind_string(octets, at, end)  # escapes, which might spell it, are requests.py's to read
            tick.facts[0].offline_containers += behind >= 0 and is_text(octets, at + 1, behind - at - 2, _OFFLINE)
            at = behind
        elif does == TRIGGER_TIME:
            at, instant_ns = read_instant(octets, at, end)
            tick.facts[0].last_trigger_ns = max(tick.facts[0].last_trigger_ns, instant_ns)
        else:
            at, value = read_whole(octets, at, end)
            if does == SECONDS:
                amounts[1] = value
            elif does == EVENTS:
                amounts[2] = value
            elif does == OCTETS_TOTAL:
                total = value
            elif does == OCTETS_UP:
                up = value
            elif does == OCTETS_DOWN:
                down = value
            else:
                has_number = True
            if value > UNITS_MAX or (does == SECONDS and value > _UINT32_MAX):
                return np.int64(NOT_USUAL)
        if at < 0:
            return np.int64(at)
        at, more = go_on(octets, at, end, CLOSE_OBJECT)
    if total == _ABSENT and (up != _ABSENT or down != _ABSENT):
        total = max(up, 0) + max(down, 0)
    amounts[0] = total
    return np.int64(at) if has_number else np.int64(NOT_USUAL)


@kernel
def _count_conditions(octets, at, end):
    """How many of these triggers, which the schema accepted, aren't of quota; NOT_USUAL where that takes a decoder."""
    found = np.int64(0)
    at, more = enter(octets, at, end, OPEN_LIST, CLOSE_LIST)
    while more and at >= 0:
        at, has_member = enter(octets, at, end, OPEN_OBJECT, CLOSE_OBJECT)
        while has_member and at >= 0:
            value, length = read_name(octets, at, end)
            if value < 0:
                return np.int64(NOT_USUAL)
            is_type = is_text(octets, at + 1, length, _TRIGGER_TYPE)
            at = behind_string(octets, value, end) if is_type else behind_value(octets, value, end)
            if at < 0:
                return np.int64(NOT_USUAL)
            found += is_type and not _is_of_quota(octets, value + 1, at - value - 2)
            at, has_member = go_on(octets, at, end, CLOSE_OBJECT)
        if at >= 0:
            at, more = go_on(octets, at, end, CLOSE_LIST)
    return found if at >= 0 else np.int64(NOT_USUAL)


@kernel
def _is_of_quota(octets, first, length):
    found = False
    for row in range(_OF_QUOTA.shape[0]):
        found |= is_text(octets, first, length, _OF_QUOTA[row, : _OF_QUOTA_LENGTHS[row]])
    return found


@kernel
def _add_amounts(sums, amounts, bits):
    """Add what is said; the bits of these, NOT_USUAL where a sum is too large."""
    presence = np.int64(0)
    for index in range(_AMOUNTS):
        if amounts[index] != _ABSENT:
            presence |= bits[index]
            sums[index] += amounts[index]
            if sums[index] > UNITS_MAX:
                return np.int64(NOT_USUAL)
    return presence


@kernel
def _read_requested(tick, at, end):
    """Behind requestedUnit."""
    at = _read_amounts(tick, at, end, UNITS, True)
    if at < 0:
        return at
    presence = _add_amounts(tick.requested, tick.amounts, _REQUESTED_BITS)
    if presence < 0:
        return presence
    tick.facts[0].presence |= np.uint32(presence | HAS_REQUESTED)
    return at


@kernel
def _read_containers(tick, at, end):
    """Behind usedUnitContainer."""
    octets = tick.arrived.octets
    at, more = enter(octets, at, end, OPEN_LIST, CLOSE_LIST)
    while more and at >= 0:
        tick.facts[0].containers += 1
        at = _read_amounts(tick, at, end, CONTAINER, False)
        if at < 0:
            return at
        presence = _add_amounts(tick.used, tick.amounts, _USED_BITS)
        if presence < 0:
            return presence
        tick.facts[0].presence |= np.uint32(presence | HAS_USED)
        at, more = go_on(octets, at, end, CLOSE_LIST)
    return np.int64(at)


@kernel
def _read_usage(tick, at, end):
    """Behind one MultipleUnitUsage: sums and facts get it."""
    octets, facts = tick.arrived.octets, tick.facts[0]
    facts.rating_group, facts.presence, facts.upf_at, facts.upf_length = _ABSENT, 0, 0, 0
    facts.containers, facts.offline_containers = 0, 0
    tick.requested[:] = 0
    tick.used[:] = 0
    seen = np.uint64(0)
    at, more = enter(octets, at, end, OPEN_OBJECT, CLOSE_OBJECT)
    while more and at >= 0:
        at, row, seen = read_member(octets, at, end, USAGE, seen)
        if at < 0:
            return np.int64(at)
        does = DOES[row]
        if does == RATING_GROUP:
            at, facts.rating_group = read_whole(octets, at, end)
        elif does == REQUESTED:
            at = _read_requested(tick, at, end)
        elif does == CONTAINERS:
            at = _read_containers(tick, at, end)
        elif does == UPF_ID:
            facts.upf_at = at + 1
            at = behind_string(octets, at, end)
            facts.upf_length = at - facts.upf_at - 1
        else:
            at = behind_known(tick, row, at, end)
            facts.has_details |= does == DETAIL
        if at < 0:
            return np.int64(at)
        at, more = go_on(octets, at, end, CLOSE_OBJECT)
    facts.upf = upf_digest(octets, np.int64(facts.upf_at), np.int64(facts.upf_length), tick.secret)
    usual = 0 <= facts.rating_group <= _UINT32_MAX and facts.upf_length <= UPF_ID_OCTETS_MAX
    return np.int64(at) if usual else np.int64(NOT_USUAL)


@kernel
def _mscc_of(tick, gives_quota):
    """Add a usage to the row of its rating group and UPF, a new one where it has none; False where there are too many."""
    facts, packed = tick.facts[0], tick.packed
    row, behind = tick.counts[TICK_MSCCS], tick.counts[TICK_MSCCS] + facts.mscc_count
    while row < behind and not _is_for(packed.msccs[row], facts):
        row += 1
    mscc = packed.msccs[row]
    if row == behind:
        if facts.mscc_count == MSCCS_PER_REQUEST_MAX:
            return False
        facts.mscc_count += 1
        _empty_mscc(mscc, facts.rating_group)
        tick.upf_ids[row - tick.counts[TICK_MSCCS]] = 0
    if mscc.upf == 0:
        mscc.upf = facts.upf
        upf_id = tick.upf_ids[row - tick.counts[TICK_MSCCS]]
        upf_id[0], upf_id[1] = facts.upf_at, facts.upf_length
    mscc.used_octets += tick.used[0]
    mscc.used_seconds += tick.used[1]
    mscc.used_events += tick.used[2]
    is_all_offline = facts.offline_containers == facts.containers
    is_offline = facts.containers > 0 and is_all_offline
    if not is_all_offline or (gives_quota and not is_offline and facts.presence & HAS_REQUESTED):
        mscc.presence &= np.uint32(_NOT_OFFLINE)
    if gives_quota and not is_offline:
        mscc.requested_octets += tick.requested[0]
        mscc.requested_seconds += tick.requested[1]
        mscc.requested_events += tick.requested[2]
        mscc.presence |= facts.presence
    else:
        mscc.presence |= facts.presence & np.uint32(_ALL_USED)
    return (
        max(mscc.used_octets, mscc.used_seconds, mscc.used_events) <= UNITS_MAX
        and max(mscc.requested_octets, mscc.requested_seconds, mscc.requested_events) <= UNITS_MAX
    )


@kernel
def _is_for(mscc, facts):
    """Is the row of the usage's rating group and UPF? One that names no UPF is of the rating group's first."""
    return mscc.rating_group == facts.rating_group and (mscc.upf == facts.upf or mscc.upf == 0 or facts.upf == 0)


@kernel
def _empty_mscc(mscc, rating_group):
    mscc.rating_group = rating_group
    mscc.requested_octets = 0
    mscc.requested_seconds = 0
    mscc.requested_events = 0
    mscc.used_octets = 0
    mscc.used_seconds = 0
    mscc.used_events = 0
    mscc.before_octets = 0  # usage that a tariff change split is requests.py's to read (usual_members.py)
    mscc.before_seconds = 0
    mscc.before_events = 0
    mscc.presence = IS_OFFLINE
    mscc.upf = 0


@kernel
def read_usages(tick, at, end, gives_quota):
    """Behind multipleUnitUsage: UPFs of its rating groups are rows of packed.msccs behind those of other requests."""
    octets = tick.arrived.octets
    at, more = enter(octets, at, end, OPEN_LIST, CLOSE_LIST)
    while more and at >= 0:
        at = _read_usage(tick, at, end)
        if at < 0:
            return at
        if not _mscc_of(tick, gives_quota):
            return np.int64(NOT_USUAL)
        at, more = go_on(octets, at, end, CLOSE_LIST)
    return np.int64(at)

"""The groups of a CCR: Multiple-Services-Credit-Control with its service units, and Subscription-Id."""

import numpy as np

from charging.batch import (
    COUNT_IDENTITIES,
    COUNT_MSCCS,
    HAS_REQUESTED,
    HAS_REQUESTED_EVENTS,
    HAS_REQUESTED_OCTETS,
    HAS_REQUESTED_SECONDS,
    HAS_USED,
    HAS_USED_BEFORE,
    HAS_USED_EVENTS,
    HAS_USED_OCTETS,
    HAS_USED_SECONDS,
)
from gy_interface.avp import FLAG_MANDATORY
from gy_interface.avp_codes import (
    CC_INPUT_OCTETS,
    CC_OUTPUT_OCTETS,
    CC_SERVICE_SPECIFIC_UNITS,
    CC_TIME,
    CC_TOTAL_OCTETS,
    RATING_GROUP,
    REPORTING_REASON,
    REQUESTED_SERVICE_UNIT,
    SERVICE_IDENTIFIER,
    SUBSCRIPTION_ID,
    SUBSCRIPTION_ID_DATA,
    SUBSCRIPTION_ID_TYPE,
    TARIFF_CHANGE_USAGE,
    USED_SERVICE_UNIT,
)
from gy_interface.avp_header import BAD_SIZE, read_avp_header
from gy_interface.ccr_faults import fail, fail_header, has_length
from gy_interface.octets import load32, load64
from vocabulary.ids import IdentityKind
from vocabulary.kernel import inlined_kernel, kernel
from vocabulary.limits import IDENTITIES_PER_REQUEST_MAX, IDENTITY_OCTETS_MAX, UNITS_MAX
from vocabulary.outcomes import Outcome

_AVP_UNSUPPORTED = int(Outcome.AVP_UNSUPPORTED)
_INVALID_AVP_VALUE = int(Outcome.INVALID_AVP_VALUE)
_INVALID_AVP_LENGTH = int(Outcome.INVALID_AVP_LENGTH)
_TOO_MANY_TIMES = int(Outcome.AVP_OCCURS_TOO_MANY_TIMES)
_MISSING_AVP = int(Outcome.MISSING_AVP)
_E164 = int(IdentityKind.E164)
_KIND_MAX = max(int(kind) for kind in IdentityKind)
_PLUS = ord("+")
_USED_BITS = 4
"""HAS_USED... are HAS_REQUESTED... four bits higher."""
_UNIT_BEFORE_TARIFF_CHANGE = 0
_UNIT_INDETERMINATE = 2
"""The first and the last value of Tariff-Change-Usage (RFC 8506 §8.27)."""
assert HAS_USED == HAS_REQUESTED << _USED_BITS
assert HAS_USED_OCTETS == HAS_REQUESTED_OCTETS << _USED_BITS
assert HAS_USED_SECONDS == HAS_REQUESTED_SECONDS << _USED_BITS
assert HAS_USED_EVENTS == HAS_REQUESTED_EVENTS << _USED_BITS


@inlined_kernel
def is_recognised(keys, key):
    """Is `key` in the sorted int64[] `keys`?"""
    low, high = 0, keys.shape[0]
    while low < high:
        middle = (low + high) >> 1
        if keys[middle] < key:
            low = middle + 1
        else:
            high = middle
    return low < keys.shape[0] and keys[low] == key


@inlined_kernel
def _read_count(request, octets, at, header, size, key):
    """Unsigned64 of octets or service-specific units, 0..UNITS_MAX; -1 after a fault."""
    if not has_length(request, at, header, size, key, 8):
        return np.int64(-1)
    value = load64(octets, at + header)
    if value > np.uint64(UNITS_MAX):
        fail(request, _INVALID_AVP_VALUE, at, size, key)
        return np.int64(-1)
    return np.int64(value)


@inlined_kernel
def _read_units(request, octets, at, end):
    """(octets, seconds, events, reporting reason, tariff change usage) of a Requested- or Used-Service-Unit; -1 where absent.

    Octets are the total, else input and output together (RFC 8506 §8.25; Open5GS sends no total). A total of 0 beside parts
    above 0 is a field that was never filled: the parts are taken, usage isn't free for that.
    """
    total, volume, seconds, events = np.int64(-1), np.int64(-1), np.int64(-1), np.int64(-1)
    reason, change = np.int64(-1), np.int64(-1)
    while at < end:
        key, header, size = read_avp_header(octets, at, end)
        if size == BAD_SIZE:
            fail_header(request, octets, at, end)
            break
        if key == CC_TOTAL_OCTETS:
            count = _read_count(request, octets, at, header, size, key)
            total = count if count >= 0 else total
        elif key in (CC_INPUT_OCTETS, CC_OUTPUT_OCTETS):
            count = _read_count(request, octets, at, header, size, key)
            if count >= 0:
                volume = min(max(volume, 0) + count, UNITS_MAX + 1)  # one too many stays refused, and never overflows
        elif key == CC_SERVICE_SPECIFIC_UNITS:
            count = _read_count(request, octets, at, header, size, key)
            events = count if count >= 0 else events
        elif key == CC_TIME:
            if has_length(request, at, header, size, key, 4):
                seconds = load32(octets, at + header)
        elif key == REPORTING_REASON:
            if has_length(request, at, header, size, key, 4):
                reason = load32(octets, at + header)
        elif key == TARIFF_CHANGE_USAGE:
            if has_length(request, at, header, size, key, 4):
                change = load32(octets, at + header)
                if change > _UNIT_INDETERMINATE:
                    fail(request, _INVALID_AVP_VALUE, at, size, key)
        at += (size + 3) & ~3
    return (total if total > 0 else max(total, volume)), seconds, events, reason, change


@inlined_kernel
def _add_requested(request, mscc, octets, at, header, size):
    """A Requested-Service-Unit; an empty one asks for what the server thinks right."""
    if mscc.presence & HAS_REQUESTED:
        fail(request, _TOO_MANY_TIMES, at, size, REQUESTED_SERVICE_UNIT)
        return
    volume, seconds, events, _, _ = _read_units(request, octets, at + header, at + size)
    presence = HAS_REQUESTED
    if volume >= 0:
        presence |= HAS_REQUESTED_OCTETS
        mscc.requested_octets = volume
    if seconds >= 0:
        presence |= HAS_REQUESTED_SECONDS
        mscc.requested_seconds = seconds
    if events >= 0:
        presence |= HAS_REQUESTED_EVENTS
        mscc.requested_events = events
    if max(volume, events) > UNITS_MAX:
        fail(request, _INVALID_AVP_VALUE, at, size, REQUESTED_SERVICE_UNIT)
    mscc.presence |= np.uint32(presence)


@inlined_kernel
def add_used(request, mscc, octets, at, header, size):
    """One of several Used-Service-Units: before and after a tariff change, or one a unit. They add up.

    One with which they would be more than can be is a fault, and left out: the request is refused, and what it reports is
    recorded without. Units that straddle the change, or that nothing is said of, count as those behind it
    (docs/charging.md §5).
    """
    volume, seconds, events, reason, change = _read_units(request, octets, at + header, at + size)
    presence = HAS_USED
    if mscc.used_octets + max(volume, 0) > UNITS_MAX or mscc.used_events + max(events, 0) > UNITS_MAX:
        fail(request, _INVALID_AVP_VALUE, at, size, USED_SERVICE_UNIT)
        return
    if volume >= 0:
        presence |= HAS_USED_OCTETS
        mscc.used_octets += volume
    if seconds >= 0:
        presence |= HAS_USED_SECONDS
        mscc.used_seconds += seconds
    if events >= 0:
        presence |= HAS_USED_EVENTS
        mscc.used_events += events
    if change >= 0:
        presence |= HAS_USED_BEFORE
    if change == _UNIT_BEFORE_TARIFF_CHANGE:
        mscc.before_octets += max(volume, 0)
        mscc.before_seconds += max(seconds, 0)
        mscc.before_events += max(events, 0)
    if mscc.reporting_reason < 0 and reason >= 0:
        mscc.reporting_reason = min(reason, 0x7FFFFFFF)
    mscc.presence |= np.uint32(presence)


@inlined_kernel
def begin_mscc(batch, row):
    """Append an MSCC of request `row` that says nothing; its place. The caller has seen that there is room."""
    place = batch.counts[COUNT_MSCCS]
    batch.counts[COUNT_MSCCS] = place + 1
    batch.requests[row].mscc_count += 1
    _clear_mscc(batch.msccs[place], row)
    return place


@inlined_kernel
def _clear_mscc(mscc, row):
    mscc.rating_group = -1
    mscc.service_identifier = -1
    mscc.requested_octets = 0
    mscc.requested_seconds = 0
    mscc.requested_events = 0
    mscc.used_octets = 0
    mscc.used_seconds = 0
    mscc.used_events = 0
    mscc.before_octets = 0
    mscc.before_seconds = 0
    mscc.before_events = 0
    mscc.presence = 0
    mscc.upf = 0
    mscc.request = row
    mscc.reporting_reason = -1
    mscc.outcome = 0


@inlined_kernel
def add_mscc(batch, row, at, end, recognised, is_strict):
    """Append the MSCC whose AVPs are octets[at:end]; the caller has seen that there is room.

    recognised   int64[]: what an MSCC may hold with the M bit, sorted
    is_strict    False for lenient senders, and for a command whose units stand outside of MSCCs
    """
    octets, request = batch.octets, batch.requests[row]
    mscc = batch.msccs[begin_mscc(batch, row)]
    reason = np.int64(-1)
    while at < end:
        key, header, size = read_avp_header(octets, at, end)
        if size == BAD_SIZE:
            fail_header(request, octets, at, end)
            break
        if key == RATING_GROUP:
            if has_length(request, at, header, size, key, 4):
                if mscc.rating_group >= 0:
                    fail(request, _TOO_MANY_TIMES, at, size, key)
                mscc.rating_group = load32(octets, at + header)
        elif key == REQUESTED_SERVICE_UNIT:
            _add_requested(request, mscc, octets, at, header, size)
        elif key == USED_SERVICE_UNIT:
            add_used(request, mscc, octets, at, header, size)
        elif key == SERVICE_IDENTIFIER:
            if has_length(request, at, header, size, key, 4) and mscc.service_identifier < 0:
                mscc.service_identifier = load32(octets, at + header)
        elif key == REPORTING_REASON:
            if has_length(request, at, header, size, key, 4):
                reason = load32(octets, at + header)
        elif is_strict and octets[at + 4] & FLAG_MANDATORY and not is_recognised(recognised, key):
            fail(request, _AVP_UNSUPPORTED, at, size, key)
        at += (size + 3) & ~3
    if reason >= 0:
        mscc.reporting_reason = min(reason, 0x7FFFFFFF)


@inlined_kernel
def add_identity(batch, row, at, header, size):
    """Append a Subscription-Id to the identities, at most IDENTITIES_PER_REQUEST_MAX; later ones are not tried.

    A leading "+" of an E.164 number isn't part of it: clients differ (clients.md 6d). Empty data is no identity.
    """
    octets, request = batch.octets, batch.requests[row]
    kind, data, length = np.int64(-1), np.int64(0), np.int64(-1)
    start, end = at, at + size
    at += header
    while at < end:
        key, inner_header, inner = read_avp_header(octets, at, end)
        if inner == BAD_SIZE:
            fail_header(request, octets, at, end)
            return
        if key == SUBSCRIPTION_ID_TYPE:
            if not has_length(request, at, inner_header, inner, key, 4):
                return
            kind = load32(octets, at + inner_header)
            if kind > _KIND_MAX:
                fail(request, _INVALID_AVP_VALUE, at, inner, key)
                return
        elif key == SUBSCRIPTION_ID_DATA:
            data, length = at + inner_header, inner - inner_header
            if length > IDENTITY_OCTETS_MAX:
                fail(request, _INVALID_AVP_LENGTH, at, inner, key)
                return
        at += (inner + 3) & ~3
    if kind < 0 or length < 0:
        fail(request, _MISSING_AVP, start, 0, SUBSCRIPTION_ID_TYPE if kind < 0 else SUBSCRIPTION_ID_DATA)
        return
    if kind == _E164 and length > 0 and octets[data] == _PLUS:
        data, length = data + 1, length - 1
    if length == 0 or request.identity_count >= IDENTITIES_PER_REQUEST_MAX:
        return
    place = batch.counts[COUNT_IDENTITIES]
    batch.counts[COUNT_IDENTITIES] = place + 1
    request.identity_count += 1
    identity = batch.identities[place]
    identity.offset, identity.length, identity.kind, identity.request = data, length, kind, row


@kernel
def add_identities_within(batch, row, at, end):
    """Append the Subscription-Ids among octets[at:end], the AVPs of a Service-Information (clients.md 6d)."""
    octets = batch.octets
    while at < end:
        key, header, size = read_avp_header(octets, at, end)
        if size == BAD_SIZE:
            fail_header(batch.requests[row], octets, at, end)
            return
        if key == SUBSCRIPTION_ID:
            add_identity(batch, row, at, header, size)
        at += (size + 3) & ~3

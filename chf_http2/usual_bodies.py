"""Bodies of the usual form to packed rows, by one kernel a tick: what requests.py does for any body, without Python.

A body is usual where its members are rows of usual_py, its strings have no escapes, its numbers no fractions, and
what nobody here reads has been accepted before. The kernel stops at what isn't; Python has the value accepted, or the whole
body read by requests.py, which also says what is wrong with it. Whichever reads a body packs the same row of it.
"""

from typing import Final

import numpy as np

from charging.batch import INITIAL
from chf_http2.features import features_of_digits
from chf_http2.json_octets import (
    CLOSE_OBJECT,
    NOT_USUAL,
    OPEN_OBJECT,
    behind_space,
    behind_string,
    behind_value,
    enter,
    go_on,
    is_text,
    read_flag,
    read_instant,
    read_name,
    read_whole,
)
from chf_http2.known_values import UNKNOWN, behind_known, read_member
from chf_http2.service_contexts import context_of_function
from chf_http2.tick_memory import (
    HELD_TICK,
    NO_FEATURES,
    REQUEST_TEXTS_MAX,
    TICK_ARRIVED,
    TICK_IDENTITIES,
    TICK_MSCCS,
    TICK_OCTETS,
    TICK_REQUESTS,
)
from chf_http2.usual_members import (
    BODY,
    CHARGING_ID,
    CONSUMER,
    DOES,
    EVENT_TYPE,
    FEATURES_TEXT,
    IS_CARRIED,
    MEMBERS,
    NOTIFY_URI,
    ONE_TIME_EVENT,
    PDU_SESSION,
    RETRANSMISSION,
    SEQUENCE_NUMBER,
    SPECIFICATION,
    SUBSCRIBER,
    TIME_STAMP,
    USAGES,
    word,
)
from chf_http2.usual_rows import pack_row
from chf_http2.usual_usages import read_usages
from vocabulary.held import held
from vocabulary.kernel import kernel
from vocabulary.limits import MSCCS_PER_REQUEST_MAX

# Why the kernel stops at a request
UNUSUAL: Final = 1
"""requests.py is to read it."""
UNKNOWN_VALUE: Final = 2
"""`stop` says which value is to be accepted."""
NO_ROOM: Final = 3
"""The batch is full: the request is the next one's."""
_READ = 0
_UINT32_MAX = 2**32 - 1
_IDENTITIES_MAX = 2
_NONE = -1
_FUNCTION, _NAME = word("nodeFunctionality"), word("nFName")
_USER, _GPSI = word("userInformation"), word("servedGPSI")
_NEEDED = np.uint64(
    sum(1 << row for row, one in enumerate(MEMBERS) if one.does in (CONSUMER, TIME_STAMP, SEQUENCE_NUMBER))
)


@kernel
def read_arrived(tick_octets, first):
    """Pack requests from the one in `first` on: (how many were read, why the next is not), as far as they are usual.

    With all of them read the reason is 0; else UNUSUAL, UNKNOWN_VALUE or NO_ROOM.
    """
    tick = held(tick_octets, HELD_TICK)
    for index in range(first, tick.counts[TICK_ARRIVED]):
        reason = _read_one(tick, tick.arrived.heads[index])
        if reason != _READ:
            return index, reason
    return tick.counts[TICK_ARRIVED], _READ


@kernel
def has_room(tick):
    """Has the batch room for any request?"""
    counts, packed = tick.counts, tick.packed
    return (
        counts[TICK_REQUESTS] < packed.requests.shape[0]
        and counts[TICK_MSCCS] + MSCCS_PER_REQUEST_MAX <= packed.msccs.shape[0]
        and counts[TICK_IDENTITIES] + _IDENTITIES_MAX <= packed.identities.shape[0]
        and counts[TICK_OCTETS] + REQUEST_TEXTS_MAX <= packed.octets.shape[0]
    )


@kernel
def _read_one(tick, head):
    if not has_room(tick):
        return NO_ROOM
    _forget(tick.facts[0])
    at, end = np.int64(head.body_at), np.int64(head.body_at) + np.int64(head.body_length)
    behind = _read_body(tick, head, at, end)
    if behind == UNKNOWN:
        return UNKNOWN_VALUE
    if behind < 0 or behind_space(tick.arrived.octets, behind, end) != end:
        return UNUSUAL
    return _READ if pack_row(tick, head) else UNUSUAL


@kernel
def _forget(facts):
    facts.subscriber_length = _NONE
    facts.consumer_length = _NONE
    facts.notify_uri_length = _NONE
    facts.specification_length = _NONE
    facts.event_type_length = _NONE
    facts.gpsi_length = _NONE
    facts.function_context = _NONE
    facts.charging_id = _NONE
    facts.features = NO_FEATURES
    facts.last_trigger_ns = _NONE
    facts.is_retransmission = 0
    facts.is_event = 0
    facts.carried_count = 0
    facts.has_details = 0
    facts.mscc_count = 0


@kernel
def _read_body(tick, head, at, end):
    """Behind the body; facts, carried and rows of rating groups get what it says."""
    octets = tick.arrived.octets
    seen = np.uint64(0)
    at = behind_space(octets, at, end)
    at, more = enter(octets, at, end, OPEN_OBJECT, CLOSE_OBJECT)
    while more and at >= 0:
        at, row, seen = read_member(octets, at, end, BODY, seen)
        if at < 0:
            return np.int64(at)
        does, value = DOES[row], at
        if does <= CONSUMER or does == FEATURES_TEXT:
            at = _read_known(tick, head, row, at, end)
        elif does <= EVENT_TYPE:
            at = _read_text(tick, does, at, end)
        elif does == USAGES:
            at = read_usages(tick, at, end, head.gives_quota)
            if at >= 0 and tick.facts[0].has_details:
                _carry_first(tick, row, value, at)
        else:
            at = _read_scalar(tick, does, at, end)
        if at < 0:
            return np.int64(at)
        if IS_CARRIED[row]:
            _carry(tick, row, value, at)
        at, more = go_on(octets, at, end, CLOSE_OBJECT)
    return np.int64(at) if seen & _NEEDED == _NEEDED else np.int64(NOT_USUAL)


@kernel
def _carry(tick, row, at, behind):
    """Carry a value behind those that are."""
    part = tick.carried[tick.facts[0].carried_count]
    part[0], part[1], part[2] = row, at, behind
    tick.facts[0].carried_count += 1


@kernel
def _carry_first(tick, row, at, behind):
    """Carry a value before all others: whoever reads a record sees by its beginning that it has details of usage."""
    facts, carried = tick.facts[0], tick.carried
    for index in range(facts.carried_count, 0, -1):
        carried[index, 0], carried[index, 1], carried[index, 2] = (
            carried[index - 1, 0],
            carried[index - 1, 1],
            carried[index - 1, 2],
        )
    carried[0, 0], carried[0, 1], carried[0, 2] = row, at, behind
    facts.carried_count += 1


@kernel
def _read_known(tick, head, row, at, end):
    """Behind a value that was accepted before, of which we may want something."""
    octets, facts, does = tick.arrived.octets, tick.facts[0], DOES[row]
    behind = behind_known(tick, row, at, end)
    if behind < 0:
        return behind
    if row == PDU_SESSION:
        if head.request_type == INITIAL and not _read_user(tick, at, behind):
            return np.int64(NOT_USUAL)
    elif does == CONSUMER and not _read_consumer(tick, at, behind):
        return np.int64(NOT_USUAL)
    elif does == FEATURES_TEXT:
        length = _text_length(octets, at, behind)
        if length < 0:
            return np.int64(NOT_USUAL)
        facts.features = features_of_digits(octets, at + 1, length)
    return behind


@kernel
def _find_value(octets, at, end, name):
    """Where the value of a member of a well-formed object is: place; 0 where it has none, NOT_USUAL where that isn't plain."""
    found = np.int64(0)
    at, more = enter(octets, at, end, OPEN_OBJECT, CLOSE_OBJECT)
    while more and at >= 0:
        first = at + 1
        at, length = read_name(octets, at, end)
        if at < 0:
            return np.int64(NOT_USUAL)
        if is_text(octets, first, length, name):
            if found:
                return np.int64(NOT_USUAL)
            found = np.int64(at)
        at = behind_value(octets, at, end)
        if at < 0:
            return np.int64(NOT_USUAL)
        at, more = go_on(octets, at, end, CLOSE_OBJECT)
    return found if at >= 0 else np.int64(NOT_USUAL)


@kernel
def _text_length(octets, at, end):
    """The length of the string that opens at octets[at]; NOT_USUAL."""
    behind = behind_string(octets, at, end)
    return np.int64(behind - at - 2) if behind >= 0 else np.int64(NOT_USUAL)


@kernel
def _read_consumer(tick, at, end):
    """Name and function of an NFIdentification."""
    octets, facts = tick.arrived.octets, tick.facts[0]
    function, name = _find_value(octets, at, end, _FUNCTION), _find_value(octets, at, end, _NAME)
    if function <= 0 or name < 0:
        return False
    length = _text_length(octets, function, end)
    if length < 0:
        return False
    facts.function_context = context_of_function(octets, function + 1, length)
    facts.consumer_at, facts.consumer_length = name + 1, 0
    if name > 0:
        facts.consumer_length = _text_length(octets, name, end)
    return facts.consumer_length >= 0


@kernel
def _read_user(tick, at, end):
    """The public number of a PDUSessionChargingInformation's user."""
    octets, facts = tick.arrived.octets, tick.facts[0]
    user = _find_value(octets, at, end, _USER)
    if user <= 0:
        return user == 0
    gpsi = _find_value(octets, user, end, _GPSI)
    if gpsi <= 0:
        return gpsi == 0
    facts.gpsi_at, facts.gpsi_length = gpsi + 1, _text_length(octets, gpsi, end)
    return facts.gpsi_length >= 0


@kernel
def _read_text(tick, does, at, end):
    """Behind a string that is kept."""
    facts = tick.facts[0]
    behind = np.int64(behind_string(tick.arrived.octets, at, end))
    length = behind - at - 2
    if behind < 0:
        return behind
    if does == SUBSCRIBER:
        facts.subscriber_at, facts.subscriber_length = at + 1, length
    elif does == NOTIFY_URI:
        facts.notify_uri_at, facts.notify_uri_length = at + 1, length
    elif does == SPECIFICATION:
        facts.specification_at, facts.specification_length = at + 1, length
    else:
        facts.event_type_at, facts.event_type_length = at + 1, length
    return behind


@kernel
def _read_scalar(tick, does, at, end):
    """Behind a number, a flag or an instant."""
    octets, facts = tick.arrived.octets, tick.facts[0]
    if does == TIME_STAMP:
        at, facts.invocation_ns = read_instant(octets, at, end)
    elif does == RETRANSMISSION:
        at, facts.is_retransmission = read_flag(octets, at, end)
    elif does == ONE_TIME_EVENT:
        at, facts.is_event = read_flag(octets, at, end)
    else:
        at, value = read_whole(octets, at, end)
        if value > _UINT32_MAX:
            return np.int64(NOT_USUAL)
        if does == CHARGING_ID:
            facts.charging_id = value
        else:
            facts.sequence_number = value
    return np.int64(at)

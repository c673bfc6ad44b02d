"""The AVPs of a CCR that are no groups: texts, whose first instance counts, and numbers of four octets."""

from typing import Final

import numpy as np

from charging.batch import (
    EVENT,
    HAS_EVENT_TIMESTAMP,
    HAS_MULTIPLE_SERVICES_INDICATOR,
    HAS_REQUESTED_ACTION,
    INITIAL,
    MULTIPLE_SERVICES_SUPPORTED,
)
from gy_interface.avp_codes import (
    AUTH_APPLICATION_ID,
    CC_REQUEST_NUMBER,
    CC_REQUEST_TYPE,
    DESTINATION_HOST,
    DESTINATION_REALM,
    EVENT_TIMESTAMP,
    MULTIPLE_SERVICES_INDICATOR,
    ORIGIN_HOST,
    ORIGIN_REALM,
    REQUESTED_ACTION,
    SERVICE_CONTEXT_ID,
    SESSION_ID,
    TERMINATION_CAUSE,
)
from gy_interface.ccr_faults import fail, has_length
from gy_interface.octets import load32, load64
from vocabulary.instants import NS_PER_S, NTP_UNIX_OFFSET_S
from vocabulary.kernel import inlined_kernel
from vocabulary.limits import SESSION_ID_OCTETS_MAX
from vocabulary.outcomes import Outcome

# Which of the AVPs that a CCR must have were seen, as bits
SEEN_SESSION_ID: Final = 1
SEEN_ORIGIN_HOST: Final = 2
SEEN_ORIGIN_REALM: Final = 4
SEEN_DESTINATION_REALM: Final = 8
SEEN_SERVICE_CONTEXT_ID: Final = 16
SEEN_REQUEST_TYPE: Final = 32
SEEN_REQUEST_NUMBER: Final = 64
SEEN_OTHER_REALM: Final = 256
"""A Destination-Realm that isn't ours; Kamailio sends two, of which one is (clients.md 6d)."""
NOT_THIS: Final = -1
"""The AVP is none of those that a reader knows."""

APPLICATION: Final = 4
"""Diameter Credit-Control Application, RFC 8506 §1.3."""

_INVALID_AVP_LENGTH = int(Outcome.INVALID_AVP_LENGTH)
_INVALID_AVP_VALUE = int(Outcome.INVALID_AVP_VALUE)
_UNABLE_TO_DELIVER = int(Outcome.UNABLE_TO_DELIVER)
_CONTEXT_SUFFIX = np.uint64(int.from_bytes(b"3gpp.org", "big"))
_AT_SIGN = ord("@")
_CONTEXT_SCALE_MAX = 10**8
_TIME_WRAP = 2**31
_TIME_ERA_S = 2**32
_MULTIPLE_SERVICES_SUPPORTED = 1


@inlined_kernel
def read_text(request, octets, at, header, size, key, rules):
    """An AVP that holds a text: the first instance counts (clients.md 6d repeats some). Its bit, or NOT_THIS."""
    text, length = at + header, size - header
    if key == SESSION_ID:
        if length == 0 or length > SESSION_ID_OCTETS_MAX:
            fail(request, _INVALID_AVP_LENGTH, at, size, key)
        if request.session_id_length == 0:
            request.session_id_offset, request.session_id_length = text, length
        return SEEN_SESSION_ID
    if key == ORIGIN_HOST:
        if request.origin_host_length == 0:
            request.origin_host_offset, request.origin_host_length = text, length
        return SEEN_ORIGIN_HOST
    if key == ORIGIN_REALM:
        if request.origin_realm_length == 0:
            request.origin_realm_offset, request.origin_realm_length = text, length
        return SEEN_ORIGIN_REALM
    if key == SERVICE_CONTEXT_ID:
        request.service_context = _service_context(octets, text, length)
        return SEEN_SERVICE_CONTEXT_ID
    if key == DESTINATION_REALM:
        return SEEN_DESTINATION_REALM if _is_name(octets, text, length, rules.realm) else SEEN_OTHER_REALM
    if key == DESTINATION_HOST:
        if not _is_name(octets, text, length, rules.host):
            fail(request, _UNABLE_TO_DELIVER, at, size, key)
        return 0
    return NOT_THIS


@inlined_kernel
def _is_name(octets, text, length, name):
    """Is the DiameterIdentity `name` (in lower case, empty for any), letters of both cases being the same?"""
    if name.shape[0] == 0:
        return True
    if name.shape[0] != length:
        return False
    for index in range(length):
        letter = octets[text + index]
        if 0x41 <= letter <= 0x5A:
            letter |= 0x20
        if letter != name[index]:
            return False
    return True


@inlined_kernel
def _service_context(octets, text, length):
    """The number before "@3gpp.org" (TS 32.299 §7.1.12: "[ext.][MNC.MCC.][Release.]32251@3gpp.org"), else -1."""
    at_sign = text + length - 9
    if at_sign <= text or octets[at_sign] != _AT_SIGN or load64(octets, at_sign + 1) != _CONTEXT_SUFFIX:
        return -1
    value, scale, place = 0, 1, at_sign - 1
    while place >= text and scale < _CONTEXT_SCALE_MAX and 0x30 <= octets[place] <= 0x39:
        value += scale * (np.int64(octets[place]) - 0x30)
        scale *= 10
        place -= 1
    return value if scale > 1 else -1


@inlined_kernel
def read_number(request, octets, at, header, size, key):
    """An AVP of four octets. Its bit, 0 where it is one without, or NOT_THIS."""
    if (
        key != CC_REQUEST_TYPE
        and key != CC_REQUEST_NUMBER
        and key != EVENT_TIMESTAMP
        and key != AUTH_APPLICATION_ID
        and key != TERMINATION_CAUSE
        and key != REQUESTED_ACTION
        and key != MULTIPLE_SERVICES_INDICATOR
    ):
        return NOT_THIS
    if not has_length(request, at, header, size, key, 4):
        return 0
    value = load32(octets, at + header)
    if key == CC_REQUEST_TYPE:
        if value < INITIAL or value > EVENT:
            fail(request, _INVALID_AVP_VALUE, at, size, key)
            value = 0
        request.request_type = value
        return SEEN_REQUEST_TYPE
    if key == CC_REQUEST_NUMBER:
        request.request_number = np.uint32(value)
        return SEEN_REQUEST_NUMBER
    if key == EVENT_TIMESTAMP:
        if value < _TIME_WRAP:
            value += _TIME_ERA_S
        request.event_ns = (value - NTP_UNIX_OFFSET_S) * NS_PER_S
        request.presence |= np.uint32(HAS_EVENT_TIMESTAMP)
    elif key == AUTH_APPLICATION_ID:
        if value != APPLICATION:
            fail(request, _INVALID_AVP_VALUE, at, size, key)
    elif key == TERMINATION_CAUSE:
        request.termination_cause = np.int32(value)
    elif key == REQUESTED_ACTION:
        request.requested_action = np.int32(value)
        request.presence |= np.uint32(HAS_REQUESTED_ACTION)
    else:
        request.presence |= np.uint32(HAS_MULTIPLE_SERVICES_INDICATOR)
        if value == _MULTIPLE_SERVICES_SUPPORTED:
            request.presence |= np.uint32(MULTIPLE_SERVICES_SUPPORTED)
    return 0

"""CCRs of a receive buffer to rows of a UsageBatch, many messages a call (RFC 8506 §3.1, TS 32.299 §6.4.2).

A message that isn't a CCR is passed by and named in `others`. A CCR always becomes a row: what is wrong with it is the
row's outcome, or its `refusal` where what it reports is to be on record, so that every request is answered in order by
one path. The message is copied whole into the batch and read there; nothing is read past it. AVPs are taken in any order.
Service-Information stays as it is but for Subscription-Ids in it: charging records read it, decisions don't.
"""

from typing import Final

import numpy as np

from charging.batch import (
    COMMAND_LEVEL_LIMIT,
    COUNT_IDENTITIES,
    COUNT_MSCCS,
    COUNT_OCTETS,
    COUNT_REQUESTS,
    EVENT,
    HAS_PROXY_INFO,
    IS_PROXIABLE,
    IS_RETRANSMISSION,
    NEVER_COUNTS,
    NUMBER_UNREADABLE,
    UNITS_AT_COMMAND_LEVEL,
)
from charging.batch_rows import name_session_and_identity
from gy_interface.avp import FLAG_MANDATORY
from gy_interface.avp_codes import (
    CC_REQUEST_NUMBER,
    CC_REQUEST_TYPE,
    DESTINATION_HOST,
    DESTINATION_REALM,
    EVENT_TIMESTAMP,
    MULTIPLE_SERVICES_CREDIT_CONTROL,
    ORIGIN_HOST,
    ORIGIN_REALM,
    PROXY_INFO,
    REQUESTED_SERVICE_UNIT,
    ROUTE_RECORD,
    SERVICE_CONTEXT_ID,
    SERVICE_INFORMATION,
    SESSION_ID,
    SUBSCRIPTION_ID,
    USED_SERVICE_UNIT,
)
from gy_interface.avp_header import BAD_SIZE, read_avp_header
from gy_interface.ccr_avps import (
    APPLICATION,
    NOT_THIS,
    SEEN_DESTINATION_REALM,
    SEEN_ORIGIN_HOST,
    SEEN_ORIGIN_REALM,
    SEEN_OTHER_REALM,
    SEEN_REQUEST_NUMBER,
    SEEN_REQUEST_TYPE,
    SEEN_SERVICE_CONTEXT_ID,
    SEEN_SESSION_ID,
    read_number,
    read_text,
)
from gy_interface.ccr_events import check_debiting
from gy_interface.ccr_faults import fail, fail_header
from gy_interface.ccr_mscc import add_identities_within, add_identity, add_mscc, is_recognised
from gy_interface.ccr_reports import add_units_beside, keep_report
from gy_interface.framing import (
    FLAG_ERROR,
    FLAG_PROXIABLE,
    FLAG_REQUEST,
    FLAG_RETRANSMITTED,
    HEADER_OCTETS,
    VERSION,
)
from gy_interface.octets import chain_hash, fold_hash, hash_avp, load32
from vocabulary.kernel import inlined_kernel, kernel
from vocabulary.limits import DIAMETER_MESSAGE_OCTETS_MAX, IDENTITIES_PER_REQUEST_MAX, MSCCS_PER_REQUEST_MAX
from vocabulary.octets import copy_octets
from vocabulary.outcomes import Outcome

# Why decode_requests stopped
NEEDS_OCTETS: Final = 0
"""What is left is no whole message yet."""
NOT_FRAMED: Final = 1
"""The stream can't be framed: another version, or a length that can't be true. To the peer core: 5011, 5015, close."""
NEEDS_ROOM: Final = 2
"""The batch or `others` is full: hand them on, empty them, call again with the rest."""

CREDIT_CONTROL: Final = 272

_UNDECIDED = int(Outcome.UNDECIDED)
_AVP_UNSUPPORTED = int(Outcome.AVP_UNSUPPORTED)
_MISSING_AVP = int(Outcome.MISSING_AVP)
_UNABLE_TO_DELIVER = int(Outcome.UNABLE_TO_DELIVER)
_TOO_MANY_TIMES = int(Outcome.AVP_OCCURS_TOO_MANY_TIMES)
_NEEDED = (
    (SEEN_SESSION_ID, SESSION_ID),
    (SEEN_ORIGIN_HOST, ORIGIN_HOST),
    (SEEN_ORIGIN_REALM, ORIGIN_REALM),
    (SEEN_DESTINATION_REALM, DESTINATION_REALM),
    (SEEN_SERVICE_CONTEXT_ID, SERVICE_CONTEXT_ID),
    (SEEN_REQUEST_TYPE, CC_REQUEST_TYPE),
    (SEEN_REQUEST_NUMBER, CC_REQUEST_NUMBER),
)
_SEEN_NEEDED = sum(bit for bit, _ in _NEEDED)
_SEEN_ONCE = SEEN_SESSION_ID | SEEN_REQUEST_TYPE | SEEN_REQUEST_NUMBER
_SEEN_UNITS = 128
"""Units outside of MSCCs."""
_SEEN_USED_UNITS = 512
"""Used ones."""
_BODY_SEED = np.uint64(0x27D4EB2F165667C5)


@kernel
def decode_requests(received, length, batch, sender, rules, now_ns, others):
    """Append the CCRs of a connection's octets to the batch, in order. (Octets consumed, others found, why it stopped.)

    received   uint8[]: octets received, `length` of them valid; not changed
    batch      charging.batch.UsageBatch: appended to; `counts` say where. Room for 32 MSCCs is kept for each message
    sender     Sender of the connection
    rules      DecodeRules
    now_ns     int64: the instant of receipt
    others     int64[k, 2]: (offset in `received`, length) of each whole message that is no CCR of application 4
    Consumed octets are those of whole messages; why it stopped is NEEDS_OCTETS, NOT_FRAMED or NEEDS_ROOM.
    """
    at, others_count = np.int64(0), np.int64(0)
    while True:
        room = length - at
        if room < HEADER_OCTETS:
            return at, others_count, NEEDS_OCTETS
        word = load32(received, at)
        size = word & 0xFFFFFF
        if word >> 24 != VERSION or size < HEADER_OCTETS or size & 3 or size > DIAMETER_MESSAGE_OCTETS_MAX:
            return at, others_count, NOT_FRAMED
        if size > room:
            return at, others_count, NEEDS_OCTETS
        word = load32(received, at + 4)
        if (
            word & 0xFFFFFF == CREDIT_CONTROL
            and (word >> 24) & (FLAG_REQUEST | FLAG_ERROR) == FLAG_REQUEST
            and load32(received, at + 8) == APPLICATION
        ):
            if not _has_room(batch, size):
                return at, others_count, NEEDS_ROOM
            _add_request(received, at, size, batch, sender, rules, now_ns)
        else:
            if others_count == others.shape[0]:
                return at, others_count, NEEDS_ROOM
            others[others_count, 0] = at
            others[others_count, 1] = size
            others_count += 1
        at += size


@inlined_kernel
def _has_room(batch, size):
    """Room for whatever a message of `size` octets may hold."""
    counts = batch.counts
    return (
        counts[COUNT_REQUESTS] < batch.requests.shape[0]
        and counts[COUNT_MSCCS] + MSCCS_PER_REQUEST_MAX <= batch.msccs.shape[0]
        and counts[COUNT_IDENTITIES] + IDENTITIES_PER_REQUEST_MAX <= batch.identities.shape[0]
        and counts[COUNT_OCTETS] + size <= batch.octets.shape[0]
    )


@inlined_kernel
def _add_request(received, start, size, batch, sender, rules, now_ns):
    """One CCR: its row, filled as far as it can be read, with an outcome where something is wrong with it."""
    octets = batch.octets
    row = batch.counts[COUNT_REQUESTS]
    batch.counts[COUNT_REQUESTS] = row + 1
    at = batch.counts[COUNT_OCTETS]
    batch.counts[COUNT_OCTETS] = copy_octets(received, start, octets, at, size)
    batch.requests[row] = sender.template[0]
    request = batch.requests[row]
    request.mscc_first = batch.counts[COUNT_MSCCS]
    request.identity_first = batch.counts[COUNT_IDENTITIES]
    request.received_ns = now_ns
    request.event_ns = now_ns
    request.message_offset = at
    request.message_length = size
    request.hop_by_hop = np.uint32(load32(octets, at + 12))
    request.end_to_end = np.uint32(load32(octets, at + 16))
    flags = octets[at + 4]
    if flags & FLAG_PROXIABLE:
        request.presence |= np.uint32(IS_PROXIABLE)
    if flags & FLAG_RETRANSMITTED:
        request.presence |= np.uint32(IS_RETRANSMISSION)
    body, end = at + HEADER_OCTETS, at + size
    seen = _read_avps(batch, row, rules, sender.is_lenient[0] == 0, body, end)
    if not seen & SEEN_REQUEST_NUMBER:
        request.presence |= np.uint32(NUMBER_UNREADABLE)
    if seen & SEEN_OTHER_REALM and not seen & SEEN_DESTINATION_REALM:
        fail(request, _UNABLE_TO_DELIVER, at, 0, DESTINATION_REALM)
        seen |= SEEN_DESTINATION_REALM
    if seen & _SEEN_NEEDED != _SEEN_NEEDED:
        for bit, key in _NEEDED:
            if not seen & bit:
                fail(request, _MISSING_AVP, at, 0, key)
    if request.mscc_count == 0 and (seen & _SEEN_UNITS or request.request_type == EVENT):
        # An event is never free for want of an MSCC; a refused INITIAL leaves no session.
        request.presence |= np.uint32(UNITS_AT_COMMAND_LEVEL | COMMAND_LEVEL_LIMIT)
        add_mscc(batch, row, body, end, rules.mscc_keys, False)
    elif seen & _SEEN_USED_UNITS:
        add_units_beside(batch, row, body, end)
    if request.identity_count == 0 and request.service_information_length > 0:
        first = np.int64(request.service_information_offset)
        add_identities_within(batch, row, first + 12, first + request.service_information_length)
    name_session_and_identity(batch, request, rules.secret)
    check_debiting(batch, row, body, end)
    if request.outcome != _UNDECIDED:
        keep_report(batch, request)


@inlined_kernel
def _read_avps(batch, row, rules, is_strict, at, end):
    """The AVPs of the command, octets[at:end]. Which were seen, _SEEN_* bits."""
    octets, request = batch.octets, batch.requests[row]
    has_no_number = request.presence & np.uint32(NEVER_COUNTS) != 0
    seen, body_hash = 0, _BODY_SEED
    while at < end:
        key, header, size = read_avp_header(octets, at, end)
        if size == BAD_SIZE:
            fail_header(request, octets, at, end)
            break
        padded = (size + 3) & ~3
        avp_hash = hash_avp(octets, at, padded)
        # What an agent may change on the way, and the instant that a peer may take anew when it sends again: a number tells
        # its requests apart. Of a peer that never counts the instant is all that tells two equal reports apart.
        if key not in (ROUTE_RECORD, PROXY_INFO, DESTINATION_HOST) and (key != EVENT_TIMESTAMP or has_no_number):
            body_hash = chain_hash(body_hash, avp_hash)
        if key == MULTIPLE_SERVICES_CREDIT_CONTROL:
            if request.mscc_count == MSCCS_PER_REQUEST_MAX:
                fail(request, _TOO_MANY_TIMES, at, size, key)
            else:
                add_mscc(batch, row, at + header, at + size, rules.mscc_keys, is_strict)
        elif key == SUBSCRIPTION_ID:
            add_identity(batch, row, at, header, size)
        elif key == SERVICE_INFORMATION:
            if request.service_information_length == 0:
                request.service_information_offset = at
                request.service_information_length = size
                request.service_information_hash = np.uint32(fold_hash(avp_hash))
        elif key == PROXY_INFO:
            request.presence |= np.uint32(HAS_PROXY_INFO)
        elif key == REQUESTED_SERVICE_UNIT:
            seen |= _SEEN_UNITS
        elif key == USED_SERVICE_UNIT:
            seen |= _SEEN_UNITS | _SEEN_USED_UNITS
        else:
            bits = read_text(request, octets, at, header, size, key, rules)
            if bits == NOT_THIS:
                bits = read_number(request, octets, at, header, size, key)
            if bits != NOT_THIS:
                if seen & bits & _SEEN_ONCE:
                    fail(request, _TOO_MANY_TIMES, at, size, key)
                seen |= bits
            elif is_strict and octets[at + 4] & FLAG_MANDATORY and not is_recognised(rules.command_keys, key):
                fail(request, _AVP_UNSUPPORTED, at, size, key)
        at += padded
    request.body_hash = np.uint32(fold_hash(body_hash))
    return seen

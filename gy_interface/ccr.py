"""CCRs of a receive buffer to rows of a UsageBatch, many messages a call (RFC 8506 §3.1, TS 32.299 §6.4.2).

A message that isn't a CCR is passed by and named in `others`. A CCR always becomes a row: what is wrong with it is the
row's outcome, so that every request is answered in order by one path. The message is copied whole into the batch and
read there; nothing is read past it. AVPs are taken in any order. Service-Information stays as it is but for
Subscription-Ids in it: charging records read it, decisions don't.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from charging.batch import (
    COUNT_IDENTITIES,
    COUNT_MSCCS,
    COUNT_OCTETS,
    COUNT_REQUESTS,
    EVENT,
    HAS_EVENT_TIMESTAMP,
    HAS_MULTIPLE_SERVICES_INDICATOR,
    HAS_PROXY_INFO,
    HAS_REQUESTED_ACTION,
    INITIAL,
    IS_PROXIABLE,
    IS_RETRANSMISSION,
    KIND_USAGE,
    MULTIPLE_SERVICES_SUPPORTED,
    NUMBER_UNREADABLE,
    REQUEST_DTYPE,
    UNITS_AT_COMMAND_LEVEL,
)
from gy_interface.avp_codes import (
    AUTH_APPLICATION_ID,
    CC_REQUEST_NUMBER,
    CC_REQUEST_TYPE,
    DESTINATION_HOST,
    DESTINATION_REALM,
    EVENT_TIMESTAMP,
    FLAG_MANDATORY,
    MULTIPLE_SERVICES_CREDIT_CONTROL,
    MULTIPLE_SERVICES_INDICATOR,
    ORIGIN_HOST,
    ORIGIN_REALM,
    PROXY_INFO,
    REQUESTED_ACTION,
    REQUESTED_SERVICE_UNIT,
    ROUTE_RECORD,
    SERVICE_CONTEXT_ID,
    SERVICE_INFORMATION,
    SESSION_ID,
    SUBSCRIPTION_ID,
    TERMINATION_CAUSE,
    USED_SERVICE_UNIT,
)
from gy_interface.avp_header import BAD_SIZE, read_header
from gy_interface.ccr_faults import fail, fail_header, has_length
from gy_interface.ccr_mscc import add_identities_within, add_identity, add_mscc, is_recognised
from gy_interface.octets import chain_hash, copy_octets, fold_hash, hash_avp, load32, load64
from vocabulary.digest import digest128
from vocabulary.instants import NS_PER_S, NTP_UNIX_OFFSET_S
from vocabulary.kernel import kernel
from vocabulary.limits import (
    DIAMETER_MESSAGE_OCTETS_MAX,
    IDENTITIES_PER_REQUEST_MAX,
    MSCCS_PER_REQUEST_MAX,
    SESSION_ID_OCTETS_MAX,
)
from vocabulary.outcomes import Outcome

# Why decode_requests stopped
NEEDS_OCTETS: Final = 0
"""What is left is no whole message yet."""
NOT_FRAMED: Final = 1
"""The stream can't be framed: another version, or a length that can't be true. To the peer core: 5011 or 5015, close."""
NEEDS_ROOM: Final = 2
"""The batch or `others` is full: hand them on, empty them, call again with the rest."""

_DIAMETER_VERSION = 1
_HEADER_OCTETS = 20
_CREDIT_CONTROL = 272
_APPLICATION = 4
_FLAG_REQUEST = 0x80
_FLAG_PROXIABLE = 0x40
_FLAG_ERROR = 0x20
_FLAG_RETRANSMITTED = 0x10

_UNDECIDED = int(Outcome.UNDECIDED)
_AVP_UNSUPPORTED = int(Outcome.AVP_UNSUPPORTED)
_INVALID_AVP_LENGTH = int(Outcome.INVALID_AVP_LENGTH)
_INVALID_AVP_VALUE = int(Outcome.INVALID_AVP_VALUE)
_MISSING_AVP = int(Outcome.MISSING_AVP)
_TOO_MANY_TIMES = int(Outcome.AVP_OCCURS_TOO_MANY_TIMES)
_UNABLE_TO_DELIVER = int(Outcome.UNABLE_TO_DELIVER)

_SEEN_SESSION_ID = 1
_SEEN_ORIGIN_HOST = 2
_SEEN_ORIGIN_REALM = 4
_SEEN_DESTINATION_REALM = 8
_SEEN_SERVICE_CONTEXT_ID = 16
_SEEN_REQUEST_TYPE = 32
_SEEN_REQUEST_NUMBER = 64
_SEEN_UNITS = 128
_SEEN_ONCE = _SEEN_SESSION_ID | _SEEN_REQUEST_TYPE | _SEEN_REQUEST_NUMBER
_NOT_THIS = -1
_NEEDED = (
    (_SEEN_SESSION_ID, SESSION_ID),
    (_SEEN_ORIGIN_HOST, ORIGIN_HOST),
    (_SEEN_ORIGIN_REALM, ORIGIN_REALM),
    (_SEEN_DESTINATION_REALM, DESTINATION_REALM),
    (_SEEN_SERVICE_CONTEXT_ID, SERVICE_CONTEXT_ID),
    (_SEEN_REQUEST_TYPE, CC_REQUEST_TYPE),
    (_SEEN_REQUEST_NUMBER, CC_REQUEST_NUMBER),
)
_SEEN_NEEDED = sum(bit for bit, _ in _NEEDED)
_SESSION_DOMAIN = 15
"""Beside the IdentityKinds of a tenant, for digest128: tenant * 16 + 15."""
_BODY_SEED = np.uint64(0x27D4EB2F165667C5)
_CONTEXT_SUFFIX = np.uint64(int.from_bytes(b"3gpp.org", "big"))
_AT_SIGN = ord("@")
_CONTEXT_SCALE_MAX = 10**8
_TIME_WRAP = 2**31
_TIME_ERA_S = 2**32
_MULTIPLE_SERVICES_SUPPORTED = 1


class DecodeRules(NamedTuple):
    """What decoding needs of the front end, made once (`new_decode_rules`)."""

    secret: NDArray[np.uint64]  # (2,): of the store, for digest128
    command_keys: NDArray[np.int64]  # sorted vendor << 32 | code: what a CCR may hold with the M bit
    mscc_keys: NDArray[np.int64]  # the same for an MSCC
    host: NDArray[np.uint8]  # our Origin-Host; empty: any Destination-Host is taken
    realm: NDArray[np.uint8]  # our Origin-Realm; empty: any Destination-Realm is taken


class Sender(NamedTuple):
    """What a connection gives to each of its rows (`new_sender`)."""

    template: NDArray[np.void]  # REQUEST_DTYPE (1,): connection, connection_epoch, peer, tenant, presence; defaults
    is_lenient: NDArray[np.uint8]  # (1,): unknown AVPs with the M bit are passed over


def new_decode_rules(
    secret: NDArray[np.uint64], command_keys: list[int], mscc_keys: list[int], host: str = "", realm: str = ""
) -> DecodeRules:
    """Rules of a front end. `host` and `realm` are ours: requests for others get 3002; "" takes all."""
    return DecodeRules(
        secret,
        np.array(sorted(command_keys), np.int64),
        np.array(sorted(mscc_keys), np.int64),
        np.array(bytearray(host.lower().encode()), np.uint8),
        np.array(bytearray(realm.lower().encode()), np.uint8),
    )


def new_sender(
    connection: int, connection_epoch: int, peer: int, tenant: int, presence: int = 0, is_lenient: bool = False
) -> Sender:
    """The sender of a connection. `presence`: COMMAND_LEVEL_LIMIT, NEVER_COUNTS of charging.batch."""
    template = np.zeros(1, REQUEST_DTYPE)
    row = template[0]
    for name in ("account_id", "slot", "answered", "command_id"):
        row[name] = -1
    for name in ("service_context", "requested_action", "termination_cause"):
        row[name] = -1
    row["connection"], row["connection_epoch"], row["peer"], row["tenant"] = connection, connection_epoch, peer, tenant
    row["presence"], row["kind"] = presence, KIND_USAGE
    return Sender(template, np.array([is_lenient], np.uint8))


@kernel
def decode_requests(received, length, batch, sender, rules, now_ns, others):
    """Append the CCRs of one connection's octets to the batch, in order. (octets consumed, others found, why it stopped).

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
        if room < _HEADER_OCTETS:
            return at, others_count, NEEDS_OCTETS
        word = load32(received, at)
        size = word & 0xFFFFFF
        if word >> 24 != _DIAMETER_VERSION or size < _HEADER_OCTETS or size & 3 or size > DIAMETER_MESSAGE_OCTETS_MAX:
            return at, others_count, NOT_FRAMED
        if size > room:
            return at, others_count, NEEDS_OCTETS
        word = load32(received, at + 4)
        if (
            word & 0xFFFFFF == _CREDIT_CONTROL
            and (word >> 24) & (_FLAG_REQUEST | _FLAG_ERROR) == _FLAG_REQUEST
            and load32(received, at + 8) == _APPLICATION
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


@kernel
def _has_room(batch, size):
    """Room for whatever a message of `size` octets may hold."""
    counts = batch.counts
    return (
        counts[COUNT_REQUESTS] < batch.requests.shape[0]
        and counts[COUNT_MSCCS] + MSCCS_PER_REQUEST_MAX <= batch.msccs.shape[0]
        and counts[COUNT_IDENTITIES] + IDENTITIES_PER_REQUEST_MAX <= batch.identities.shape[0]
        and counts[COUNT_OCTETS] + size <= batch.octets.shape[0]
    )


@kernel
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
    if flags & _FLAG_PROXIABLE:
        request.presence |= np.uint32(IS_PROXIABLE)
    if flags & _FLAG_RETRANSMITTED:
        request.presence |= np.uint32(IS_RETRANSMISSION)
    body, end = at + _HEADER_OCTETS, at + size
    seen = _read_avps(batch, row, rules, sender.is_lenient[0] == 0, body, end)
    if not seen & _SEEN_REQUEST_NUMBER:
        request.presence |= np.uint32(NUMBER_UNREADABLE)
    if seen & _SEEN_NEEDED != _SEEN_NEEDED:
        for bit, key in _NEEDED:
            if not seen & bit:
                fail(request, _MISSING_AVP, at, 0, key)
    if request.mscc_count == 0 and seen & _SEEN_UNITS:
        request.presence |= np.uint32(UNITS_AT_COMMAND_LEVEL)
        add_mscc(batch, row, body, end, rules.mscc_keys, False)
    if request.identity_count == 0 and request.service_information_length > 0:
        first = np.int64(request.service_information_offset)
        add_identities_within(batch, row, first + 12, first + request.service_information_length)
    _digest(batch, request, rules.secret)
    if request.outcome != _UNDECIDED:
        batch.counts[COUNT_MSCCS] = request.mscc_first
        batch.counts[COUNT_IDENTITIES] = request.identity_first
        request.mscc_count = 0
        request.identity_count = 0


@kernel
def _digest(batch, request, secret):
    """Names of the session and of the first identity, within the tenant."""
    domain = np.int64(request.tenant) * 16
    request.session_high, request.session_low = digest128(
        batch.octets,
        np.int64(request.session_id_offset),
        np.int64(request.session_id_length),
        secret,
        domain + _SESSION_DOMAIN,
    )
    if request.identity_count > 0:
        identity = batch.identities[request.identity_first]
        request.identity_high, request.identity_low = digest128(
            batch.octets, np.int64(identity.offset), np.int64(identity.length), secret, domain + identity.kind
        )


@kernel
def _read_avps(batch, row, rules, is_strict, at, end):
    """The AVPs of the command, octets[at:end]. Which were seen, _SEEN_* bits."""
    octets, request = batch.octets, batch.requests[row]
    seen, body_hash = 0, _BODY_SEED
    while at < end:
        key, header, size = read_header(octets, at, end)
        if size == BAD_SIZE:
            fail_header(request, octets, at, end)
            break
        padded = (size + 3) & ~3
        avp_hash = hash_avp(octets, at, padded)
        if key != ROUTE_RECORD and key != PROXY_INFO and key != DESTINATION_HOST:
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
        elif key == REQUESTED_SERVICE_UNIT or key == USED_SERVICE_UNIT:
            seen |= _SEEN_UNITS
        else:
            bits = _read_text(request, octets, at, header, size, key, rules)
            if bits == _NOT_THIS:
                bits = _read_number(request, octets, at, header, size, key)
            if bits != _NOT_THIS:
                if seen & bits & _SEEN_ONCE:
                    fail(request, _TOO_MANY_TIMES, at, size, key)
                seen |= bits
            elif is_strict and octets[at + 4] & FLAG_MANDATORY and not is_recognised(rules.command_keys, key):
                fail(request, _AVP_UNSUPPORTED, at, size, key)
        at += padded
    request.body_hash = np.uint32(fold_hash(body_hash))
    return seen


@kernel
def _read_text(request, octets, at, header, size, key, rules):
    """An AVP that holds a text: the first instance counts (clients.md 6d repeats some). Its bit, or _NOT_THIS."""
    text, length = at + header, size - header
    if key == SESSION_ID:
        if length == 0 or length > SESSION_ID_OCTETS_MAX:
            fail(request, _INVALID_AVP_LENGTH, at, size, key)
        if request.session_id_length == 0:
            request.session_id_offset, request.session_id_length = text, length
        return _SEEN_SESSION_ID
    if key == ORIGIN_HOST:
        if request.origin_host_length == 0:
            request.origin_host_offset, request.origin_host_length = text, length
        return _SEEN_ORIGIN_HOST
    if key == ORIGIN_REALM:
        if request.origin_realm_length == 0:
            request.origin_realm_offset, request.origin_realm_length = text, length
        return _SEEN_ORIGIN_REALM
    if key == SERVICE_CONTEXT_ID:
        request.service_context = _service_context(octets, text, length)
        return _SEEN_SERVICE_CONTEXT_ID
    if key == DESTINATION_REALM:
        if not _is_name(octets, text, length, rules.realm):
            fail(request, _UNABLE_TO_DELIVER, at, size, key)
        return _SEEN_DESTINATION_REALM
    if key == DESTINATION_HOST:
        if not _is_name(octets, text, length, rules.host):
            fail(request, _UNABLE_TO_DELIVER, at, size, key)
        return 0
    return _NOT_THIS


@kernel
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


@kernel
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


@kernel
def _read_number(request, octets, at, header, size, key):
    """An AVP of four octets. Its bit, 0 where it is one without, or _NOT_THIS."""
    if (
        key != CC_REQUEST_TYPE
        and key != CC_REQUEST_NUMBER
        and key != EVENT_TIMESTAMP
        and key != AUTH_APPLICATION_ID
        and key != TERMINATION_CAUSE
        and key != REQUESTED_ACTION
        and key != MULTIPLE_SERVICES_INDICATOR
    ):
        return _NOT_THIS
    if not has_length(request, at, header, size, key, 4):
        return 0
    value = load32(octets, at + header)
    if key == CC_REQUEST_TYPE:
        if value < INITIAL or value > EVENT:
            fail(request, _INVALID_AVP_VALUE, at, size, key)
            value = 0
        request.request_type = value
        return _SEEN_REQUEST_TYPE
    if key == CC_REQUEST_NUMBER:
        request.request_number = np.uint32(value)
        return _SEEN_REQUEST_NUMBER
    if key == EVENT_TIMESTAMP:
        if value < _TIME_WRAP:
            value += _TIME_ERA_S
        request.event_ns = (value - NTP_UNIX_OFFSET_S) * NS_PER_S
        request.presence |= np.uint32(HAS_EVENT_TIMESTAMP)
    elif key == AUTH_APPLICATION_ID:
        if value != _APPLICATION:
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

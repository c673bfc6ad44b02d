"""Facts of a usual body to its packed row: what requests.py makes of a decoded one."""

import numpy as np

from charging.batch import (
    EVENT,
    HAS_EVENT_TIMESTAMP,
    HAS_REQUESTED_ACTION,
    HAS_REQUESTED_EVENTS,
    HAS_REQUESTED_OCTETS,
    HAS_REQUESTED_SECONDS,
    HAS_USED,
    INITIAL,
    IS_RETRANSMISSION,
    REPORTS_ALONE,
)
from chf_http2.charging_data_ref import NAME_DIGITS, SESSION_PREFIX, account_of_ref, write_name
from chf_http2.identities import kind_of_identity
from chf_http2.notify_uris import has_notify_uri
from chf_http2.numbering import STAMP_PACKER, UNLIKE_PACKER, digest_of_information, hash_of_information, hash_of_units
from chf_http2.service_contexts import NO_SERVICE_CONTEXT, context_of_information, context_of_specification
from chf_http2.tick_memory import (
    ECHO_PACKER,
    NOTIFY_URI_OCTETS_MAX,
    TICK_IDENTITIES,
    TICK_MSCCS,
    TICK_OCTETS,
    TICK_REQUESTS,
)
from chf_http2.usual_members import IS_ALONG, NAME_LENGTHS, NAMES, word
from vocabulary.kernel import kernel
from vocabulary.limits import DIAMETER_MESSAGE_OCTETS_MAX, IDENTITY_OCTETS_MAX, SESSION_ID_OCTETS_MAX
from vocabulary.octets import copy_octets, put_word

_ANY_REQUESTED = HAS_REQUESTED_OCTETS | HAS_REQUESTED_SECONDS | HAS_REQUESTED_EVENTS
_PREFIX = word(SESSION_PREFIX)
_QUOTE, _COLON, _COMMA, _OPEN, _CLOSE = 34, 58, 44, 123, 125
_BEHIND_TEXT = 0
_WORD_OCTETS = 8
_HIGH = 32
_FACT_OCTETS = UNLIKE_PACKER.size
_ECHO_OCTETS = ECHO_PACKER.size
_STAMP_OCTETS = STAMP_PACKER.size
_SUBSCRIBER_OCTETS_MAX = IDENTITY_OCTETS_MAX
"""Longer ones are for requests.py to refuse."""


@kernel
def pack_row(tick, head):
    """Pack the request that was read; False where it must be refused, or asks for more than is usual."""
    facts, counts, packed = tick.facts[0], tick.counts, tick.packed
    is_create = head.request_type == INITIAL
    if is_create and facts.is_event and not head.gives_quota and not _reports_all(tick):
        return False
    if is_create and facts.is_event and _debits_nothing(tick):
        return False
    if not _is_packable(facts, is_create) or not _is_notified_rightly(tick.arrived.octets, facts):
        return False
    row = packed.requests[counts[TICK_REQUESTS]]
    row.account_id = -1
    if not is_create:
        row.account_id = account_of_ref(
            tick.arrived.octets,
            np.int64(head.ref_at),
            np.int64(head.ref_length),
            tick.secret,
            tick.tenant[0],
            head.gives_quota,
        )
        if row.account_id < 0:
            return False
    _number(tick, row, head, is_create)
    first = counts[TICK_OCTETS]
    behind = _write_texts(tick, row, head, is_create, first)
    if behind - first - row.echo_length > DIAMETER_MESSAGE_OCTETS_MAX:
        return False
    row.waiting = head.waiting
    row.service_context = facts.function_context
    if facts.specification_length >= 0:
        context = context_of_specification(tick.arrived.octets, facts.specification_at, facts.specification_length)
        if context != NO_SERVICE_CONTEXT:
            row.service_context = context
    if row.service_context == NO_SERVICE_CONTEXT:
        row.service_context = context_of_information(tick.arrived.octets, tick.carried, facts.carried_count)
    row.event_ns = facts.invocation_ns if facts.last_trigger_ns < 0 else facts.last_trigger_ns
    row.mscc_count = facts.mscc_count
    counts[TICK_REQUESTS] += 1
    counts[TICK_MSCCS] += facts.mscc_count
    counts[TICK_IDENTITIES] += row.identity_count
    counts[TICK_OCTETS] = behind
    return True


@kernel
def _reports_all(tick):
    """Is usage reported of each rating group?"""
    first, reported = tick.counts[TICK_MSCCS], 0
    for row in range(first, first + tick.facts[0].mscc_count):
        reported += tick.packed.msccs[row].presence & HAS_USED != 0
    return reported == tick.facts[0].mscc_count


@kernel
def _debits_nothing(tick):
    """Does a rating group ask for units that are none? requests.py refuses that, and says where."""
    first = tick.counts[TICK_MSCCS]
    for row in range(first, first + tick.facts[0].mscc_count):
        mscc = tick.packed.msccs[row]
        asked = max(mscc.requested_octets, mscc.requested_seconds, mscc.requested_events)
        used = max(mscc.used_octets, mscc.used_seconds, mscc.used_events)
        if mscc.presence & _ANY_REQUESTED and asked == 0 and used == 0:
            return True
    return False


@kernel
def _is_packable(facts, is_create):
    """Does nothing in it need a refusal, or more room than is usual?"""
    if is_create and facts.subscriber_length < 0 and facts.gpsi_length < 0:
        return False
    return (
        facts.subscriber_length != 0
        and facts.subscriber_length <= _SUBSCRIBER_OCTETS_MAX
        and facts.gpsi_length != 0
        and facts.gpsi_length <= _SUBSCRIBER_OCTETS_MAX
        and facts.consumer_length <= SESSION_ID_OCTETS_MAX
        and facts.notify_uri_length <= NOTIFY_URI_OCTETS_MAX
        and facts.event_type_length <= _SUBSCRIBER_OCTETS_MAX
        and facts.specification_length <= _SUBSCRIBER_OCTETS_MAX
    )


@kernel
def _is_notified_rightly(octets, facts):
    """Is its notifyUri one, where it has any?"""
    return facts.notify_uri_length < 0 or has_notify_uri(
        octets, np.int64(facts.notify_uri_at), np.int64(facts.notify_uri_length)
    )


@kernel
def _number(tick, row, head, is_create):
    """What the request is known again by."""
    facts, counts, packed = tick.facts[0], tick.counts, tick.packed
    size = packed.mscc_octets.shape[0] // packed.msccs.shape[0]
    at, length = counts[TICK_MSCCS] * size, facts.mscc_count * size
    row.request_type = head.request_type
    row.presence = np.uint32(HAS_EVENT_TIMESTAMP | (0 if head.gives_quota else REPORTS_ALONE))
    row.presence |= np.uint32(IS_RETRANSMISSION * facts.is_retransmission)
    row.request_number = facts.sequence_number
    if is_create or facts.sequence_number > 0:
        row.body_hash = hash_of_units(packed.mscc_octets, at, length, tick.secret, head.request_type)
    else:
        scratch = copy_octets(packed.mscc_octets, at, packed.octets, counts[TICK_OCTETS], length)
        put_word(packed.octets, scratch, facts.invocation_ns)
        row.body_hash = hash_of_units(
            packed.octets, counts[TICK_OCTETS], length + _STAMP_OCTETS, tick.secret, head.request_type
        )
        row.request_number = row.body_hash
    if is_create and facts.is_event:
        row.presence |= np.uint32(HAS_REQUESTED_ACTION)
        row.request_type = EVENT


@kernel
def _write_texts(tick, row, head, is_create, first):
    """The texts of a request at packed.octets[first:], and the lengths of each; the place behind them."""
    facts, source, out = tick.facts[0], tick.arrived.octets, tick.packed.octets
    at = copy_octets(_PREFIX, 0, out, first, _PREFIX.shape[0])
    name = at
    at += NAME_DIGITS
    if not is_create:
        copy_octets(source, np.int64(head.ref_at), out, name, NAME_DIGITS)
    row.session_id_length = at - first
    row.consumer_length = facts.consumer_length
    at = copy_octets(source, facts.consumer_at, out, at, facts.consumer_length)
    row.notify_uri_length = max(facts.notify_uri_length, 0)
    at = copy_octets(source, facts.notify_uri_at, out, at, np.int64(row.notify_uri_length))
    row.identity_count = 0
    if is_create:
        at = _write_identity(tick, row, facts.subscriber_at, facts.subscriber_length, at)
        at = _write_identity(tick, row, facts.gpsi_at, facts.gpsi_length, at)
    information = at
    at = _write_carried(tick, at, is_create)
    row.information_length = at - information
    high, low = digest_of_information(out, information, row.information_length, tick.secret)
    row.information_hash = hash_of_information(low)
    if facts.has_details:
        row.information_hash ^= row.request_number  # each report is news, also one that says the same of other traffic
    echo = at
    at = _write_echo(tick, at)
    row.echo_length = at - echo
    if is_create:
        length = _write_unlike_others(tick, at, high, low) - at
        write_name(out, at, length, tick.secret, tick.tenant[0], head.gives_quota, out, name)
    return at


@kernel
def _write_identity(tick, row, at, length, behind):
    if length <= 0:
        return behind
    kind, prefix = kind_of_identity(tick.arrived.octets, at, length)
    identity = tick.packed.identities[tick.counts[TICK_IDENTITIES] + row.identity_count]
    identity.kind, identity.length = kind, length - prefix
    row.identity_count += 1
    return copy_octets(tick.arrived.octets, at + prefix, tick.packed.octets, behind, length - prefix)


@kernel
def _write_carried(tick, at, is_create):
    """A JSON object of the carried members; what is carried along isn't so alone, but by a create."""
    out, count = tick.packed.octets, tick.facts[0].carried_count
    along_count = 0
    for index in range(count):
        along_count += IS_ALONG[tick.carried[index, 0]]
    if count == 0 or (along_count == count and not is_create):
        return at
    for index in range(count):
        row, value, end = tick.carried[index]
        out[at] = _COMMA if index else _OPEN
        out[at + 1] = _QUOTE
        at = copy_octets(NAMES[row], 0, out, at + 2, NAME_LENGTHS[row])
        out[at], out[at + 1] = _QUOTE, _COLON
        at = copy_octets(tick.arrived.octets, value, out, at + 2, end - value)
    out[at] = _CLOSE
    return at + 1


@kernel
def _write_echo(tick, at):
    out, facts = tick.packed.octets, tick.facts[0]
    put_word(out, at, facts.features << _HIGH | facts.sequence_number)
    at += _ECHO_OCTETS
    for index in range(facts.mscc_count):
        place, length = tick.upf_ids[index]
        out[at] = length
        at = copy_octets(tick.arrived.octets, place, out, at + 1, length)
    return at


@kernel
def _write_unlike_others(tick, at, high, low):
    """What makes a create unlike any other, as requests.py has it. `high` and `low` are the digest of what is carried."""
    facts, source, out, packed = tick.facts[0], tick.arrived.octets, tick.packed.octets, tick.packed
    at = _write_text(source, facts.subscriber_at, facts.subscriber_length, out, at)
    at = _write_text(source, facts.event_type_at, facts.event_type_length, out, at)
    at = _write_text(source, facts.specification_at, facts.specification_length, out, at)
    at = _write_text(source, facts.consumer_at, facts.consumer_length, out, at)
    at = _write_text(source, facts.notify_uri_at, facts.notify_uri_length, out, at)
    put_word(out, at, facts.charging_id)
    put_word(out, at + _WORD_OCTETS, facts.sequence_number)
    put_word(out, at + 2 * _WORD_OCTETS, facts.invocation_ns)
    put_word(out, at + 3 * _WORD_OCTETS, high)
    put_word(out, at + 4 * _WORD_OCTETS, low)
    size = packed.mscc_octets.shape[0] // packed.msccs.shape[0]
    first = tick.counts[TICK_MSCCS] * size
    return copy_octets(packed.mscc_octets, first, out, at + _FACT_OCTETS, facts.mscc_count * size)


@kernel
def _write_text(source, start, length, out, at):
    at = copy_octets(source, start, out, at, max(length, 0))
    out[at] = _BEHIND_TEXT
    return at + 1

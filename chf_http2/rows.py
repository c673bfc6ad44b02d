"""Packed requests to rows of a batch, by one kernel a tick: digests and places cost no Python.

What the rows of a batch say besides what was packed (tick_memory.py) is the same for all requests of the front end.
"""

import numpy as np

from charging.batch import COUNT_IDENTITIES, COUNT_MSCCS, COUNT_OCTETS, COUNT_REQUESTS, RENEWS_ROUTE
from charging.batch_rows import name_session_and_identity
from chf_http2.tick_memory import HELD_TICK, TICK_OCTETS, TICK_REQUESTS
from vocabulary.held import held
from vocabulary.kernel import kernel
from vocabulary.octets import copy_octets
from vocabulary.outcomes import Outcome

_UNDECIDED = int(Outcome.UNDECIDED)
_PACKED_COUNTS = TICK_OCTETS + 1


@kernel
def place_packed(tick_octets, now_ns):
    """Packed requests become the rows of the tick's batch, which is emptied before, and are packed no more. Their number."""
    tick = held(tick_octets, HELD_TICK)
    batch, packed, tenant = tick.batch, tick.packed, tick.tenant[0]
    count = tick.counts[TICK_REQUESTS]
    for index in range(batch.counts.shape[0]):
        batch.counts[index] = 0
    for row in range(count):
        _place_request(batch, packed, row, tick.secret, tenant, now_ns)
        batch.counts[COUNT_REQUESTS] = row + 1
    tick.counts[:_PACKED_COUNTS] = 0
    return count


@kernel
def _place_request(batch, packed, row, secret, tenant, now_ns):
    said, request = packed.requests[row], batch.requests[row]
    at = batch.counts[COUNT_OCTETS]
    _place_facts(request, said, tenant, now_ns)
    request.message_offset = at
    request.session_id_offset = at
    request.session_id_length = said.session_id_length
    request.origin_host_offset = request.session_id_offset + request.session_id_length
    request.origin_host_length = said.consumer_length
    request.origin_realm_offset = request.origin_host_offset + request.origin_host_length
    request.origin_realm_length = said.notify_uri_length
    behind = np.int64(request.origin_realm_offset + request.origin_realm_length)
    behind = _place_identities(batch, packed, request, row, behind)
    request.service_information_offset = behind
    request.service_information_length = said.information_length
    behind += said.information_length
    behind += said.echo_length
    request.message_length = behind - at
    copy_octets(packed.octets, at, batch.octets, at, behind - at)
    batch.counts[COUNT_OCTETS] = behind
    _place_msccs(batch, packed, request, said, row)
    request.identity_high = np.uint64(0)
    request.identity_low = np.uint64(0)
    name_session_and_identity(batch, request, secret)


@kernel
def _place_facts(request, said, tenant, now_ns):
    """What is said of the request itself, and what is the same for all."""
    request.account_id = said.account_id
    request.event_ns = said.event_ns
    request.received_ns = now_ns
    request.hop_by_hop = said.waiting
    request.end_to_end = 0
    request.request_number = said.request_number
    request.body_hash = said.body_hash
    request.service_information_hash = said.information_hash
    request.presence = said.presence | (RENEWS_ROUTE if said.notify_uri_length > 0 else 0)
    request.connection = -1
    request.front_end = 0
    request.handed_tick = 0
    request.handed_row = 0
    request.connection_epoch = 0
    request.peer = 0
    request.tenant = tenant
    request.identity_epoch = 0
    request.service_context = said.service_context
    request.requested_action = 0
    request.termination_cause = 0
    request.slot = -1
    request.credit_first = 0
    request.credit_count = 0
    request.failed_offset = 0
    request.failed_length = 0
    request.failed_code = 0
    request.failed_vendor = 0
    request.answered = -1
    request.command_id = -1
    request.kind = 0
    request.request_type = said.request_type
    request.command = 0
    request.outcome = _UNDECIDED
    request.moves = 0
    request.refusal = _UNDECIDED


@kernel
def _place_identities(batch, packed, request, row, behind):
    first = batch.counts[COUNT_IDENTITIES]
    count = np.int64(packed.requests[row].identity_count)
    request.identity_first = first
    request.identity_count = count
    for index in range(first, first + count):
        identity = batch.identities[index]
        identity.offset = behind
        identity.length = packed.identities[index].length
        identity.kind = packed.identities[index].kind
        identity.request = row
        behind += identity.length
    batch.counts[COUNT_IDENTITIES] = first + count
    return behind


@kernel
def _place_msccs(batch, packed, request, said, row):
    first = batch.counts[COUNT_MSCCS]
    request.mscc_first = first
    request.mscc_count = said.mscc_count
    for index in range(first, first + said.mscc_count):
        source, mscc = packed.msccs[index], batch.msccs[index]
        mscc.rating_group = source.rating_group
        mscc.service_identifier = -1
        mscc.requested_octets = source.requested_octets
        mscc.requested_seconds = source.requested_seconds
        mscc.requested_events = source.requested_events
        mscc.used_octets = source.used_octets
        mscc.used_seconds = source.used_seconds
        mscc.used_events = source.used_events
        mscc.before_octets = source.before_octets
        mscc.before_seconds = source.before_seconds
        mscc.before_events = source.before_events
        mscc.presence = source.presence
        mscc.upf = source.upf
        mscc.request = row
        mscc.reporting_reason = -1
        mscc.outcome = _UNDECIDED
    batch.counts[COUNT_MSCCS] = first + said.mscc_count

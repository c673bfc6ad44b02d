"""Rows of the journal as they arise: request rows with their texts, and usage rows."""

import numpy as np

from balances.record import (
    HEADER_CURRENCY,
    SESSION_KEY_HIGH,
    SESSION_KEY_LOW,
    SESSION_LAST_NUMBER,
    SESSION_SERVICE_CONTEXT,
)
from charging.batch import KIND_COMMAND, KIND_EXPIRE, NEVER_COUNTS
from charging.decision import ROWS_OCTETS, ROWS_REQUESTS, ROWS_USAGES
from vocabulary.kernel import inlined_kernel, kernel
from vocabulary.octets import copy_octets
from vocabulary.outcomes import Outcome
from vocabulary.units import Unit

_GRANTED = int(Outcome.GRANTED)
_MONEY = int(Unit.MONEY)

WITHOUT_TEXTS = 0
WITH_SERVICE_INFORMATION = 1
WITH_ALL_TEXTS = 2


@inlined_kernel
def _copy_text(journal, source, offset, length):
    """Append octets of a message to the entry's texts; the length that was written."""
    at = journal.counts[ROWS_OCTETS]
    journal.counts[ROWS_OCTETS] = copy_octets(source, np.int64(offset), journal.octets, at, np.int64(length))
    return length


@inlined_kernel
def currency_of(arena, slot):
    """ISO 4217 number of the account's currency; 0 where the account has no record."""
    if arena.length[slot] == 0:
        return np.uint32(0)
    return arena.halves[2 * arena.first[slot] + HEADER_CURRENCY]


@inlined_kernel
def add_request_row(journal, arena, slot, batch, request, texts):
    """Append a row for a request that is being decided; its outcome is set at the end. Returns the row."""
    place = journal.counts[ROWS_REQUESTS]
    journal.counts[ROWS_REQUESTS] = place + 1
    row = journal.requests[place]
    row.session_high = request.session_high
    row.session_low = request.session_low
    row.account_id = request.account_id
    row.event_ns = request.event_ns
    row.received_ns = request.received_ns
    row.request_number = request.request_number
    row.tenant = request.tenant
    row.service_context = request.service_context
    row.kind = request.kind
    row.request_type = request.request_type
    row.command = request.command
    row.currency = currency_of(arena, slot)
    row.outcome = 0
    row.termination_cause = max(min(request.termination_cause, 255), 0)
    row.ended_session = 0
    row.is_uncounted = 1 if request.presence & NEVER_COUNTS else 0
    row.denied_status = 0
    row.session_id_length = 0
    row.origin_host_length = 0
    row.origin_realm_length = 0
    row.identity_length = 0
    row.service_information_length = 0
    if request.kind == KIND_COMMAND:
        row.session_id_length = _copy_text(journal, batch.octets, request.session_id_offset, request.session_id_length)
    if texts == WITH_ALL_TEXTS:
        row.session_id_length = _copy_text(journal, batch.octets, request.session_id_offset, request.session_id_length)
        row.origin_host_length = _copy_text(
            journal,
            batch.octets,
            request.origin_host_offset,
            request.origin_host_length,
        )
        row.origin_realm_length = _copy_text(
            journal,
            batch.octets,
            request.origin_realm_offset,
            request.origin_realm_length,
        )
        if request.identity_count > 0:
            identity = batch.identities[request.identity_first]
            journal.octets[journal.counts[ROWS_OCTETS]] = identity.kind
            journal.counts[ROWS_OCTETS] += 1
            row.identity_length = 1 + _copy_text(journal, batch.octets, identity.offset, identity.length)
    if texts != WITHOUT_TEXTS:
        row.service_information_length = _copy_text(
            journal,
            batch.octets,
            request.service_information_offset,
            request.service_information_length,
        )
    return place


@kernel
def add_expiry_row(journal, arena, slot, request, now_ns):
    """Append a row for what ends without a request of its own; `request` is what woke its account up. Returns the row."""
    place = journal.counts[ROWS_REQUESTS]
    journal.counts[ROWS_REQUESTS] = place + 1
    row = journal.requests[place]
    row.session_high = np.uint64(0)
    row.session_low = np.uint64(0)
    row.account_id = request.account_id
    row.event_ns = now_ns
    row.received_ns = now_ns
    row.request_number = 0
    row.tenant = request.tenant
    row.service_context = -1
    row.service_information_length = 0
    row.session_id_length = 0
    row.origin_host_length = 0
    row.origin_realm_length = 0
    row.identity_length = 0
    row.currency = currency_of(arena, slot)
    row.kind = KIND_EXPIRE
    row.request_type = 0
    row.command = 0
    row.outcome = _GRANTED
    row.termination_cause = 0
    row.ended_session = 0
    row.is_uncounted = 0
    row.denied_status = 0
    return place


@kernel
def add_ended_row(journal, arena, slot, session, request, ended_session, now_ns):
    """The same for the session at first word `session`."""
    place = add_expiry_row(journal, arena, slot, request, now_ns)
    row = journal.requests[place]
    row.session_high = np.uint64(arena.words[session + SESSION_KEY_HIGH])
    row.session_low = np.uint64(arena.words[session + SESSION_KEY_LOW])
    row.request_number = arena.halves[2 * session + SESSION_LAST_NUMBER]
    row.service_context = np.int32(arena.halves[2 * session + SESSION_SERVICE_CONTEXT])
    row.ended_session = ended_session
    return place


@inlined_kernel
def add_usage_row(journal, mscc, request_row):
    """Append a usage row with nothing in it but what the MSCC names. Returns the row."""
    place = journal.counts[ROWS_USAGES]
    journal.counts[ROWS_USAGES] = place + 1
    row = journal.usages[place]
    row.rating_group = mscc.rating_group
    row.service_identifier = mscc.service_identifier
    row.from_ns = 0
    row.to_ns = 0
    row.used_units = 0
    row.allowance_units = 0
    row.uncharged_units = 0
    row.charged_micros = 0
    row.granted_units = 0
    row.requested_units = 0
    row.request = request_row
    row.release = 0
    row.offer = 0
    row.price = 0
    row.reporting_reason = mscc.reporting_reason
    row.unit = 0
    row.outcome = 0
    row.final_action = 0
    row.grant_basis = 0
    row.settled_by = _MONEY
    return place

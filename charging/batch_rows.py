"""Rows between batches: requests with their child rows and octets are copied whole, their offsets moved along."""

from typing import Final

import numpy as np

from charging.batch import (
    COUNT_CREDITS,
    COUNT_IDENTITIES,
    COUNT_MSCCS,
    COUNT_OCTETS,
    COUNT_REQUESTS,
    KIND_COMMAND,
    AnswerBatch,
    AnsweredBatch,
    UsageBatch,
    new_answer_batch,
    new_usage_batch,
)
from vocabulary.digest import digest128
from vocabulary.held import Held, kind_of
from vocabulary.ids import SESSION_DOMAIN
from vocabulary.kernel import inlined_kernel, kernel
from vocabulary.octets import copy_octets
from vocabulary.outcomes import Outcome

_UNDECIDED = int(Outcome.UNDECIDED)
HELD_ANSWERED: Final = kind_of(AnsweredBatch(new_usage_batch(1, 1, 1), new_answer_batch(1, 1)))


def hold_answered(usage: UsageBatch, answers: AnswerBatch) -> Held[AnsweredBatch]:
    """Requests and the memory of their answers, for kernels that get them again and again."""
    return Held(AnsweredBatch(usage, answers), HELD_ANSWERED)


@inlined_kernel
def has_room(batch, source, row):
    """Does the batch have room for a request of `source` with all that belongs to it?"""
    request = source.requests[row]
    counts = batch.counts
    return (
        counts[COUNT_REQUESTS] < batch.requests.shape[0]
        and counts[COUNT_MSCCS] + request.mscc_count <= batch.msccs.shape[0]
        and counts[COUNT_IDENTITIES] + request.identity_count <= batch.identities.shape[0]
        and counts[COUNT_CREDITS] + request.credit_count <= batch.credits.shape[0]
        and counts[COUNT_OCTETS] + request.message_length <= batch.octets.shape[0]
    )


@inlined_kernel
def append_request(batch, source, row):
    """Copy request `row` of `source` with its MSCCs, identities, amounts, change and octets to the end of `batch`."""
    place = batch.counts[COUNT_REQUESTS]
    batch.requests[place] = source.requests[row]
    request = batch.requests[place]
    at = batch.counts[COUNT_OCTETS]
    start, length = np.int64(request.message_offset), np.int64(request.message_length)
    batch.counts[COUNT_OCTETS] = copy_octets(source.octets, start, batch.octets, at, length)
    shift = at - start
    request.message_offset += shift
    request.session_id_offset += shift
    request.origin_host_offset += shift
    request.origin_realm_offset += shift
    request.service_information_offset += shift
    request.failed_offset += shift
    first = np.int64(request.mscc_first)
    request.mscc_first = batch.counts[COUNT_MSCCS]
    for index in range(request.mscc_count):
        batch.msccs[request.mscc_first + index] = source.msccs[first + index]
        batch.msccs[request.mscc_first + index].request = place
    batch.counts[COUNT_MSCCS] += request.mscc_count
    first = np.int64(request.identity_first)
    request.identity_first = batch.counts[COUNT_IDENTITIES]
    for index in range(request.identity_count):
        batch.identities[request.identity_first + index] = source.identities[first + index]
        batch.identities[request.identity_first + index].offset += shift
        batch.identities[request.identity_first + index].request = place
    batch.counts[COUNT_IDENTITIES] += request.identity_count
    first = np.int64(request.credit_first)
    request.credit_first = batch.counts[COUNT_CREDITS]
    for index in range(request.credit_count):
        batch.credits[request.credit_first + index] = source.credits[first + index]
    batch.counts[COUNT_CREDITS] += request.credit_count
    if request.kind == KIND_COMMAND:
        batch.changes[place] = source.changes[row]
    batch.counts[COUNT_REQUESTS] = place + 1


@kernel
def take_rows(batch, source, rows, first, count):
    """Append rows[first:first + count] of `source` to `batch`; how many fitted."""
    for index in range(count):
        if not has_room(batch, source, rows[first + index]):
            return index
        append_request(batch, source, rows[first + index])
    return count


@kernel
def answer_refused(batch, answers):
    """Answer the requests that have an outcome though nobody decided them, and no others; how many these are."""
    count = 0
    for row in range(batch.counts[COUNT_REQUESTS]):
        outcome = batch.requests[row].outcome
        clear_answer(batch.requests[row], answers, row, outcome)
        answers.answers[row].is_silent = 1 if outcome == _UNDECIDED else 0
        count += 1 - answers.answers[row].is_silent
    return count


@kernel
def refuse_undecided(batch, answers, outcome):
    """Answer every request of the batch with `outcome`, but those that have one already."""
    for row in range(batch.counts[COUNT_REQUESTS]):
        request = batch.requests[row]
        clear_answer(request, answers, row, outcome if request.outcome == _UNDECIDED else request.outcome)


@inlined_kernel
def clear_answer(request, answers, row, outcome):
    """Nothing but an outcome, for the request and each of its MSCCs: the rows may hold the answers of another batch."""
    answer = answers.answers[row]
    answer.outcome = outcome
    answer.is_duplicate = 0
    answer.is_silent = 0
    answer.opened_session = 0
    answer.ended_session = 0
    answer.keeps_answer = 0
    answer.failed_code = 0
    answer.life_s = 0
    answer.due_ns = 0
    answer.remaining = 0
    for index in range(request.mscc_first, request.mscc_first + request.mscc_count):
        mscc = answers.msccs[index]
        mscc.granted = 0
        mscc.validity_s = 0
        mscc.threshold_units = 0
        mscc.holding_s = 0
        mscc.final_unit = 0
        mscc.tariff_change_s = 0
        mscc.outcome = outcome
        mscc.unit = 0
        mscc.has_grant = 0
        mscc.final_action = 0


@kernel
def name_session_and_identity(batch, request, secret):
    """Fill the digests of a request's session and of its first identity, within its tenant; 0, 0 where it names nobody."""
    domain = np.int64(request.tenant) * 16
    request.session_high, request.session_low = digest128(
        batch.octets,
        np.int64(request.session_id_offset),
        np.int64(request.session_id_length),
        secret,
        domain + SESSION_DOMAIN,
    )
    if request.identity_count > 0:
        identity = batch.identities[request.identity_first]
        request.identity_high, request.identity_low = digest128(
            batch.octets, np.int64(identity.offset), np.int64(identity.length), secret, domain + identity.kind
        )

"""What came over a link between processes, checked whole before anything of it is used.

Kernels trust what stands in a batch: an offset or a count that points elsewhere would be read there. So every range,
every number that a table is looked up by and every amount is compared first; a batch with one fault is used in no part.
"""

from typing import Final

import numpy as np

from charging.batch import (
    COUNT_CREDITS,
    COUNT_IDENTITIES,
    COUNT_MSCCS,
    COUNT_OCTETS,
    COUNT_REQUESTS,
    EVENT,
    INITIAL,
    KIND_USAGE,
)
from charging.batch_rows import HELD_ANSWERED
from charging.handed_rows import HELD_HANDED, NOT_OWNED
from vocabulary.held import held
from vocabulary.ids import IDENTITY_WORDS
from vocabulary.instants import INSTANT_NS_MAX
from vocabulary.kernel import kernel
from vocabulary.limits import (
    BATCH_REQUESTS_MAX,
    DIAMETER_MESSAGE_OCTETS_MAX,
    HANDED_MOVES_MAX,
    IDENTITIES_PER_REQUEST_MAX,
    IDENTITY_OCTETS_MAX,
    MSCCS_PER_REQUEST_MAX,
    SESSION_ID_OCTETS_MAX,
    TENANTS_MAX,
    UNITS_MAX,
)
from vocabulary.outcomes import Outcome
from vocabulary.units import Unit

FAULTS: Final = (
    "",
    "its rows are no requests that wait for a decision",
    "a request has numbers that no request has",
    "the octets of its requests aren't where they should be",
    "a text lies outside of its request",
    "the MSCCs of its requests aren't where they should be",
    "an MSCC has numbers that no MSCC has",
    "the identities of its requests aren't where they should be",
    "an answer has numbers that no answer has",
    "the MSCCs of its answers are more or fewer than there are",
)
"""In words, by what find_row_fault and find_answer_fault return."""
SOUND: Final = 0
FAULT_KIND: Final = 1
FAULT_NUMBERS: Final = 2
FAULT_OCTETS: Final = 3
FAULT_TEXT: Final = 4
FAULT_MSCC_RANGE: Final = 5
FAULT_MSCC_NUMBERS: Final = 6
FAULT_IDENTITIES: Final = 7
FAULT_ANSWER: Final = 8
FAULT_ANSWER_MSCCS: Final = 9

_UNDECIDED = int(Outcome.UNDECIDED)
_OUTCOMES = len(Outcome)
_BILL = int(Unit.BILL)  # what is owed is never granted, nor is any unit behind it
_KINDS = len(IDENTITY_WORDS)
_NUMBER_MAX = 2**32 - 1
_FINAL_ACTIONS = 4
_NOT_OWNED = NOT_OWNED


@kernel
def take_handed(answered_octets, link, tick):
    """Check the rows of a batch that a link handed over and say in each whose it is; SOUND, or the FAULT_* that it has."""
    usage = held(answered_octets, HELD_ANSWERED).usage
    fault = find_row_fault(usage)
    if fault == SOUND:
        for row in range(usage.counts[COUNT_REQUESTS]):
            request = usage.requests[row]
            request.front_end = link
            request.handed_tick = tick
            request.slot = -1
            request.answered = -1
    return fault


@kernel
def find_row_fault(usage):
    """SOUND where every row is a request that a codec could have written, or the first FAULT_*.

    Messages, MSCCs and identities of the rows stand in their order without a gap, as append_request lays them, and are
    all that there is. The counts themselves fit the arrays.
    """
    octets, msccs, identities = np.int64(0), np.int64(0), np.int64(0)
    for row in range(usage.counts[COUNT_REQUESTS]):
        request = usage.requests[row]
        fault = _request_fault(request)
        if fault != SOUND:
            return fault
        if request.message_offset != octets or request.mscc_first != msccs or request.identity_first != identities:
            return FAULT_OCTETS if request.message_offset != octets else FAULT_MSCC_RANGE
        octets += request.message_length
        msccs += request.mscc_count
        identities += request.identity_count
        if octets > usage.counts[COUNT_OCTETS]:
            return FAULT_OCTETS
        if msccs > usage.counts[COUNT_MSCCS]:
            return FAULT_MSCC_RANGE
        if identities > usage.counts[COUNT_IDENTITIES]:
            return FAULT_IDENTITIES
        for index in range(request.mscc_first, msccs):
            if usage.msccs[index].request != row or not _is_mscc(usage.msccs[index]):
                return FAULT_MSCC_NUMBERS
        for index in range(request.identity_first, identities):
            if usage.identities[index].request != row or not _is_identity(request, usage.identities[index]):
                return FAULT_IDENTITIES
    if octets != usage.counts[COUNT_OCTETS]:
        return FAULT_OCTETS
    if msccs != usage.counts[COUNT_MSCCS]:
        return FAULT_MSCC_RANGE
    if identities != usage.counts[COUNT_IDENTITIES] or usage.counts[COUNT_CREDITS] != 0:
        return FAULT_IDENTITIES
    return SOUND


@kernel
def _request_fault(request):
    """The fault of a request that can be seen without the others."""
    if request.kind != KIND_USAGE or request.command != 0 or request.outcome != _UNDECIDED or request.credit_count != 0:
        return FAULT_KIND
    if (
        request.request_type < INITIAL
        or request.request_type > EVENT
        or request.account_id < -1
        or request.tenant < 1
        or request.tenant > TENANTS_MAX
        or request.received_ns < 0
        or request.received_ns > INSTANT_NS_MAX
        or request.event_ns < -INSTANT_NS_MAX
        or request.event_ns > INSTANT_NS_MAX
        or request.handed_row < 0
        or request.handed_row >= BATCH_REQUESTS_MAX
        or request.moves > HANDED_MOVES_MAX
        or request.refusal >= _OUTCOMES
        or request.command_id != -1
        or request.session_id_length > SESSION_ID_OCTETS_MAX
    ):
        return FAULT_NUMBERS
    if request.message_length < 0 or request.message_length > DIAMETER_MESSAGE_OCTETS_MAX:
        return FAULT_OCTETS
    if request.mscc_count < 0 or request.mscc_count > MSCCS_PER_REQUEST_MAX:
        return FAULT_MSCC_RANGE
    if request.identity_count < 0 or request.identity_count > IDENTITIES_PER_REQUEST_MAX:
        return FAULT_IDENTITIES
    if not (
        _is_within(request, np.int64(request.session_id_offset), np.int64(request.session_id_length))
        and _is_within(request, np.int64(request.origin_host_offset), np.int64(request.origin_host_length))
        and _is_within(request, np.int64(request.origin_realm_offset), np.int64(request.origin_realm_length))
        and _is_within(
            request, np.int64(request.service_information_offset), np.int64(request.service_information_length)
        )
        and _is_within(request, np.int64(request.failed_offset), np.int64(request.failed_length))
    ):
        return FAULT_TEXT
    return SOUND


@kernel
def _is_within(request, offset, length):
    """Is it a piece of the request's message? One of no octets may be anywhere: nobody looks there."""
    end = np.int64(request.message_offset) + request.message_length
    return length == 0 or (length > 0 and offset >= request.message_offset and offset + length <= end)


@kernel
def _is_mscc(mscc):
    """Has it numbers that a codec lets through?"""
    return (
        -1 <= mscc.rating_group <= _NUMBER_MAX
        and -1 <= mscc.service_identifier <= _NUMBER_MAX
        and 0 <= mscc.requested_octets <= UNITS_MAX
        and 0 <= mscc.requested_seconds <= UNITS_MAX
        and 0 <= mscc.requested_events <= UNITS_MAX
        and 0 <= mscc.used_octets <= UNITS_MAX
        and 0 <= mscc.used_seconds <= UNITS_MAX
        and 0 <= mscc.used_events <= UNITS_MAX
        and 0 <= mscc.before_octets <= UNITS_MAX
        and 0 <= mscc.before_seconds <= UNITS_MAX
        and 0 <= mscc.before_events <= UNITS_MAX
        and mscc.outcome < _OUTCOMES
    )


@kernel
def _is_identity(request, identity):
    """Is it a piece of its request, of a kind that there is?"""
    offset, length = np.int64(identity.offset), np.int64(identity.length)
    return 0 <= identity.kind < _KINDS and length <= IDENTITY_OCTETS_MAX and _is_within(request, offset, length)


@kernel
def find_answer_fault(handed_octets):
    """SOUND where all answers have numbers that encoders may look up and as many MSCCs as there are, else FAULT_*."""
    handed = held(handed_octets, HELD_HANDED)
    msccs = np.int64(0)
    for row in range(handed.counts[0]):
        head, answer = handed.heads[row], handed.answers[row]
        if (
            head.tick < 0
            or head.row < 0
            or head.mscc_count < 0
            or head.mscc_count > MSCCS_PER_REQUEST_MAX
            or head.account_id < -1
            or head.outcome >= _OUTCOMES
            or head.is_refused > _NOT_OWNED
            or answer.outcome >= _OUTCOMES
        ):
            return FAULT_ANSWER
        msccs += head.mscc_count
    if msccs != handed.counts[1]:
        return FAULT_ANSWER_MSCCS
    for index in range(msccs):
        mscc = handed.msccs[index]
        if mscc.outcome >= _OUTCOMES or mscc.unit >= _BILL or mscc.final_action >= _FINAL_ACTIONS:
            return FAULT_ANSWER
    return SOUND

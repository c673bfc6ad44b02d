"""CCAs of a decided batch, written into one buffer in the order of their connections: one write a connection.

The shape satisfies every client we know (clients.md 6f): Session-Id first, Result-Code, who we are, what the request
said of itself, then MSCCs with what was asked for. Errors 3xxx carry the E bit and the general grammar (RFC 6733 §7.2),
in which CC-Request-Type and -Number may stand as well: some clients match answers by them.
"""

from typing import Final

import numpy as np

from charging.batch import (
    COUNT_REQUESTS,
    HAS_PROXY_INFO,
    INITIAL,
    IS_PROXIABLE,
    KIND_USAGE,
    NUMBER_UNREADABLE,
    TERMINATION,
    UNITS_AT_COMMAND_LEVEL,
)
from gy_interface.avp_codes import (
    AUTH_APPLICATION_ID,
    CC_REQUEST_NUMBER,
    CC_REQUEST_TYPE,
    CC_SERVICE_SPECIFIC_UNITS,
    CC_TIME,
    CC_TOTAL_OCTETS,
    FAILED_AVP,
    GRANTED_SERVICE_UNIT,
    MULTIPLE_SERVICES_CREDIT_CONTROL,
    QUOTA_HOLDING_TIME,
    RATING_GROUP,
    RESULT_CODE,
    SERVICE_IDENTIFIER,
    SESSION_ID,
    TARIFF_TIME_CHANGE,
    TIME_QUOTA_THRESHOLD,
    UNIT_QUOTA_THRESHOLD,
    VALIDITY_TIME,
    VOLUME_QUOTA_THRESHOLD,
)
from gy_interface.avp_writer import (
    find_avp,
    put_failed,
    put_failed_example,
    put_header,
    put_proxy_infos,
    put_text,
    put_unsigned32,
    put_unsigned64,
    put_vendor_unsigned32,
)
from gy_interface.ccr import CREDIT_CONTROL
from gy_interface.ccr_avps import APPLICATION
from gy_interface.codec_rules import AnswerRules
from gy_interface.final_units import put_final_unit
from gy_interface.framing import FLAG_ERROR, FLAG_PROXIABLE
from gy_interface.octets import store32
from vocabulary.instants import NTP_UNIX_OFFSET_S
from vocabulary.kernel import inlined_kernel, kernel
from vocabulary.limits import DIAMETER_MESSAGE_OCTETS_MAX, FINAL_AVPS_OCTETS_MAX, MSCCS_PER_REQUEST_MAX
from vocabulary.octets import copy_octets
from vocabulary.outcomes import RESULT_CODES, Outcome
from vocabulary.units import Unit

ANSWER_SPAN_DTYPE: Final = np.dtype(
    [
        ("connection", np.int32),
        ("connection_epoch", np.int32),
        ("offset", np.int64),  # in the buffer
        ("length", np.int64),
        ("answers", np.int64),
    ],
    align=True,
)
"""The answers of one connection, next to each other in the buffer."""

_FIXED_OCTETS = 256
MSCC_OCTETS_MAX = 176
_UNDECIDED = int(Outcome.UNDECIDED)
_GRANTED = int(Outcome.GRANTED)
_RATING_FAILED = int(Outcome.RATING_FAILED)
_INVALID_AVP_LENGTH = int(Outcome.INVALID_AVP_LENGTH)
_CREDIT_LIMIT_REACHED = int(Outcome.CREDIT_LIMIT_REACHED)
_PERMANENT_FAILURE = 5000
_RESULT_CODES = tuple(code or RESULT_CODES[Outcome.UNABLE_TO_COMPLY] for code in RESULT_CODES)
"""5012 for a row that was answered undecided: a fault of ours, said as such."""
_SECONDS = int(Unit.SECONDS)
_EVENTS = int(Unit.EVENTS)
_THRESHOLD_OF: Final = {
    Unit.OCTETS: VOLUME_QUOTA_THRESHOLD,
    Unit.SECONDS: TIME_QUOTA_THRESHOLD,
    Unit.EVENTS: UNIT_QUOTA_THRESHOLD,
}
_THRESHOLDS = tuple(_THRESHOLD_OF.get(unit, 0) for unit in Unit)
"""The AVP of a threshold by the unit of its grant; money is never granted."""


def answer_octets_max(rules: AnswerRules) -> int:
    """Octets that `out` of encode_answers must hold at least: the longest answer."""
    return (
        _FIXED_OCTETS
        + rules.identity.shape[0]
        + 3 * DIAMETER_MESSAGE_OCTETS_MAX
        + (MSCC_OCTETS_MAX + FINAL_AVPS_OCTETS_MAX) * MSCCS_PER_REQUEST_MAX
    )


@kernel
def order_answers(batch, answers, order):
    """Write the rows that get an answer to `order.rows`, by connection, each in the batch's order; how many.

    Silent rows, account commands, and rows of other front ends or of no connection are left out. A counting sort.
    """
    firsts, connections_max = order.firsts, order.firsts.shape[0] - 1
    for connection in range(connections_max + 1):
        firsts[connection] = 0
    for row in range(batch.counts[COUNT_REQUESTS]):
        if _is_answered(batch.requests[row], answers.answers[row], connections_max):
            firsts[batch.requests[row].connection + 1] += 1
    for connection in range(connections_max):
        firsts[connection + 1] += firsts[connection]
    count = firsts[connections_max]
    for row in range(batch.counts[COUNT_REQUESTS]):
        request = batch.requests[row]
        if _is_answered(request, answers.answers[row], connections_max):
            order.rows[firsts[request.connection]] = row
            firsts[request.connection] += 1
    return count


@inlined_kernel
def _is_answered(request, answer, connections_max):
    is_ours = request.kind == KIND_USAGE and request.front_end == 0
    return is_ours and answer.is_silent == 0 and 0 <= request.connection < connections_max


@kernel
def encode_answers(batch, answers, order, place, count, rules, out, spans):
    """Write the CCAs of order.rows[place:count] to `out`. (Place after the last one written, spans, octets written.)

    place, count   where to begin, and what order_answers returned
    rules          AnswerRules
    out            uint8[]: at least answer_octets_max(rules), better 300 octets a row
    spans          ANSWER_SPAN_DTYPE[]: one for each connection (and epoch of it), written
    Stops early where `out` or `spans` is full: write what is there, and call again from the returned place.
    """
    at, span_count = np.int64(0), np.int64(0)
    while place < count:
        row = np.int64(order.rows[place])
        request = batch.requests[row]
        if at + _octets_max(request, rules) > out.shape[0]:
            break
        if (
            span_count == 0
            or spans[span_count - 1].connection != request.connection
            or spans[span_count - 1].connection_epoch != request.connection_epoch
        ):
            if span_count == spans.shape[0]:
                break
            spans[span_count].connection = request.connection
            spans[span_count].connection_epoch = request.connection_epoch
            spans[span_count].offset = at
            spans[span_count].length = 0
            spans[span_count].answers = 0
            span_count += 1
        end = _put_answer(out, at, batch, request, answers.answers[row], answers.msccs, rules)
        spans[span_count - 1].length += end - at
        spans[span_count - 1].answers += 1
        at = end
        place += 1
    return place, span_count, at


@inlined_kernel
def _octets_max(request, rules):
    """No answer to `request` is longer: it holds at most its Session-Id, a Failed-AVP and its Proxy-Infos of it."""
    return (
        _FIXED_OCTETS
        + rules.identity.shape[0]
        + 3 * np.int64(request.message_length)
        + (MSCC_OCTETS_MAX + rules.finals.longest[0]) * np.int64(request.mscc_count)
    )


@inlined_kernel
def _put_answer(out, start, batch, request, answer, mscc_answers, rules):
    """One CCA at out[start:]; the place after it."""
    outcome = np.int64(answer.outcome)
    is_flat = (request.presence & UNITS_AT_COMMAND_LEVEL) != 0 and request.mscc_count > 0
    if is_flat and outcome == _GRANTED:
        outcome = np.int64(mscc_answers[request.mscc_first].outcome)
    code = _RESULT_CODES[outcome]
    flags = FLAG_PROXIABLE if request.presence & IS_PROXIABLE else 0
    is_error = 3000 <= code < 4000
    if is_error:
        flags |= FLAG_ERROR
    at = store32(out, start + 4, (flags << 24) | CREDIT_CONTROL)
    at = store32(out, at, APPLICATION)
    at = store32(out, at, np.int64(request.hop_by_hop))
    at = store32(out, at, np.int64(request.end_to_end))
    if request.session_id_length > 0:
        offset, length = np.int64(request.session_id_offset), np.int64(request.session_id_length)
        at = put_text(out, at, SESSION_ID, batch.octets, offset, length)
    at = put_unsigned32(out, at, RESULT_CODE, code)
    at = copy_octets(rules.identity, 0, out, at, rules.identity.shape[0])
    if not is_error:
        at = put_unsigned32(out, at, AUTH_APPLICATION_ID, APPLICATION)
    if request.request_type != 0:
        at = put_unsigned32(out, at, CC_REQUEST_TYPE, np.int64(request.request_type))
    if not request.presence & NUMBER_UNREADABLE:
        at = put_unsigned32(out, at, CC_REQUEST_NUMBER, np.int64(request.request_number))
    if request.request_type == INITIAL and outcome == _GRANTED:
        at = _put_opening(out, at, np.int64(request.peer), rules.openings)
    if outcome in (_GRANTED, _CREDIT_LIMIT_REACHED):
        at = _put_services(out, at, batch, request, mscc_answers, is_flat, rules)
    at = _put_faults(out, at, batch, request, answer, mscc_answers, code, rules)
    if request.presence & HAS_PROXY_INFO:
        offset, length = np.int64(request.message_offset), np.int64(request.message_length)
        at = put_proxy_infos(out, at, batch.octets, offset, length)
    store32(out, start, (1 << 24) | (at - start))
    return at


@kernel
def _put_opening(out, at, peer, openings):
    """What the peer is told for the session's life; nothing where it has no such settings."""
    if not 0 <= peer < openings.firsts.shape[0] - 1:
        return at
    first = openings.firsts[peer]
    return copy_octets(openings.octets, first, out, at, openings.firsts[peer + 1] - first)


@inlined_kernel
def _put_services(out, at, batch, request, mscc_answers, is_flat, rules):
    """The MSCCs in the order of the request; for a request whose units stand outside of MSCCs the units alone."""
    may_grant = request.request_type != TERMINATION
    first = np.int64(request.mscc_first)
    for index in range(first, first + request.mscc_count):
        if batch.msccs[index].outcome != _UNDECIDED:
            continue
        if not is_flat:
            at = _put_mscc(out, at, batch.msccs[index], mscc_answers[index], may_grant, rules)
        elif may_grant:
            at = _put_units(out, at, mscc_answers[index])
            at = _put_conditions(out, at, mscc_answers[index], rules)
    return at


@inlined_kernel
def _put_mscc(out, start, mscc, answer, may_grant, rules):
    """Multiple-Services-Credit-Control; its ids only where the request had them (clients.md 6a)."""
    at = start + 8
    if may_grant:
        at = _put_units(out, at, answer)
    if mscc.service_identifier >= 0:
        at = put_unsigned32(out, at, SERVICE_IDENTIFIER, mscc.service_identifier)
    if mscc.rating_group >= 0:
        at = put_unsigned32(out, at, RATING_GROUP, mscc.rating_group)
    at = put_unsigned32(out, at, RESULT_CODE, _RESULT_CODES[answer.outcome])
    if may_grant:
        at = _put_quota_terms(out, _put_conditions(out, at, answer, rules), answer)
    put_header(out, start, MULTIPLE_SERVICES_CREDIT_CONTROL, at - start)
    return at


@inlined_kernel
def _put_units(out, at, answer):
    """Granted-Service-Unit in the unit that is rated (clients.md 6f), and when its price changes (RFC 8506 §8.20)."""
    if answer.has_grant == 0:
        return at
    start = at
    at += 8
    if answer.tariff_change_s > 0:
        at = put_unsigned32(
            out, at, TARIFF_TIME_CHANGE, (np.int64(answer.tariff_change_s) + NTP_UNIX_OFFSET_S) & 0xFFFFFFFF
        )
    if answer.unit == _SECONDS:
        at = put_unsigned32(out, at, CC_TIME, min(answer.granted, 0xFFFFFFFF))
    else:
        code = CC_SERVICE_SPECIFIC_UNITS if answer.unit == _EVENTS else CC_TOTAL_OCTETS
        at = put_unsigned64(out, at, code, answer.granted)
    put_header(out, start, GRANTED_SERVICE_UNIT, at - start)
    return at


@inlined_kernel
def _put_conditions(out, at, answer, rules):
    """Validity-Time, and what happens when the units are used up (RFC 8506 §8.33, §8.34)."""
    if answer.validity_s > 0:
        at = put_unsigned32(out, at, VALIDITY_TIME, np.int64(answer.validity_s))
    if answer.final_action > 0:
        at = put_final_unit(out, at, answer.final_action, answer.final_unit, rules.finals)
    return at


@inlined_kernel
def _put_quota_terms(out, at, answer):
    """When more is to be asked before the end, and when the quota comes back unused; in an MSCC alone (TS 32.299 §7.2.160)."""
    if answer.threshold_units > 0:
        at = put_vendor_unsigned32(out, at, _THRESHOLDS[answer.unit], np.int64(answer.threshold_units))
    if answer.holding_s > 0:
        at = put_vendor_unsigned32(out, at, QUOTA_HOLDING_TIME, np.int64(answer.holding_s))
    return at


@kernel
def _put_faults(out, at, batch, request, answer, mscc_answers, code, rules):
    """Failed-AVP: what is wrong with the request, or the services that have no price (RFC 8506 §9.2)."""
    octets = batch.octets
    if code >= _PERMANENT_FAILURE and (request.outcome != _UNDECIDED or request.refusal != _UNDECIDED):
        if request.failed_length > 0:
            return put_failed(out, at, octets, np.int64(request.failed_offset), np.int64(request.failed_length))
        if request.failed_code > 0 or answer.outcome == _INVALID_AVP_LENGTH:  # which may be that of AVP 0
            failed_code, vendor = np.int64(request.failed_code), np.int64(request.failed_vendor)
            return put_failed_example(out, at, failed_code, vendor, rules.examples)
    elif code >= _PERMANENT_FAILURE and answer.failed_code > 0:
        message = np.int64(request.message_offset)
        key = np.int64(answer.failed_code)
        place, size = find_avp(octets, message, np.int64(request.message_length), key)
        if size > 0:
            return put_failed(out, at, octets, place, size)
        return put_failed_example(out, at, key, 0, rules.examples)
    elif code < 3000 or code >= 4000:
        for index in range(request.mscc_first, request.mscc_first + request.mscc_count):
            if mscc_answers[index].outcome == _RATING_FAILED:
                at = _put_unrated(out, at, batch.msccs[index])
    return at


@kernel
def _put_unrated(out, at, mscc):
    """Failed-AVP of an MSCC without a price: what names its service. A service without a name has rating group 0."""
    put_header(out, at, FAILED_AVP, 20)
    if mscc.rating_group < 0 and mscc.service_identifier >= 0:
        return put_unsigned32(out, at + 8, SERVICE_IDENTIFIER, mscc.service_identifier)
    return put_unsigned32(out, at + 8, RATING_GROUP, max(mscc.rating_group, 0))

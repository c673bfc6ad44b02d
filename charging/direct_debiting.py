"""One EVENT against one account: its MSCCs priced and charged at once, or not at all; it leaves no session. What was used
already, by an MSCC that asks for nothing, is charged in any case.
"""

from typing import Final

import numpy as np

from balances.reservations import post
from charging.batch import COMMAND_LEVEL_LIMIT, HAS_REQUESTED_ACTION
from charging.credit_control import name_price
from charging.decision import ROWS_MOVEMENTS
from charging.journal_rows import add_usage_row
from charging.quota.grant import asks_for_none, asks_for_none_of, requested_units
from charging.rating.charge import charge_event, charge_past_event, record_report
from charging.rating.reported import HAS_USED_UNITS, record_unpriced, reported_until, used_units
from charging.rating.tariff_lookup import look_up_price, refusal_of
from charging.rating.time_bands import micros_at
from charging.sessions.admission import denied_status, is_active, is_event_of_use, is_past
from charging.sessions.duplicates import record_event
from charging.sessions.refused_reports import record_refused, record_undecided
from vocabulary.kernel import kernel
from vocabulary.outcomes import Outcome

_UNDECIDED = int(Outcome.UNDECIDED)
_GRANTED = int(Outcome.GRANTED)
_CREDIT_LIMIT_REACHED = int(Outcome.CREDIT_LIMIT_REACHED)
_END_USER_SERVICE_DENIED = int(Outcome.END_USER_SERVICE_DENIED)
_INVALID_AVP_VALUE = int(Outcome.INVALID_AVP_VALUE)
_MISSING_AVP = int(Outcome.MISSING_AVP)

REQUESTED_ACTION_CODE = 436
REQUESTED_SERVICE_UNIT_CODE: Final = 437
DIRECT_DEBITING = 0


@kernel
def _decide_event_mscc(arena, slot, tariffs, scratch, request, mscc, now_ns, usage, answer):
    """Debit one MSCC of an event at once, or not at all."""
    outcome, price_row, offer_row = look_up_price(arena, slot, tariffs, request, mscc, now_ns, now_ns)
    usage.to_ns = reported_until(request)
    usage.from_ns = usage.to_ns
    if price_row < 0:
        answer.outcome = outcome
        record_unpriced(mscc, usage)
        return
    name_price(usage, tariffs, price_row, offer_row)
    price = tariffs.prices[price_row]
    answer.outcome = refusal_of(price)
    if answer.outcome != _GRANTED:
        record_report(mscc, price, usage)
        usage.uncharged_units = usage.used_units
        return
    units = requested_units(mscc, price.unit)
    if units == 0:
        units = max(used_units(mscc, price.unit), 1)
    answer.unit = price.unit
    micros = micros_at(tariffs, price, usage.to_ns)
    if is_past(mscc):
        if mscc.presence & HAS_USED_UNITS:
            units = used_units(mscc, price.unit)
            record_report(mscc, price, usage)
        else:  # that something was used is all that is said
            usage.used_units = units
        answer.outcome = charge_past_event(
            arena, slot, scratch, price, micros, tariffs.allowances, units, now_ns, usage
        )
        return
    usage.requested_units = units
    if charge_event(arena, slot, scratch, price, micros, tariffs.allowances, units, now_ns, usage):
        answer.granted = units
        answer.has_grant = 1
    else:
        answer.outcome = _CREDIT_LIMIT_REACHED
        usage.used_units = 0


@kernel
def _debits_nothing(arena, slot, tariffs, request, mscc, now_ns):
    """Is the amount that an MSCC names 0 in the unit of its price, though it names others, and none of it was used?"""
    if not asks_for_none(mscc):
        return False
    _, price_row, _ = look_up_price(arena, slot, tariffs, request, mscc, now_ns, now_ns)
    if price_row < 0 or refusal_of(tariffs.prices[price_row]) != _GRANTED:
        return False
    unit = tariffs.prices[price_row].unit
    return asks_for_none_of(mscc, unit) and used_units(mscc, unit) == 0


@kernel
def _refusal_of_event(arena, slot, tariffs, msccs, request, now_ns):
    """(outcome, AVP at fault) of an event of which nothing is charged; GRANTED, 0 where it is to be decided.

    Front ends refuse a debiting of 0 units, which they see without a price; here it is 0 of the unit that counts. None of
    the request is charged then, as there.
    """
    if not request.presence & HAS_REQUESTED_ACTION:
        return _MISSING_AVP, REQUESTED_ACTION_CODE
    if request.requested_action != DIRECT_DEBITING:
        return _INVALID_AVP_VALUE, REQUESTED_ACTION_CODE
    if not is_active(arena, slot, now_ns) and not is_event_of_use(msccs, request):
        return _END_USER_SERVICE_DENIED, 0
    for row in range(request.mscc_first, request.mscc_first + request.mscc_count):
        if _debits_nothing(arena, slot, tariffs, request, msccs[row], now_ns):
            return _INVALID_AVP_VALUE, REQUESTED_SERVICE_UNIT_CODE
    return _GRANTED, 0


@kernel
def decide_event(
    arena,
    slot,
    tariffs,
    scratch,
    batch,
    recorded,
    journal,
    request,
    request_row,
    now_ns,
    answer,
    answers,
):
    """An EVENT: direct debiting, no session (RFC 8506 §6.3; docs/charging.md §7)."""
    outcome, answer.failed_code = _refusal_of_event(arena, slot, tariffs, batch.msccs, request, now_ns)
    if outcome != _GRANTED:
        answer.outcome = outcome
        journal.requests[request_row].denied_status = denied_status(arena, slot, outcome, now_ns)
        record_refused(batch, journal, request, request_row, outcome)
        return
    all_limited = request.mscc_count > 0
    for row in range(request.mscc_first, request.mscc_first + request.mscc_count):
        mscc = batch.msccs[row]
        usage_row = add_usage_row(journal, mscc, request_row)
        usage = journal.usages[usage_row]
        if mscc.outcome != _UNDECIDED:
            record_undecided(request, mscc, np.int64(mscc.outcome), usage)
            continue
        _decide_event_mscc(arena, slot, tariffs, scratch, request, mscc, now_ns, usage, answers[row])
        usage.outcome = answers[row].outcome
        usage.granted_units = answers[row].granted
        journal.counts[ROWS_MOVEMENTS] = post(
            arena,
            slot,
            scratch.ledger,
            journal.movements,
            journal.counts[ROWS_MOVEMENTS],
            request_row,
            usage_row,
        )
        all_limited = all_limited and answers[row].outcome == _CREDIT_LIMIT_REACHED
    answer.outcome = _GRANTED
    if all_limited and request.presence & COMMAND_LEVEL_LIMIT:
        answer.outcome = _CREDIT_LIMIT_REACHED
    if request.answered >= 0:
        record_event(recorded, request, answer.outcome, answers)
        answer.keeps_answer = 1

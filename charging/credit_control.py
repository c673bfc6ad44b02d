"""One credit-control request of a session against one account: its MSCCs priced, charged and granted."""

import numpy as np

from balances.record import (
    HEADER_TENANT,
    SERVICE_CARRY,
    SERVICE_LAST_REPORT_NS,
    SERVICE_TAG,
    SESSION_ANSWERS,
    SESSION_EXPIRES_NS,
    SESSION_OPENED_NS,
    SESSION_ROUTE_LIFE,
    SESSION_ROUTE_SET,
    SESSION_SERVICE_INFORMATION,
    SESSION_TAG,
)
from balances.reservations import commit_reservations, post
from charging.batch import (
    COMMAND_LEVEL_LIMIT,
    ENDS_AT_TARIFF_CHANGE,
    HAS_REQUESTED,
    HAS_USED,
    INITIAL,
    RENEWS_ROUTE,
    TERMINATION,
)
from charging.decision import ROWS_MOVEMENTS
from charging.journal_rows import add_usage_row
from charging.quota.grant import basis_of_wanted, count_reservations, grant, requested_units, wanted_units
from charging.quota.terms import goes_on_without_quota, set_action_at_once
from charging.rating.charge import charge_usage, record_report
from charging.rating.price import starting_carry
from charging.rating.reported import HAS_USED_UNITS, record_unpriced, reported_until, used_units
from charging.rating.tariff_lookup import look_up_price, refusal_of, release_in_force
from charging.rating.time_bands import rates_of_usage, window_of_grant
from charging.sessions.admission import denied_status, is_active
from charging.sessions.due import ENDED_BY_REQUEST
from charging.sessions.duplicates import remember_request
from charging.sessions.open_sessions import end_session, ended_mark, find_session, request_mix
from charging.sessions.refused_reports import record_undecided
from charging.sessions.services import (
    add_refused_service,
    add_service,
    find_service,
    holds_quota,
    name_service,
    remember_answer,
    was_last,
)
from charging.usage_record import GrantBasis
from vocabulary.instants import NS_PER_S
from vocabulary.kernel import inlined_kernel, kernel
from vocabulary.limits import (
    ROUTE_LIFE_UNIT_S,
    SUPERVISION_DEFAULT_S,
)
from vocabulary.outcomes import Outcome

_UNDECIDED = int(Outcome.UNDECIDED)
_GRANTED = int(Outcome.GRANTED)
_CREDIT_LIMIT_REACHED = int(Outcome.CREDIT_LIMIT_REACHED)
_END_USER_SERVICE_DENIED = int(Outcome.END_USER_SERVICE_DENIED)
_UNABLE_TO_COMPLY = int(Outcome.UNABLE_TO_COMPLY)
_TARIFF_CHANGE = int(GrantBasis.TARIFF_CHANGE)
_SUPERVISION_DEFAULT_NS = SUPERVISION_DEFAULT_S * NS_PER_S
_ROUTE_UNIT_NS = ROUTE_LIFE_UNIT_S * NS_PER_S


@inlined_kernel
def name_price(usage, tariffs, price_row, offer_row):
    """The why-ids of a usage row."""
    usage.unit = tariffs.prices[price_row].unit
    usage.price = tariffs.prices[price_row].price
    usage.settled_by = tariffs.prices[price_row].settled_by
    usage.offer = tariffs.offers[offer_row].offer
    usage.release = tariffs.offers[offer_row].release


@kernel
def _price_of_usage(arena, slot, tariffs, request, mscc, price_row, offer_row, from_ns, now_ns):
    """(price row, offer row) by which reported usage is charged, -1 where nothing charges it.

    Usage belongs to the release in force when it began; where that has no price for it, or one of another unit than what
    is granted from now on, the price as it is now charges it.
    """
    if mscc.presence & HAS_USED_UNITS:
        tenant = np.int64(arena.halves[2 * arena.first[slot] + HEADER_TENANT])
        began_ns = min(from_ns, now_ns)
        if release_in_force(tariffs, tenant, began_ns) != release_in_force(tariffs, tenant, now_ns):
            _, row, offer = look_up_price(arena, slot, tariffs, request, mscc, now_ns, began_ns)
            if row >= 0 and refusal_of(tariffs.prices[row]) == _GRANTED:
                if price_row < 0 or tariffs.prices[row].unit == tariffs.prices[price_row].unit:
                    return row, offer
    if price_row < 0 or refusal_of(tariffs.prices[price_row]) != _GRANTED:
        return -1, -1
    return price_row, offer_row


@inlined_kernel
def _stands_before(msccs, first, row):
    """Is an earlier MSCC of the request for the same service as `row`?"""
    for earlier in range(first, row):
        if (
            msccs[earlier].rating_group == msccs[row].rating_group
            and msccs[earlier].service_identifier == msccs[row].service_identifier
            and msccs[earlier].upf == msccs[row].upf
        ):
            return True
    return False


@inlined_kernel
def _goes_on(arena, service, request, mscc, price):
    """Is an MSCC that asks for nothing one of a service that had its last grant, and goes on redirected or restricted?"""
    return (
        mscc.presence & HAS_REQUESTED == 0
        and service >= 0
        and request.request_type != TERMINATION
        and goes_on_without_quota(price)
        and was_last(arena, service)
    )


@kernel
def _give_back(arena, slot, scratch, service, mscc, answers, now_ns, usage, answer):
    """Nothing of a refused service is charged, and what it held goes back. `service` -1: there is none."""
    usage.uncharged_units = usage.used_units
    if service >= 0:
        if mscc.presence & HAS_USED:
            arena.words[service + SERVICE_LAST_REPORT_NS] = usage.to_ns
        tag = arena.octets[8 * service + SERVICE_TAG]
        commit_reservations(arena, slot, scratch.ledger, tag, usage.unit, 0, now_ns)
        remember_answer(arena, service, answers, answer, False)


@inlined_kernel
def _grant_mscc(arena, slot, tariffs, scratch, request, mscc, is_again, service, price_row, now_ns, usage, answer):
    """The next grant of an MSCC that wants one; True where it ends at the tariff change (docs/charging.md §6)."""
    usage.requested_units = requested_units(mscc, tariffs.prices[price_row].unit)
    if not is_active(arena, slot, now_ns):
        answer.outcome = _END_USER_SERVICE_DENIED
        return False
    price = tariffs.prices[price_row]
    carry = starting_carry(price, arena.words[service + SERVICE_CARRY])
    tag = arena.octets[8 * service + SERVICE_TAG]
    made = 0
    if is_again:  # what was paid ahead is spoken for by the grant before
        made = count_reservations(arena, slot, tag)
        carry = max(carry, 0)
    ends_at_change = request.presence & ENDS_AT_TARIFF_CHANGE != 0
    want = wanted_units(mscc, price)
    cuts = grant(
        arena,
        slot,
        scratch,
        price,
        window_of_grant(tariffs, price, ends_at_change, now_ns),
        tariffs.allowances,
        tag,
        made,
        carry,
        want,
        now_ns,
        answer,
    )
    usage.grant_basis = basis_of_wanted(usage.requested_units, price, want) | cuts
    return cuts & _TARIFF_CHANGE != 0


@inlined_kernel
def _decide_mscc(arena, slot, tariffs, scratch, request, mscc, is_again, session, now_ns, usage, answer):
    """Price, charge and grant one MSCC of an open session (docs/charging.md §4-§6).

    is_again   bool: an earlier MSCC of the request was for the same service; what that was granted stays reserved
    """
    outcome, price_row, offer_row = look_up_price(arena, slot, tariffs, request, mscc, now_ns, now_ns)
    session_tag = arena.octets[8 * session + SESSION_TAG]
    service = find_service(arena, slot, session_tag, mscc)
    if service >= 0:
        name_service(arena, service, mscc)
    usage.from_ns = arena.words[service + SERVICE_LAST_REPORT_NS if service >= 0 else session + SESSION_OPENED_NS]
    usage.to_ns = max(reported_until(request), usage.from_ns)
    answers = arena.octets[8 * session + SESSION_ANSWERS]
    if price_row >= 0:
        name_price(usage, tariffs, price_row, offer_row)
        outcome = refusal_of(tariffs.prices[price_row])
    usage_price, usage_offer = _price_of_usage(
        arena, slot, tariffs, request, mscc, price_row, offer_row, usage.from_ns, now_ns
    )
    if usage_price < 0:
        answer.outcome = outcome
        if price_row >= 0:
            record_report(mscc, tariffs.prices[price_row], usage)
        else:
            record_unpriced(mscc, usage)
        if service < 0:
            service = add_refused_service(arena, slot, session, request, mscc, outcome)
        _give_back(arena, slot, scratch, service, mscc, answers, now_ns, usage, answer)
        return
    name_price(usage, tariffs, usage_price, usage_offer)
    answer.unit = usage.unit
    used = used_units(mscc, usage.unit)
    record_report(mscc, tariffs.prices[usage_price], usage)
    wants = outcome == _GRANTED and (mscc.presence & HAS_REQUESTED) != 0 and request.request_type != TERMINATION
    stays = outcome == _GRANTED and not is_again and _goes_on(arena, service, request, mscc, tariffs.prices[price_row])
    wants |= stays and mscc.presence & HAS_USED == 0  # the validity without quota is over: is there credit now?
    if service < 0 and (used > 0 or wants):
        service = add_service(arena, slot, session, mscc)
        if service < 0:
            answer.outcome = _UNABLE_TO_COMPLY
            usage.uncharged_units = usage.used_units
            return
    if service < 0:
        service = add_refused_service(arena, slot, session, request, mscc, outcome)
        if service < 0:
            answer.outcome = outcome
            return
    arena.words[service + SERVICE_LAST_REPORT_NS] = usage.to_ns
    rates = rates_of_usage(tariffs, tariffs.prices[usage_price], mscc, used, usage.from_ns, usage.to_ns)
    answer.outcome = charge_usage(
        arena,
        slot,
        scratch,
        tariffs.prices[usage_price],
        tariffs.allowances,
        rates,
        service,
        is_again,
        used,
        now_ns,
        usage,
    )
    if answer.outcome == _GRANTED:
        answer.outcome = outcome
    is_cut = False
    if wants and answer.outcome == _GRANTED:
        is_cut = _grant_mscc(
            arena, slot, tariffs, scratch, request, mscc, is_again, service, price_row, now_ns, usage, answer
        )
    elif stays and answer.outcome == _GRANTED:
        set_action_at_once(tariffs.prices[price_row], answer)
    remember_answer(arena, service, answers, answer, is_cut)


@inlined_kernel
def _decide_msccs(
    arena,
    slot,
    tariffs,
    scratch,
    batch,
    journal,
    request,
    request_row,
    session,
    now_ns,
    answers,
):
    """All MSCCs of a request; (longest validity granted, whether every MSCC met the credit limit)."""
    validity_s = np.int64(0)
    all_limited = request.mscc_count > 0
    for row in range(request.mscc_first, request.mscc_first + request.mscc_count):
        mscc, answer = batch.msccs[row], answers[row]
        usage_row = add_usage_row(journal, mscc, request_row)
        usage = journal.usages[usage_row]
        if mscc.outcome != _UNDECIDED:
            record_undecided(request, mscc, np.int64(mscc.outcome), usage)
            continue
        is_again = _stands_before(batch.msccs, np.int64(request.mscc_first), row)
        _decide_mscc(arena, slot, tariffs, scratch, request, mscc, is_again, session, now_ns, usage, answer)
        usage.outcome = answer.outcome
        if answer.outcome == _END_USER_SERVICE_DENIED:
            journal.requests[request_row].denied_status = denied_status(arena, slot, answer.outcome, now_ns)
        usage.granted_units = answer.granted
        usage.final_action = answer.final_action
        journal.counts[ROWS_MOVEMENTS] = post(
            arena,
            slot,
            scratch.ledger,
            journal.movements,
            journal.counts[ROWS_MOVEMENTS],
            request_row,
            usage_row,
        )
        validity_s = max(validity_s, np.int64(answer.validity_s))
        all_limited = all_limited and answer.outcome == _CREDIT_LIMIT_REACHED
    return validity_s, all_limited


@kernel
def _supervise(arena, slot, session, request, validity_s, without_quota_ns, now_ns, answer):
    """Set when the session ends without a request, and have its route written again where half its life is gone, or where
    the request says another.
    """
    life_ns = 2 * validity_s * NS_PER_S
    if validity_s == 0:
        life_ns = _SUPERVISION_DEFAULT_NS if holds_quota(arena, slot, session, False) else without_quota_ns
    expires_ns = now_ns + life_ns
    # A session that held nothing till now had the longer time; what it is given now isn't to be held so long.
    is_first_quota = validity_s > 0 and not holds_quota(arena, slot, session, True)
    if is_first_quota and expires_ns < arena.words[session + SESSION_EXPIRES_NS]:
        answer.due_ns = expires_ns
    if is_first_quota or expires_ns > arena.words[session + SESSION_EXPIRES_NS]:
        arena.words[session + SESSION_EXPIRES_NS] = expires_ns
    life_ns = 2 * (arena.words[session + SESSION_EXPIRES_NS] - now_ns)
    life = max((life_ns + _ROUTE_UNIT_NS - 1) // _ROUTE_UNIT_NS, 2)
    passed = (now_ns - arena.words[session + SESSION_OPENED_NS]) // _ROUTE_UNIT_NS
    octet = 8 * session
    since = (passed - np.int64(arena.octets[octet + SESSION_ROUTE_SET])) & 0xFF
    known = np.int64(arena.octets[octet + SESSION_ROUTE_LIFE])
    if life > known or 2 * since >= known or request.presence & RENEWS_ROUTE:
        arena.octets[octet + SESSION_ROUTE_LIFE] = min(life, 255)
        arena.octets[octet + SESSION_ROUTE_SET] = passed & 0xFF
        answer.opened_session = 2
        answer.life_s = min(life, 255) * ROUTE_LIFE_UNIT_S


@inlined_kernel
def decide_session(
    arena,
    slot,
    tariffs,
    scratch,
    batch,
    journal,
    request,
    request_row,
    session,
    now_ns,
    answer,
    mscc_answers,
):
    """An INITIAL, UPDATE or TERMINATION of the open session at first word `session` (docs/charging.md §4-§7)."""
    octet = 8 * session
    arena.octets[octet + SESSION_ANSWERS] += 1
    if request.service_information_length > 0:
        arena.halves[2 * session + SESSION_SERVICE_INFORMATION] = request.service_information_hash
    validity_s, all_limited = _decide_msccs(
        arena,
        slot,
        tariffs,
        scratch,
        batch,
        journal,
        request,
        request_row,
        session,
        now_ns,
        mscc_answers,
    )
    session = find_session(arena, slot, request.session_high, request.session_low)
    answer.outcome = _GRANTED
    if all_limited and request.presence & COMMAND_LEVEL_LIMIT:
        answer.outcome = _CREDIT_LIMIT_REACHED
    if request.request_type == TERMINATION:
        mark = ended_mark(arena, session, request_mix(request))
        _finish(arena, slot, scratch, journal, session, request_row, mark, now_ns)
        answer.ended_session = ENDED_BY_REQUEST
    elif request.request_type == INITIAL and answer.outcome != _GRANTED:
        _finish(arena, slot, scratch, journal, session, request_row, np.int64(0), now_ns)
        answer.ended_session = ENDED_BY_REQUEST
    else:
        remember_request(arena, session, request, answer.outcome)
        _supervise(arena, slot, session, request, validity_s, scratch.supervision_ns[0], now_ns, answer)
        if request.request_type == INITIAL:
            answer.due_ns = arena.words[session + SESSION_EXPIRES_NS]


@kernel
def _finish(arena, slot, scratch, journal, session, request_row, mark, now_ns):
    """End the session and post what its services give back."""
    end_session(arena, slot, scratch.ledger, session, mark, now_ns)
    journal.requests[request_row].ended_session = ENDED_BY_REQUEST
    journal.counts[ROWS_MOVEMENTS] = post(
        arena,
        slot,
        scratch.ledger,
        journal.movements,
        journal.counts[ROWS_MOVEMENTS],
        request_row,
        -1,
    )

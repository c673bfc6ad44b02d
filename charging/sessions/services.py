"""Services of a session: a rating group and service identifier, what it was last granted, what it carries over.

One that was refused before it had any quota is kept, too, so that its client is told when that is put right. It takes
none of the places that are for those with quota; to have it give way to them instead would take marks of what may be
lost, and a repeat would lose its answer.

Over Nchf a service is a rating group and UPF (docs/decisions/0040-a-service-for-each-upf.md).
"""

import numpy as np

from balances.arena import append_row, count_rows
from balances.record import (
    CUT_LAST,
    CUT_PREVIOUS,
    FINAL_LAST,
    FINAL_PREVIOUS,
    GSU_LAST,
    GSU_PREVIOUS,
    PRESENT_RATING_GROUP,
    PRESENT_SERVICE_IDENTIFIER,
    PRESENT_UPF,
    RESERVATION_SERVICE_TAG,
    RESERVATION_WORDS,
    SERVICE_FINALS,
    SERVICE_IDENTIFIER,
    SERVICE_LAST_ANSWER,
    SERVICE_LAST_GRANTED,
    SERVICE_LAST_OUTCOME,
    SERVICE_LAST_REPORT_NS,
    SERVICE_PRESENCE,
    SERVICE_PREVIOUS_GRANTED,
    SERVICE_PREVIOUS_OUTCOME,
    SERVICE_RATING_GROUP,
    SERVICE_SESSION_TAG,
    SERVICE_TAG,
    SERVICE_UNIT,
    SERVICE_WORDS,
    SESSION_ANSWERS,
    SESSION_OPENED_NS,
    SESSION_TAG,
    Section,
)
from charging.batch import HAS_REQUESTED, TERMINATION
from charging.sessions.open_sessions import free_tag
from vocabulary.kernel import inlined_kernel, kernel
from vocabulary.limits import SERVICES_PER_ACCOUNT_MAX, SERVICES_WITH_REFUSED_MAX
from vocabulary.outcomes import WANT_OF_RIGHTS, Outcome

_SERVICES = int(Section.SERVICES)
_RESERVATIONS = int(Section.RESERVATIONS)
_GRANTED = int(Outcome.GRANTED)
_WANT_OF_RIGHTS = tuple(int(outcome) for outcome in WANT_OF_RIGHTS)


@inlined_kernel
def _presence_of(mscc):
    present = PRESENT_RATING_GROUP if mscc.rating_group >= 0 else 0
    if mscc.upf != 0:
        return present | PRESENT_UPF
    return present | (PRESENT_SERVICE_IDENTIFIER if mscc.service_identifier >= 0 else 0)


@inlined_kernel
def _identifier_of(mscc):
    return np.int64(mscc.upf) if mscc.upf != 0 else max(mscc.service_identifier, 0)


@inlined_kernel
def _is_of_group(arena, at, session_tag, mscc):
    """Is the service at first word `at` one of the session and of the MSCC's rating group?"""
    return (
        np.int64(arena.halves[2 * at + SERVICE_RATING_GROUP]) == max(mscc.rating_group, 0)
        and arena.octets[8 * at + SERVICE_SESSION_TAG] == session_tag
    )


@inlined_kernel
def find_service(arena, slot, session_tag, mscc):
    """First word of the session's service that an MSCC is for, -1 where it has none. Absent (-1) is a value of its own.

    But where one of the two names a UPF and the other doesn't, the rating group alone says it: the first such service.
    """
    presence, identifier = _presence_of(mscc), _identifier_of(mscc)
    alike = np.int64(-1)
    at = arena.section_at[slot, _SERVICES]
    for _ in range(count_rows(arena, slot, _SERVICES)):
        if _is_of_group(arena, at, session_tag, mscc):
            present = arena.octets[8 * at + SERVICE_PRESENCE]
            if present == presence and np.int64(arena.halves[2 * at + SERVICE_IDENTIFIER]) == identifier:
                return np.int64(at)
            if alike < 0 and present == presence ^ PRESENT_UPF:
                alike = np.int64(at)
        at += SERVICE_WORDS
    return alike


@kernel
def reported_up_to(arena, slot, session_tag, mscc):
    """Until when the MSCC's service has reported; 0 where there is none. A UPF without a service may have left it to another
    one of its rating group: whichever of these reported last says it.
    """
    service = find_service(arena, slot, session_tag, mscc)
    if service >= 0:
        return arena.words[service + SERVICE_LAST_REPORT_NS]
    last_ns = np.int64(0)
    if mscc.upf == 0:
        return last_ns
    at = arena.section_at[slot, _SERVICES]
    for _ in range(count_rows(arena, slot, _SERVICES)):
        if _is_of_group(arena, at, session_tag, mscc) and arena.octets[8 * at + SERVICE_PRESENCE] & PRESENT_UPF:
            last_ns = max(last_ns, arena.words[at + SERVICE_LAST_REPORT_NS])
        at += SERVICE_WORDS
    return last_ns


@inlined_kernel
def name_service(arena, service, mscc):
    """The service is the MSCC's UPF's from now on, where that is named."""
    if mscc.upf != 0:
        arena.halves[2 * service + SERVICE_IDENTIFIER] = np.uint32(mscc.upf)
        arena.octets[8 * service + SERVICE_PRESENCE] = _presence_of(mscc)


@kernel
def _replace_service(arena, slot, session, mscc):
    """Give a UPF the place of one of its rating group that has left; -1 where there is none.

    That had quota, and reported and asked for nothing when it was last answered, before this request: it holds nothing, and
    its repeat is answered the same without it. So UPFs that come and go over a long session don't fill up the record. One that
    never had quota stays: each of its reports asks for nothing, and its next is for the time since.
    """
    session_tag, answers = arena.octets[8 * session + SESSION_TAG], arena.octets[8 * session + SESSION_ANSWERS]
    at = arena.section_at[slot, _SERVICES]
    for _ in range(count_rows(arena, slot, _SERVICES)):
        octet = 8 * at
        if (
            _is_of_group(arena, at, session_tag, mscc)
            and arena.octets[octet + SERVICE_PRESENCE] & PRESENT_UPF
            and arena.octets[octet + SERVICE_LAST_OUTCOME] == _GRANTED
            and arena.octets[octet + SERVICE_FINALS] & (GSU_LAST | FINAL_LAST | GSU_PREVIOUS) == GSU_PREVIOUS
            and arena.octets[octet + SERVICE_LAST_ANSWER] != answers
            and not _holds_anything(arena, slot, arena.octets[octet + SERVICE_TAG])
        ):
            name_service(arena, at, mscc)
            arena.octets[octet + SERVICE_LAST_OUTCOME] = 0
            arena.octets[octet + SERVICE_PREVIOUS_OUTCOME] = 0
            arena.octets[octet + SERVICE_FINALS] = 0
            arena.octets[octet + SERVICE_LAST_ANSWER] = answers
            arena.words[at + SERVICE_LAST_GRANTED] = 0
            arena.words[at + SERVICE_PREVIOUS_GRANTED] = 0
            return np.int64(at)
        at += SERVICE_WORDS
    return np.int64(-1)


@kernel
def _holds_anything(arena, slot, tag):
    """Has the service with that tag a reservation?"""
    at = arena.section_at[slot, _RESERVATIONS]
    for _ in range(count_rows(arena, slot, _RESERVATIONS)):
        if arena.octets[8 * at + RESERVATION_SERVICE_TAG] == tag:
            return True
        at += RESERVATION_WORDS
    return False


@kernel
def add_service(arena, slot, session, mscc):
    """A service for the MSCC in the session at first word `session`; -1 at the account's maximum or without room."""
    if mscc.upf != 0:
        at = _replace_service(arena, slot, session, mscc)
        if at >= 0:
            return at
    if count_rows(arena, slot, _SERVICES) >= SERVICES_PER_ACCOUNT_MAX:
        return -1
    tag = free_tag(arena, slot, _SERVICES, SERVICE_WORDS, SERVICE_TAG)
    at = append_row(arena, slot, _SERVICES)
    if at < 0:
        return -1
    arena.halves[2 * at + SERVICE_RATING_GROUP] = np.uint32(max(mscc.rating_group, 0))
    arena.halves[2 * at + SERVICE_IDENTIFIER] = np.uint32(_identifier_of(mscc))
    arena.octets[8 * at + SERVICE_SESSION_TAG] = arena.octets[8 * session + SESSION_TAG]
    arena.octets[8 * at + SERVICE_TAG] = tag
    arena.octets[8 * at + SERVICE_PRESENCE] = _presence_of(mscc)
    arena.octets[8 * at + SERVICE_LAST_ANSWER] = arena.octets[8 * session + SESSION_ANSWERS]
    arena.words[at + SERVICE_LAST_REPORT_NS] = arena.words[session + SESSION_OPENED_NS]
    return at


@kernel
def add_refused_service(arena, slot, session, request, mscc, outcome):
    """Append a service that asks for quota and is refused with `outcome`; -1 where it asks for none, where nothing that
    happens to account or prices would put the refusal right, or at the maximum of those that are refused.
    """
    if mscc.presence & HAS_REQUESTED == 0 or request.request_type == TERMINATION or outcome not in _WANT_OF_RIGHTS:
        return -1
    if count_rows(arena, slot, _SERVICES) >= SERVICES_WITH_REFUSED_MAX:
        return -1
    return add_service(arena, slot, session, mscc)


@kernel
def holds_quota(arena, slot, session, is_before):
    """Was a service of the session at first word `session` given units in its last answer?

    is_before   in the last answer before the one that is being made
    """
    session_tag, answers = arena.octets[8 * session + SESSION_TAG], arena.octets[8 * session + SESSION_ANSWERS]
    at = arena.section_at[slot, _SERVICES]
    for _ in range(count_rows(arena, slot, _SERVICES)):
        octet = 8 * at
        given = GSU_PREVIOUS if is_before and arena.octets[octet + SERVICE_LAST_ANSWER] == answers else GSU_LAST
        if (
            arena.octets[octet + SERVICE_SESSION_TAG] == session_tag
            and arena.octets[octet + SERVICE_FINALS] & given != 0
        ):
            return True
        at += SERVICE_WORDS
    return False


@inlined_kernel
def was_last(arena, service):
    """Was what follows the last grant said in the service's last answer?"""
    return (arena.octets[8 * service + SERVICE_FINALS] & FINAL_LAST) != 0


@inlined_kernel
def remember_answer(arena, service, answers, answer, is_cut):
    """Note what the service was answered, moving its last answer back unless this request gave that already.

    is_cut   bool: its grant ends at the tariff change
    """
    octet = 8 * service
    finals = arena.octets[octet + SERVICE_FINALS]
    if arena.octets[octet + SERVICE_LAST_ANSWER] != answers:
        arena.words[service + SERVICE_PREVIOUS_GRANTED] = arena.words[service + SERVICE_LAST_GRANTED]
        arena.octets[octet + SERVICE_PREVIOUS_OUTCOME] = arena.octets[octet + SERVICE_LAST_OUTCOME]
        previous = FINAL_PREVIOUS if finals & FINAL_LAST else 0
        previous |= GSU_PREVIOUS if finals & GSU_LAST else 0
        previous |= CUT_PREVIOUS if finals & CUT_LAST else 0
    else:
        previous = finals & (FINAL_PREVIOUS | GSU_PREVIOUS | CUT_PREVIOUS)
    last = FINAL_LAST if answer.final_action != 0 else 0
    last |= GSU_LAST if answer.has_grant != 0 else 0
    last |= CUT_LAST if is_cut else 0
    arena.octets[octet + SERVICE_FINALS] = previous | last
    arena.octets[octet + SERVICE_LAST_ANSWER] = answers
    arena.octets[octet + SERVICE_LAST_OUTCOME] = answer.outcome
    if answer.has_grant != 0:
        arena.octets[octet + SERVICE_UNIT] = answer.unit
    arena.words[service + SERVICE_LAST_GRANTED] = answer.granted


@kernel
def recall_answer(arena, service, answers, is_last, answer):
    """Fill `answer` (ANSWER_MSCC_DTYPE row) with what the service got in the session's last or previous answer.

    Returns (whether that was final, whether it ends at the tariff change).
    """
    octet = 8 * service
    finals = arena.octets[octet + SERVICE_FINALS]
    answer.unit = arena.octets[octet + SERVICE_UNIT]
    if is_last or arena.octets[octet + SERVICE_LAST_ANSWER] != answers:
        answer.granted = arena.words[service + SERVICE_LAST_GRANTED]
        answer.outcome = arena.octets[octet + SERVICE_LAST_OUTCOME]
        answer.has_grant = 1 if finals & GSU_LAST else 0
        return (finals & FINAL_LAST) != 0, (finals & CUT_LAST) != 0
    answer.granted = arena.words[service + SERVICE_PREVIOUS_GRANTED]
    answer.outcome = arena.octets[octet + SERVICE_PREVIOUS_OUTCOME]
    answer.has_grant = 1 if finals & GSU_PREVIOUS else 0
    return (finals & FINAL_PREVIOUS) != 0, (finals & CUT_PREVIOUS) != 0

"""Keys that a decided batch writes beside the records: session routes, session index keys, recorded answers of events.

A route's value, little-endian: opened_ns i64, account id i64, tenant i32, then the lengths of Session-Id, Origin-Host and
Origin-Realm as u16 each, 2 octets of padding, and the three texts. It is what a server-initiated message needs. A session
of Nchf has the consumer's name for Origin-Host and its notifyUri for Origin-Realm.
"""

import numpy as np

from charging.batch import (
    COUNT_REQUESTS,
    INITIAL,
    KIND_EXPIRE,
    RECORDED_MSCC_COUNT,
    RECORDED_MSCC_WORDS,
    RECORDED_MSCCS,
)
from charging.decision import ROWS_REQUESTS
from charging.grouping import event_digest
from charging.sessions.due import ENDED_BY_COMMAND, ENDED_BY_SUPERVISION
from vocabulary.kernel import kernel
from vocabulary.limits import ANSWERED_EVENT_KEPT_S, ENDED_SESSION_FOUND_S
from vocabulary.octets import copy_octets


@kernel
def _put(out, at, value, width):
    """`width` octets of an integer, little-endian."""
    for index in range(width):
        out[at + index] = (value >> (8 * index)) & 0xFF
    return at + width


@kernel
def _write_route(batch, request, now_ns, out, at):
    """The value of a session's route; where the next begins."""
    octets = batch.octets
    at = _put(out, at, now_ns, 8)
    at = _put(out, at, request.account_id, 8)
    at = _put(out, at, np.int64(request.tenant), 4)
    at = _put(out, at, np.int64(request.session_id_length), 2)
    at = _put(out, at, np.int64(request.origin_host_length), 2)
    at = _put(out, at, np.int64(request.origin_realm_length), 2)
    at = _put(out, at, np.int64(0), 2)
    at = copy_octets(octets, np.int64(request.session_id_offset), out, at, np.int64(request.session_id_length))
    at = copy_octets(octets, np.int64(request.origin_host_offset), out, at, np.int64(request.origin_host_length))
    return copy_octets(octets, np.int64(request.origin_realm_offset), out, at, np.int64(request.origin_realm_length))


@kernel
def _says_all(request):
    """Does the request say all that its session's route has? An update of Nchf needn't: then the route only lives on."""
    return request.request_type == INITIAL or request.origin_realm_length > 0


@kernel
def _set_key(row, high, low, life_s):
    row.high = high
    row.low = low
    row.life_s = life_s


@kernel
def write_keys(batch, answers, journal, recorded, now_ns, routes, out, session_keys, counts):
    """Fill the rows of routes, recorded answers and session index keys for a decided batch.

    routes         ROUTE_DTYPE rows (balances.store), `out` uint8 their values
    session_keys   SESSION_KEY_DTYPE rows
    counts         int64[3], written: routes, octets of out, session keys
    """
    routes_count, keys_count, at = 0, 0, 0
    for index in range(batch.counts[COUNT_REQUESTS]):
        request, answer = batch.requests[index], answers.answers[index]
        if answer.opened_session == 0 and answer.ended_session == 0 and answer.keeps_answer == 0:
            continue
        if routes_count == routes.shape[0] or keys_count == session_keys.shape[0]:
            break
        route = routes[routes_count]
        routes_count += 1
        route.offset = at
        route.is_answer = 0
        if answer.keeps_answer:
            high, low = event_digest(request)
            _set_key(route, high, low, ANSWERED_EVENT_KEPT_S)
            route.is_answer = 1
            words = RECORDED_MSCCS + RECORDED_MSCC_WORDS * recorded[request.answered, RECORDED_MSCC_COUNT]
            for word in range(words):
                at = _put(out, at, recorded[request.answered, word], 8)
            route.length = at - route.offset
            continue
        life_s = np.int64(0) if answer.ended_session else answer.life_s
        if life_s > 0 and _says_all(request):
            at = _write_route(batch, request, now_ns, out, at)
        _set_key(route, request.session_high, request.session_low, life_s)
        route.length = at - route.offset
        key = session_keys[keys_count]
        keys_count += 1
        # The same end may come again, after a restart that forgot it: if it names nobody its session tells whose it is.
        is_sought = answer.ended_session and request.identity_count == 0
        _set_key(key, request.session_high, request.session_low, ENDED_SESSION_FOUND_S if is_sought else life_s)
        key.account_id = request.account_id
    for index in range(journal.counts[ROWS_REQUESTS]):
        row = journal.requests[index]
        if row.kind != KIND_EXPIRE or (
            row.ended_session != ENDED_BY_SUPERVISION and row.ended_session != ENDED_BY_COMMAND
        ):
            continue
        if routes_count == routes.shape[0] or keys_count == session_keys.shape[0]:
            break
        route, key = routes[routes_count], session_keys[keys_count]
        routes_count += 1
        keys_count += 1
        _set_key(route, row.session_high, row.session_low, np.int64(0))
        route.offset = at
        route.length = 0
        route.is_answer = 0
        _set_key(key, row.session_high, row.session_low, np.int64(0))
        key.account_id = row.account_id
    counts[0] = routes_count
    counts[1] = at
    counts[2] = keys_count


@kernel
def read_recorded(source, first, octets, count, recorded):
    """Copy loaded recorded answers into rows of `recorded`; absent ones are marked so. octets must be whole words."""
    for row in range(count):
        recorded[row, 0] = 0
        words = min(octets[row] // 8, recorded.shape[1])
        for word in range(words):
            value = np.int64(0)
            for index in range(8):
                value |= np.int64(source[first[row] + 8 * word + index]) << (8 * index)
            recorded[row, word] = value

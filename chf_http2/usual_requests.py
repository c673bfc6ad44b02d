"""Whole requests of the usual form to arrived ones: method, path and headers, by one kernel a tick.

Usual is a POST of JSON to a path that we serve, as we would write it, without a header that asks for more; where there are
access tokens, with one that was verified before. Any other is Python's, which also says what is wrong with it.
"""

import numpy as np

from charging.batch import INITIAL, TERMINATION, UPDATE
from chf_http2.charging_data_ref import REF_DIGITS
from chf_http2.front_memory import HELD_FRONT, OPERATIONS_COUNT
from chf_http2.json_octets import is_text
from chf_http2.known_tokens import has_known_token
from chf_http2.routes import SERVICES
from chf_http2.streams.memory import ODD_COUNT, WAITING, WAITING_COUNT, WHOLE, WHOLE_COUNT
from chf_http2.streams.transfer import row_of_ticket
from chf_http2.tick_memory import TICK_ARRIVED
from chf_http2.usual_members import word
from vocabulary.held import held
from vocabulary.kernel import kernel

_SLASH = 47
_UPDATE, _RELEASE = word("/update"), word("/release")
_GIVES_QUOTA = np.array([one.gives_quota for one in SERVICES], np.uint8)
_CREATE_PLACE, _UPDATE_PLACE, _RELEASE_PLACE = 0, 1, 2
_NO_ROUTE = -1


@kernel
def take_whole(front_octets, first, takes_tokens, creates_taken, now_ns):
    """Put whole requests, from the ticket in `first` on, to those that arrived, or to the odd ones; the first that wasn't.

    takes_tokens    are there access tokens to be looked at?
    creates_taken   so many new sessions are taken before all are asked what they matter
    """
    front = held(front_octets, HELD_FRONT)
    memory, tick = front.streams, front.tick
    memory.counts[ODD_COUNT] = 0
    for index in range(first, memory.counts[WHOLE_COUNT]):
        if tick.counts[TICK_ARRIVED] == tick.arrived.heads.shape[0]:
            return index
        ticket = memory.whole[index]
        row = row_of_ticket(memory, ticket)
        if row < 0 or memory.streams[row].state != WHOLE:
            continue
        one = memory.streams[row]
        route = np.int64(_NO_ROUTE)
        if one.odd == 0 and one.is_post and one.is_json:
            route = _route_of(front, one)
        if takes_tokens and route != _NO_ROUTE and not has_known_token(front, one, route // OPERATIONS_COUNT, now_ns):
            route = np.int64(_NO_ROUTE)
        if route == _NO_ROUTE or (
            route % OPERATIONS_COUNT == _CREATE_PLACE and memory.counts[WAITING_COUNT] >= creates_taken
        ):
            memory.odd[memory.counts[ODD_COUNT]] = ticket
            memory.counts[ODD_COUNT] += 1
            continue
        _put(front, row, route, now_ns)
    return memory.counts[WHOLE_COUNT]


@kernel
def _route_of(front, one):
    """The code of a path that is served as it is written; -1."""
    texts = front.streams.texts
    for service in range(front.bases.shape[0]):
        length = front.base_lengths[service]
        if one.path_length < length or not is_text(texts, np.int64(one.path_at), length, front.bases[service, :length]):
            continue
        if one.path_length == length:
            return service * OPERATIONS_COUNT + _CREATE_PLACE
        behind = np.int64(one.path_at) + length
        if texts[behind] != _SLASH:
            continue
        rest = one.path_length - length - 1 - REF_DIGITS
        if is_text(texts, behind + 1 + REF_DIGITS, rest, _UPDATE):
            return service * OPERATIONS_COUNT + _UPDATE_PLACE
        if is_text(texts, behind + 1 + REF_DIGITS, rest, _RELEASE):
            return service * OPERATIONS_COUNT + _RELEASE_PLACE
    return _NO_ROUTE


@kernel
def _put(front, row, route, now_ns):
    memory, tick = front.streams, front.tick
    one = memory.streams[row]
    head = tick.arrived.heads[tick.counts[TICK_ARRIVED]]
    operation = route % OPERATIONS_COUNT
    head.waiting = one.ticket
    head.ref_length = 0
    head.ref_at = 0
    if operation != _CREATE_PLACE:
        head.ref_length = REF_DIGITS
        last = _UPDATE.shape[0] if operation == _UPDATE_PLACE else _RELEASE.shape[0]
        head.ref_at = one.path_at + one.path_length - last - REF_DIGITS
    head.body_at = one.body_at
    head.body_length = one.body_length
    head.request_type = (
        INITIAL if operation == _CREATE_PLACE else (UPDATE if operation == _UPDATE_PLACE else TERMINATION)
    )
    head.gives_quota = _GIVES_QUOTA[route // OPERATIONS_COUNT]
    tick.counts[TICK_ARRIVED] += 1
    wait(memory, row, route, now_ns)


@kernel
def wait(memory, row, route, now_ns):
    """A request waits for an engine from now on."""
    one = memory.streams[row]
    one.route = route
    one.state = WAITING
    one.since_ns = now_ns
    memory.counts[WAITING_COUNT] += 1


@kernel
def wait_for_engine(front_octets, ticket, route, now_ns):
    """The same, of a request that Python put to those that arrived."""
    memory = held(front_octets, HELD_FRONT).streams
    row = row_of_ticket(memory, ticket)
    if row >= 0:
        wait(memory, row, route, now_ns)

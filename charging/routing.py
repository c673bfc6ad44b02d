"""Requests of a tick to who decides them: the account by identity or session, its partition, and where that one's owner is."""

import numpy as np

from balances.account_finder import find_account, forget_account, remember_account
from charging.batch import COUNT_REQUESTS, EVENT, INITIAL, TERMINATION, UPDATE
from vocabulary.digest import digest128
from vocabulary.kernel import kernel
from vocabulary.outcomes import Outcome

_UNDECIDED = int(Outcome.UNDECIDED)
_TOO_BUSY = int(Outcome.TOO_BUSY)


@kernel
def find_accounts(batch, finder):
    """Fill account_id of the undecided requests whose account is known here by their first identity, or their open session;
    -1 for the others.
    """
    for row in range(batch.counts[COUNT_REQUESTS]):
        request = batch.requests[row]
        if request.outcome != _UNDECIDED or request.account_id >= 0:
            continue
        entry = np.int64(-1)
        if request.identity_count > 0:
            entry = find_account(finder, request.identity_high, request.identity_low)
        is_named = entry >= 0 and finder.places[entry].account_id >= 0
        if not is_named and (request.request_type == UPDATE or request.request_type == TERMINATION):
            entry = find_account(finder, request.session_high, request.session_low)
        if entry >= 0:
            request.account_id = finder.places[entry].account_id
            request.identity_epoch = finder.places[entry].identity_epoch


@kernel
def route_requests(batch, finder, places, place_count, rows, firsts):
    """find_accounts, then order_by_place, in one call."""
    find_accounts(batch, finder)
    order_by_place(batch, places, place_count, rows, firsts)


@kernel
def remember_identities(batch, is_of_first, finder):
    """Remember the first identities that have the account of their request.

    is_of_first   bool[requests]: was the account found by the first identity? One that was found by another says nothing
                  of the first, which may be anybody's tomorrow, and stand before somebody else's in the next request
    """
    for row in range(batch.counts[COUNT_REQUESTS]):
        request = batch.requests[row]
        if request.account_id >= 0 and is_of_first[row]:
            remember_account(
                finder, request.identity_high, request.identity_low, request.account_id, request.identity_epoch
            )


@kernel
def forget_identity(finder, octets, secret, domain):
    """Have whose an identity is be looked up again.

    octets   uint8[]: the identity as requests write it
    secret, domain   as in charging.batch_rows.name_session_and_identity
    """
    high, low = digest128(octets, 0, octets.shape[0], secret, domain)
    forget_account(finder, high, low)


@kernel
def remember_sessions(batch, is_of_first, finder):
    """Remember the account of every session whose requests their first identity doesn't lead there."""
    for row in range(batch.counts[COUNT_REQUESTS]):
        request = batch.requests[row]
        if request.account_id >= 0 and not is_of_first[row] and request.request_type != EVENT:
            remember_account(finder, request.session_high, request.session_low, request.account_id, 0)


@kernel
def order_by_place(batch, places, place_count, rows, firsts):
    """Sort row numbers by where they go, keeping their order within each.

    places   int32[partitions]: where the owner of each partition is, 0 to place_count - 1
    rows     int32[>= requests]: row numbers, written
    firsts   int64[place_count + 3]: firsts[p] is where place p begins in `rows`; then the rows whose account is not known
             here, then those that have an outcome already, then the end
    """
    for place in range(place_count + 3):
        firsts[place] = 0
    for row in range(batch.counts[COUNT_REQUESTS]):
        firsts[_destination(batch.requests[row], places, place_count) + 1] += 1
    for place in range(place_count + 2):
        firsts[place + 1] += firsts[place]
    for row in range(batch.counts[COUNT_REQUESTS]):
        destination = _destination(batch.requests[row], places, place_count)
        rows[firsts[destination]] = row
        firsts[destination] += 1
    for place in range(place_count + 2, 0, -1):
        firsts[place] = firsts[place - 1]
    firsts[0] = 0


@kernel
def _destination(request, places, place_count):
    """The place, or place_count where the account isn't known, or one more where there is nothing to decide."""
    if request.outcome != _UNDECIDED:
        return np.int64(place_count + 1)
    if request.account_id < 0:
        return np.int64(place_count)
    return np.int64(places[request.account_id % places.shape[0]])


@kernel
def refuse_excess(batch, rows, first, count, refuse_all):
    """At a queue's limit: move those of rows[first:first + count] that may still be queued to its head; how many are kept.

    The others are TOO_BUSY from now on. Used units are reported only once, while who begins can ask again elsewhere: so
    updates and terminations are refused last.
    """
    kept = 0
    for index in range(first, first + count):
        row = rows[index]
        request = batch.requests[row]
        if not refuse_all and request.request_type != INITIAL and request.request_type != EVENT:
            rows[first + kept] = row
            kept += 1
        else:
            request.outcome = _TOO_BUSY
    return kept

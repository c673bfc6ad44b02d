"""Requests of an Nchf load that nobody answered: they leave again as they were, and no other until they have an answer."""

from typing import Any

import pytest

from bench.generators.chf_requests import repeat_requests
from bench.generators.fleet import (
    ANSWERED_COUNT,
    IS_DRAINING,
    LOG_COUNT,
    REPEATED_COUNT,
    SENT_COUNT,
    WAITING_COUNT,
)
from tests.bench.generators.chf_server import ChfServerTwin, Received, chf_plan, granted, ref_of


def opened(**changes: Any) -> tuple[ChfServerTwin, list[Received]]:
    """A load whose six sessions are open, and their first updates, which nobody has answered."""
    twin = ChfServerTwin(chf_plan(updates_min=3, updates_max=3, reconnects=True, **changes))
    for request in twin.requests():
        twin.answer(request, 201, granted(request, 5_000), ref=ref_of(request.said["chargingId"]))
    twin.deliver()
    return twin, twin.requests()


def come_back(twin: ChfServerTwin) -> ChfServerTwin:
    """A new server at the other end of the one connection, which was lost; the fleet goes on."""
    back = ChfServerTwin(twin.plan)
    back.fleet, back.wire = twin.fleet, twin.wire
    twin.fleet.incoming_end[0] = 0
    twin.fleet.wire.window[0] = 65_535
    repeat_requests(twin.fleet, 0)
    return back


def contents(requests: list[Received]) -> list[tuple[str, bytes]]:
    return sorted((request.headers[":path"], request.body) for request in requests)


@pytest.mark.parametrize("is_draining", [0, 1])
def test_what_is_unanswered_leaves_again_octet_for_octet_on_new_streams(is_draining: int) -> None:
    twin, updates = opened()
    sent = int(twin.fleet.counters[SENT_COUNT])
    twin.fleet.counters[IS_DRAINING] = is_draining
    back = come_back(twin)
    twin.fleet.wire.stamp[:] = ord("9")  # a second later
    twin.wire._stamped_s = 0
    again = back.requests()
    assert contents(again) == contents(updates)
    assert [request.stream for request in again] == [1, 3, 5, 7, 9, 11]
    counters = twin.fleet.counters
    assert (counters[REPEATED_COUNT], counters[SENT_COUNT], counters[WAITING_COUNT]) == (6, sent, 6)
    for request in again:
        back.answer(request, 200, granted(request, 4_000))
    back.deliver()
    assert {request.operation for request in back.requests()} == {"release" if is_draining else "update"}
    assert not twin.fleet.wrong.any()


def test_a_create_keeps_its_time() -> None:
    twin = ChfServerTwin(chf_plan(reconnects=True))
    creates = twin.requests()
    back = come_back(twin)
    back.wire._stamped_s = 1
    again = back.requests()
    assert contents(again) == contents(creates)


def test_a_window_that_is_small_again_lets_them_leave_one_after_the_other() -> None:
    twin, updates = opened()
    back = come_back(twin)
    twin.fleet.wire.window[0] = twin.fleet.wire.body_lengths[1] * 2
    first = back.requests()
    assert len(first) == 2
    twin.fleet.wire.window[0] = 65_535
    assert contents(first + back.requests()) == contents(updates)


def test_no_known_answer_is_asked_for_again() -> None:
    twin, updates = opened()
    answered = int(twin.fleet.counters[ANSWERED_COUNT])
    twin.answer(updates[0], 504, b"{}")
    twin.http.reset_stream(updates[1].stream)
    twin.deliver()
    again = twin.requests()
    assert contents(again) == contents(updates[:2])
    assert twin.fleet.counters[ANSWERED_COUNT] == answered
    assert not twin.fleet.wrong.any()


def test_busy_is_no_answer_to_a_repeat_since_the_first_may_have_been_decided() -> None:
    twin, _ = opened()
    back = come_back(twin)
    logged = int(twin.fleet.counters[LOG_COUNT])
    requests = back.requests()
    for request in requests:
        back.answer(request, 503, b"{}")
    back.deliver()
    again = back.requests()
    assert contents(again) == contents(requests)
    assert twin.fleet.counters[LOG_COUNT] == logged


def test_a_load_that_does_not_repeat_counts_them_as_wrong() -> None:
    twin = ChfServerTwin(chf_plan())
    first, second, *_ = twin.requests()
    twin.answer(first, 504, b"{}")
    twin.http.reset_stream(second.stream)
    twin.deliver()
    assert int(twin.fleet.wrong.sum()) == 2

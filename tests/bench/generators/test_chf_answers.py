"""Answers of an h2 server taken by the kernels: whole, in pieces of any size, and wrong in each way that is told apart."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.books import ANSWER_FINAL, ANSWER_GRANTED, ANSWER_LIMIT_REACHED
from bench.generators.chf_answers import FRAME_OCTETS_MAX
from bench.generators.fleet import (
    ANSWERED_COUNT,
    LOG_COUNT,
    OTHER_COUNT,
    WAITING_COUNT,
    WRONG_REASONS,
)
from bench.generators.http2_frames import PING, SETTINGS, write_frame, write_settings
from tests.bench.generators.chf_server import ChfServerTwin, Received, chf_plan, granted, ref_of, response

LIMIT = {"resultCode": "QUOTA_LIMIT_REACHED"}


def reasons(twin: ChfServerTwin) -> dict[str, int]:
    """Counts of wrong answers."""
    return {name: int(count) for name, count in zip(WRONG_REASONS, twin.fleet.wrong, strict=True) if count}


def answer_rightly(twin: ChfServerTwin, request: Received, octets: int, pieces: int = 1) -> None:
    """As a sound server does, with the body in so many DATA frames."""
    if request.operation == "release":
        twin.answer(request, 204)
        return
    body = granted(request, octets)
    step = -(-len(body) // pieces)
    parts = [body[at : at + step] for at in range(0, len(body), step)]
    is_create = request.operation == "create"
    twin.answer(request, 201 if is_create else 200, pieces=parts, ref=ref_of(request.stream) if is_create else "")


@given(sizes=st.lists(st.integers(1, 400), max_size=60), pieces=st.integers(1, 4), groups=st.integers(1, 3))
def test_answers_in_pieces_of_any_size_are_taken(sizes: list[int], pieces: int, groups: int) -> None:
    twin = ChfServerTwin(chf_plan(updates_min=1, updates_max=1, mscc_count=groups))
    for turn in range(6):
        requests = twin.requests()
        assert len(requests) == 6
        for request in requests:
            answer_rightly(twin, request, 1_000 + turn, pieces)
        assert twin.deliver(sizes) == -1
    assert not reasons(twin)
    fleet = twin.fleet
    assert fleet.counters[ANSWERED_COUNT] == 36
    assert fleet.counters[WAITING_COUNT] == 0
    assert not fleet.wire.streams.any()
    assert not fleet.wire.open_streams.any()
    assert fleet.answered_by_type.tolist() == [0, 12, 12, 12, 0]
    assert int(fleet.latency_counts.sum()) == 36
    assert {code: int(fleet.result_codes[0, code]) for code in (200, 201, 204)} == {200: 12, 201: 12, 204: 12}
    log = fleet.log[: fleet.counters[LOG_COUNT]]
    assert len(log) == 36 * groups
    first = log[: 6 * groups]
    assert (first["granted_octets"] == 1_000).all()
    assert (first["answer"] == ANSWER_GRANTED).all()
    assert (log[log["request_type"] == 3]["answer"] == 0).all()


def test_final_units_and_refusals_end_a_session() -> None:
    twin = ChfServerTwin(chf_plan(sessions_open=2, outstanding=2))
    one, other = twin.requests()
    twin.answer(one, 201, granted(one, 500, finalUnitIndication={"finalUnitAction": "TERMINATE"}), ref=ref_of(1))
    twin.answer(other, 201, response(other, [{"ratingGroup": 10, **LIMIT}]), ref=ref_of(2))
    twin.deliver()
    log = twin.fleet.log[:2]
    assert log["answer"].tolist() == [ANSWER_GRANTED | ANSWER_FINAL, ANSWER_LIMIT_REACHED]
    assert log["granted_octets"].tolist() == [500, 0]
    assert [request.operation for request in twin.requests()] == ["release", "release"]
    assert not reasons(twin)


def test_a_server_that_is_too_busy_is_asked_again() -> None:
    twin = ChfServerTwin(chf_plan(sessions_open=1, outstanding=1))
    (create,) = twin.requests()
    answer_rightly(twin, create, 1_000)
    twin.deliver()
    (update,) = twin.requests()
    twin.answer(update, 503, b'{"status":503,"cause":"NF_CONGESTION"}')
    twin.deliver()
    (again,) = twin.requests()
    used = [said["multipleUnitUsage"][0]["usedUnitContainer"][0]["totalVolume"] for said in (update.said, again.said)]
    assert used[0] == used[1]
    assert not reasons(twin)
    assert twin.fleet.busy_by_type.tolist() == [0, 0, 1, 0, 0]


def _wrong_number(twin: ChfServerTwin, request: Received) -> None:
    body = granted(request, 10).replace(b'"invocationSequenceNumber":0', b'"invocationSequenceNumber":9')
    twin.answer(request, 201, body, ref=ref_of(1))


WRONG: dict[str, tuple[str, Any]] = {
    "another status": ("result_code", lambda twin, request: twin.answer(request, 404, b'{"status":404}')),
    "update's status": ("result_code", lambda twin, request: twin.answer(request, 200, granted(request, 10))),
    "no location": ("location", lambda twin, request: twin.answer(request, 201, granted(request, 10))),
    "a location of another form": (
        "location",
        lambda twin, request: twin.answer(request, 201, granted(request, 10), ref="x"),
    ),
    "another number": ("type_or_number", _wrong_number),
    "more than was asked": (
        "grant",
        lambda twin, request: twin.answer(request, 201, granted(request, 10**9), ref=ref_of(1)),
    ),
    "nothing granted": ("grant", lambda twin, request: twin.answer(request, 201, granted(request, 0), ref=ref_of(1))),
    "no rating group": ("mscc", lambda twin, request: twin.answer(request, 201, response(request, []), ref=ref_of(1))),
    "no JSON": ("frame", lambda twin, request: twin.answer(request, 201, b'{"a":', ref=ref_of(1))),
    "a reset": ("reset", lambda twin, request: twin.http.reset_stream(request.stream)),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_answer_is_counted_kept_and_not_logged(name: str) -> None:
    reason, answer = WRONG[name]
    twin = ChfServerTwin(chf_plan(sessions_open=1, outstanding=1))
    (request,) = twin.requests()
    answer(twin, request)
    assert twin.deliver() == -1
    assert reasons(twin) == {reason: 1}
    assert twin.fleet.counters[LOG_COUNT] == 0
    assert twin.fleet.counters[WAITING_COUNT] == 0
    assert twin.wire.octets_of_wrong(twin.fleet.wrong_octets[0].tobytes())
    (following,) = twin.requests()
    assert following.operation == "create"


def test_an_answer_to_nobody_is_wrong() -> None:
    twin = ChfServerTwin(chf_plan(sessions_open=1, outstanding=1))
    (request,) = twin.requests()
    twin.answer(request, 201, granted(request, 10), ref=ref_of(1))
    twin.fleet.wire.streams[0, :] = 0
    twin.deliver()
    assert reasons(twin) == {"request_unknown": 2}, "its HEADERS and its DATA"


def test_settings_and_pings_are_left_for_python_and_windows_grow() -> None:
    twin = ChfServerTwin(chf_plan())
    window = int(twin.fleet.wire.window[0])
    twin.http.increment_flow_control_window(70_000)
    twin.http.ping(b"12345678")
    twin.http.update_settings({3: 17})
    twin.deliver()
    kept = [twin.fleet.others_kept[first : first + length].tobytes() for _, first, length in twin.fleet.others[:2]]
    assert twin.fleet.counters[OTHER_COUNT] == 2
    assert kept == [write_frame(PING, 0, 0, b"12345678"), write_settings({3: 17})]
    assert kept[1][3] == SETTINGS
    assert twin.fleet.wire.window[0] == window + 70_000


def test_a_connection_that_is_not_to_be_understood_is_given_up() -> None:
    twin = ChfServerTwin(chf_plan())
    twin.fleet.incoming[0, :3] = list((FRAME_OCTETS_MAX + 1).to_bytes(3, "big"))
    twin.fleet.incoming_end[0] = 9
    assert twin.deliver() == 0

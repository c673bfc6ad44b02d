"""Requests that the kernels write, read by h2 as a server reads them, and by the product's own types."""

from typing import Any

import msgspec
import pytest

from bench.generators.chf_requests import connection_of
from bench.generators.chf_templates import NUMBER_WIDTH, write_request
from bench.generators.fleet import RING_HEAD, SENT_COUNT
from bench.workload import RATING_GROUPS, imsi, msisdn
from chf_http2.schema import ChargingDataRequest
from tests.bench.generators.chf_server import ChfServerTwin, Received, chf_plan, granted, ref_of

STAMP = "2026-09-21T14:13:20Z"


def served(rounds: int, **changes: Any) -> list[list[Received]]:
    """What came in each of so many turns of a server that grants everything."""
    twin = ChfServerTwin(chf_plan(updates_min=2, updates_max=2, **changes))
    turns = []
    for _ in range(rounds):
        requests = twin.requests()
        turns.append(requests)
        for request in requests:
            if request.operation == "create":
                twin.answer(request, 201, granted(request, 5_000), ref=ref_of(request.said["chargingId"]))
            elif request.operation == "update":
                twin.answer(request, 200, granted(request, 5_000))
            else:
                twin.answer(request, 204)
        assert twin.deliver() == -1
    assert not twin.fleet.wrong.any()
    return turns


def test_sessions_are_created_updated_and_released() -> None:
    turns = served(5)
    assert [[request.operation for request in turn] for turn in turns] == [
        [operation] * 6 for operation in ("create", "update", "update", "release", "create")
    ]
    by_session = {request.said["chargingId"]: request.said["subscriberIdentifier"] for request in turns[0]}
    for number, turn in enumerate(turns[:4]):
        for request in turn:
            said = request.said
            assert said["invocationSequenceNumber"] == number
            assert said["subscriberIdentifier"] == by_session[said["chargingId"]]
    streams = [request.stream for turn in turns for request in turn]
    assert streams == list(range(1, 2 * len(streams), 2))


@pytest.mark.parametrize("groups", [1, 3])
def test_headers_and_bodies_say_what_is_meant(groups: int) -> None:
    for turn in served(4, mscc_count=groups):
        for request in turn:
            said, headers = request.said, request.headers
            assert headers[":method"] == "POST"
            assert headers[":scheme"] == "http"
            assert headers["content-type"] == "application/json"
            assert int(headers["content-length"]) == len(request.body)
            if request.operation != "create":
                assert headers[":path"].split("/")[4] == ref_of(said["chargingId"])
            subscriber = int(said["subscriberIdentifier"].removeprefix("imsi-")) - int(imsi(0))
            session = said["pDUSessionChargingInformation"]
            assert session["userInformation"]["servedGPSI"] == f"msisdn-{msisdn(subscriber)}"
            assert session["chargingId"] == said["chargingId"]
            assert said["invocationTimeStamp"] == STAMP
            assert said["serviceSpecificationInfo"] == "32255@3gpp.org"
            assert [usage["ratingGroup"] for usage in said["multipleUnitUsage"]] == list(RATING_GROUPS[:groups])
            for usage in said["multipleUnitUsage"]:
                assert ("requestedUnit" in usage) == (request.operation != "release")
                assert ("usedUnitContainer" in usage) == (request.operation != "create")
                for used in usage.get("usedUnitContainer", ()):
                    assert used["uplinkVolume"] + used["downlinkVolume"] == used["totalVolume"]
                    assert used["triggerTimestamp"] == STAMP
                    assert used["localSequenceNumber"] == said["invocationSequenceNumber"]


def test_bodies_have_no_member_that_the_specification_has_not() -> None:
    def names(value: Any) -> list[str]:
        if isinstance(value, dict):
            return [name for key, inner in value.items() for name in [key, *names(inner)]]
        return [name for inner in value for name in names(inner)] if isinstance(value, list) else []

    for turn in served(4):
        decoded = msgspec.json.decode(turn[0].body, type=ChargingDataRequest)
        assert sorted(names(msgspec.json.decode(msgspec.json.encode(decoded)))) == sorted(names(turn[0].said))


def test_numbers_have_room() -> None:
    assert len(str(2**32 - 1)) <= NUMBER_WIDTH
    for request_type in (1, 2, 3):
        assert len(write_request(chf_plan(), request_type)[0]) > 700


def test_a_connection_whose_window_is_full_sends_no_more() -> None:
    twin = ChfServerTwin(chf_plan())
    twin.fleet.wire.window[0] = 2 * twin.fleet.wire.body_lengths[0] + 1
    assert len(twin.requests()) == 2
    assert twin.fleet.counters[SENT_COUNT] == twin.fleet.counters[RING_HEAD] == 2
    twin.http.increment_flow_control_window(1 << 20)
    twin.deliver()
    assert len(twin.requests()) == 4


def test_no_more_streams_are_open_than_the_server_allows() -> None:
    twin = ChfServerTwin(chf_plan())
    twin.fleet.wire.streams_max[0] = 4
    requests = twin.requests()
    assert len(requests) == 4
    twin.answer(requests[0], 201, granted(requests[0], 1_000), ref=ref_of(1))
    twin.deliver()
    assert len(twin.requests()) == 1


def test_a_stream_whose_place_is_taken_is_passed_over() -> None:
    twin = ChfServerTwin(chf_plan())
    twin.fleet.wire.streams[0, 1] = 99
    assert [request.stream for request in twin.requests()] == [1, 5, 7, 9, 11, 13]


def test_all_requests_of_a_subscriber_go_over_one_connection() -> None:
    assert {connection_of(subscriber, 4) for subscriber in range(1_000)} == {0, 1, 2, 3}

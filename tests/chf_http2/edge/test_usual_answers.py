"""Answers that a kernel writes against those that responses.py writes: the same octets, over real HTTP/2.

Also bodies and answers that have no room beside their headers, clients that don't read, and connections that end in between.
"""

import asyncio
import json
import re
import socket
from collections.abc import Coroutine
from typing import Any

import h2.config
import h2.connection
import h2.events
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charging.batch import AnswerBatch, UsageBatch
from charging.final_units import FinalUnit, RedirectAddressType
from chf_http2 import front_memory
from chf_http2.edge import http2_server
from chf_http2.responses import NO_OPENING, AnsweredRow, ResponseWriter, answered_rows, granted_rows
from chf_http2.routes import SERVICES
from chf_http2.streams.memory import STREAM_OCTETS
from tests.chf_http2.charging_bodies import octets, request, usage
from tests.chf_http2.edge.chf_served import PATH, Served, grant_all, serving
from vocabulary.limits import MSCCS_PER_REQUEST_MAX
from vocabulary.outcomes import Outcome
from vocabulary.units import Unit

JSON = {"content-type": "application/json"}
_STAMP = re.compile(rb'"invocationTimeStamp":"[^"]*"')
TEXTS = {7: FinalUnit("https://top-up.example.net", RedirectAddressType.URL, "garden", "permit out ip from any to any")}


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 100))


def without_stamp(body: bytes) -> bytes:
    return _STAMP.sub(b"", body)


_ANSWER = st.fixed_dictionaries(
    {
        "outcome": st.sampled_from([Outcome.GRANTED, Outcome.CREDIT_LIMIT_REACHED, Outcome.RATING_FAILED]),
        "unit": st.sampled_from([Unit.OCTETS, Unit.SECONDS, Unit.EVENTS]),
        "has_grant": st.integers(0, 1),
        "granted": st.integers(0, 2**63 - 1),
        "validity_s": st.sampled_from([0, 1, 600, 2**31 - 1]),
        "threshold_units": st.sampled_from([0, 1, 2**32 - 1]),
        "holding_s": st.sampled_from([0, 30]),
        "final_action": st.integers(0, 3),
        "final_unit": st.sampled_from([0, 7]),
    }
)
_USAGE = st.tuples(st.integers(0, 2**32 - 1), st.sampled_from([None, "upf-1", "u" * 200]), _ANSWER)
_REQUEST = st.tuples(
    st.sampled_from(["create", "update", "event"]),
    st.integers(0, 2**32 - 1),
    st.sampled_from([None, "0", "3ffff"]),
    st.lists(_USAGE, max_size=4, unique_by=lambda one: (one[0], one[1])),
)


class Decides:
    """Answers rows as they were drawn, and writes what Python would answer."""

    def __init__(self, drawn: list[dict[str, int]]) -> None:
        self.drawn = drawn
        self.expected: dict[int, bytes] = {}
        self._writer = ResponseWriter(NO_OPENING)
        self._writer.use_final_units(TEXTS)

    def __call__(self, batch: UsageBatch, answers: AnswerBatch) -> None:
        grant_all(batch, answers)
        count, msccs = int(batch.counts[0]), int(batch.counts[1])
        for index in range(msccs):
            number = int(batch.msccs["requested_octets"][index]) - 1
            for name, value in self.drawn[number].items():
                answers.msccs[name][index] = value
        granted = granted_rows(batch.msccs[:msccs], answers.msccs[:msccs])
        row: AnsweredRow
        for row in answered_rows(batch.requests[:count]):
            body = self._writer.write(b'""', row, batch.octets.data, granted, SERVICES[0])
            self.expected[int(batch.requests["request_number"][len(self.expected)])] = body


@settings(max_examples=40)
@given(_REQUEST)
def test_a_kernel_writes_what_python_writes(drawn: tuple[str, int, str | None, list[Any]]) -> None:
    kind, number, features, usages = drawn
    said = [
        usage(group, asks={"totalVolume": index + 1}) | ({} if upf is None else {"uPFID": upf})
        for index, (group, upf, _) in enumerate(usages)
    ]
    members: dict[str, Any] = {} if features is None else {"supportedFeatures": features}
    if kind == "event":
        members |= {"oneTimeEvent": True, "oneTimeEventType": "IEC"}
    decides = Decides([answer for _, _, answer in usages])

    async def converse() -> None:
        async with serving(decides) as (served, client):
            served.server.use_final_units(TEXTS)
            url = served.url
            if kind == "update":
                created = await client.post(url, content=octets(request()), headers=JSON)
                url = created.headers["location"] + "/update"
                decides.expected.clear()
            answer = await client.post(url, content=octets(request(number, tuple(said), **members)), headers=JSON)
            assert answer.status_code == (200 if kind == "update" else 201)
            ((_, expected),) = decides.expected.items()
            assert without_stamp(answer.content) == expected.replace(b'"invocationTimeStamp":""', b"")

    run(converse())


def test_parts_that_are_known_are_not_written_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Until the texts that they name are others."""
    written: list[int] = []
    write = ResponseWriter.write_information

    def count(writer: ResponseWriter, group: int, upf: bytes, row: tuple[int, ...]) -> bytes:
        written.append(group)
        return write(writer, group, upf, row)

    monkeypatch.setattr(ResponseWriter, "write_information", count)

    async def converse() -> None:
        async with serving() as (served, client):
            for number in range(5):
                body = octets(request(0, (usage(10, asks={"totalVolume": 5}),), chargingId=number))
                assert (await client.post(served.url, content=body, headers=JSON)).status_code == 201
            assert written == [10]
            served.server.use_final_units(TEXTS)
            assert (await client.post(served.url, content=body, headers=JSON)).status_code == 201
            assert written == [10, 10]

    run(converse())


def test_parts_of_one_answer_that_drive_each_other_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front_memory, "PARTS_MAX", 1)

    async def converse() -> None:
        async with serving() as (served, client):
            groups = (10, 20, 30)
            for number in range(2):
                usages = tuple(usage(group, asks={"totalVolume": group}) for group in groups)
                body = octets(request(0, usages, chargingId=number))
                answer = await client.post(served.url, content=body, headers=JSON)
                units = answer.json()["multipleUnitInformation"]
                assert [unit["grantedUnit"]["totalVolume"] for unit in units] == list(groups)
                assert answer.headers["location"].startswith(served.url + "/")

    run(converse())


@pytest.mark.parametrize("spaces", [STREAM_OCTETS - 700, STREAM_OCTETS, 5 * STREAM_OCTETS, 200_000])
def test_bodies_that_have_no_room_beside_their_headers(spaces: int) -> None:
    async def converse() -> None:
        async with serving() as (served, client):
            body = b" " * spaces + octets(request(0, (usage(10, asks={"totalVolume": 500}),)))
            answers = await asyncio.gather(*(client.post(served.url, content=body, headers=JSON) for _ in range(20)))
            for answer in answers:
                (unit,) = answer.json()["multipleUnitInformation"]
                assert unit["grantedUnit"] == {"totalVolume": 500}
            assert served.server.streams_count == 0
            assert served.server._http.spilled.octets == 0

    run(converse())


def test_an_answer_that_has_no_room_either() -> None:
    async def converse() -> None:
        async with serving() as (served, client):
            groups = range(MSCCS_PER_REQUEST_MAX)
            usages = (usage(group, asks={"totalVolume": group + 1}) | {"uPFID": "u" * 250} for group in groups)
            body = octets(request(0, tuple(usages)))
            answer = await client.post(served.url, content=body, headers=JSON)
            units = answer.json()["multipleUnitInformation"]
            assert len(answer.content) > STREAM_OCTETS
            assert [unit["grantedUnit"]["totalVolume"] for unit in units] == [group + 1 for group in groups]

    run(converse())


@pytest.mark.parametrize("size", [3000, 9000])
def test_headers_that_have_no_room(size: int) -> None:
    async def converse() -> None:
        async with serving() as (served, client):
            more = {"x-long": "y" * size, "3gpp-sbi-correlation-info": "imsi-1"}
            answer = await client.post(served.url, content=octets(request()), headers=JSON | more)
            assert (answer.status_code, answer.headers["3gpp-sbi-correlation-info"]) == (201, "imsi-1")
            assert answer.headers["location"].startswith(served.url + "/")

    run(converse())


def test_a_request_whose_connection_ended_is_decided_and_its_answer_is_nobodys() -> None:
    """Its row of the streams was given to another by then, who gets an answer of its own."""
    held_back: list[tuple[UsageBatch, AnswerBatch]] = []

    async def converse() -> None:
        async with serving() as (served, client):
            offered = served._offer
            served.server._offer = lambda batch: held_back.append(batch) or 0  # type: ignore[assignment,func-returns-value]
            raw = socket.create_connection(("127.0.0.1", served.server.port))
            frames = h2.connection.H2Connection(h2.config.H2Configuration())
            frames.initiate_connection()
            frames.send_headers(
                1, [(":method", "POST"), (":scheme", "http"), (":authority", "a"), (":path", PATH), *JSON.items()]
            )
            frames.send_data(1, octets(request(0, (usage(1, asks={"totalVolume": 111}),))), end_stream=True)
            raw.sendall(frames.data_to_send())
            while not held_back:
                await asyncio.sleep(0.01)
            raw.close()
            while served.server.streams_count:
                await asyncio.sleep(0.01)
            served.server._offer = lambda batch: 0
            other = asyncio.ensure_future(
                client.post(
                    served.url, content=octets(request(0, (usage(1, asks={"totalVolume": 222}),))), headers=JSON
                )
            )
            while not served.server.waiting_count:
                await asyncio.sleep(0.01)
            late = served.server._batch
            ticket = int(late.requests["hop_by_hop"][0])
            late.requests["hop_by_hop"][0] = ticket - (1 << 16)  # the request of the connection that ended
            offered(late)
            await asyncio.sleep(0.05)
            assert not other.done()
            late.requests["hop_by_hop"][0] = ticket
            offered(late)
            assert (await other).json()["multipleUnitInformation"][0]["grantedUnit"]["totalVolume"] == 222

    run(converse())


def test_a_client_that_takes_no_answers_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a window of no octets bodies can't be sent; the streams that wait for it are others' in the end."""
    monkeypatch.setattr(http2_server, "UNREAD_S", 1)

    async def converse() -> None:
        async with serving() as (served, client):
            raw = socket.create_connection(("127.0.0.1", served.server.port))
            frames = h2.connection.H2Connection(h2.config.H2Configuration())
            frames.initiate_connection()
            frames.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 0})
            headers = [(":method", "POST"), (":scheme", "http"), (":authority", "a"), (":path", PATH), *JSON.items()]
            for stream in range(1, 101, 2):
                frames.send_headers(stream, headers)
                frames.send_data(stream, octets(request(0, chargingId=stream)), end_stream=True)
            raw.sendall(frames.data_to_send())
            while not served.server.streams_count:
                await asyncio.sleep(0.01)
            assert (await client.post(served.url, content=octets(request()), headers=JSON)).status_code == 201
            async with asyncio.timeout(20):
                while served.server.streams_count:
                    await asyncio.sleep(0.05)
            raw.close()

    run(converse())


def test_more_streams_than_there_are_rows_are_refused_and_may_be_sent_again() -> None:
    async def converse() -> None:
        async with serving(lambda usage, answers: None) as (served, _):
            streams = served.server._streams
            streams.counts[0] = 2
            raw = socket.create_connection(("127.0.0.1", served.server.port))
            raw.settimeout(10)
            frames = h2.connection.H2Connection(h2.config.H2Configuration())
            frames.initiate_connection()
            headers = [(":method", "POST"), (":scheme", "http"), (":authority", "a"), (":path", PATH), *JSON.items()]
            for stream in (1, 3, 5):
                frames.send_headers(stream, headers)
            raw.sendall(frames.data_to_send())
            resets: list[h2.events.StreamReset] = []
            while not resets:
                read = await asyncio.get_running_loop().run_in_executor(None, raw.recv, 1 << 16)
                resets += [one for one in frames.receive_data(read) if isinstance(one, h2.events.StreamReset)]
            assert [(one.stream_id, int(one.error_code)) for one in resets] == [(5, 7)]
            raw.close()
            while served.server.streams_count:
                await asyncio.sleep(0.01)
            assert streams.counts[0] == 2

    run(converse())


def test_many_sessions_at_once_leave_nothing_behind() -> None:
    """Creates, updates and releases mixed over connections; each stream's row is free in the end."""

    async def session(served: Served, client: Any, number: int) -> None:
        created = await client.post(served.url, content=octets(request(0, chargingId=number)), headers=JSON)
        location = created.headers["location"]
        for step in (1, 2):
            body = octets(request(step, (usage(10, asks={"totalVolume": number + 1}),)))
            updated = await client.post(location + "/update", content=body, headers=JSON)
            (unit,) = json.loads(updated.content)["multipleUnitInformation"]
            assert unit["grantedUnit"]["totalVolume"] == number + 1
        released = await client.post(location + "/release", content=octets(request(3)), headers=JSON)
        assert (released.status_code, released.content) == (204, b"")

    async def converse() -> None:
        async with serving() as (served, client):
            await asyncio.gather(*(session(served, client, number) for number in range(200)))
            streams = served.server._streams
            assert served.server.streams_count == 0
            assert np.unique(streams.free).size == streams.streams.size

    run(converse())


def test_what_was_asked_before_a_server_closes_is_answered() -> None:
    streams = range(1, 201, 2)

    async def converse() -> None:
        async with serving() as (served, _):
            reader, writer = await asyncio.open_connection("127.0.0.1", served.server.port)
            frames = h2.connection.H2Connection(h2.config.H2Configuration())
            frames.initiate_connection()
            headers = [(":method", "POST"), (":scheme", "http"), (":authority", "a"), (":path", PATH), *JSON.items()]
            for stream in streams:
                frames.send_headers(stream, headers)
                frames.send_data(stream, octets(request(0, chargingId=stream)), end_stream=True)
            writer.write(frames.data_to_send())
            while not served.server.streams_count:
                await asyncio.sleep(0)
            loop = asyncio.get_running_loop()
            began = loop.time()
            closing = asyncio.ensure_future(served.server.close())
            events: list[h2.events.Event] = []
            while octets_read := await reader.read(1 << 16):
                events += frames.receive_data(octets_read)
            await closing
            assert loop.time() - began < 2
            answered = [one.stream_id for one in events if isinstance(one, h2.events.StreamEnded)]
            assert sorted(answered) == list(streams)
            assert sum(served.batches) == len(streams)
            assert any(isinstance(one, h2.events.ConnectionTerminated) for one in events)
            writer.close()

    run(converse())


def test_connections_that_say_nothing_are_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http2_server, "GREETED_WITHIN_S", 0)

    async def converse() -> None:
        async with serving() as (served, client):
            await client.post(served.url, content=octets(request()), headers=JSON)
            silent = await asyncio.open_connection("127.0.0.1", served.server.port)
            greeting = await silent[0].read(1 << 16)  # the server's settings
            assert greeting
            assert await asyncio.wait_for(silent[0].read(1), 10) == b""
            assert (await client.post(served.url, content=octets(request()), headers=JSON)).status_code == 201
            silent[1].close()

    run(converse())

"""A server that leaves: what crosses its good-bye is answered, what comes later is known not to be, nothing is reset."""

import asyncio
import socket
from collections.abc import Callable, Coroutine
from typing import Any

import msgspec
import pytest
import uvloop

from chf_http2.edge import http2_server
from tests.chf_http2.charging_bodies import request
from tests.chf_http2.edge.chf_served import PATH, serving
from tests.chf_http2.http2_consumer import Http2Consumer

BODY = msgspec.json.encode(request(0))
NOTICE = 2**31 - 1
"""The last stream of a good-bye that another one follows."""
LOOPS = (asyncio.new_event_loop, uvloop.new_event_loop)


def run(work: Coroutine[Any, Any, None], loop: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop) -> None:
    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(asyncio.wait_for(work, 60))


@pytest.mark.parametrize("loop", LOOPS, ids=("asyncio", "uvloop"))
def test_requests_that_cross_the_good_bye_are_answered(loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    async def converse() -> None:
        async with serving() as (served, _):
            consumer = await asyncio.to_thread(Http2Consumer, served.server.port)
            assert (await asyncio.to_thread(consumer.post, PATH, BODY)).status == 201
            closing = asyncio.ensure_future(served.server.close())
            assert await asyncio.to_thread(consumer.hear_goodbye) == NOTICE
            streams = [consumer.send(PATH, BODY) for _ in range(3)]
            answers = [await asyncio.to_thread(consumer.answer_to, stream) for stream in streams]
            assert [answer.status for answer in answers if answer is not None] == [201] * 3
            assert await asyncio.to_thread(consumer.hear_goodbye) == streams[-1]
            beyond = consumer.send(PATH, BODY)
            assert consumer.answer_to(beyond) is None, "the good-bye says so"
            assert await asyncio.to_thread(consumer.is_ended), "and no reset takes that from who hasn't read it"
            assert sum(served.batches) == 4
            consumer.close()
            await closing

    run(converse(), loop)


def test_what_is_under_way_longer_than_the_notice_is_answered_behind_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http2_server, "QUIET_S", 0)
    monkeypatch.setattr(http2_server, "ROUND_TRIP_S", 0.05)

    async def converse() -> None:
        async with serving() as (served, _):
            consumer = await asyncio.to_thread(Http2Consumer, served.server.port)
            offered, decide = asyncio.Event(), served.server._offer
            held: list[Any] = []
            served.server._offer = lambda batch: (held.append(batch), offered.set(), 0)[-1]  # type: ignore[func-returns-value]
            stream = consumer.send(PATH, BODY)
            await offered.wait()
            closing = asyncio.ensure_future(served.server.close())
            assert await asyncio.to_thread(consumer.hear_goodbye) == NOTICE
            assert await asyncio.to_thread(consumer.hear_goodbye) == stream
            assert not closing.done()
            decide(held[0])
            answer = await asyncio.to_thread(consumer.answer_to, stream)
            assert answer is not None
            assert answer.status == 201
            consumer.close()
            await closing

    run(converse())


def test_a_connection_that_nobody_had_accepted_when_the_port_is_closed_is_served() -> None:
    async def converse() -> None:
        async with serving() as (served, _):
            consumers = [Http2Consumer(served.server.port) for _ in range(3)]  # they wait while this loop doesn't turn
            streams = [consumer.send(PATH, BODY) for consumer in consumers]
            closing = asyncio.ensure_future(served.server.close())
            for consumer, stream in zip(consumers, streams, strict=True):
                answer = await asyncio.to_thread(consumer.answer_to, stream)
                assert answer is not None
                assert answer.status == 201
                assert await asyncio.to_thread(consumer.hear_goodbye) in (NOTICE, stream)
                consumer.close()
            await closing
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", served.server.port), 5)

    run(converse())


def test_clients_that_hold_on_dont_hold_up_the_end() -> None:
    async def converse() -> None:
        async with serving() as (served, client):
            await client.post(served.url, content=BODY, headers={"content-type": "application/json"})
            consumer = await asyncio.to_thread(Http2Consumer, served.server.port)
            loop = asyncio.get_running_loop()
            began = loop.time()
            await served.server.close()
            assert loop.time() - began < 4 * http2_server.ROUND_TRIP_S
            consumer.close()

    run(converse())

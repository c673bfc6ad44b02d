"""Peers that flood, don't read, or never stop: the others are served, memory has a limit, and no octet is wrong."""

import asyncio
import socket

import pytest

from gy_interface.edge import connection as edge_connection
from tests.gy_interface.diameter_octets import ccr, split, u32
from tests.gy_interface.edge.served import Client, Served, run, serving
from tests.gy_interface.edge.test_server import check, gone, request
from tests.gy_interface.peer_messages import WHO, base, cer, data_of, dwr, result_of

SMALL_BUFFER = 1 << 14


async def peer_that_reads_late(served: Served) -> socket.socket:
    """A connection with small buffers on which capabilities were exchanged; nobody reads it until somebody does."""
    plain = socket.socket()
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
    plain.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(plain, ("127.0.0.1", served.port))
    await loop.sock_sendall(plain, cer())
    answer = await loop.sock_recv(plain, 4096)
    assert result_of(answer) == 2001
    return plain


async def read_messages(plain: socket.socket, count: int) -> list[bytes]:
    """So many whole messages, however many octets come at a time."""
    loop, octets, messages = asyncio.get_running_loop(), b"", []
    while len(messages) < count:
        part = await asyncio.wait_for(loop.sock_recv(plain, 1 << 20), 30)
        assert part, "closed too early"
        octets += part
        while len(octets) >= 4 and len(octets) >= int.from_bytes(octets[1:4], "big"):
            size = int.from_bytes(octets[1:4], "big")
            messages.append(octets[:size])
            octets = octets[size:]
    assert octets == b""
    return messages


def test_slow_reader_gets_every_octet_right_while_others_are_served() -> None:
    count, long_session = 12_000, "slow;" + "x" * 400

    async def test() -> None:
        async with serving() as served:
            slow = await peer_that_reads_late(served)
            quick = await served.peer()
            stream = b"".join(request(number, long_session, number + 1) for number in range(count))
            sending = asyncio.ensure_future(asyncio.get_running_loop().sock_sendall(slow, stream))
            for number in range(300):
                quick.send(request(number, "quick;1;1", number + 5))
                check(await quick.message(), number, "quick;1;1", number + 5)
            unread = served.server._connections[0]
            assert unread is not None
            assert unread.transport is not None
            assert 0 < unread.transport.get_write_buffer_size() <= edge_connection.UNREAD_OCTETS_MAX
            assert served.engine.requests < count, "it isn't read from while it doesn't read"
            for number, answer in enumerate(await read_messages(slow, count)):
                check(answer, number, long_session, number + 1)
            await sending
            slow.close()

    run(test())


def test_peer_with_too_much_unread_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge_connection, "UNREAD_OCTETS_MAX", 1_200_000)
    count, long_session = 12_000, "slow;" + "x" * 400

    async def test() -> None:
        async with serving() as served:
            served.engine.holds = True
            slow = await peer_that_reads_late(served)
            quick = await served.peer()
            stream = b"".join(request(number, long_session) for number in range(count))
            await asyncio.get_running_loop().sock_sendall(slow, stream)
            await served.engine.has_seen(count)
            served.engine.holds = False
            served.engine.release()
            while served.counts["any"] > 1:
                await asyncio.sleep(0)
            quick.send(request(1))
            check(await quick.message(), 1)
            slow.close()

    run(test())


def test_flood_of_requests_that_cost_python_time_leaves_room_for_others() -> None:
    count = 30_000

    async def test() -> None:
        async with serving() as served:
            flooding, other = await served.peer(), await served.peer()
            seen = 0

            async def read() -> None:
                nonlocal seen
                while seen < count:
                    answer = await flooding.message()
                    seen += 1
                    assert answer[4:8] == b"\x00\x00\x01\x18"

            flooding.send(dwr() * count)
            reading = asyncio.ensure_future(read())
            while not seen:
                await asyncio.sleep(0)
            other.send(request(1))
            check(await other.message(), 1)
            assert seen < count, "it had to wait for the flood"
            await reading
            await flooding.leave()

    run(test())


def test_flood_of_credit_requests_is_answered_whole_and_in_order() -> None:
    count = 20_000

    async def test() -> None:
        async with serving() as served:
            flooding = await served.peer()
            flooding.send(b"".join(request(number) for number in range(count)))
            for number in range(count):
                check(await flooding.message(), number)

    run(test())


def test_flood_before_capabilities_and_of_rubbish_ends_the_connection() -> None:
    async def test() -> None:
        async with serving() as served:
            for octets in (dwr() * 20_000, b"\x00" * (4 << 20), ccr() * 5_000, b"GET / HTTP/1.1\r\n" * 10_000):
                client = await served.connect()
                client.send(octets)
                assert await client.rest() == b""
                client.drop()
            await gone(served)
            assert served.engine.requests == 0

    run(test())


def test_refused_peer_reads_why_although_it_goes_on_sending() -> None:
    async def test() -> None:
        async with serving() as served:
            client = await served.connect()
            client.send(cer(u32(258, 16777238)) + ccr() * 20_000)
            (answer,) = split(await client.rest())
            assert result_of(answer) == 5010
            client.drop()
            await gone(served)
            assert served.engine.requests == 0

    run(test())


def test_largest_message_and_one_octet_at_a_time() -> None:
    async def drip(client: Client, octets: bytes) -> None:
        for place in range(len(octets)):
            client.send(octets[place : place + 1])
            await client.writer.drain()

    async def test() -> None:
        async with serving() as served:
            client = await served.peer()
            padding = b"\x00\x00\x12\x67\x00\x00\xf0\x08" + bytes(0xF000)
            large = ccr(padding, number=8)
            client.send(large * 40 + dwr() + base(999, *WHO))
            answers = await client.messages(42)
            assert [data_of(answer, 415) for answer in answers if answer[7] == 0x10] == [[bytes((0, 0, 0, 8))]] * 40
            assert sorted(result_of(answer) for answer in answers if answer[7] != 0x10) == [2001, 3001]
            await drip(client, request(5))
            check(await client.message(), 5)

    run(test())

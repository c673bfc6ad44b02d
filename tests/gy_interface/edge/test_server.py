"""The Gy server through real sockets: many peers, pieces of any size, limits, good-byes, and answers to the right peer."""

import asyncio
import random

import pytest

from gy_interface.config import PeerConfig
from tests.gy_interface.diameter_octets import avp, ccr, group, split, text, u32, u64
from tests.gy_interface.edge.served import PATIENCE_S, SERVER_DEFAULT_OCTETS, Client, Served, run, serving, settings
from tests.gy_interface.peer_messages import (
    HOST,
    REALM,
    answer_to,
    base,
    cer,
    data_of,
    dwr,
    result_of,
)
from vocabulary.instants import NS_PER_S


def request(number: int, session: str = "s;1;1", asked: int = 0) -> bytes:
    units = [u64(421, asked)] if asked else []
    return ccr(group(456, group(437, *units), u32(432, 10)), request_type=2, number=number, session_id=session)


def expected(number: int, session: str = "s;1;1", granted: int = SERVER_DEFAULT_OCTETS) -> list[bytes]:
    """The AVPs of the answer to `request`."""
    return [
        text(263, session),
        u32(268, 2001),
        text(264, HOST) + text(296, REALM),
        u32(258, 4),
        u32(416, 2),
        u32(415, number),
        group(456, group(431, u64(421, granted)), u32(432, 10), u32(268, 2001)),
    ]


def check(answer: bytes, number: int, session: str = "s;1;1", granted: int = SERVER_DEFAULT_OCTETS) -> None:
    assert answer[4:20] == bytes.fromhex("40000110 00000004 11111111 22222222")
    assert answer[20:] == b"".join(expected(number, session, granted))


def test_many_peers_with_all_their_connections_in_pieces_of_any_size() -> None:
    peers, connections, requests = 5, 8, 40
    config = settings(
        **{
            f"core{number}": PeerConfig(origin_hosts=(f"pgw{number}.example.net",), tenant=f"tenant-{number}")
            for number in range(peers)
        }
    )

    async def converse(client: Client, session: str, seed: int) -> None:
        draw = random.Random(seed)
        stream = b"".join(request(number, session, number + seed) for number in range(requests))
        at = 0
        while at < len(stream):
            size = draw.randint(1, 900)
            client.send(stream[at : at + size])
            at += size
            if draw.random() < 0.3:
                await asyncio.sleep(0)
        for number in range(requests):
            check(await client.message(), number, session, number + seed)

    async def test() -> None:
        async with serving(config) as served:
            clients = [
                await served.peer(f"pgw{number}.example.net") for number in range(peers) for _ in range(connections)
            ]
            assert served.counts == {f"core{number}": connections for number in range(peers)}
            ninth = await served.connect()
            ninth.send(cer(host="pgw0.example.net"))
            (refusal,) = split(await ninth.rest())
            assert result_of(refusal) == 3010
            await asyncio.gather(
                *(converse(client, f"session;{place};0", place * 100 + 1) for place, client in enumerate(clients))
            )
            assert served.engine.requests == peers * connections * requests
            assert served.engine.tenants == set(range(peers))
            for client in clients:
                await client.leave()
            await gone(served)
            again = await served.peer("pgw0.example.net")
            await again.leave()

    run(test())


async def gone(served: Served) -> None:
    """Wait until no connection is left; what counts them says so, too."""
    while any(served.counts.values()) or any(place is not None for place in served.server._connections):
        await asyncio.sleep(0)


def test_connection_without_a_slot_is_closed_at_once() -> None:
    async def test() -> None:
        async with serving(settings(connections_max=2)) as served:
            first, second = await served.peer(), await served.peer()
            third = await served.connect()
            assert await third.rest() == b""
            second.send(request(1))
            check(await second.message(), 1)
            await first.leave()
            while served.counts["any"] > 1:
                await asyncio.sleep(0)
            fourth = await served.peer()
            fourth.send(request(4))
            check(await fourth.message(), 4)

    run(test())


def test_the_oldest_connection_that_says_nothing_gives_way() -> None:
    async def test() -> None:
        async with serving(settings(connections_max=3)) as served:
            peer = await served.peer("pgw1.example.net")
            silent = [await served.connect() for _ in range(2)]
            silent[0].send(cer(host="pgw2.example.net")[:10])
            peer.send(request(9))
            check(await peer.message(), 9)  # by now that part was read
            late = await served.peer("pgw3.example.net")
            assert await silent[0].rest() == b"", "a part of a CER is none"
            silent[1].send(cer(host="pgw4.example.net"))
            assert u32(268, 2001) in await silent[1].message()
            refused = await served.connect()
            assert await refused.rest() == b"", "now each has said who it is"
            for number, client in enumerate((peer, late, silent[1])):
                client.send(request(number))
                check(await client.message(), number)

    run(test())


def test_faulty_requests_are_answered_among_good_ones() -> None:
    async def test() -> None:
        async with serving() as served:
            client = await served.peer()
            bad = ccr(avp(9999, b"odd", 4711), number=2)
            client.send(request(1) + bad + request(3) + dwr() + ccr(text(293, "else"), number=4) + request(5))
            answers = await client.messages(6)
            by_number = {data_of(answer, 415)[0][-1]: answer for answer in answers if data_of(answer, 415)}
            for number in (1, 3, 5):
                check(by_number[number], number)
            assert (result_of(by_number[2]), data_of(by_number[2], 279)) == (5001, [avp(9999, b"odd", 4711)])
            assert (result_of(by_number[4]), by_number[4][4]) == (3002, 0x60)
            assert [answer[7] for answer in answers].count(24) == 1, "the DWA is there"

    run(test())


@pytest.mark.parametrize(("start", "code"), [(b"\x02\x00\x00\x98", 5011), (b"\x01\x00\x00\x13", 5015)])
def test_stream_that_cannot_be_framed_is_answered_and_closed(start: bytes, code: int) -> None:
    async def test() -> None:
        async with serving() as served:
            client = await served.peer()
            client.send(request(1) + start + request(2)[4:] + bytes(range(256)) * 5000)
            first, second = split(await client.rest())
            check(first, 1)
            assert (result_of(second), data_of(second, 263)) == (code, [])
            assert second[12:20] == request(2)[12:20]
            await client.close()
            await gone(served)

    run(test())


@pytest.mark.parametrize("cut", [1, 19, 20, 100])
def test_connection_that_breaks_within_a_message_leaves_nothing(cut: int) -> None:
    async def test() -> None:
        async with serving() as served:
            other = await served.peer()
            for way in ("close", "drop"):
                client = await served.peer()
                client.send(request(1) + request(2)[:cut])
                check(await client.message(), 1)
                if way == "close":
                    await client.close()
                else:
                    client.drop()
                while served.counts["any"] > 1:
                    await asyncio.sleep(0)
            other.send(request(7))
            check(await other.message(), 7)
            assert served.engine.requests == 3

    run(test())


def test_answer_for_an_older_connection_of_the_slot_is_dropped() -> None:
    async def test() -> None:
        async with serving() as served:
            engine = served.engine
            engine.holds = True
            old = await served.peer()
            old.send(request(1))
            await engine.has_seen(1)
            old.drop()
            await gone(served)
            new = await served.peer()
            new.send(request(2))
            await engine.has_seen(2)
            assert [int(batch.requests["connection"][0]) for batch in engine.held] == [0, 0], "it is the same slot"
            engine.release()
            check(await new.message(), 2)
            engine.holds = False
            new.send(request(3))
            check(await new.message(), 3)

    run(test())


def test_answers_under_way_reach_a_peer_that_said_good_bye() -> None:
    async def test() -> None:
        async with serving() as served:
            served.engine.holds = True
            client = await served.peer()
            client.send(request(1))
            await served.engine.has_seen(1)
            client.send(base(282, text(264, "pgw1.example.net"), text(296, "example.net"), u32(273, 0)))
            assert result_of(await client.message()) == 2001
            client.send(request(2))  # it should send none any more
            await served.engine.has_seen(2)
            served.engine.release()
            check(await client.message(), 1)
            check(await client.message(), 2)
            await client.close()
            await gone(served)

    run(test())


def test_engine_that_fails_once_takes_neither_connections_nor_later_requests_along() -> None:
    async def test() -> None:
        faults: list[BaseException] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context["exception"]))
        async with serving() as served:
            clients = [await served.peer() for _ in range(3)]
            served.engine.fails = True
            for client in clients:
                client.send(request(1))
            await served.engine.has_seen(3)
            served.engine.fails = False
            for client in clients:
                client.send(request(2))
                check(await client.message(), 2)
            assert served.engine.requests == 6, "what failed isn't offered again: its sender asks again"
        assert faults
        assert {str(fault) for fault in faults} == {"planted"}

    run(test())


def test_watchdog_and_the_end_of_a_silent_peer() -> None:
    async def test() -> None:
        async with serving(settings(watchdog_s=6)) as served:
            talker, silent = await served.peer(), await served.peer()
            served.now_ns += 9 * NS_PER_S
            watchdogs = await talker.message(), await silent.message()
            assert all(octets[4:8] == b"\x80\x00\x01\x18" for octets in watchdogs)
            talker.send(answer_to(watchdogs[0]) + request(1))
            check(await talker.message(), 1)
            for _ in range(2):
                served.now_ns += 9 * NS_PER_S
                answer = await talker.message()
                assert answer[4:8] == b"\x80\x00\x01\x18"
                talker.send(answer_to(answer) + request(2))
                check(await talker.message(), 2)
            assert await silent.rest() == b""
            while served.counts["any"] > 1:
                await asyncio.sleep(0)

    run(test())


def test_message_that_drips_is_no_sign_of_life() -> None:
    async def test() -> None:
        async with serving(settings(watchdog_s=6)) as served:
            client = await served.peer()
            octets = iter(request(1))
            for expected_command in (24, None, None):
                before = served.server._connections[0]
                assert before is not None
                length = before.length
                client.send(bytes((next(octets), next(octets))))
                while before.length == length:
                    await asyncio.sleep(0)
                served.now_ns += 9 * NS_PER_S
                if expected_command:
                    assert (await client.message())[7] == expected_command
                else:
                    assert before.peer is not None
                    state = before.peer.state
                    while before.peer.state is state:
                        await asyncio.sleep(0.01)
            assert await client.rest() == b""

    run(test())


def test_connection_without_capabilities_is_closed() -> None:
    async def test() -> None:
        async with serving(settings(cer_timeout_s=1)) as served:
            client = await served.connect()
            client.send(cer()[:-1])
            while served.server._connections[0] is None or not served.server._connections[0].peer:
                await asyncio.sleep(0)
            served.now_ns += NS_PER_S
            assert await client.rest() == b""

    run(test())


def test_what_a_peer_sent_before_it_read_our_good_bye_is_answered() -> None:
    async def test() -> None:
        served = Served(settings())
        served.port = await served.server.start()
        served.engine.holds = True
        client = await served.peer()

        async def drain(wait_s: float) -> None:
            assert wait_s > 0
            await served.engine.has_seen(5)
            served.engine.release()

        client.send(request(1))
        await served.engine.has_seen(1)
        closing = asyncio.ensure_future(served.server.close(wait_s=PATIENCE_S, drain=drain))
        good_bye = await client.message()
        for number in (2, 3):  # in pieces, as they may lie in the network
            client.send(request(number)[:50])
            await asyncio.sleep(0)
            client.send(request(number)[50:])
            await served.engine.has_seen(number)
        client.send(request(4) + request(5) + answer_to(good_bye))
        for number in (1, 2, 3, 4, 5):
            check(await client.message(), number)
        assert await client.rest() == b""
        await client.close()
        await closing

    run(test())


def test_a_peer_that_reads_no_good_bye_is_answered_until_the_wait_is_over() -> None:
    async def test() -> None:
        served = Served(settings())
        served.port = await served.server.start()
        deaf, polite = await served.peer(), await served.peer()
        closing = asyncio.ensure_future(served.server.close(wait_s=0.5, drain=lambda wait_s: asyncio.sleep(0)))
        polite.send(answer_to(await polite.message()))
        assert await polite.rest() == b"", "nobody waits for another's good-bye"
        await polite.close()
        assert not closing.done()
        await deaf.message()
        deaf.send(request(1))
        check(await deaf.message(), 1)
        assert await deaf.rest() == b"", "the wait has an end"
        await closing

    run(test())


def test_server_says_good_bye() -> None:
    async def test() -> None:
        served = Served(settings())
        served.port = await served.server.start()
        polite, rude = await served.peer(), await served.peer()
        waiting = await served.connect()
        closing = asyncio.ensure_future(served.server.close(wait_s=0.5))
        request_of_ours = await polite.message()
        assert request_of_ours[4:8] == b"\x80\x00\x01\x1a"
        assert data_of(request_of_ours, 273) == [bytes(4)]
        polite.send(answer_to(request_of_ours))
        assert await polite.rest() == b""
        await polite.close()
        assert (await rude.message())[4:8] == b"\x80\x00\x01\x1a"
        assert await rude.rest() == b"", "the wait has an end"
        assert await waiting.rest() == b""
        await closing
        with pytest.raises(OSError):
            await served.connect()

    run(test())

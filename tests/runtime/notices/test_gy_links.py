"""Notifier and front ends over a real socket: requests reach the connection that leads to their host, and answers come back."""

import asyncio
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgpack

from gy_interface.session_messages import RE_AUTH, SessionRequest
from runtime.notices.gy_frames import VERSION
from runtime.notices.gy_hub import GyHub
from runtime.notices.gy_link import GyLink
from tests.gy_interface.diameter_octets import message, text, u32
from tests.gy_interface.edge.served import Client, Served, run, serving
from tests.gy_interface.peer_messages import cer, data_of

STORE = 17
HOST, RELAY = "pgw1.example.net", "dra.example.net"
RELAY_APPLICATION = 0xFFFFFFFF
WAIT_S = 60.0
"""Kernels of the codec may have to be loaded first."""


def asked(host: str) -> SessionRequest:
    """An RAR for a session of a host."""
    return SessionRequest(RE_AUTH, f"{host};1", host, "example.net", 10)


async def until(is_true: Callable[[], bool]) -> None:
    """Wait until it is true; the links look five times a second."""

    async def look() -> None:
        while not is_true():
            await asyncio.sleep(0.01)

    await asyncio.wait_for(look(), 20)


@asynccontextmanager
async def linked(tmp_path: Path, store: int = STORE) -> AsyncIterator[tuple[Served, GyHub]]:
    """A server whose link says it works on `store`, and the notifier's hub."""
    hub = GyHub(tmp_path / "notifier.sock", store=STORE)
    await hub.start()
    async with serving() as served:
        link = GyLink(tmp_path / "notifier.sock", served.server.teller, store=store, name="gy")
        link.start()
        try:
            yield served, hub
        finally:
            await link.close()
            await hub.close()


async def answer(client: Client, result_code: int) -> bytes:
    """Answer the next request; its octets."""
    octets = await client.message()
    said = message(
        text(263, "any"),
        u32(268, result_code),
        text(264, HOST),
        text(296, "example.net"),
        flags=0x40,
        command=int.from_bytes(octets[5:8], "big"),
        application=4,
        hop_by_hop=int.from_bytes(octets[12:16], "big"),
        end_to_end=int.from_bytes(octets[16:20], "big"),
    )
    client.send(said)
    return octets


def test_a_request_goes_to_its_host_and_its_answer_comes_back(tmp_path: Path) -> None:
    async def test() -> None:
        async with linked(tmp_path) as (served, hub):
            client = await served.peer(HOST)
            await until(lambda: hub.leads_to(HOST.upper()))
            asking = asyncio.ensure_future(hub.ask(asked(HOST), WAIT_S))
            octets = await answer(client, 2002)
            assert await asking == 2002
            assert data_of(octets, 293) == [HOST.encode()]
            assert not hub.leads_to("pgw2.example.net")
            assert await hub.ask(asked("pgw2.example.net"), WAIT_S) is None
            await client.close()
            await until(lambda: not hub.leads_to(HOST))

    run(test())


def test_who_has_no_connection_is_reached_through_one_that_relays(tmp_path: Path) -> None:
    async def test() -> None:
        async with linked(tmp_path) as (served, hub):
            relay = await served.connect()
            relay.send(cer(u32(258, RELAY_APPLICATION), host=RELAY))
            await relay.message()
            await until(lambda: hub.leads_to(HOST))
            asking = asyncio.ensure_future(hub.ask(asked(HOST), WAIT_S))
            octets = await answer(relay, 5002)
            assert await asking == 5002
            assert data_of(octets, 293) == [HOST.encode()]
            await relay.close()

    run(test())


def test_no_answer_comes_from_silence_or_a_connection_that_ends(tmp_path: Path) -> None:
    async def test() -> None:
        async with linked(tmp_path) as (served, hub):
            client = await served.peer(HOST)
            await until(lambda: hub.leads_to(HOST))
            assert await hub.ask(asked(HOST), 0.1) is None
            asking = asyncio.ensure_future(hub.ask(asked(HOST), WAIT_S))
            await client.message()
            await client.message()
            client.drop()
            assert await asking is None

    run(test())


def test_a_front_end_of_another_store_is_refused(tmp_path: Path) -> None:
    async def test() -> None:
        async with linked(tmp_path, store=STORE + 1) as (served, hub):
            await served.peer(HOST)
            await asyncio.sleep(0.5)
            assert not hub.leads_to(HOST)

    run(test())


def test_what_is_no_frame_ends_the_link_that_said_it_alone(tmp_path: Path) -> None:
    async def refused(octets: bytes) -> None:
        reader, writer = await asyncio.open_unix_connection(str(tmp_path / "notifier.sock"))
        writer.write(octets)
        assert await asyncio.wait_for(reader.read(), 20) == b""
        writer.close()

    def frame(said: Any) -> bytes:
        body: bytes = msgpack.packb(said)
        return struct.pack("<I", len(body)) + body

    async def test() -> None:
        async with linked(tmp_path) as (served, hub):
            await served.peer(HOST)
            await until(lambda: hub.leads_to(HOST))
            greeting = frame({"hello": VERSION, "store": STORE, "name": "x"})
            for octets in (
                struct.pack("<I", 1 << 30),
                struct.pack("<I", 1) + b"\xc1",
                frame([1]),
                frame({"hello": VERSION + 1, "store": STORE}),
                frame({"hosts": [["a", False]]}),
                greeting + frame({"hosts": 7}),
                greeting + frame({"hosts": [[1, 2, 3]]}),
            ):
                await refused(octets)
            assert hub.leads_to(HOST)

    run(test())

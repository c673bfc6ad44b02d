"""A release is published while a session is open: same engine, same connection, the next report has the new price."""

import asyncio
import socket
from pathlib import Path

import msgspec
import pytest

from balances.commands import Applied, Opening
from balances.edge.command_sender import CommandSender
from balances.edge.redis_store import RedisStore
from balances.keys import identity_key, partition_of
from balances.queries import decode_record
from catalog_loader.check import CheckedRelease, check_release
from catalog_loader.edge.publish import Published, publish
from catalog_loader.release import Terms
from runtime.releases import TakenUp, wait_taken_up
from runtime.subscriber_terms import WantedTerms, terms_of
from tests.catalog_loader.sample_release import SAMPLE_2, checked_sample
from tests.gy_interface.client_messages import INITIAL, TERMINATION, UPDATE, Open5gs
from tests.gy_interface.diameter_octets import avps_of
from tests.gy_interface.peer_messages import cer
from tests.reference.private_valkey import private_valkey
from tests.runtime.private_engine import create_store, private_engine
from vocabulary.instants import NS_PER_S, from_rfc3339

pytestmark = pytest.mark.timeout(600)  # an engine may have to compile its kernels first

MIB = 1024**2
ANSWER_WITHIN_S = 20.0
RESULT_CODE = 268
IMSI = "001010000000001"
"""Whom Open5gs asks for."""
PORTAL = "https://top-up.example.net"


def exchange(connection: socket.socket, request: bytes) -> bytes:
    """The answer of one request."""
    connection.sendall(request)
    answer = b""
    while len(answer) < 4 or len(answer) < int.from_bytes(answer[1:4], "big"):
        received = connection.recv(65536)
        assert received, "the engine closed the connection"
        answer += received
    return answer


def result_of(answer: bytes) -> int:
    """Result-Code of an answer as a whole."""
    return next(int.from_bytes(data, "big") for code, _, _, data in avps_of(answer[20:]) if code == RESULT_CODE)


async def taken_up(address: str, checked: CheckedRelease) -> TakenUp:
    store = RedisStore(address)
    try:
        await store.open()
        number = await store.add_tenant(checked.release.tenant)
        result = await publish(store.client, checked, number)
        assert isinstance(result, Published)
        return await wait_taken_up(store, result.stream_id, ANSWER_WITHIN_S)
    finally:
        await store.close()


def redirecting() -> CheckedRelease:
    """The second sample once more, but that users without credit get to the portal."""
    release = checked_sample(SAMPLE_2).release
    prices = tuple(
        msgspec.structs.replace(price, final_action="redirect", said=Terms(redirect_to=PORTAL))
        if price.id == "data-general"
        else price
        for price in release.prices
    )
    effective_ns = release.effective_ns + NS_PER_S
    report = check_release(msgspec.structs.replace(release, number=3, effective_ns=effective_ns, prices=prices))
    assert report.checked is not None, report.lines()
    return report.checked


async def open_account(address: str) -> None:
    """One euro, no allowances."""
    store = RedisStore(address)
    try:
        await store.open()
        terms = terms_of(checked_sample().release, WantedTerms("prepaid-basic"), from_rfc3339("2025-02-01"))
        sender = CommandSender(store, store.meta.partition_count)
        opening = Opening(1, (identity_key(1, "imsi", IMSI),), terms)
        assert await sender.open_accounts("one", [opening]) == [Applied(1, 1_000_000)]
    finally:
        await store.close()


async def money_of(address: str) -> tuple[int, int]:
    """(remaining, reserved) of the account, micros."""
    store = RedisStore(address)
    try:
        await store.open()
        (octets,) = await store.read_accounts(partition_of(1, store.meta.partition_count), [(1, 1)])
        assert octets is not None
        return decode_record(octets).total()
    finally:
        await store.close()


def test_the_next_report_of_an_open_session_has_the_new_price(tmp_path: Path) -> None:
    with private_valkey(tmp_path) as address:
        create_store(address)
        with private_engine(address, tmp_path) as port, socket.create_connection(("127.0.0.1", port)) as connection:
            connection.settimeout(ANSWER_WITHIN_S)
            assert asyncio.run(taken_up(address, checked_sample())) == TakenUp(("engine-1",), ())
            asyncio.run(open_account(address))
            assert result_of(exchange(connection, cer(host="smf.epc.mnc001.mcc001.3gppnetwork.org"))) == 2001
            client = Open5gs()
            assert result_of(exchange(connection, client.send(INITIAL))) == 2001
            assert asyncio.run(money_of(address)) == (980_000, 20_000)
            assert result_of(exchange(connection, client.send(UPDATE, seconds=1, up=0, down=MIB, reason=3))) == 2001
            assert asyncio.run(money_of(address)) == (960_000, 20_000)
            assert asyncio.run(taken_up(address, checked_sample(SAMPLE_2))) == TakenUp(("engine-1",), ())
            assert result_of(exchange(connection, client.send(UPDATE, seconds=1, up=MIB, down=0, reason=3))) == 2001
            assert asyncio.run(money_of(address)) == (960_000, 10_000)
            assert asyncio.run(taken_up(address, redirecting())) == TakenUp(("engine-1",), ())
            used_up = exchange(connection, client.send(UPDATE, seconds=1, up=0, down=100 * MIB, reason=3))
            assert asyncio.run(money_of(address)) == (-30_000, 0)
            assert PORTAL.encode() in used_up, "the text of a release that was taken up just now"
            assert result_of(used_up) == 2001
            assert result_of(exchange(connection, client.send(TERMINATION, seconds=1, up=1, down=0))) == 2001
            assert asyncio.run(money_of(address)) == (-40_000, 0)

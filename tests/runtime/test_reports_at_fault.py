"""Reports of requests at fault, through front end, look-up and engine: answered as the fault, and in the journal."""

import asyncio
from pathlib import Path

import pytest

from balances.edge.redis_store import RedisStore
from balances.journal import decode_entry
from balances.journal_chain import NO_ENTRY
from tests.catalog_loader.sample_release import checked_sample
from tests.gy_interface.client_messages import INITIAL, TERMINATION, UPDATE
from tests.gy_interface.diameter_octets import group, u32, u64
from tests.reference.private_valkey import private_valkey
from tests.runtime.gy_client import GyClient
from tests.runtime.private_engine import create_store, private_engine
from tests.runtime.test_price_swap import IMSI, MIB, money_of, open_account, taken_up

pytestmark = pytest.mark.timeout(600)  # an engine may have to compile its kernels first

NOBODY = "001010000000999"
BAD_GROUP = group(456, u32(432, 20), group(446, u32(452, 3), u64(421, 7)))
"""A Tariff-Change-Usage that there isn't."""


async def uncharged(address: str) -> list[tuple[int, int]]:
    """(rating group, uncharged units) of all usage rows of the store's journals that have such."""
    store = RedisStore(address)
    try:
        await store.open()
        found = []
        for partition in range(store.meta.partition_count):
            for row in await store.read_journal(partition, NO_ENTRY, 1000):
                usages = decode_entry(row.octets).usages
                found += list(zip(usages["rating_group"].tolist(), usages["uncharged_units"].tolist(), strict=True))
        return [used for used in found if used[1]]
    finally:
        await store.close()


@pytest.mark.parametrize("imsi", [IMSI, ""], ids=["named", "known by its session"])
def test_they_are_on_record_and_nothing_is_charged(tmp_path: Path, imsi: str) -> None:
    with private_valkey(tmp_path) as address:
        create_store(address)
        with private_engine(address, tmp_path) as port:
            asyncio.run(taken_up(address, checked_sample()))
            asyncio.run(open_account(address))
            client = GyClient(port)
            assert client.ask(INITIAL, 0, "pgw1.example.net;1", IMSI, asked=MIB).result == 2001
            before = asyncio.run(money_of(address))
            refused = client.ask(UPDATE, 1, "pgw1.example.net;1", imsi, used=5, asked=MIB, beside=BAD_GROUP)
            assert (refused.result, u32(452, 3) in refused.octets) == (5004, True)
            assert asyncio.run(money_of(address)) == before
            assert asyncio.run(uncharged(address)) == [(10, 5), (20, 7)]
            assert client.ask(UPDATE, 1, "pgw1.example.net;1", imsi, used=MIB, asked=MIB).result == 2001, "it goes on"
            assert (
                client.ask(UPDATE, 2, "pgw1.example.net;1", imsi, used=9, beside=group(446, u32(420, 3))).result == 2001
            )
            assert client.ask(TERMINATION, 3, "pgw1.example.net;1", imsi).result == 2001
            assert asyncio.run(uncharged(address)) == [(10, 5), (20, 7), (-1, 3)]
            stranger = client.ask(UPDATE, 1, "pgw1.example.net;2", NOBODY, used=5, beside=BAD_GROUP)
            assert (stranger.result, u32(452, 3) in stranger.octets) == (5004, True), "nobody has it on record"
            assert len(asyncio.run(uncharged(address))) == 3
            client.close()
        assert "background work failed" not in (tmp_path / "engine.log").read_text()

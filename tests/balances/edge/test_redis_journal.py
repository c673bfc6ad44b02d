"""What an engine asks of its store each second, and what an import asks before it begins; on a real server."""

import asyncio
import time
from pathlib import Path

import pytest

from balances.edge.redis_journal import ARCHIVER, PartitionMarks
from balances.edge.redis_store import RedisStore
from balances.store import Committed, EntryId, StoreError
from tests.balances.edge.commits import commit_of, exchange
from tests.reference.private_valkey import private_valkey

ZERO = EntryId(0, 0)


def test_marks_clock_and_allotted_numbers(tmp_path: Path) -> None:
    async def work(address: str) -> None:
        store = RedisStore(address)
        await store.create(2)
        await store.open()
        assert await store.partition_marks() == [PartitionMarks("", 0, {ARCHIVER: ZERO})] * 2

        mine = await store.claim(0, "n", wall_ms=1000, last_epoch=0)
        connection = await store.connect(mine)
        last = ZERO
        for number in (1, 2, 3):
            entry_id = EntryId(1000, number)
            assert (await exchange(connection, commit_of(mine, entry_id, last))).commit == Committed()
            last = entry_id
        connection.close()
        claim = await store.claim_archiver(0, "files", "a" * 16)
        await store.set_archived(claim, EntryId(1000, 2))
        marks = await store.partition_marks()
        archived = {ARCHIVER: EntryId(1000, 2)}
        assert marks == [PartitionMarks(mine.token, 3, archived), PartitionMarks("", 0, {ARCHIVER: ZERO})]
        await store.set_reader_position(0, "lake", EntryId(1000, 1))
        held = (await store.partition_marks())[0]
        assert held.read_to == archived | {"lake": EntryId(1000, 1)}
        assert held.may_go == EntryId(1000, 1), "who reads the stream holds it"

        before_ns, store_ns, after_ns = time.time_ns(), await store.server_time_ns(), time.time_ns()
        assert before_ns // 1000 <= store_ns // 1000 <= after_ns // 1000

        assert await store.allotted("file") is None
        first = await store.allot_accounts("file", 5)
        assert await store.allotted("file") == first
        await store.command("SET", "farebox:opening:odd", "nonsense")
        with pytest.raises(StoreError, match="farebox:opening:odd holds b'nonsense'"):
            await store.allotted("odd")
        await store.close()

    with private_valkey(tmp_path) as address:
        asyncio.run(work(address))

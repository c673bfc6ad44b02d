"""Account commands and journal: the contracts of balances/commands.py and balances/journal_log.py, on both stores."""

from contextlib import asynccontextmanager

import pytest

from balances.commands import CommandIdUsed, CommandRow
from balances.journal_log import ArchiverLostError
from balances.store import EMPTY_TAIL, EntryId, Expiring, StoreError
from tests.balances.edge.commits import ZERO, commit_of, exchange, first_of
from tests.balances.edge.stores import opened, owned, run


# --- account commands
def test_commands_are_read_in_order_and_dropped_behind_the_position(harness):
    async def test():
        async with owned(harness) as (store, mine, connection):
            await store.append_commands(0, [b"%d" % number for number in range(1200)])
            await store.append_commands(0, [])
            rows = await store.read_commands(0, EMPTY_TAIL, 2000)
            assert [row.octets for row in rows] == [b"%d" % number for number in range(1200)]
            assert [row.octets for row in await store.read_commands(0, rows[4].position, 2)] == [b"5", b"6"]
            assert await store.read_commands(1, EMPTY_TAIL, 10) == []
            done = commit_of(
                mine,
                first_of(mine),
                ZERO,
                commands_position=rows[9].position,
                expiring=[Expiring("command:c9", b"nine", 60)],
            )
            await exchange(connection, done)
            ownership = await store.claim(0, "two", wall_ms=0, last_epoch=0)
            assert ownership.commands_position == rows[9].position
            assert await store.command_answers(0, ["c9", "c10"]) == [b"nine", None]
            assert await store.command_answers(0, []) == []
            left = await store.read_commands(0, ownership.commands_position, 2000)
            assert left == rows[10:]
            assert isinstance(left[0], CommandRow)

    run(test)


def test_account_numbers_are_the_same_again_for_a_batch(harness):
    async def test():
        async with opened(harness) as store:
            first = await store.allot_accounts("file-1", 10)
            second = await store.allot_accounts("file-2", 5)
            assert first >= 1
            assert second >= first + 10
            assert await store.allot_accounts("file-1", 10) == first
            for other in ((11, ""), (10, "another content")):
                with pytest.raises(CommandIdUsed, match="id file-1 was used for another command: choose another"):
                    await store.allot_accounts("file-1", *other)
            asked = await store.allot_accounts("file-4", 2, "content")
            assert await store.allot_accounts("file-4", 2, "content") == asked
            with pytest.raises(CommandIdUsed):
                await store.allot_accounts("file-4", 2, "")
            third = await store.allot_accounts("file-3", 1)
            assert third >= second + 5

    run(test)


def test_command_id_stands_for_what_it_was_first_claimed_for(harness):
    async def test():
        async with opened(harness) as store:
            assert await store.claim_commands([]) == []
            assert await store.claim_commands([("a", "one"), ("b", "two"), ("a", "other")]) == [True, True, False]
            assert await store.claim_commands([("b", "one"), ("b", "two")]) == [False, True]

    run(test)


# --- the journal
@asynccontextmanager
async def with_journal(harness, count):
    """(store, ids of so many entries)"""
    async with owned(harness) as (store, mine, connection):
        ids = [EntryId(mine.epoch, number) for number in range(1, count + 1)]
        for before, entry_id in zip([ZERO, *ids], ids, strict=False):
            await exchange(connection, commit_of(mine, entry_id, before, entry=str(entry_id).encode()))
        yield store, ids


def test_journal_is_read_from_any_entry(harness):
    async def test():
        async with with_journal(harness, 5) as (store, ids):
            assert [row.entry_id for row in await store.read_journal(0, ZERO, 3)] == ids[:3]
            assert [row.entry_id for row in await store.read_journal(0, ids[2], 10)] == ids[3:]
            assert await store.read_journal(0, ids[4], 10) == []
            assert await store.read_journal(1, ZERO, 10) == []
            assert (await store.journal_length(0), await store.journal_length(1)) == (5, 0)
            assert await store.journal_octets(0) > 0

    run(test)


def test_journal_is_trimmed_by_its_archiver_behind_the_files(harness):
    async def test():
        async with with_journal(harness, 5) as (store, ids):
            claim = await store.claim_archiver(0, "files", "a" * 16)
            assert (claim.archived, await store.archived(0)) == (ZERO, ZERO)
            with pytest.raises(StoreError, match="is not archived yet and can't be trimmed"):
                await store.trim_journal(claim, ids[0])
            await store.set_archived(claim, ids[3])
            await store.set_archived(claim, ids[1])
            assert await store.archived(0) == ids[3], "it never goes back"
            with pytest.raises(StoreError, match="is not archived yet"):
                await store.trim_journal(claim, ids[4])
            assert await store.journal_length(0) == 5
            await store.trim_journal(claim, ids[1])
            await store.trim_journal(claim, ids[1])
            assert [row.entry_id for row in await store.read_journal(0, ZERO, 9)] == ids[2:]

    run(test)


def test_only_the_last_archiver_may_mark_and_trim(harness):
    async def test():
        async with with_journal(harness, 2) as (store, ids):
            first = await store.claim_archiver(0, "files", "a" * 16)
            assert (await store.claim_archiver(0, "files", "a" * 16)).token == first.token, "again is the same claim"
            await store.set_archived(first, ids[0])
            second = await store.claim_archiver(0, "files", "b" * 16)
            assert second.token != first.token
            assert second.archived == ids[0]
            for step in (store.set_archived, store.trim_journal):
                with pytest.raises(ArchiverLostError, match=f"another archiver took partition 0 .{second.token}"):
                    await step(first, ids[0])
            assert await store.archived(0) == ids[0]
            assert await store.journal_length(0) == 2
            await store.trim_journal(second, ids[0])
            assert await store.journal_length(0) == 1

    run(test)


def test_readers_say_how_far_they_are(harness):
    async def test():
        async with opened(harness) as store:
            assert await store.reader_positions(0) == {}
            await store.set_reader_position(0, "notifier", EntryId(1000, 4))
            await store.set_reader_position(0, "lake", EntryId(1000, 2))
            await store.set_reader_position(0, "notifier", EntryId(1001, 0))
            assert await store.reader_positions(0) == {"notifier": EntryId(1001, 0), "lake": EntryId(1000, 2)}
            assert await store.reader_positions(1) == {}

    run(test)

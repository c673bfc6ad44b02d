"""Auditing a real store that stands still: at rest, archived, restored, damaged."""

import asyncio

import pytest

from balances.audit_report import FaultKind
from balances.journal_chain import NO_ENTRY
from balances.keys import account_key
from balances.store import EntryId, StoreError
from balances.stored_record import to_stored
from runtime.audit_store import AuditImpossibleError, audit_store
from tests.balances.audited_traffic import RandomTraffic
from tests.runtime.audited_store import archive, assert_sound, change_record, emptied, filled
from tests.runtime.stored_traffic import StoredTraffic


def expect_as_decided(report, stored):
    """The report counts what the traffic decided."""
    assert_sound(report)
    assert report.entry_count == len(stored.traffic.engine.entries)
    assert report.account_count == len(stored.traffic.engine.records) > 0
    assert report.movement_count > 0


# --- at rest


def test_a_journal_that_lies_in_the_stream_alone(valkey, tmp_path):
    async def run():
        async with filled(valkey) as stored:
            expect_as_decided(await audit_store(stored.store, None), stored)
            expect_as_decided(await audit_store(stored.store, tmp_path / "segments"), stored)

    asyncio.run(run())


def test_a_journal_in_files_and_stream(valkey, tmp_path):
    async def run():
        async with filled(valkey) as stored:
            await archive(stored.store, tmp_path)
            assert await stored.store.journal_length(0) == 0
            expect_as_decided(await audit_store(stored.store, tmp_path), stored)
            await stored.go_on(10)
            expect_as_decided(await audit_store(stored.store, tmp_path), stored)

    asyncio.run(run())


def test_an_empty_store(valkey):
    async def run():
        async with emptied(valkey) as store:
            report = await audit_store(store, None)
            assert_sound(report)
            assert report.entry_count == report.account_count == 0

    asyncio.run(run())


def test_several_partitions_make_one_report(valkey):
    async def run():
        async with emptied(valkey, partition_count=3) as store:
            stored = StoredTraffic(store, RandomTraffic(3))
            await stored.begin()
            await stored.go_on(5)
            stored.close()
            report = await audit_store(store, None)
            assert report.partitions == (0, 1, 2)
            expect_as_decided(report, stored)

    asyncio.run(run())


def test_progress_is_told(valkey):
    async def run():
        async with filled(valkey, 80) as stored:
            told = []
            report = await audit_store(stored.store, None, progress=lambda *said: told.append(said))
            assert len(told) > 2
            assert told == sorted(told)
            assert 0 < told[-1][1] <= report.request_count

    asyncio.run(run())


# --- files that are missing, or another store's


def test_files_that_are_not_given(valkey, tmp_path):
    async def run():
        async with filled(valkey) as stored:
            await archive(stored.store, tmp_path / "segments")
            await stored.go_on(3)
            for folder in (None, tmp_path / "elsewhere"):
                with pytest.raises(AuditImpossibleError, match="--data-dir"):
                    await audit_store(stored.store, folder)

    asyncio.run(run())


def test_files_of_another_store(valkey, tmp_path):
    async def run():
        async with filled(valkey) as stored:
            await archive(stored.store, tmp_path)
        async with emptied(valkey) as store:
            with pytest.raises(AuditImpossibleError, match="belong together"):
                await audit_store(store, tmp_path)

    asyncio.run(run())


# --- a store that lost its end


def test_a_store_that_was_restored(valkey, tmp_path):
    """What the files have behind it is void: at once, and when an engine has gone on without it."""

    async def run():
        async with filled(valkey) as stored:
            saved = stored.save()
            decided = len(stored.traffic.engine.entries)
            await stored.go_on(6)
            await archive(stored.store, tmp_path)
            lost = len(stored.traffic.engine.entries) - decided
            await stored.restore(saved)
            report = await audit_store(stored.store, tmp_path)
            assert_sound(report)
            assert (report.voided_count, report.entry_count) == (lost, decided)
            assert lost > 1
            await stored.begin(epoch=2)
            await stored.go_on(5)
            report = await audit_store(stored.store, tmp_path)
            assert_sound(report)
            assert report.voided_count == lost
            assert report.voided_ids[0] == str(EntryId(1, saved.tail.number + 1))
            await archive(stored.store, tmp_path)
            await stored.go_on(1)
            report = await audit_store(stored.store, tmp_path)
            assert_sound(report)
            assert report.voided_count == lost

    asyncio.run(run())


class GoesBack:
    """A store that is restored to an older state behind the back of who reads it, at its n-th snapshots."""

    def __init__(self, stored, saved, at):
        self._stored = stored
        self._saved = saved
        self._at = set(at)
        self._count = 0
        self.meta = stored.store.meta
        self.scan_accounts = stored.store.scan_accounts
        self.read_journal = stored.store.read_journal
        self.archived = stored.store.archived

    async def partition_values(self, partition, names):
        self._count += 1
        if self._count in self._at:
            await self._stored.restore(self._saved)
            await self._stored.begin(epoch=self._stored.tail.epoch + 1)
            await self._stored.go_on(2)
        return await self._stored.store.partition_values(partition, names)


def test_a_store_that_goes_back_meanwhile(valkey):
    async def run():
        async with filled(valkey) as stored:
            saved = stored.save()
            await stored.go_on(3)
            assert_sound(await audit_store(GoesBack(stored, saved, at={3}), None))
            with pytest.raises(StoreError, match="went back"):
                await audit_store(GoesBack(stored, saved, at=range(2, 100)), None)

    asyncio.run(run())


# --- damage


async def damaged(stored, damage, folder=None):
    await damage(stored)
    report = await audit_store(stored.store, folder)
    assert not report.is_sound
    return report


async def remove_record(stored):
    account = sorted(stored.traffic.engine.records)[1]
    await stored.store.command("DEL", account_key(stored.store.meta.tags[0], *account))


async def add_record(stored):
    record = next(iter(stored.traffic.engine.records.values()))
    await stored.store.command("SET", account_key(stored.store.meta.tags[0], 1, 777), to_stored(record))


async def remove_entry(stored):
    rows = await stored.store.read_journal(0, NO_ENTRY, 100)
    await stored.store.command("XDEL", stored.store.key(0, "journal"), str(rows[len(rows) // 2].entry_id))


async def remove_last_entry(stored):
    await stored.store.command("XDEL", stored.store.key(0, "journal"), str(stored.tail))


@pytest.mark.parametrize(
    ("damage", "kind"),
    [
        (change_record, FaultKind.CHARGED),
        (remove_record, FaultKind.RECORD),
        (add_record, FaultKind.OPENING),
        (remove_entry, FaultKind.CHAIN),
        (remove_last_entry, FaultKind.CHAIN),
    ],
)
def test_damage_is_found(valkey, damage, kind):
    async def run():
        async with filled(valkey) as stored:
            return await damaged(stored, damage)

    report = asyncio.run(run())
    assert kind in report.fault_counts


def test_a_tail_that_names_another_entry(valkey):
    async def run():
        async with filled(valkey) as stored:
            ahead = EntryId(stored.tail.epoch, stored.tail.number + 1)
            await stored.store.command("SET", stored.store.key(0, "tail"), str(ahead))
            return await audit_store(stored.store, None), ahead

    report, ahead = asyncio.run(run())
    (fault,) = report.faults
    assert (fault.kind, fault.expected) == (FaultKind.CHAIN, str(ahead))

"""Auditing a real store: at rest, archived, restored, damaged, and while another process commits, archives and trims."""

import asyncio
import io
import json
import subprocess
import sys
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from rich.console import Console
from typer.testing import CliRunner

from balances.audit_report import FAULT_MEANINGS, Fault, FaultKind
from balances.edge.redis_store import RedisStore
from balances.journal_chain import NO_ENTRY
from balances.keys import account_key
from balances.record import HEADER_CHARGED
from balances.store import EntryId, StoreError
from balances.stored_record import to_stored
from runtime.audit_store import AuditImpossibleError, audit_store
from runtime.cli.audit import FAULTS_SHOWN, print_report
from runtime.cli.main import build
from tests.balances.audited_traffic import RandomTraffic
from tests.balances.test_audit_corruptions import add_to_word
from tests.reference.private_valkey import private_valkey
from tests.runtime.stored_traffic import StoredTraffic, archiver_of

MOVED_MEANWHILE = 5
"""Audits during which the store must have gone on."""
AUDITS_MAX = 500


@pytest.fixture(scope="module")
def valkey(tmp_path_factory):
    with private_valkey(tmp_path_factory.mktemp("valkey")) as url:
        yield url


@asynccontextmanager
async def emptied(url, partition_count=1):
    """The opened store with nothing in it."""
    store = RedisStore(url)
    try:
        await store.command("FLUSHALL")
        await store.create(partition_count)
        await store.open()
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def filled(url, batch_count=15, seed=3):
    """A store with traffic in it, which can go on."""
    async with emptied(url) as store:
        stored = StoredTraffic(store, RandomTraffic(seed))
        await stored.begin()
        await stored.go_on(batch_count)
        try:
            yield stored
        finally:
            stored.close()


async def archive(store, folder):
    """Archive and trim all that is there."""
    archiver = archiver_of(store, folder)
    await archiver.start()
    while await archiver.round():
        pass
    archiver.writer.close()


def assert_sound(report):
    assert [str(fault) for fault in report.faults] == []
    assert report.is_sound


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


async def change_record(stored):
    account, record = sorted(stored.traffic.engine.records.items())[1]
    key = account_key(stored.store.meta.tags[0], *account)
    await stored.store.command("SET", key, to_stored(add_to_word(record, HEADER_CHARGED, 3)))


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


# --- live


class Moving:
    """A store that commits before and after everything that is read of it."""

    def __init__(self, stored):
        self._stored = stored
        self.meta = stored.store.meta
        self.scan_accounts = stored.store.scan_accounts

    async def _between_commits(self, reading):
        await self._stored.go_on(1)
        found = await reading
        await self._stored.go_on(1)
        return found

    async def partition_values(self, partition, names):
        return await self._between_commits(self._stored.store.partition_values(partition, names))

    async def read_journal(self, partition, after, count, *, wait_ms=0):
        return await self._between_commits(self._stored.store.read_journal(partition, after, count))

    async def archived(self, partition):
        return await self._between_commits(self._stored.store.archived(partition))


@pytest.mark.parametrize("account_count", [1, 12])
def test_a_store_that_moves_at_every_look(valkey, account_count):
    async def run():
        async with emptied(valkey) as store:
            stored = StoredTraffic(store, RandomTraffic(4, account_count=account_count))
            await stored.begin()
            await stored.go_on(20)
            report = await audit_store(Moving(stored), None)
            stored.close()
            assert_sound(report)
            assert 21 < report.entry_count < len(stored.traffic.engine.entries)

    asyncio.run(run())


def live_traffic(url, folder, account_count):
    """A process that commits and archives until its input is closed."""
    command = [sys.executable, "-m", "tests.runtime.stored_traffic", url, str(folder), str(account_count)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("account_count", [1, 60])
def test_a_store_that_another_process_writes(valkey, tmp_path, account_count):
    """No false alarm, though every record moves while it is read: with one hot account, and with many."""

    async def prepare():
        async with emptied(valkey):
            pass

    async def watch():
        store = RedisStore(valkey)
        await store.open()
        seen, moved = [], 0
        while moved < MOVED_MEANWHILE and len(seen) < AUDITS_MAX:
            before = await store.partition_values(0, ["tail"])
            report = await audit_store(store, tmp_path)
            moved += before != await store.partition_values(0, ["tail"])
            assert_sound(report)
            seen.append(report.entry_count)
        await store.close()
        return seen, moved

    asyncio.run(prepare())
    process = live_traffic(valkey, tmp_path, account_count)
    try:
        assert process.stdout.readline() == "live\n"
        seen, moved = asyncio.run(watch())
        assert process.poll() is None
    finally:
        process.stdin.close()
        assert process.wait(timeout=60) == 0
    assert seen == sorted(seen)
    assert seen[-1] > seen[0]
    assert moved == MOVED_MEANWHILE, "the store stood still: this showed nothing"


# --- the command


def printed(report):
    console = Console(file=io.StringIO(), width=120)
    print_report(report, console)
    return console.file.getvalue()


def test_a_report_names_what_is_void_and_counts_what_it_does_not_show():
    traffic = RandomTraffic(1)
    traffic.open_all()
    faults = tuple(Fault(FaultKind.USAGE, 0, f"charge [{number}]", 1, 2, "1-2", 1, 5) for number in range(30))
    report = replace(
        traffic.audit(), voided_count=2, voided_ids=("5-1", "5-2"), faults=faults, fault_counts={FaultKind.USAGE: 30}
    )
    text = printed(report)
    assert "2 entries are void: the store lost them (5-1, 5-2)" in text
    assert "usage: partition 0, entry 1-2, account 5 of tenant 1: charge [0]: expected 1, found 2" in text
    assert text.count("charge [") == FAULTS_SHOWN
    assert "and 10 more" in text
    assert f"30 x usage: {FAULT_MEANINGS[FaultKind.USAGE]}" in text
    assert "Not sound: 30 faults." in text
    assert "Sound" in printed(traffic.audit())


def invoke(*arguments):
    return CliRunner().invoke(build(), ["audit", *arguments])


def test_the_command_says_what_it_found(valkey, tmp_path):
    options = ("--store", valkey, "--data-dir", str(tmp_path))

    async def fill(damage=None):
        async with filled(valkey) as stored:
            if damage is not None:
                await damage(stored)

    asyncio.run(fill())
    result = invoke(*options)
    assert result.exit_code == 0, result.output
    assert "Sound" in result.output
    assert "charged" in result.output
    result = invoke(*options, "--json")
    assert result.exit_code == 0
    report = json.loads(result.stdout)
    assert report["is_sound"] is True
    assert {unit["unit"]: unit["difference"] for unit in report["units"]}["micros"] == 0

    asyncio.run(fill(change_record))
    result = invoke(*options)
    assert result.exit_code == 1
    assert "Not sound" in result.output
    assert "charged_micros" in result.output
    result = invoke(*options, "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["faults"][0]["kind"] == "charged"


def test_the_command_that_cannot_run_says_why(valkey, tmp_path):
    result = invoke("--store", f"unix://{tmp_path}/nobody", "--data-dir", str(tmp_path))
    assert result.exit_code == 2
    assert "no store answers" in result.stderr

    async def fill():
        async with filled(valkey) as stored:
            await archive(stored.store, tmp_path / "segments")

    asyncio.run(fill())
    result = invoke("--store", valkey, "--data-dir", str(tmp_path / "elsewhere"))
    assert result.exit_code == 2
    assert "--data-dir" in result.stderr
    assert invoke("--store", valkey, "--data-dir", str(tmp_path)).exit_code == 0
    first = next((tmp_path / "segments" / "p0").glob("*.segment"))
    first.write_bytes(first.read_bytes()[:100])
    result = invoke("--store", valkey, "--data-dir", str(tmp_path))
    assert result.exit_code == 2
    assert first.name in result.stderr

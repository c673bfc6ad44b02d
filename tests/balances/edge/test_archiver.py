"""The archiver: each entry once in its files whatever happens, trimmed only behind files and readers, gaps refused by name."""

import asyncio
import errno
import os
import signal
from collections import deque
from dataclasses import replace

import pytest

from balances.edge.archiver import ArchiverLockedError, ArchiverSettings, PartitionArchiver, lock_folder, run_archiver
from balances.edge.memory_partition import PartitionState
from balances.edge.memory_store import MemoryStore
from balances.edge.redis_store import RedisStore
from balances.edge.segment_files import SegmentReader
from balances.journal_chain import JournalGapError
from balances.journal_log import ArchiverLostError
from balances.store import EntryId, StoreUnreachable
from runtime.kill_points import KILL_POINTS
from tests.reference.forks import start_module
from tests.reference.journal_entries import Asked, chain_of, entry_of

NO_TRIMMING_PAUSE = 0.0


@pytest.fixture
def settings(tmp_path):
    return ArchiverSettings(
        folder=tmp_path / "segments",
        partitions=(0,),
        gather_ms=0,
        entries_per_read_max=3,
        trim_every_s=NO_TRIMMING_PAUSE,
        disk_free_octets_min=0,
    )


def store_with(journal):
    store = MemoryStore()
    asyncio.run(store.create(1))
    put(store, journal)
    return store


def put(store, journal):
    state = store.snapshot(0)
    state.journal |= dict(journal)
    store.restore(0, state)


def archiver_of(settings, store, **more):
    arguments = {"now_ns": lambda: 7, "reached": lambda _: None, "observe": lambda _: None} | more
    return PartitionArchiver(settings, 0, store, **arguments)


async def work_off(archiver):
    """Rounds until nothing is left; how many entries."""
    total = 0
    while found := await archiver.round():
        total += found
    return total


def archive(settings, store, **more):
    """A whole life of an archiver."""

    async def live():
        archiver = archiver_of(settings, store, **more)
        await archiver.start()
        await work_off(archiver)
        archiver.writer.close()
        return archiver

    return asyncio.run(live())


def stored(settings):
    reader = SegmentReader(settings.folder, 0)
    found = []
    while entries := reader.read():
        found += [(entry.entry_id, bytes(entry.octets)) for entry in entries]
    reader.close()
    return found


def test_archives_acknowledges_and_trims(settings):
    journal = chain_of(10)
    store = store_with(journal)
    archiver = archive(settings, store)
    assert stored(settings) == journal
    assert store.snapshot(0).journal == {}
    assert store.snapshot(0).archived == EntryId(5, 10)
    assert (archiver.progress.entry_count, archiver.progress.octets) == (10, sum(len(octets) for _, octets in journal))


def test_a_reader_of_the_stream_holds_the_trimming_back(settings):
    journal = chain_of(10)
    store = store_with(journal)
    asyncio.run(store.set_reader_position(0, "notifier", EntryId(5, 4)))
    asyncio.run(store.set_reader_position(0, "other", EntryId(5, 8)))
    archive(settings, store)
    assert sorted(store.snapshot(0).journal) == [EntryId(5, number) for number in range(5, 11)]


def test_goes_on_where_its_files_end(settings):
    journal = chain_of(9)
    store = store_with(journal[:4])
    asyncio.run(store.set_reader_position(0, "all", EntryId(0, 0)))
    archive(settings, store)
    put(store, journal)
    state = store.snapshot(0)
    state.archived = EntryId(5, 1)  # as a store that lost its last second
    store.restore(0, state)
    archive(settings, store)
    assert stored(settings) == journal
    assert store.snapshot(0).archived == EntryId(5, 9)


def test_files_that_are_ahead_are_acknowledged_without_new_entries(settings):
    store = store_with(chain_of(4))
    archive(settings, store)
    state = store.snapshot(0)
    state.archived = EntryId(5, 2)
    store.restore(0, state)
    archive(settings, store)
    assert store.snapshot(0).archived == EntryId(5, 4)


def test_missing_entries_are_refused_by_name(settings):
    journal = chain_of(9)
    archive(settings, store_with(journal[:3]))
    store = store_with(journal[5:])
    with pytest.raises(JournalGapError, match="after 5-3 up to 5-5 are missing before 5-6"):
        archive(settings, store)
    assert stored(settings) == journal[:3]
    assert len(store.snapshot(0).journal) == 4


def test_a_gap_within_what_is_read_writes_nothing_of_it(settings):
    journal = chain_of(3)
    store = store_with([journal[0], journal[2]])
    with pytest.raises(JournalGapError, match="up to 5-2 are missing before 5-3"):
        archive(settings, store)
    assert stored(settings) == []


def test_an_empty_folder_for_an_archived_journal_is_refused(settings):
    store = store_with([])
    state = store.snapshot(0)
    state.archived = EntryId(5, 7)
    store.restore(0, state)
    with pytest.raises(JournalGapError, match=r"after 0-0 up to 5-7 were archived.*restore the segment files"):
        archive(settings, store)


def test_a_torn_tail_stays_while_the_store_cannot_fill_it(settings):
    journal = chain_of(4)
    store = store_with(journal)
    archive(settings, store)
    path = settings.folder / "p0" / "0000000001.segment"
    os.truncate(path, path.stat().st_size - 1)
    size = path.stat().st_size
    with pytest.raises(JournalGapError, match="after 5-3 up to 5-4 were archived"):
        archive(settings, store)
    assert path.stat().st_size == size
    put(store, journal)
    assert archive(settings, store).progress.torn_octets > 0
    assert stored(settings) == journal


def test_a_store_that_lost_its_end_voids_what_was_archived(settings):
    journal = chain_of(6)
    archive(settings, store_with(journal))
    back = (EntryId(9, 1), entry_of([Asked()], follows=EntryId(5, 4), voids=("5-5", "5-6")))
    later = (EntryId(9, 2), entry_of([Asked()], follows=EntryId(9, 1)))
    again = (EntryId(10, 1), entry_of([Asked()], follows=EntryId(9, 1)))
    archiver = archive(settings, store_with([back, later, again]))
    assert archiver.progress.voided_count == 3
    assert stored(settings) == [*journal, back, later, again]


def test_another_store_in_the_place_of_this_one_voids_nothing(settings):
    journal = chain_of(6)
    store = store_with(journal)
    other = (EntryId(9, 1), entry_of([Asked()], follows=EntryId(0, 0)))

    async def replaced():
        archiver = archiver_of(settings, store)
        await archiver.start()
        await work_off(archiver)
        store.restore(0, PartitionState(journal=dict([other])))
        with pytest.raises(ArchiverLostError, match="another archiver took partition 0"):
            await archiver.round()
        archiver.writer.close()

    asyncio.run(replaced())
    assert stored(settings) == journal


def test_an_entry_of_another_partition_is_refused(settings):
    with pytest.raises(JournalGapError, match="entry 5-1 is of partition 3, found in that of 0"):
        archive(settings, store_with(chain_of(1, partition=3)))


def test_a_lost_claim_ends_the_archiver_and_trims_nothing(settings):
    journal = chain_of(8)
    store = store_with(journal)

    async def overtaken():
        first = archiver_of(settings, store)
        await first.start()
        await archiver_of(replace(settings, folder=settings.folder.with_name("other")), store).start()
        with pytest.raises(ArchiverLostError, match="another archiver took partition 0"):
            await first.round()
        first.writer.close()

    asyncio.run(overtaken())
    assert len(store.snapshot(0).journal) == 8


def test_one_archiver_a_folder(settings):
    held = lock_folder(settings.folder)
    with pytest.raises(ArchiverLockedError, match="another archiver works in"):
        asyncio.run(run_archiver(settings, store_with([]), now_ns=lambda: 0, stopping=asyncio.Event()))
    os.close(held)
    os.close(lock_folder(settings.folder))


def test_stops_below_the_least_free_disk_and_goes_on_above_it(settings):
    journal = chain_of(3)
    store = store_with(journal)
    free = deque([99, 99, 101, 101])

    async def live():
        archiver = archiver_of(replace(settings, disk_free_octets_min=100), store, free_octets=lambda _: free.popleft())
        await archiver.start()
        assert await archiver.round() == 0
        assert "disk are free: make room" in archiver.progress.stopped_because
        assert (await archiver.round(), stored(settings)) == (0, [])
        assert await archiver.round() == 3
        assert archiver.progress.stopped_because == ""
        archiver.writer.close()

    asyncio.run(live())
    assert stored(settings) == journal


def test_a_full_disk_leaves_whole_entries_and_is_waited_for(settings, monkeypatch):
    journal = chain_of(3)
    store = store_with(journal)
    real, full = os.writev, deque([False, True])

    def writev(descriptor, views):
        if full and full.popleft():
            real(descriptor, [views[0][:9]])
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(descriptor, views)

    monkeypatch.setattr(os, "writev", writev)

    async def live():
        archiver = archiver_of(settings, store)
        await archiver.start()
        assert await archiver.round() == 0
        assert "the disk is full" in archiver.progress.stopped_because
        assert stored(settings) == []
        assert await archiver.round() == 3
        archiver.writer.close()

    asyncio.run(live())
    assert stored(settings) == journal


class AwayAtFirst(MemoryStore):
    """A store that is away for its first calls."""

    away = 3

    async def claim_archiver(self, partition, node, digits):
        self.away -= 1
        if self.away > 0:
            raise StoreUnreachable("no store answers at unix:///nowhere")
        return await super().claim_archiver(partition, node, digits)


def test_waits_for_an_absent_store_and_stops_when_told(settings, monkeypatch):
    monkeypatch.setattr("balances.edge.archiver._RETRY_S", 0.001)
    journal = chain_of(7)
    store = AwayAtFirst()
    asyncio.run(store.create(1))
    put(store, journal)
    said = []

    async def live():
        stopping = asyncio.Event()

        def observe(progress):
            said.append(progress.stopped_because)
            if progress.last_id == EntryId(5, 7):
                stopping.set()

        await asyncio.wait_for(
            run_archiver(settings, store, now_ns=lambda: 0, stopping=stopping, observe=observe), timeout=20
        )

    asyncio.run(live())
    assert said[:2] == ["no store answers at unix:///nowhere"] * 2
    assert said[-1] == ""
    assert stored(settings) == journal


def test_damage_ends_run_with_its_own_error(settings):
    store = store_with(chain_of(1, partition=2))
    with pytest.raises(JournalGapError, match="is of partition 2"):
        asyncio.run(run_archiver(settings, store, now_ns=lambda: 0, stopping=asyncio.Event()))


# --- killed as a process, on a real store


POINTS = [point.name for point in KILL_POINTS if point.process == "archiver"]


async def _fill(url, journal):
    store = RedisStore(url)
    await store.command("FLUSHALL")
    await store.create(1)
    await store.open()
    for entry_id, octets in journal:
        await store.command("XADD", store.key(0, "journal"), str(entry_id), "b", octets)
    await store.close()


async def _state(url):
    store = RedisStore(url)
    await store.open()
    found = await store.journal_length(0), await store.archived(0)
    await store.close()
    return found


def _run(url, folder, kill_at):
    environment = os.environ | ({"FAREBOX_KILL_AT": kill_at} if kill_at else {})
    environment.pop("FAREBOX_KILL_AT", None) if not kill_at else None
    log = folder.with_name("archiver.log")
    arguments = (url, str(folder), "5-30")
    return start_module("tests.balances.edge.archiver_process", *arguments, log=log, environment=environment).wait(60)


@pytest.mark.parametrize("point", POINTS)
def test_killed_at(point, settings, valkey):
    """Killed at its third passage, started again, killed once more, then left alone: each entry once, all trimmed."""
    journal = chain_of(30, rows_each=5)
    asyncio.run(_fill(valkey, journal))
    for times in (3, 1):
        assert _run(valkey, settings.folder, f"{point}:{times}") == -signal.SIGKILL
    assert _run(valkey, settings.folder, "") == 0
    assert stored(settings) == journal
    assert asyncio.run(_state(valkey)) == (0, EntryId(5, 30))

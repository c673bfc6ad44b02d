"""Engines that share partitions: each alone sees to its share, whoever comes, goes, dies or is put out."""

import asyncio
from collections.abc import Callable

import pytest

from balances.engines import EngineEntry, decode_entry, encode_entry
from balances.store import StoreError
from runtime import partition_shares
from runtime.partition_shares import PartitionShares
from vocabulary.instants import NS_PER_S

LOOK_NS = NS_PER_S // 4


class SharedStore:
    """Entries and owners' tokens, as the store has them."""

    def __init__(self, partitions: int) -> None:
        self.tokens = [""] * partitions
        self.entries: dict[str, str] = {}
        self.now_ns = 0

    async def engine_entries(self) -> tuple[list[EngineEntry], list[str]]:
        return [decode_entry(*each) for each in self.entries.items()], list(self.tokens)

    async def enter_engine(self, entry: EngineEntry) -> None:
        self.entries[entry.node] = encode_entry(entry)

    async def remove_engines(self, *nodes: str) -> None:
        for node in nodes:
            self.entries.pop(node, None)


class StubHolder:
    """An engine without pipelines."""

    def __init__(self, store: SharedStore, node: str, *, is_alone: bool = False, began_ns: int = 1) -> None:
        self.node = node
        self.partitions: list[int] = []
        self.put_out_by = ""
        self.moves: list[tuple[str, int]] = []
        self._store = store
        self.shares = PartitionShares(
            store,
            self,
            node=node,
            began_ns=began_ns,
            partition_count=len(store.tokens),
            is_alone=is_alone,
            put_out=self._put_out,
            monotonic_ns=lambda: store.now_ns,
        )

    def _put_out(self, node: str) -> None:
        self.put_out_by = node

    def held(self) -> list[int]:
        return self.partitions

    def heed_owner(self, partition: int, token: str) -> None:
        if token.split(":")[1] != self.node:
            self.partitions.remove(partition)
            self.moves.append(("lost", partition))

    async def claim(self, partition: int) -> None:
        epoch = int(self._store.tokens[partition].partition(":")[0] or 0) + 1
        self._store.tokens[partition] = f"{epoch}:{self.node}:00"
        self.partitions.append(partition)
        self.moves.append(("claimed", partition))

    async def give(self, partition: int) -> None:
        self.partitions.remove(partition)
        self.moves.append(("gave", partition))


async def look(store: SharedStore, *holders: StubHolder, times: int = 3) -> None:
    """So many rounds of looks, a quarter of a second apart."""
    for _ in range(times):
        store.now_ns += LOOK_NS
        for holder in holders:
            await holder.shares.look()


def everything(*holders: StubHolder) -> list[int]:
    return sorted(partition for holder in holders for partition in holder.partitions)


@pytest.fixture(autouse=True)
def _quick_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partition_shares, "LOOK_S", 0.0)


def play(work: Callable[[SharedStore], object], partitions: int = 4) -> None:
    store = SharedStore(partitions)
    asyncio.run(work(store))  # type: ignore[arg-type]


def test_a_second_engine_gets_half_and_a_dead_ones_share_goes_to_the_other() -> None:
    async def work(store: SharedStore) -> None:
        one, two = StubHolder(store, "one"), StubHolder(store, "two")
        await one.shares.join()
        assert one.partitions == [0, 1, 2, 3]
        await asyncio.gather(two.shares.join(), look(store, one))
        await look(store, one, two)
        assert (len(one.partitions), len(two.partitions)) == (2, 2)
        assert everything(one, two) == [0, 1, 2, 3]
        assert [move for move, _ in one.moves].count("gave") == 2, "and no more"
        await look(store, one, times=4)
        assert len(one.partitions) == 2, "it may only be slow"
        await look(store, one, times=8)
        assert everything(one) == [0, 1, 2, 3]
        again = StubHolder(store, "two", began_ns=2)
        await asyncio.gather(again.shares.join(), look(store, one))
        await look(store, one, again)
        assert everything(one, again) == [0, 1, 2, 3]
        assert len(again.partitions) == 2

    play(work)


def test_who_leaves_is_followed_at_the_next_look() -> None:
    async def work(store: SharedStore) -> None:
        one, two = StubHolder(store, "one"), StubHolder(store, "two")
        await one.shares.join()
        await asyncio.gather(two.shares.join(), look(store, one))
        two.partitions.clear()
        await two.shares.leave()
        await look(store, one, times=1)
        assert everything(one) == [0, 1, 2, 3]

    play(work)


def test_an_engine_that_was_taken_for_dead_loses_what_was_claimed_and_joins_again() -> None:
    async def work(store: SharedStore) -> None:
        one, two = StubHolder(store, "one"), StubHolder(store, "two")
        await one.shares.join()
        await asyncio.gather(two.shares.join(), look(store, one))
        await look(store, one, times=12)
        assert everything(one) == [0, 1, 2, 3]
        await look(store, two, one)
        assert [move for move, _ in two.moves].count("lost") == 2
        assert everything(one, two) == [0, 1, 2, 3]
        assert (len(one.partitions), len(two.partitions)) == (2, 2)

    play(work)


def test_more_engines_than_partitions_are_refused_while_these_live() -> None:
    async def work(store: SharedStore) -> None:
        one, two = StubHolder(store, "one"), StubHolder(store, "two")
        await one.shares.join()
        await asyncio.gather(two.shares.join(), look(store, one))
        three = StubHolder(store, "three")

        async def live() -> None:
            while True:
                await look(store, one, two, times=1)
                await asyncio.sleep(0)

        living = asyncio.ensure_future(live())
        with pytest.raises(StoreError, match=r"2 partitions.*one, two"):
            await three.shares.join()
        living.cancel()
        assert "three" not in store.entries

        async def time_passes() -> None:
            while not three.partitions:
                store.now_ns += LOOK_NS
                await one.shares.look()
                await asyncio.sleep(0)

        await asyncio.gather(three.shares.join(), time_passes())
        assert everything(one, three) == [0, 1]
        assert "two" not in store.entries

    play(work, partitions=2)


def test_an_engine_with_a_front_end_of_its_own_puts_the_others_out_and_shares_with_none() -> None:
    async def work(store: SharedStore) -> None:
        one, alone = StubHolder(store, "one"), StubHolder(store, "alone", is_alone=True)
        await one.shares.join()
        await alone.shares.join()
        await look(store, one)
        assert one.put_out_by == "alone"
        assert set(store.entries) == {"alone"}, "who was put out says nothing more"
        two = StubHolder(store, "two")

        async def live() -> None:
            while True:
                await alone.shares._say()
                await asyncio.sleep(0)

        living = asyncio.ensure_future(live())
        with pytest.raises(StoreError, match="engine alone has Diameter in its own process"):
            await two.shares.join()
        living.cancel()

    play(work)


def test_a_later_process_of_the_same_name_puts_the_earlier_one_out_though_the_clock_went_back() -> None:
    async def work(store: SharedStore) -> None:
        one, later = StubHolder(store, "one", began_ns=9), StubHolder(store, "one", began_ns=5)
        await one.shares.join()
        await later.shares.join()
        assert everything(later) == [0, 1, 2, 3]
        await look(store, one, later)
        assert (one.put_out_by, later.put_out_by) == ("one", "")

    play(work)

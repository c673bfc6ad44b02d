"""One engine's part in sharing the partitions among engines: it beats, judges who lives, gives and claims what is due.

Everything is a look, several times a second, at what the engines say of themselves in the store (balances/engines.py). A
partition whose engine died is claimed by another within SILENT_NS and a look; one that is to move is drained first.
"""

import asyncio
import time
from collections.abc import Callable, Collection
from typing import Final, Protocol

import structlog

from balances.engines import BeatWatch, EngineEntry, holders_of, share_out
from balances.store import StoreError

LOOK_S: Final = 0.25


class EngineEntries(Protocol):
    """What is asked of the store."""

    async def engine_entries(self) -> tuple[list[EngineEntry], list[str]]:
        """All entries, and the owner's token of each partition."""

    async def enter_engine(self, entry: EngineEntry) -> None:
        """Write an entry."""

    async def remove_engines(self, *nodes: str) -> None:
        """Remove entries."""


class PartitionHolder(Protocol):
    """The engine."""

    def held(self) -> Collection[int]:
        """Partitions that it decides."""

    def heed_owner(self, partition: int, token: str) -> None:
        """The owner's token of a partition that it decides, as the store has it."""

    async def claim(self, partition: int) -> None:
        """Become the owner, and decide from now on. StoreError where that can't be now."""

    async def give(self, partition: int) -> None:
        """Decide nothing more of it; done once what was under way is."""


class PartitionShares:
    """Holds this engine's share of the partitions.

    is_alone   it has taken every partition itself, and only says so
    put_out    called with the node of who has put this engine out: another process of its name, or one that is alone
    """

    def __init__(
        self,
        store: EngineEntries,
        holder: PartitionHolder,
        *,
        node: str,
        began_ns: int,
        partition_count: int,
        is_alone: bool,
        put_out: Callable[[str], None],
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._store = store
        self._holder = holder
        self._node = node
        self._began_ns = began_ns
        self._partition_count = partition_count
        self._is_alone = is_alone
        self._put_out = put_out
        self._monotonic_ns = monotonic_ns
        self._watch = BeatWatch()
        self._beat = 0
        self._is_out = False
        self._log = structlog.get_logger(process="engine")

    async def join(self) -> None:
        """Enter, and look until this engine holds a share.

        StoreError: there are as many engines as partitions already, or one that shares with nobody.
        """
        entries, _ = await self._store.engine_entries()
        before = max((entry.began_ns for entry in entries if entry.node == self._node), default=0)
        self._began_ns = max(self._began_ns, before + 1)  # though the clock went back
        if self._is_alone:
            await self._store.remove_engines(*(entry.node for entry in entries))
            await self._say()
            return
        await self._await_room()
        await self._say()
        while not self._holder.held():
            wanted = await self.look()
            if self._node not in wanted:
                await self.leave()
                entries, _ = await self._store.engine_entries()
                raise StoreError(self._why_not(self._living_others(entries), None))
            if not self._holder.held():
                await asyncio.sleep(LOOK_S)

    async def _await_room(self) -> None:
        """Until there is a partition for this engine, or it is certain that there is none. StoreError."""
        while True:
            entries, _ = await self._store.engine_entries()
            others = self._living_others(entries)
            alone = next((entry for entry in others if entry.is_alone), None)
            if alone is None and len(others) < self._partition_count:
                return
            if await self._all_beat(others):
                raise StoreError(self._why_not(others, alone))

    async def _all_beat(self, others: Collection[EngineEntry]) -> bool:
        """Watch for a moment: do all of these live? Dead ones are out of the next look at who lives."""
        await asyncio.sleep(2 * LOOK_S)
        entries, _ = await self._store.engine_entries()
        beats = {entry.identity: entry.beat for entry in entries}
        return all(beats.get(entry.identity, -1) > entry.beat for entry in others)

    def _why_not(self, others: Collection[EngineEntry], alone: EngineEntry | None) -> str:
        if alone is not None:
            return (
                f"engine {alone.node} has Diameter in its own process, and every partition with it: start that one with"
                " --no-gy (farebox up: --front-ends 1 or more) to share them, or stop it"
            )
        return (
            f"the store has {self._partition_count} partitions, and as many engines have one each"
            f" ({', '.join(sorted(entry.node for entry in others))}): stop one of them, or leave this one out"
        )

    def _living_others(self, entries: Collection[EngineEntry]) -> list[EngineEntry]:
        """Entries of other engines that live."""
        silent = self._watch.silent(entries, self._monotonic_ns())
        return [entry for entry in entries if entry.node not in silent and entry.node != self._node]

    async def run(self) -> None:
        """Look, until this engine is put out."""
        while not self._is_out:
            await asyncio.sleep(LOOK_S)
            try:
                if self._is_alone:
                    await self._say()
                else:
                    await self.look()
            except (StoreError, OSError):
                continue  # the pipelines say that the store is away

    async def look(self) -> list[str]:
        """Say that this engine lives; see who does; give and claim. Who is to hold each partition."""
        entries, tokens = await self._store.engine_entries()
        others = self._living_others(entries)
        above = [entry for entry in others if entry.is_alone]
        above += [entry for entry in entries if entry.node == self._node and entry.began_ns > self._began_ns]
        if above:
            self._is_out = True
            self._put_out(above[0].node)
            return []
        for partition in list(self._holder.held()):
            self._holder.heed_owner(partition, tokens[partition])
        dead = {entry.node for entry in entries} - {entry.node for entry in others} - {self._node}
        if dead:
            self._log.warning("engines are silent, their partitions are shared out", engines=sorted(dead))
            await self._store.remove_engines(*dead)
        living = [*others, await self._say()]
        holders = holders_of(self._partition_count, living, [_node_of(token) for token in tokens])
        wanted = share_out(holders, {entry.node for entry in living})
        await self._follow(holders, wanted)
        return wanted

    async def _follow(self, holders: list[str], wanted: list[str]) -> None:
        """Give what another is to have, claim what nobody holds and this engine is to have; say so at once."""
        given = [partition for partition in self._holder.held() if wanted[partition] != self._node]
        if given:
            await asyncio.gather(*map(self._holder.give, given))
            self._log.info("partitions given to other engines", partitions=given)
        claimed = [
            partition
            for partition, holder in enumerate(holders)
            if not holder and wanted[partition] == self._node and partition not in self._holder.held()
        ]
        for partition in claimed:
            await self._holder.claim(partition)
        if claimed:
            self._log.info("partitions claimed", partitions=claimed)
        if given or claimed:
            await self._say()

    async def _say(self) -> EngineEntry:
        self._beat += 1
        entry = EngineEntry(self._node, self._began_ns, self._beat, self._is_alone, frozenset(self._holder.held()))
        await self._store.enter_engine(entry)
        return entry

    async def leave(self) -> None:
        """This engine has drained: others take its partitions at their next look."""
        await self._store.remove_engines(self._node)


def _node_of(token: str) -> str:
    """Node of an owner's token `<epoch>:<node>:<digits>`."""
    return token.split(":")[1] if token.count(":") == 2 else ""

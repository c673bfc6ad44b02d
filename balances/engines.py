"""Which engine has which partitions: what engines say of themselves in the store, who of them lives, and whose turn it is.

Each engine writes an entry, again and again, with a beat that goes up and the partitions that it holds. The others judge by
the beat, on their own clock, who lives. From what is held and who lives each comes by itself to the same shares; who is
to have a partition that nobody holds claims it, which fences whoever had it before (balances/store.py). So a wrong
judgement costs a move, and never money.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple

from vocabulary.instants import NS_PER_S

SILENT_NS: Final = 2 * NS_PER_S
"""An engine whose beat stood still for so long is taken for dead."""
OWN_GAP_NS: Final = NS_PER_S
"""Who didn't look for so long doesn't know how long others were silent, and begins to count anew."""


class EngineEntry(NamedTuple):
    """What one engine says of itself."""

    node: str
    began_ns: int
    """when its process began: of two with one name the later one is meant"""
    beat: int
    is_alone: bool
    """It takes every partition, and shares with nobody."""
    holds: frozenset[int] = frozenset()
    """partitions"""

    @property
    def identity(self) -> tuple[str, int]:
        """Which process it is."""
        return self.node, self.began_ns


def encode_entry(entry: EngineEntry) -> str:
    """An entry as it stands in the store."""
    held = ",".join(map(str, sorted(entry.holds)))
    return f"{entry.began_ns} {entry.beat} {'alone' if entry.is_alone else 'shares'} {held}"


def decode_entry(node: str, text: str) -> EngineEntry:
    """ValueError where it is none."""
    began, beat, how, held = text.split(" ")
    if how not in ("alone", "shares"):
        raise ValueError(f"the entry of engine {node} says {how}")
    return EngineEntry(
        node, int(began), int(beat), how == "alone", frozenset(map(int, held.split(","))) if held else frozenset()
    )


class BeatWatch:
    """Judges by their beats which engines live."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, int], tuple[int, int]] = {}
        """(beat, since when) by process"""
        self._looked_ns = 0

    def silent(self, entries: Collection[EngineEntry], now_ns: int) -> set[str]:
        """Nodes whose beat stands still since SILENT_NS; call with all entries, again and again.

        now_ns   of a clock that never goes back
        """
        if now_ns - self._looked_ns > OWN_GAP_NS:
            self._seen.clear()
        self._looked_ns = now_ns
        before, self._seen = self._seen, {}
        for entry in entries:
            beat, since_ns = before.get(entry.identity, (-1, now_ns))
            self._seen[entry.identity] = (entry.beat, since_ns if beat == entry.beat else now_ns)
        return {node for (node, _), (_, since_ns) in self._seen.items() if now_ns - since_ns > SILENT_NS}


def holders_of(partition_count: int, living: Collection[EngineEntry], owners: Sequence[str]) -> list[str]:
    """Node that holds each partition, '' where no living engine does.

    owners   nodes of the owners' tokens, by partition: they decide where two say that they hold one
    """
    holders = [""] * partition_count
    for entry in sorted(living):
        for partition in entry.holds:
            if partition < partition_count and (not holders[partition] or owners[partition] == entry.node):
                holders[partition] = entry.node
    return holders


def share_out(holders: Sequence[str], nodes: Collection[str]) -> list[str]:
    """Who is to hold each partition: equal shares, with as few moves from `holders` as there can be.

    The same for all that know the same. Every node gets one at least where there are enough.
    """
    if not nodes:
        return [""] * len(holders)
    counts: Mapping[str, int] = {node: sum(holder == node for holder in holders) for node in nodes}
    order = sorted(nodes, key=lambda node: (-counts[node], node))
    each, more = divmod(len(holders), len(order))
    room = {node: each + (place < more) for place, node in enumerate(order)}
    wanted = [""] * len(holders)
    for partition, holder in enumerate(holders):
        if room.get(holder, 0) > 0:
            wanted[partition] = holder
            room[holder] -= 1
    free = [node for node in sorted(nodes) for _ in range(room[node])]
    for partition, node in enumerate(wanted):
        if not node:
            wanted[partition] = free.pop(0)
    return wanted

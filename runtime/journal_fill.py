"""How much journal of a partition lies in the store, counted by its owner: what it wrote, less what may be trimmed.

The store could be asked (MEMORY USAGE), but walks the stream to answer, and the owner of a partition is its only writer.
"""

from collections import deque
from typing import Final

from balances.store import EntryId

CHUNKS_MAX: Final = 4096
_FIRST_CHUNK_OCTETS: Final = 4096


class JournalFill:
    """Octets of entries that aren't archived and read yet, oldest first.

    Entries are counted in chunks, so that a journal of any length takes at most CHUNKS_MAX of them: a full list is made
    half as long and its chunks twice as big. A chunk is given back as a whole, once its last entry may go.
    """

    def __init__(self) -> None:
        self.octets = 0
        self._chunks: deque[tuple[EntryId, int]] = deque()
        self._chunk_octets = _FIRST_CHUNK_OCTETS

    def begin(self, tail: EntryId, octets: int) -> None:
        """Forget all that was counted: up to `tail` the store holds so many octets."""
        self._chunks.clear()
        self._chunks.append((tail, octets))
        self._chunk_octets = _FIRST_CHUNK_OCTETS
        self.octets = octets

    def add(self, entry_id: EntryId, octets: int) -> None:
        """An entry was written behind all others."""
        self.octets += octets
        if self._chunks and self._chunks[-1][1] + octets <= self._chunk_octets:
            self._chunks[-1] = (entry_id, self._chunks[-1][1] + octets)
            return
        if len(self._chunks) == CHUNKS_MAX:
            self._join_pairs()
        self._chunks.append((entry_id, octets))

    def _join_pairs(self) -> None:
        self._chunk_octets *= 2
        chunks = list(self._chunks)
        pairs = zip(chunks[::2], chunks[1::2], strict=True)
        self._chunks = deque((last_id, first_octets + octets) for (_, first_octets), (last_id, octets) in pairs)

    def octets_behind(self, read_to: EntryId) -> int:
        """Octets of entries that who has read up to this one has not read."""
        read = 0
        for last_id, octets in self._chunks:
            if last_id > read_to:
                break
            read += octets
        return self.octets - read

    def release(self, until: EntryId) -> None:
        """Entries up to this one are archived and read by all who read the stream: they go, or went, any moment."""
        while self._chunks and self._chunks[0][0] <= until:
            self.octets -= self._chunks.popleft()[1]

"""The entries that an owner writes: their ids, what each follows, and which lost ones of a store that went back they name."""

from balances.store import EntryId, Ownership


def lost_ids(ownership: Ownership, last: EntryId, stored: EntryId) -> tuple[str, ...]:
    """Ids of this owner and of the tail that it found that a store with the tail `stored` has no more.

    last   the last entry of the owner that the store is known to have had
    """
    found = ownership.tail
    ids: list[EntryId] = []
    if found > stored:
        ids.extend(EntryId(found.epoch, number) for number in range(_first_lost(found, stored), found.number + 1))
    if last.epoch == ownership.epoch:
        ids.extend(EntryId(last.epoch, number) for number in range(_first_lost(last, stored), last.number + 1))
    return tuple(map(str, ids))


def _first_lost(last: EntryId, stored: EntryId) -> int:
    """Number of the first entry of `last`'s epoch that a store with the tail `stored` does not have."""
    return stored.number + 1 if stored.epoch == last.epoch else 1


class Voids:
    """Ids of lost entries that the journal has to name. Who named some may be lost itself: then they are to be named again."""

    def __init__(self) -> None:
        self._due: tuple[str, ...] = ()
        self._named: list[tuple[EntryId, tuple[str, ...]]] = []
        """by the entry that names them; some for each time that a store went back"""

    def take(self, entry_id: EntryId) -> tuple[str, ...]:
        """Those that this entry is to name; none are left to others."""
        due, self._due = self._due, ()
        if due:
            self._named.append((entry_id, due))
        return due

    def add(self, lost: tuple[str, ...], stored: EntryId) -> None:
        """The store has the tail `stored`, and has lost these, and whatever named others behind it."""
        again = (name for entry_id, names in self._named if entry_id > stored for name in names)
        self._named = [(entry_id, names) for entry_id, names in self._named if entry_id <= stored]
        self._due = tuple(dict.fromkeys((*self._due, *again, *lost)))


class OwnEntries:
    """The chain of one owner's entries, up to the last that was made."""

    def __init__(self, ownership: Ownership) -> None:
        self.ownership = ownership
        """the claim under which they are written"""
        self._last = ownership.tail
        self._next_number = 1
        self._voids = Voids()

    def next(self) -> tuple[EntryId, EntryId, tuple[str, ...]]:
        """Of the next entry: what it follows, its own id, and the lost ones that it names."""
        follows, self._last = self._last, EntryId(self.ownership.epoch, self._next_number)
        self._next_number += 1
        return follows, self._last, self._voids.take(self._last)

    def take_back(self, follows: EntryId, last: EntryId) -> None:
        """The last entry that was made isn't in the store, and never will be: its id and what it names are the next one's."""
        self._last, self._next_number = follows, last.number
        self._voids.add((), follows)

    def claim_again(self, ownership: Ownership, last: EntryId | None) -> None:
        """A store that went back was claimed again: entries that it lost are named by the next.

        last   the last entry that the store is known to have had; None: the last that was made
        """
        self._voids.add(lost_ids(self.ownership, last or self._last, ownership.tail), ownership.tail)
        self.ownership = ownership
        self._last, self._next_number = ownership.tail, 1

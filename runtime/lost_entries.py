"""Which entries of the journal a store that went back has lost, as far as their owner knows."""

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

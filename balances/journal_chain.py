"""Which journal entries count: each names the one that it follows, and the chain back from the last is the journal.

A store that was restored, failed over or lost its last second goes on from an older entry, under a higher epoch. Its
first entry names that older one, and whatever was archived between the two is void. Nothing else may break the chain:
inside an epoch an entry follows the one before it, else entries are missing and a reader must not go on.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from balances.store import EntryId

NO_ENTRY = EntryId(0, 0)
"""What the first entry of a journal follows."""


class JournalGapError(Exception):
    """Entries are missing between two others; the message names the ids."""


@dataclass(frozen=True, slots=True)
class Link:
    """An entry and the one that it follows."""

    entry_id: EntryId
    follows: EntryId


def goes_back(partition: int, last: EntryId, link: Link) -> bool:
    """Does the entry behind `last` go back to an older one, voiding what lies between? JournalGapError for a gap."""
    if link.entry_id <= last:
        raise JournalGapError(f"partition {partition}: entry {link.entry_id} comes after {last} and is not newer")
    if link.follows == last:
        return False
    if link.follows > last:
        raise JournalGapError(
            f"partition {partition}: entries after {last} up to {link.follows} are missing before {link.entry_id}: restore"
            f" the segment files that hold them"
        )
    if link.entry_id.epoch == last.epoch:
        raise JournalGapError(
            f"partition {partition}: entry {link.entry_id} follows {link.follows} instead of {last}, inside one epoch: two"
            f" writers, or files of another store"
        )
    return True


def voided_by(partition: int, last: EntryId, link: Link, archived: Iterable[Link]) -> list[EntryId]:
    """Ids that count until `link` comes and not from then on, newest first.

    archived   entries of the journal at least from the one behind `link.follows` to `last`, in any order
    JournalGapError where `link.follows` is not on the chain back from `last`.
    """
    before = {known.entry_id: known.follows for known in archived}
    voided = []
    at = last
    while at != link.follows:
        if at not in before or at < link.follows:
            raise JournalGapError(
                f"partition {partition}: entry {link.entry_id} follows {link.follows}, which is not on the way back from"
                f" {last}: the store goes on from entries that were void or are not archived"
            )
        voided.append(at)
        at = before[at]
    return voided


def counting_ids(partition: int, links: Iterable[Link]) -> list[EntryId]:
    """Ids of the entries that count, oldest first, of a whole journal in the order of its files. JournalGapError."""
    before: dict[EntryId, EntryId] = {}
    last = NO_ENTRY
    for link in links:
        if goes_back(partition, last, link) and link.follows != NO_ENTRY and link.follows not in before:
            raise JournalGapError(
                f"partition {partition}: entry {link.entry_id} follows {link.follows}, which is not archived"
            )
        before[link.entry_id] = link.follows
        last = link.entry_id
    counting = []
    while last != NO_ENTRY:
        counting.append(last)
        last = before[last]
    counting.reverse()
    return counting

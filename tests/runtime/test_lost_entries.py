"""Lost entries are named by the journal, also where who named them is lost."""

from balances.store import EntryId
from runtime.lost_entries import Voids


def test_what_a_lost_entry_named_is_named_again() -> None:
    voids = Voids()
    voids.add(("1-8", "1-9"), EntryId(1, 7))
    assert voids.take(EntryId(2, 1)) == ("1-8", "1-9")
    assert voids.take(EntryId(2, 2)) == ()
    voids.add(("2-1", "2-2"), EntryId(1, 7))
    assert voids.take(EntryId(3, 1)) == ("1-8", "1-9", "2-1", "2-2")
    voids.add(("3-2",), EntryId(3, 1))
    assert voids.take(EntryId(4, 1)) == ("3-2",), "the store has who named the others"
    voids.add(("4-1", "3-2"), EntryId(3, 1))
    assert voids.take(EntryId(5, 1)) == ("3-2", "4-1"), "each once"


def test_what_nobody_named_yet_stays_due() -> None:
    voids = Voids()
    voids.add(("1-8",), EntryId(1, 7))
    voids.add(("1-7",), EntryId(1, 6))
    assert voids.take(EntryId(3, 1)) == ("1-8", "1-7")

"""Which entries count, against a plain walk: entries missing or void are found, whatever the order of losses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balances.journal_chain import NO_ENTRY, JournalGapError, Link, counting_ids, goes_back, voided_by
from balances.store import EntryId


def link(text, follows):
    return Link(EntryId.parse(text), EntryId.parse(follows))


def test_an_entry_follows_the_one_before():
    assert not goes_back(0, NO_ENTRY, link("5-1", "0-0"))
    assert not goes_back(0, EntryId(5, 1), link("5-2", "5-1"))
    assert not goes_back(0, EntryId(5, 9), link("7-1", "5-9"))


@pytest.mark.parametrize(
    ("last", "next_link", "says"),
    [
        ("5-1", link("5-3", "5-2"), r"after 5-1 up to 5-2 are missing before 5-3"),
        ("0-0", link("5-9", "5-8"), r"after 0-0 up to 5-8 are missing"),
        ("5-3", link("5-4", "5-2"), r"inside one epoch"),
        ("5-3", link("5-3", "5-2"), r"is not newer"),
        ("5-3", link("4-9", "4-8"), r"is not newer"),
    ],
)
def test_a_gap_is_refused_with_its_ids(last, next_link, says):
    with pytest.raises(JournalGapError, match=says):
        goes_back(0, EntryId.parse(last), next_link)


def test_a_later_epoch_voids_what_lies_between():
    archived = [link("5-1", "0-0"), link("5-2", "5-1"), link("5-3", "5-2"), link("5-4", "5-3")]
    back = link("6-1", "5-2")
    assert goes_back(0, EntryId(5, 4), back)
    assert voided_by(0, EntryId(5, 4), back, archived) == [EntryId(5, 4), EntryId(5, 3)]
    again = [*archived, back, link("6-2", "6-1")]
    assert voided_by(0, EntryId(6, 2), link("7-1", "5-1"), again) == [EntryId(6, 2), EntryId(6, 1), EntryId(5, 2)]


def test_going_on_from_a_void_entry_is_refused():
    archived = [link("5-1", "0-0"), link("5-2", "5-1"), link("6-1", "5-1")]
    with pytest.raises(JournalGapError, match="not on the way back"):
        voided_by(0, EntryId(6, 1), link("7-1", "5-2"), archived)


@given(st.lists(st.integers(0, 8), min_size=1, max_size=30))
def test_counting_entries_are_the_ways_that_no_later_entry_left(losses):
    """Each step loses so many of the last entries that count (0: none) and writes one more."""
    counting, links, epoch, number = [], [], 1, 0
    for lost in losses:
        last = links[-1].entry_id if links else NO_ENTRY
        kept = counting[: max(len(counting) - lost, 0)]
        voided = counting[len(kept) :]
        if voided:
            epoch, number = epoch + 1, 0
        number += 1
        new = Link(EntryId(epoch, number), kept[-1] if kept else NO_ENTRY)
        assert goes_back(0, last, new) == bool(voided)
        assert voided_by(0, last, new, links) == voided[::-1]
        counting = [*kept, new.entry_id]
        links.append(new)
        assert counting_ids(0, links) == counting

"""How much journal there is, against a plain list of entries."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from balances.store import EntryId
from runtime import journal_fill
from runtime.journal_fill import CHUNKS_MAX, JournalFill


def test_what_was_written_before_goes_once_its_tail_may() -> None:
    fill = JournalFill()
    fill.begin(EntryId(5, 100), 70_000)
    fill.add(EntryId(7, 1), 900)
    assert fill.octets == 70_900
    assert [fill.octets_behind(EntryId(*read)) for read in ((0, 0), (5, 99), (5, 100), (7, 0), (7, 1), (8, 0))] == [
        70_900,
        70_900,
        900,
        900,
        0,
        0,
    ]
    fill.release(EntryId(5, 99))
    assert fill.octets == 70_900
    fill.release(EntryId(5, 100))
    assert fill.octets == 900
    fill.release(EntryId(7, 1))
    assert fill.octets == 0
    fill.begin(EntryId(8, 1), 10)
    assert fill.octets == 10


@settings(max_examples=100)
@given(
    st.lists(st.tuples(st.integers(1, 9000), st.integers(0, 3)), min_size=1, max_size=200),
    st.integers(0, 200),
)
def test_counts_what_a_list_of_entries_counts_up_to_one_chunk(rows: list[tuple[int, int]], until: int) -> None:
    """Never less than what is there; more by less than the chunk in which the release ends. Epochs only rise."""
    fill, entries, epoch = JournalFill(), [], 1
    for number, (octets, more) in enumerate(rows):
        epoch += more
        entry_id = EntryId(epoch, number)
        fill.add(entry_id, octets)
        entries.append((entry_id, octets))
    assert all(one[0] < other[0] for one, other in pairwise(entries))
    assert fill.octets == sum(octets for _, octets in entries)
    place = min(until, len(entries) - 1)
    fill.release(entries[place][0])
    left = sum(octets for _, octets in entries[place + 1 :])
    assert left <= fill.octets < left + 9000 + 4096
    fill.release(entries[-1][0])
    assert fill.octets == 0


def test_a_journal_of_any_length_takes_a_bounded_list() -> None:
    fill = JournalFill()
    count = 20 * CHUNKS_MAX
    for number in range(count):
        fill.add(EntryId(1, number), 3000)
    assert fill.octets == 3000 * count
    assert len(fill._chunks) <= CHUNKS_MAX
    fill.release(EntryId(1, count // 2 - 1))
    exact = 3000 * count // 2
    assert exact <= fill.octets <= exact + 3000 * count * 2 // journal_fill.CHUNKS_MAX
    fill.release(EntryId(1, count - 1))
    assert (fill.octets, len(fill._chunks)) == (0, 0)

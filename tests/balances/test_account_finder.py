"""The finder against a dict, in a table so small that digests collide and it fills up."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from balances.account_finder import CAPACITY, find_account, new_account_finder, remember_account

SMALL = 16
FULL = SMALL * 3 // 4
halves = st.sampled_from((0, 1, 2, 15, 16, 17, 2**63, 2**64 - 1))
digests = st.tuples(halves, halves).filter(any)
moves = st.lists(st.tuples(digests, st.integers(1, 2**62), st.integers(0, 2**31 - 1)), max_size=60)


def found(finder, digest):
    place = find_account(finder, np.uint64(digest[0]), np.uint64(digest[1]))
    return None if place < 0 else tuple(finder.places[place].tolist()[2:])


@settings(max_examples=100)
@given(moves=moves, asked=st.lists(digests, max_size=8))
def test_finds_what_a_dict_finds(moves, asked):
    finder = new_account_finder(SMALL)
    plain = {}
    for digest, account_id, epoch in moves:
        if digest not in plain and len(plain) == FULL:
            plain.clear()
        plain[digest] = (account_id, epoch)
        remember_account(finder, np.uint64(digest[0]), np.uint64(digest[1]), account_id, epoch)
        assert finder.entries[0] == len(plain)
    for digest in [*plain, *asked, *(digest for digest, _, _ in moves)]:
        assert found(finder, digest) == plain.get(digest)


def test_table_takes_as_many_places_as_it_says():
    assert new_account_finder().places.shape == (CAPACITY,)
    with pytest.raises(AssertionError):
        new_account_finder(12)

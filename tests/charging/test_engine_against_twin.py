"""Kernels and the plain twin, side by side under Hypothesis: same answers, records, journal and money for any traffic.

A test case is a catalogue, a few accounts and a script of moves.
"""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charging.batch import INITIAL
from tests.charging.drawn import TRIED, accounts, catalogues, moves
from tests.charging.traffic import START_NS, Traffic
from tests.reference.account import Account, Bucket
from tests.reference.requests import CreditControl
from tests.reference.side_by_side import SideBySide
from tests.reference.tariffs import Catalogue
from vocabulary.outcomes import Outcome


@pytest.mark.usefixtures("warm_engine")
@TRIED
@given(
    catalogue=catalogues(),
    first=accounts(1),
    second=accounts(2),
    never_counts=st.booleans(),
    command_level_limit=st.booleans(),
    script=st.lists(moves, min_size=5, max_size=40),
)
def test_any_traffic_is_decided_as_the_page_says(
    catalogue: Catalogue,
    first: Account,
    second: Account,
    never_counts: bool,
    command_level_limit: bool,
    script: list[tuple[Any, ...]],
) -> None:
    """Answers, records, journal rows and movements are equal, and every bucket changes by its movements alone."""
    traffic = Traffic(SideBySide(catalogue, (first, second)), never_counts, command_level_limit)
    for move in script:
        traffic.play(move)
    traffic.finish()


def test_a_request_that_the_codec_refused_is_passed_on() -> None:
    """An outcome that came with the row leaves with it, and nothing moves."""
    sides = SideBySide(Catalogue(), (Account(1, buckets=[Bucket(1, remaining=100)]),))
    request = CreditControl(1, (1, 1), INITIAL, 0, 1, START_NS, outcome=Outcome.INVALID_AVP_VALUE)
    assert sides.decide([request], START_NS)[0].outcome == Outcome.INVALID_AVP_VALUE

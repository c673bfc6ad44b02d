"""Kernels are compiled before a test's time is counted."""

import pytest

from tests.reference.account import Account, Bucket
from tests.reference.requests import CreditControl
from tests.reference.side_by_side import SideBySide
from tests.reference.tariffs import Catalogue


@pytest.fixture(scope="session")
def warm_engine() -> None:
    """`decide` and what it calls are compiled, or loaded from the cache."""
    sides = SideBySide(Catalogue(), (Account(1, buckets=[Bucket(1, remaining=100)]),))
    sides.decide([CreditControl(1, (1, 1), 1, 0, 1, 1)], 1)

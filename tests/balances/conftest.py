"""Traffic that the tests of this folder plant mistakes in."""

import pytest

from tests.balances.audited_traffic import RandomTraffic, played


@pytest.fixture(scope="module")
def traffic() -> RandomTraffic:
    """Sound; who changes its entries or records changes a copy."""
    traffic = played(1)
    assert traffic.audit().is_sound
    return traffic

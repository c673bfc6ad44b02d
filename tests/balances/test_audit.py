"""The audit is silent about journals that the engine's kernels made, and its totals are what accounts were given and paid."""

import pytest

from balances.audit import audit_partition
from balances.journal import MovementKind
from balances.queries import decode_record
from balances.store import EntryId
from tests.balances.audited_traffic import played
from vocabulary.units import Unit


@pytest.mark.parametrize("seed", range(12))
def test_what_the_engine_decided_is_sound(seed):
    report = played(seed, 60).audit()
    assert [str(fault) for fault in report.faults] == []
    assert report.is_sound

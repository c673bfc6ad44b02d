"""A journal in segment files, for the tests of this folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cdr.journals import Journal


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """Partition 0, in small segments."""
    journal = Journal(tmp_path / "segments", segment_octets=20_000)
    yield journal
    journal.close()

"""What holds for every test."""

import os
import sys
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import settings

# Tests start some hundred processes of ours: each would compile all sources anew where bytecode isn't kept.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

settings.register_profile("farebox", deadline=None)  # the first example may compile kernels, the second doesn't
settings.load_profile("farebox")


@pytest.fixture(autouse=True)
def _logs_end_with_their_test() -> Iterator[None]:
    """Whoever configures logs writes to a stream that is gone with its test: the next one that logs would fail."""
    yield
    structlog.reset_defaults()

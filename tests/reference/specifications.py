"""Where the specifications and captures lie that some tests compare with; they are not part of this repository."""

import os
from pathlib import Path

import pytest

VARIABLE = "FAREBOX_SPECS"
REQUIRED = "FAREBOX_SPECS_REQUIRED"
"""Set where a run must not pass for want of them: what needs them fails then, instead of being skipped."""


def specifications() -> Path:
    """The folder that FAREBOX_SPECS names; the test is skipped without one, or fails where it is required."""
    folder = os.environ.get(VARIABLE, "")
    if folder and Path(folder).is_dir():
        return Path(folder)
    says = f"{VARIABLE} is {folder!r}: name the folder of specifications and captures"
    if folder or os.environ.get(REQUIRED):
        pytest.fail(says)
    pytest.skip(says)

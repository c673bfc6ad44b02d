"""What holds for every test."""

import ctypes
import functools
import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
import structlog
from hypothesis import settings

# Tests start some hundred processes of ours: each would compile all sources anew where bytecode isn't kept.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

settings.register_profile("farebox", deadline=None)  # the first example may compile kernels, the second doesn't
settings.load_profile("farebox")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with tests of a long time limit first, so that what runs last is short and workers end together."""
    limits_s: dict[Path, float] = {}
    for item in items:
        marker = item.get_closest_marker("timeout")
        limits_s[item.path] = max(limits_s.get(item.path, 0.0), float(marker.args[0]) if marker else 0.0)
    items.sort(key=lambda item: -limits_s[item.path])
    gc.collect()
    gc.freeze()  # what all modules are made of need not be looked at again whenever a test makes garbage


_M_MMAP_THRESHOLD: Final = -3
_ARRAY_OCTETS_MIN: Final = 1 << 20


@pytest.fixture(autouse=True, scope="session")
def _arrays_are_mapped() -> None:
    """A batch's arrays go back to the system with their test: in the heap they would stay, behind what is still used."""
    if sys.platform == "linux":
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _ARRAY_OCTETS_MIN)


@pytest.fixture(autouse=True, scope="module")
def _memory_ends_with_its_module() -> Iterator[None]:
    """Smaller arrays go back here: workers grew to 3 GB without."""
    yield
    if sys.platform == "linux":
        ctypes.CDLL(None).malloc_trim(0)


@pytest.fixture(autouse=True, scope="session")
def _authorities_are_read_once() -> Iterator[None]:
    """httpx reads all the world's for each client, also where it will speak without TLS: half of the time of many tests."""
    from httpx._transports import default

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(default, "create_ssl_context", functools.cache(default.create_ssl_context))
        yield


@pytest.fixture(autouse=True)
def _logs_end_with_their_test() -> Iterator[None]:
    """Whoever configures logs writes to a stream that is gone with its test: the next one that logs would fail."""
    yield
    structlog.reset_defaults()

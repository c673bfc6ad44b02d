"""A yard of workers for tests."""

import multiprocessing
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from bss.access import Caller
from tests.bss.orchestration.worker_child import Outside
from tests.bss.orchestration.yard import Yard


@pytest.fixture
def yard(request: pytest.FixtureRequest, database_at: sa.URL, tmp_path: Path, anyone: Caller) -> Iterator[Yard]:
    """The test's module says how many numbers and SIMs there are, in LINES."""
    context = multiprocessing.get_context("forkserver")
    # so that a worker needn't import; the server is one for all tests of a process, with what the first one names
    context.set_forkserver_preload(["tests.bss.edge.relay_process", "tests.bss.orchestration.worker_child"])
    outside = Outside(address=None, authkey=b"test", ctx=context)
    outside.start()
    yard = Yard(database_at, tmp_path, anyone, outside, lines=request.module.LINES)
    yield yard
    yard.close()
    outside.shutdown()

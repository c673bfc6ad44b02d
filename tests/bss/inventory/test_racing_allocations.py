"""Several processes take numbers of one pool at the same time: nobody gets another's, and the pool ends exactly empty."""

import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from bss.access import Caller
from bss.edge.database import Database
from bss.errors import Conflict
from bss.inventory.operations import add_number, reserve
from bss.inventory.queries import resource_counts
from bss.work import Work
from tests.runtime.running_up import environment

PROCESSES = 4
NUMBERS = 400
ROOT = Path(__file__).parents[3]


def test_400_racing_allocations_give_400_numbers(database: Database, database_at: sa.URL, anyone: Caller) -> None:
    def fill(work: Work) -> None:
        for place in range(NUMBERS):
            add_number(work, number=str(491_700_000_000 + place))

    database.write(anyone, fill)
    share = NUMBERS // PROCESSES
    url = database_at.render_as_string(hide_password=False)
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.bss.inventory.allocator", url, str(place * share), str(share)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=environment(PYTHONPATH=str(ROOT)),
        )
        for place in range(PROCESSES)
    ]
    taken = [number for process in running for number in process.communicate(timeout=100)[0].split()]
    assert [process.returncode for process in running] == [0] * PROCESSES
    assert len(taken) == NUMBERS
    assert len(set(taken)) == NUMBERS
    counted = database.read(anyone, resource_counts)
    assert [(count.state, count.row_count) for count in counted] == [("reserved", NUMBERS)]
    with pytest.raises(Conflict, match="no free number"):
        database.write(anyone, lambda work: reserve(work, "msisdn", reserved_for="one more"))

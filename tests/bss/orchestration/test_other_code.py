"""Runs that other code began: a release that called its steps otherwise, and one that is gone back to. They begin anew from the
rows, and nothing is done twice.
"""

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bss.orchestration.edge.durable import code_of
from bss.orchestration.run import Ids, Run, Workflow
from bss.orders.records import Action
from bss.outbox import OUTBOX
from tests.bss.orchestration.worker_child import Told
from tests.bss.orchestration.yard import UNTIL_S, Yard

LINES = 4
EARLIER = "earlier"


class _OtherNames:
    """A run whose calls have other names."""

    def __init__(self, run: Run) -> None:
        self.workflow_id, self.read, self.commit, self._run = run.workflow_id, run.read, run.commit, run

    def write(self, name: str, function: Callable[..., Any]) -> Any:
        return self._run.write(f"old {name}", function)

    def ask(self, name: str, function: Callable[[], Any]) -> Any:
        return self._run.ask(f"old {name}", function)


def earlier(workflow: Workflow) -> Workflow:
    """What it was: with one more call at its beginning, and all under other names."""

    def called(run: Run, ids: Ids) -> None:
        run.ask("look around", lambda: None)
        workflow(_OtherNames(run), ids)

    return called


def die(yard: Yard, told: Told) -> None:
    process = yard.worker(told)
    process.join(UNTIL_S)
    assert process.exitcode == -signal.SIGKILL, yard.log(process)
    assert yard.killed_at(process) == told.points[0]


def log_of(yard: Yard) -> str:
    return yard.log(yard.started[-1][0])


@pytest.mark.timeout(200)
def test_runs_of_another_release_begin_anew_from_the_rows(yard: Yard) -> None:
    yard.place(Action.ADD)
    die(yard, Told("a", ["order.open_account.asked"], code=EARLIER, change=earlier))
    die(yard, Told("b", ["order.apply_product.asked"]))
    assert "a workflow of another release begins anew" in log_of(yard)
    die(yard, Told("c", ["order.activate_product.before"], code=EARLIER, change=earlier))
    yard.settle("d")
    yard.check()
    (product_id,) = yard.product_ids("active")

    yard.renew(product_id)
    die(yard, Told("e", ["renewal.after"], code=EARLIER, change=earlier))
    last = yard.worker(Told("f"))  # rows say that all is done: what is left is the run that didn't end
    yard.wait(lambda: "a workflow of another release begins anew" in yard.log(last), "the renewal begins anew")
    yard.end(last)
    yard.check()
    renewed = sa.select(OUTBOX.c.id).where(OUTBOX.c.kind == "ProductRenewedEvent")
    assert yard.do(lambda work: work.count(renewed)) == 1


def test_code_is_all_sources_by_name_and_contents(tmp_path: Path) -> None:
    found = set()
    for name, text in (("a.py", "x = 1"), ("b.py", "x = 1"), ("b.py", "x = 2"), ("c.txt", "x = 2")):
        (tmp_path / name).write_text(text)
        found.add(code_of.__wrapped__(tmp_path))
    assert len(found) == 3, "what is no source doesn't count"
    assert len(code_of()) == 12

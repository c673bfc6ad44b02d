"""`farebox bss-worker` as a process, and `farebox order` beside it: orders are done, in another worker after SIGKILL."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bss.access import EVERYTHING, Caller
from runtime.bss_database import open_bss_database
from runtime.kill_points import KILLED_LINE, VARIABLE
from runtime.settings import Settings, StoreSettings
from tests.bss.automation.test_rules import SAMPLE
from tests.bss.orchestration.world import seed
from tests.runtime.typed_words import typed

UNTIL_S = 60.0
NO_STORE = "redis://127.0.0.1:1/0"
ANYONE = Caller("default", "user:ann", frozenset({EVERYTHING}))


class Office:
    """A data directory, workers on it, and the command line."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        database = open_bss_database(Settings(store=StoreSettings(data_dir=folder)))
        self.customer_id, _ = seed(database, ANYONE, lines=2)
        database.close()
        self.workers: list[subprocess.Popen[bytes]] = []

    def start(self, kill_at: str = "") -> Path:
        """A worker; its log."""
        name = f"w{len(self.workers)}"
        ready, log = self.folder / f"{name}.ready", self.folder / f"{name}.log"
        command = [sys.executable, "-m", "runtime.cli.main", "bss-worker", "--data-dir", str(self.folder)]
        command += ["--store", NO_STORE, "--metrics-port", "-1", "--ready-file", str(ready)]
        environment = {**os.environ, **({VARIABLE: kill_at} if kill_at else {})}
        with log.open("wb") as output:
            self.workers.append(subprocess.Popen(command, env=environment, stdout=output, stderr=output))
        self.wait(lambda: ready.exists() or self.workers[-1].poll() is not None, log)
        return log

    def order(self, *words: str, code: int = 0) -> str:
        return self.farebox("order", *words, code=code)

    def farebox(self, *words: str, code: int = 0) -> str:
        result = typed(*words, "--data-dir", str(self.folder))
        assert result.exit_code == code, result.output
        return result.output

    def place(self, item: str, *more: str) -> str:
        return self.order("place", "--customer", self.customer_id, "--item", item, *more).strip()

    def state(self, order_id: str) -> str:
        return str(json.loads(self.order("show", order_id, "--json"))["order"]["state"])

    def wait(self, what: object, log: Path) -> None:
        ends = time.monotonic() + UNTIL_S
        while not what():  # type: ignore[operator]
            assert time.monotonic() < ends, log.read_text()[-3000:]
            if self.workers:
                try:
                    self.workers[-1].wait(0.1)
                except subprocess.TimeoutExpired:
                    continue


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    office = Office(tmp_path)
    yield office
    for worker in office.workers:
        if worker.poll() is None:
            worker.kill()
        worker.wait()


def test_an_order_goes_on_in_another_worker(office: Office) -> None:
    office.farebox("rules", "publish", str(SAMPLE), "--yes")
    order_id = office.place("add:insurance", "--key", "k1")
    assert office.place("add:insurance", "--key", "k1") == order_id
    assert office.state(order_id) == "acknowledged"
    log = office.start("order.assign_resources.after")
    office.workers[0].wait(UNTIL_S)
    assert office.workers[0].returncode == -signal.SIGKILL
    assert f"{KILLED_LINE} order.assign_resources.after" in log.read_text()
    assert office.state(order_id) == "inProgress"
    log = office.start()
    office.wait(lambda: office.state(order_id) == "completed", log)
    assert "activate_product     done" in office.order("show", order_id)
    held = office.place("add:monthly")  # no subscriber store is set
    office.wait(lambda: office.state(held) == "held", log)
    assert "set bss.hss_url" in office.order("list", "--fallout")
    office.wait(lambda: len(json.loads(office.farebox("rules", "runs", "--state", "done", "--json"))) == 2, log)
    runs = json.loads(office.farebox("rules", "runs", "--json"))
    assert {(run["rule"], run["resource_id"]) for run in runs} == {
        ("note-a-completed-order", order_id),
        ("ticket-for-a-held-order", held),
    }
    office.order("skip", held, "--note", "done by hand")
    office.workers[1].terminate()
    assert office.workers[1].wait(UNTIL_S) == 0, log.read_text()


def test_orders_by_hand(office: Office) -> None:
    plan = office.order("dry-run", "--customer", office.customer_id, "--item", "add:monthly,msisdn=48600100001")
    assert "open_account, undone by undo_account" in plan
    assert "due now: 5.00 EUR" in plan
    order_id = office.place("add:monthly", "--start", "2099-01-01T00:00:00Z")
    assert order_id in office.order("list", "--state", "pending")
    assert "cancelled" in office.order("cancel", order_id, "--reason", "changed their mind")
    assert "no step holds it" in office.order("retry", order_id, code=1)
    assert "there is no offering nothing" in office.order(
        "place", "--customer", office.customer_id, "--item", "add:nothing", code=1
    )
    assert "write add:OFFERING" in office.order("place", "--customer", office.customer_id, "--item", "add", code=2)
    assert "there is no customer" in office.order("place", "--customer", "nobody", "--item", "add:monthly", code=1)

"""`farebox rules publish | list | runs | show | replay`, `farebox hub` and `farebox order due` as somebody types them."""

import json
from pathlib import Path

import pytest

from bss.access import Caller
from bss.deliveries import unspread_events
from bss.due import schedule
from bss.edge.database import Database, database_url
from bss.orchestration.automation_steps import automation_flow, automation_steps
from bss.orchestration.event_rules import EventRules
from bss.orchestration.ports import Ports
from bss.orchestration.run import RESOURCE_ID
from bss.orchestration.worker_tables import read_release
from tests.bss.automation.test_rules import SAMPLE
from tests.bss.conftest import NOW_NS
from tests.bss.orchestration.plain_run import PlainRun
from tests.runtime.typed_words import Result, typed


class Farebox:
    """The commands, on one data directory."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir

    def __call__(self, *words: str, expect: int = 0) -> Result:
        result = typed(*words, "--data-dir", str(self.data_dir))
        assert result.exit_code == expect, result.output
        return result


@pytest.fixture
def farebox(tmp_path: Path) -> Farebox:
    return Farebox(tmp_path / "data")


def happen(data_dir: Path) -> None:
    """An order falls out; then rules run, as in a worker."""
    caller = Caller("default", "test", frozenset({"*"}))
    database = Database(database_url("", data_dir), now_ns=lambda: NOW_NS)
    kind, resource = "ProductOrderStateChangeEvent", "productOrder"
    database.write(caller, lambda work: work.event(kind, resource=resource, resource_id="o-1", state="held"))
    database.write(caller, lambda work: schedule(work, "order.retry", resource_id="o-1", at_ns=NOW_NS))
    flow = automation_flow(automation_steps(Ports(None, None, read_release)))  # type: ignore[arg-type]
    hears = EventRules(database, wall_ns=lambda: 1)
    for event in database.across_tenants(lambda connection: unspread_events(connection, 10)):
        hears(event)
    for event in database.across_tenants(lambda connection: unspread_events(connection, 10)):
        if event.kind == "automation.ready":
            flow(PlainRun(database, workflow_id=event.id), {RESOURCE_ID: event.resource_id})
    database.close()


def test_rules_are_put_in_force_run_and_are_replayed(farebox: Farebox, tmp_path: Path) -> None:
    assert "has no rules" in farebox("rules", "list", expect=2).output
    path = tmp_path / "rules.yaml"
    path.write_text(SAMPLE.read_text().replace("severity: major", "severity: dreadful"))
    made = farebox("rules", "publish", str(path), "--yes").output
    assert "new      ticket-for-a-held-order: on ProductOrderStateChangeEvent open_ticket" in made
    assert "in force: rules 1, 2 of them" in made
    happen(farebox.data_dir)
    assert "ticket-for-a-held-order" in farebox("rules", "list").output
    (run,) = json.loads(farebox("rules", "runs", "--state", "failed", "--json").output)
    assert (run["rule"], run["resource_id"]) == ("ticket-for-a-held-order", "o-1")
    assert run["id"] in farebox("rules", "runs").output
    shown = farebox("rules", "show", run["id"]).output
    for part in (": failed, rule ticket-for-a-held-order", "open_ticket", "tries 1", "'dreadful' is none"):
        assert part in shown
    assert farebox("rules", "replay", run["id"]).output == f"run {run['id']}: running\n"
    assert "only" in farebox("rules", "replay", run["id"], expect=1).output.lower()
    assert "write running, done" in farebox("rules", "runs", "--state", "odd", expect=2).output
    assert "order.retry" in farebox("order", "due").output


def test_a_faulty_file_changes_nothing(farebox: Farebox, tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text("rules: [{name: a b, on: x, do: fly}]")
    refused = farebox("rules", "publish", str(path), "--yes", expect=1).output
    assert "there is no action fly" in refused
    assert "is no kind of event" in refused
    assert "can't be read" in farebox("rules", "publish", str(tmp_path / "none"), expect=2).output
    farebox("rules", "list", expect=2)


def test_hubs_are_added_and_removed(farebox: Farebox) -> None:
    made = dict(line.split(" ", 1) for line in farebox("hub", "add", "https://example.net/hook").output.splitlines())
    listed = farebox("hub", "list").output
    assert made["hub"] in listed
    assert made["secret"] not in listed
    assert farebox("hub", "rotate", made["hub"]).output.strip() != f"secret {made['secret']}"
    farebox("hub", "replay", made["hub"])
    assert "callback" in farebox("hub", "add", "ftp://example.net", expect=1).output
    farebox("hub", "remove", made["hub"])
    assert "hub" in farebox("hub", "remove", made["hub"], expect=1).output

"""What is kept for some days and then forgotten, with what belongs to it; what is under way stays."""

import dataclasses
from pathlib import Path

import pytest
import sqlalchemy as sa

from bss import retention
from bss.access import Caller
from bss.automation.operations import publish_rules, replay
from bss.automation.queries import list_runs
from bss.automation.tables import RUN, RUN_STEP
from bss.edge.database import Database
from bss.outbox import OUTBOX
from bss.retention import KEPT, KEPT_DAYS, forget_old
from runtime.settings import BssSettings
from tests.bss.conftest import TestClock
from tests.bss.orchestration.world import World
from tests.tidy.sources import ROOT

RULES = """
rules:
  - {name: does, on: SomethingEvent, do: tell_hubs, with: {topic: "about {event.resource_id}"}}
  - {name: fails, on: SomethingEvent, do: tell_hubs, with: {topic: "{resource.nothing}"}}
"""
RUNS_DAYS = KEPT_DAYS["runs_kept_days"]


@pytest.fixture
def world(database: Database, anyone: Caller) -> World:
    made = World(database, anyone)
    made.do(publish_rules, text=RULES)
    return made


def happen(world: World, resource_id: str) -> None:
    world.do(lambda work: work.event("SomethingEvent", resource="thing", resource_id=resource_id))
    world.relay()


def forget(world: World, **options: dict[str, int]) -> bool:
    now_ns = world.database.now_ns()
    return world.database.across_tenants(lambda connection: forget_old(connection, now_ns=now_ns, **options))


def runs(world: World) -> list[tuple[str, str]]:
    """(what it is about, state) of each run that is there, all of whose steps are there."""
    with_steps = sa.select(RUN.c.id).join(
        RUN_STEP, sa.and_(RUN_STEP.c.run_id == RUN.c.id, RUN_STEP.c.tenant == RUN.c.tenant)
    )
    ids = [row["id"] for row in world.do(lambda work: work.rows(with_steps))]
    found = world.do(list_runs)
    assert sorted(ids) == sorted(2 * [run.id for run in found])
    return sorted((run.resource_id, run.state) for run in found)


def test_runs_of_rules_are_forgotten_once_they_ended_long_ago(world: World, clock: TestClock) -> None:
    happen(world, "old")
    happen(world, "replayed")
    failed = next(run for run in world.do(list_runs, state="failed") if run.resource_id == "replayed")
    clock.advance(days=RUNS_DAYS - 1)
    happen(world, "new")
    world.do(replay, run_id=failed.id)
    assert not forget(world)
    assert [name for name, _ in runs(world)] == ["new", "new", "old", "old", "replayed", "replayed"]
    clock.advance(days=1, s=1)
    assert not forget(world)
    assert runs(world) == [("new", "done"), ("new", "failed"), ("replayed", "running")]


def test_another_number_of_days_holds_where_it_is_set(world: World, clock: TestClock) -> None:
    happen(world, "old")
    clock.advance(days=2)
    assert not forget(world, days=KEPT_DAYS | {"runs_kept_days": 1})
    assert runs(world) == []
    assert world.do(lambda work: work.count(sa.select(OUTBOX.c.id))), "events are kept longer"


def test_what_is_much_is_forgotten_a_few_at_a_time(
    world: World, clock: TestClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        happen(world, f"old-{number}")
    clock.advance(days=RUNS_DAYS + 1)
    monkeypatch.setattr(retention, "FORGOTTEN_AT_ONCE", 4)
    assert forget(world), "there are more"
    assert [name for name, _ in runs(world)] == ["old-2", "old-2"], "the oldest go first"
    while forget(world):
        pass
    assert runs(world) == []
    assert not world.do(lambda work: work.count(sa.select(OUTBOX.c.id)))


def test_every_kind_has_its_setting_and_is_documented() -> None:
    defaults = {field.name: field.default for field in dataclasses.fields(BssSettings)}
    text = (Path(ROOT) / "docs" / "business.md").read_text()
    for kept in KEPT:
        assert defaults[kept.setting] == kept.days, kept.setting
        tables = ", ".join(f"`{columns[0].table.name}`" for columns in (kept.key, *kept.parts))
        assert f"| {tables} | `bss.{kept.setting}` ({kept.days}) |" in text, kept.setting

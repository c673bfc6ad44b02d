"""Rules run by events: each action through its operation, once; replays, refusals, loops."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import bss.automation
from bss.access import Caller, Forbidden
from bss.audit import AUDIT
from bss.automation.actions import ACTIONS, STEP_KINDS
from bss.automation.operations import DEPTH_MAX, RUNS_OF_A_RESOURCE_MAX, RulesFaulty, publish_rules, replay
from bss.automation.queries import list_runs, rules_in_force, run_counts, show_run
from bss.automation.records import RunState, RunView
from bss.automation.tables import RULE_SET
from bss.crm.tables import INTERACTION, TICKET
from bss.deliveries import Event
from bss.due import due_of
from bss.edge.database import Database
from bss.engine_port import NoEngine
from bss.errors import Conflict
from bss.inventory.queries import product
from bss.orchestration.automation_steps import TOLD, automation_flow, automation_steps
from bss.orchestration.event_rules import EventRules
from bss.orchestration.run import RESOURCE_ID
from bss.orders.queries import list_orders
from bss.outbox import OUTBOX
from bss.prepay.queries import actions_of_account
from bss.prepay.records import ActionState
from tests.bss.conftest import TestClock
from tests.bss.orchestration.plain_run import PlainRun
from tests.bss.orchestration.world import World
from vocabulary.units import Unit

SAMPLE = Path(str(bss.automation.__file__)).parent / "samples" / "rules.yaml"
HAPPENED = "SomethingEvent"


@pytest.fixture
def world(database: Database, anyone: Caller) -> World:
    return World(database, anyone)


def rule(do: str, when: str = "true", *, on: str = HAPPENED, name: str = "one", **texts: str) -> str:
    lines = "".join(f'      {key}: "{text}"\n' for key, text in texts.items())
    return f'  - name: {name}\n    on: {on}\n    when: "{when}"\n    do: {do}\n    with:\n{lines}'


def publish(world: World, *rules: str) -> None:
    world.do(publish_rules, text="rules:\n" + "".join(rules))


def happen(world: World, resource: str = "thing", resource_id: str = "t-1", **ids: str) -> None:
    """An event, and what follows from it."""
    world.do(lambda work: work.event(HAPPENED, resource=resource, resource_id=resource_id, **ids))
    world.relay()


def runs(world: World, **named: Any) -> list[RunView]:
    found = world.do(list_runs, **named)
    return [world.do(show_run, run_id=run.id) for run in reversed(found)]


def only_run(world: World) -> RunView:
    (run,) = runs(world)
    return run


def money(world: World, product_id: str) -> int:
    account = world.engine.read_account(1, world.do(product, product_id).engine_account_id)
    assert account is not None
    assert not isinstance(account, NoEngine)
    return sum(bucket.remaining for bucket in account.buckets if bucket.unit == Unit.MONEY)


def test_steps_are_those_of_the_table(world: World) -> None:
    assert sorted(automation_steps(world.ports)) == sorted(STEP_KINDS)


def test_the_sample_notes_orders_that_complete(world: World) -> None:
    publish_text = SAMPLE.read_text()
    world.do(publish_rules, text=publish_text)
    world.ordered()
    world.relay()
    view = only_run(world)
    assert (view.run.rule, view.run.state) == ("note-a-completed-order", RunState.DONE)
    assert [(step.kind, step.state, step.attempts) for step in view.steps] == [
        ("condition", "done", 1),
        ("record_interaction", "done", 1),
    ]
    assert view.steps[0].input["when"] == "event.ids.state == 'completed'"
    assert view.steps[1].input["customer"] == world.customer_id
    met = world.do(lambda work: work.row(sa.select(INTERACTION)))
    assert (met["id"], met["customer_id"]) == (view.run.made_id, world.customer_id)


def test_an_event_that_comes_again_begins_nothing_twice(world: World) -> None:
    publish(world, rule("open_ticket", subject="see {event.resource_id}", customer="{event.ids.who}"))
    happen(world, who=world.customer_id)
    world.database.across_tenants(lambda connection: connection.execute(sa.update(OUTBOX).values(relayed_ns=None)))
    world.relay()
    view = only_run(world)
    (ticket,) = world.do(lambda work: work.rows(sa.select(TICKET)))
    assert (ticket["id"], ticket["name"], ticket["related_id"]) == (view.run.made_id, "see t-1", "t-1")
    assert ticket["customer_id"] == world.customer_id
    subjects = world.do(lambda work: work.rows(sa.select(AUDIT.c.subject).where(AUDIT.c.resource == "trouble_ticket")))
    assert {row["subject"] for row in subjects} == {"rule:one"}


def test_products_are_ordered_suspended_and_resumed(world: World) -> None:
    publish(
        world,
        rule("order_product", "event.ids.what == 'order'", name="a", customer="{event.ids.who}", offering="monthly"),
        rule("suspend_product", "resource.status == 'active'", name="b", product="{event.resource_id}"),
        rule("resume_product", "resource.status == 'suspended'", name="c", product="{event.resource_id}"),
    )
    happen(world, what="order", who=world.customer_id)
    product_id = world.do(list_orders)[0].id
    product_id = world.view(product_id).items[0].product_id or ""
    for status in ("suspended", "active"):
        happen(world, "product", product_id)
        assert world.do(product, product_id).status == status
    assert [(view.run.rule, view.run.state) for view in runs(world)] == [(name, RunState.DONE) for name in "abc"]
    assert {order.channel for order in world.do(list_orders)} == {"automation"}


def test_money_goes_through_the_engine_once(world: World, clock: TestClock) -> None:
    product_id = world.ordered().items[0].product_id or ""
    before = money(world, product_id)
    publish(
        world,
        rule("top_up", name="gift", product="{event.resource_id}", amount="5.00 EUR", reason="a gift"),
        rule("adjust", name="mend", product="{event.resource_id}", amount="-1.00 EUR", reason="charged too little"),
    )
    happen(world, "product", product_id)
    assert money(world, product_id) == before + 4_000_000
    account_id = world.do(product, product_id).engine_account_id
    actions = world.do(actions_of_account, account_id)
    assert {(each.subject, each.amount_micros, each.state) for each in actions} == {
        ("rule:gift", 5_000_000, ActionState.DONE),
        ("rule:mend", -1_000_000, ActionState.DONE),
    }
    clock.advance(days=1)
    world.run_due()
    assert money(world, product_id) == before + 4_000_000


def test_an_engine_that_is_away_is_asked_again_by_itself(world: World, clock: TestClock) -> None:
    product_id = world.ordered().items[0].product_id or ""
    before = money(world, product_id)
    publish(world, rule("top_up", product="{event.resource_id}", amount="5.00 EUR"))
    world.engine.is_away = True
    happen(world, "product", product_id)
    view = only_run(world)
    assert (view.run.state, view.steps[-1].error_code) == (RunState.FAILED, "no_engine")
    assert [due.kind for due in world.do(due_of, view.run.id)] == ["automation.replay"]
    world.engine.is_away = False
    clock.advance(s=6)
    world.run_due()
    world.relay()
    view = only_run(world)
    assert (view.run.state, [step.attempts for step in view.steps]) == (RunState.DONE, [1, 1, 2])
    assert world.do(due_of, view.run.id) == []
    assert money(world, product_id) == before + 5_000_000


def test_what_the_engine_refused_is_asked_for_anew_by_a_replay(world: World) -> None:
    product_id = world.ordered().items[0].product_id or ""
    publish(world, rule("adjust", product="{event.resource_id}", amount="-500 EUR", reason="all of it"))
    happen(world, "product", product_id)
    view = only_run(world)
    assert (view.run.state, view.steps[-1].error_code) == (RunState.FAILED, "refused")
    assert [step.state for step in view.steps] == ["done", "waiting", "failed"]
    account_id = world.do(product, product_id).engine_account_id
    publish(world, rule("top_up", product="{event.resource_id}", amount="900 EUR", name="two"))
    happen(world, "product", product_id)
    world.do(replay, run_id=view.run.id)
    world.relay()
    assert {each.run.state for each in runs(world)} == {RunState.DONE}
    states = sorted(each.state for each in world.do(actions_of_account, account_id))
    assert states == [ActionState.DONE, ActionState.DONE, ActionState.REFUSED]


def test_a_failed_step_is_replayed_by_a_person_once_its_reason_is_gone(world: World) -> None:
    publish(world, rule("open_ticket", subject="see", severity="{event.ids.how}"))
    happen(world, how="dreadful")
    view = only_run(world)
    assert (view.run.state, view.steps[-1].error_code) == (RunState.FAILED, "Invalid")
    assert "Write critical, major" in view.steps[-1].error
    world.do(replay, run_id=view.run.id)
    with pytest.raises(Conflict, match="is running"):
        world.do(replay, run_id=view.run.id)
    world.relay()
    view = only_run(world)
    assert (view.run.state, view.steps[-1].attempts) == (RunState.FAILED, 2)
    (counts,) = world.do(run_counts)
    assert (counts.rule, counts.failed, counts.done) == ("one", 1, 0)


def test_a_text_that_comes_to_nothing_is_said(world: World) -> None:
    publish(world, rule("suspend_product", product="{event.ids.product}"))
    happen(world)
    view = only_run(world)
    assert (view.run.state, view.steps[-1].error_code) == (RunState.FAILED, "Invalid")
    assert view.steps[-1].error.startswith("with.product: it came to nothing")


def test_rules_that_cannot_be_read_any_more_are_noticed(world: World) -> None:
    noticed: list[str] = []
    rules = EventRules(world.database, wall_ns=lambda: 1, noticed=lambda event, look: noticed.append(look.reason))
    publish(world, rule("tell_hubs", topic="x"))
    world.do(
        lambda work: work.insert(
            RULE_SET, number=2, hash="", text="rules: [{name: a, on: AEvent, do: fly}]", subject=""
        )
    )
    rules(Event(1, "default", "e-1", HAPPENED, "thing", "t-1", {}, 0))
    assert [reason.partition(". ")[0] for reason in noticed] == ["rules.yaml:1:35: there is no action fly"]


def test_hubs_of_automation_are_told(world: World) -> None:
    publish(world, rule("tell_hubs", topic="look {event.resource_id}"))
    happen(world)
    view = only_run(world)
    told = world.do(lambda work: work.row(sa.select(OUTBOX).where(OUTBOX.c.kind == TOLD)))
    assert (told["resource_id"], told["ids"]["topic"]) == (view.run.id, "look t-1")


def test_a_rule_that_causes_its_own_event_is_stopped(world: World) -> None:
    publish(world, rule("open_ticket", on="TroubleTicketCreateEvent", subject="again"))
    publish_one = rule("open_ticket", subject="first", name="first")
    publish(world, rule("open_ticket", on="TroubleTicketCreateEvent", subject="again"), publish_one)
    happen(world)
    found = runs(world)
    assert [view.run.depth for view in found] == list(range(DEPTH_MAX + 2))
    assert [view.run.state for view in found] == [RunState.DONE] * (DEPTH_MAX + 1) + [RunState.STOPPED]
    assert "does a rule cause its own event?" in found[-1].run.reason
    assert [step.state for step in found[-1].steps] == ["done", "waiting"]
    assert len(world.do(lambda work: work.rows(sa.select(TICKET)))) == DEPTH_MAX + 1


def test_a_rule_that_orders_what_fires_it_is_stopped(database: Database, anyone: Caller) -> None:
    world = World(database, anyone, lines=12)
    publish(
        world,
        rule(
            "order_product",
            "event.ids.state == 'completed'",
            on="ProductOrderStateChangeEvent",
            customer="{resource.customer_id}",
            offering="monthly",
        ),
    )
    world.place()
    world.relay()
    states = [view.run.state for view in runs(world)]
    assert states == [RunState.DONE] * (DEPTH_MAX + 1) + [RunState.STOPPED]


def test_a_rule_runs_so_often_about_one_resource(world: World, clock: TestClock) -> None:
    publish(world, rule("tell_hubs", topic="again"))
    for _ in range(RUNS_OF_A_RESOURCE_MAX + 1):
        happen(world)
    found = runs(world)
    assert [view.run.state for view in found[:-1]] == [RunState.DONE] * RUNS_OF_A_RESOURCE_MAX
    assert found[-1].run.state == RunState.STOPPED
    happen(world, resource_id="t-2")
    clock.advance(s=3600)
    happen(world)
    assert [view.run.state for view in runs(world)[-2:]] == [RunState.DONE] * 2


def test_rules_are_put_in_force_whole_or_not_at_all(world: World, caller_of: Callable[..., Caller]) -> None:
    publish(world, rule("tell_hubs", topic="one"))
    first = world.do(rules_in_force)
    publish(world, rule("tell_hubs", topic="one"))
    assert world.do(rules_in_force) == first, "the same text again changes nothing"
    with pytest.raises(RulesFaulty) as refused:
        publish(world, rule("top_up", product="p", amount="5,00"), rule("tell_hub", topic="x", name="two"))
    assert len(refused.value.lines()) == 2
    clerk = caller_of("automation:write", "automation:read")
    text = "rules:\n" + rule("top_up", product="p", amount="5.00 EUR")
    with pytest.raises(Forbidden, match="balance:read"):
        world.database.write(clerk, lambda work: publish_rules(work, text=text))
    assert world.do(rules_in_force) == first


def test_a_rule_may_do_no_more_than_its_action() -> None:
    from bss.automation.actions import rule_caller

    for row in ACTIONS:
        caller = rule_caller("default", "one", row.name)
        assert (caller.subject, caller.permissions) == ("rule:one", row.permissions)
        assert not caller.may("automation:write")


def test_another_tenants_events_fire_nothing(world: World) -> None:
    publish(world, rule("tell_hubs", topic="one"))
    other = replace(world.caller, tenant="brand-2")
    world.database.write(other, lambda work: work.event(HAPPENED, resource="thing", resource_id="t-1"))
    world.relay()
    assert runs(world) == []
    assert world.database.read(other, list_runs) == []


@pytest.mark.parametrize(("moment", "passage"), [("before", 1), ("asked", 1), ("before", 2)])
def test_a_worker_that_was_overtaken_writes_nothing(world: World, moment: str, passage: int) -> None:
    """It was slow and taken for dead: while it is about to do a step, or asks, another one does the run to its end."""
    product_id = world.ordered().items[0].product_id or ""
    account_id = world.do(product, product_id).engine_account_id
    publish(world, rule("top_up", product=product_id, amount="1.00 EUR"))
    had = money(world, product_id)
    passed: list[str] = []

    def overtake(name: str) -> None:
        passed.append(name)
        if passed.count(f"automation.step.{moment}") == passage and name.endswith(moment):
            flow(PlainRun(world.database), {RESOURCE_ID: only_run(world).run.id})

    flow = world.flows["automation"]
    steps = automation_steps(world.ports)
    world.flows = {**world.flows, "automation": automation_flow(steps, overtake)}
    happen(world)
    view = only_run(world)
    assert view.run.state == RunState.DONE
    assert [step.attempts for step in view.steps] == [1, 1, 1]
    assert money(world, product_id) == had + 1_000_000
    assert len(world.do(actions_of_account, account_id)) == 1

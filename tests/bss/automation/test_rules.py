"""Rules: read with every fault in its place, looked at without side effects."""

from pathlib import Path
from typing import Any

import pytest

import bss.automation
from bss.automation.evaluate import Firing, firings, look_at_rules
from bss.automation.events import CONDITIONS, VARIABLES, Event
from bss.automation.rules_file import RULES_MAX, Rule, read_rules

SAMPLE = Path(str(bss.automation.__file__)).parent / "samples" / "rules.yaml"
RULE = """rules:
  - name: one
    on: ProductOrderStateChangeEvent
    when: resource.state == 'failed'
    do: open_ticket
    with: {subject: "Order {event.resource_id}"}
"""


def rules_of(text: str) -> tuple[Rule, ...]:
    read = read_rules("rules.yaml", text.encode())
    assert [str(fault) for fault in read.faults] == []
    return read.rules


def event(state: str = "", **fields: Any) -> Event:
    return Event(
        kind="ProductOrderStateChangeEvent",
        resource="productOrder",
        resource_id="o-1",
        ids={"state": state} if state else {},
        resource_fields=fields,
    )


def test_the_sample_fires_as_it_says() -> None:
    rules = rules_of(SAMPLE.read_text())
    assert firings(rules, event(state="held", customer_id="c-1")) == [
        Firing(
            "ticket-for-a-held-order",
            "open_ticket",
            {"subject": "Order o-1 is held", "customer": "c-1", "severity": "major"},
        )
    ]
    assert [firing.rule for firing in firings(rules, event(state="completed"))] == ["note-a-completed-order"]
    assert firings(rules, event(state="inProgress")) == []


def test_why_a_rule_does_not_fire() -> None:
    text = RULE + RULE.removeprefix("rules:\n").replace("one", "two").replace("ProductOrderState", "TroubleTicketState")
    text += RULE.removeprefix("rules:\n").replace("one", "three") + "    enabled: false\n"
    looks = {look.rule: look.reason for look in look_at_rules(rules_of(text), event())}
    assert looks == {
        "one": 'its condition has no answer: Key not found in map : "state"',
        "two": "it is about TroubleTicketStateChangeEvent",
        "three": "it is not enabled",
    }


def test_a_rule_without_condition_fires_for_each_event_of_its_kind() -> None:
    (rule,) = rules_of(RULE.replace("    when: resource.state == 'failed'\n", ""))
    assert [firing.rule for firing in firings([rule], event())] == ["one"]


@pytest.mark.parametrize(
    ("old", "new", "line", "fault"),
    [
        ("name: one", 'name: "o n e"', 2, '"o n e" is no name'),
        ("name: one", "nam: one", 2, "unknown key nam. Did you mean name?"),
        ("    on: ProductOrderStateChangeEvent\n", "", 2, "on is missing"),
        ("ProductOrderStateChangeEvent", "order failed", 3, '"order failed" is no kind of event'),
        (
            "resource.state ==",
            "resourc.state ==",
            4,
            "line 1, column 8 of the condition: undeclared reference to 'resourc.state'",
        ),
        ("'failed'", "1.5", 4, "1.5 is a binary number"),
        ("do: open_ticket", "do: open_tickt", 5, "there is no action open_tickt. Did you mean open_ticket?"),
        ("{subject:", "{subjekt:", 6, "open_ticket needs subject"),
        ("{subject:", "{subjekt:", 6, "open_ticket takes no subjekt. Did you mean subject?"),
        ("{event.resource_id}", "{event.resourceid}", 6, "Did you mean event.resource_id?"),
        ("{subject: ", "[subject, ", 6, "with is not a mapping"),
        ("rules:\n", "rule:\n", 1, "unknown key rule. A file of rules has one key, rules"),
    ],
)
def test_a_fault_has_its_line(old: str, new: str, line: int, fault: str) -> None:
    text = RULE.replace(old, new)
    if new.startswith("["):
        text = text.replace('"}', '"]')
    read = read_rules("rules.yaml", text.encode())
    assert read.rules == ()
    found = [(each.place.line if each.place else 0, str(each)) for each in read.faults]
    assert any(line == at and fault in words for at, words in found), found


def test_every_fault_at_once() -> None:
    text = RULE.replace("open_ticket", "open").replace("state ==", "state =")
    places = [fault.place.line for fault in read_rules("r", text.encode()).faults if fault.place]
    assert sorted(set(places)) == [4, 5]
    twice = RULE + RULE.removeprefix("rules:\n")
    assert "another rule is called one" in str(read_rules("r", twice.encode()).faults[0])


@pytest.mark.parametrize(
    ("text", "fault"), [("", "holds nothing"), ("- 1", "not a mapping"), ("rules: 1", "not a list")]
)
def test_what_is_no_file_of_rules(text: str, fault: str) -> None:
    faults = [str(each) for each in read_rules("r", text.encode()).faults]
    assert faults, fault


def test_there_are_not_more_rules_than_one_event_can_wait_for() -> None:
    text = "rules:\n" + "".join(
        RULE.removeprefix("rules:\n").replace("one", f"r{index}") for index in range(RULES_MAX + 1)
    )
    assert f"{RULES_MAX + 1} rules" in str(read_rules("r", text.encode()).faults[0])


def test_every_variable_can_be_asked_for() -> None:
    for row in VARIABLES:
        assert CONDITIONS.compile(f"{row.name} == {row.name}").holds(event(state="x").values())

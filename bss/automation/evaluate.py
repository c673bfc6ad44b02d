"""Which rules an event fires, and with what: pure. Running the actions is orchestration's."""

from collections.abc import Sequence
from typing import NamedTuple

from bss.automation.events import Event
from bss.automation.rules_file import PLACEHOLDER, Rule
from bss.conditions import ConditionUndecided


class Firing(NamedTuple):
    """A rule fires: this action is to be done. Under the event's id and the rule's name it is done once."""

    rule: str
    action: str
    texts: dict[str, str]


class Look(NamedTuple):
    """What looking at one rule came to."""

    rule: str
    firing: Firing | None
    reason: str
    """why it doesn't fire; '' where it does"""
    is_undecided: bool = False
    """its condition has no answer"""


def look_at_rules(rules: Sequence[Rule], event: Event) -> list[Look]:
    """Each rule and whether the event fires it, in the file's order. A condition without an answer fires nothing."""
    return [_look(rule, event) for rule in rules]


def firings(rules: Sequence[Rule], event: Event) -> list[Firing]:
    """What is to be done about the event."""
    return [look.firing for look in look_at_rules(rules, event) if look.firing is not None]


def _look(rule: Rule, event: Event) -> Look:
    if not rule.enabled:
        return Look(rule.name, None, "it is not enabled")
    if rule.event != event.kind:
        return Look(rule.name, None, f"it is about {rule.event}")
    try:
        if not rule.condition.holds(event.values()):
            return Look(rule.name, None, "its condition does not hold")
    except ConditionUndecided as undecided:
        return Look(rule.name, None, f"its condition has no answer: {undecided}", is_undecided=True)
    known = event.texts()
    texts = {name: PLACEHOLDER.sub(lambda match: known.get(match[1], ""), text) for name, text in rule.texts.items()}
    return Look(rule.name, Firing(rule.name, rule.action, texts), "")

"""The rules of a tenant, read from a file: every fault with line and column, conditions compiled. docs/automation.md."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import msgspec

from bss.automation.actions import ACTION_OF, ActionRow
from bss.automation.events import CONDITIONS, PARTS_IN_TEXTS, VARIABLES
from bss.conditions import Condition, ConditionInvalid
from bss.record_reader import RecordReader, list_items
from catalog_loader.amounts import AmountInvalid, parse_money
from catalog_loader.faults import Fault, FaultList, Finding, Path, suggestion
from catalog_loader.nodes import MapNode, Node, Scalar, read_nodes

RULES_MAX: Final = 1000
NAME_CHARACTERS_MAX: Final = 64
TEXT_CHARACTERS_MAX: Final = 2000
PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_KIND: Final = re.compile(r"[A-Z][A-Za-z0-9]*Event")
_IN_TEXTS: Final = tuple(row.name for row in VARIABLES if row.in_texts)


class RuleEntry(
    msgspec.Struct, frozen=True, kw_only=True, rename={"event": "on", "condition": "when", "texts": "with"}
):
    """A rule as it stands in the file: on, when, do, with."""

    name: str
    description: str = ""
    event: str
    condition: str = "true"
    do: str
    texts: dict[str, str] = {}
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that can be looked at."""

    name: str
    description: str
    event: str
    condition: Condition
    action: str
    texts: dict[str, str]
    """of the action's parameters, with {placeholders}"""
    enabled: bool


@dataclass(frozen=True, slots=True)
class RulesRead:
    """What a file came to: rules in its order, or faults in order of place."""

    rules: tuple[Rule, ...]
    faults: tuple[Fault, ...]


def read_rules(file: str, octets: bytes) -> RulesRead:
    """The rules of the file; none where it has faults."""
    node = read_nodes(file, octets)
    if isinstance(node, Fault):
        return RulesRead((), (node,))
    faults = FaultList(places={(): node.place})
    items = list_items(_rules_node(node, faults), "rules", faults)
    if len(items) > RULES_MAX:
        faults.add(("rules",), f"{len(items)} rules", f"Write at most {RULES_MAX}", place=items[RULES_MAX].place)
        items = items[:RULES_MAX]
    reader = RecordReader(faults)
    entries = [reader.read(item, RuleEntry, ("rules", index)) for index, item in enumerate(items)]
    rules: list[Rule] = []
    names: set[str] = set()
    for index, entry in enumerate(entries):
        if entry is None:
            continue
        path = ("rules", index)
        faults.add_findings(_check(entry, path, names))
        names.add(entry.name)
        condition = _compile(entry, path, faults)
        if condition is not None:
            rules.append(
                Rule(entry.name, entry.description, entry.event, condition, entry.do, dict(entry.texts), entry.enabled)
            )
    return RulesRead((), tuple(faults)) if len(faults) else RulesRead(tuple(rules), ())


def _rules_node(node: Node, faults: FaultList) -> Node | None:
    """The value of the file's only key."""
    if not isinstance(node, MapNode):
        faults.add((), "the file is not a mapping with the key rules", "Write rules: and a list under it")
        return None
    found = None
    for key, value in node.pairs:
        if isinstance(key, Scalar) and key.text == "rules" and found is None:
            found = value
        else:
            shown = key.text if isinstance(key, Scalar) else "a key"
            faults.add((), f"unknown key {shown}", "A file of rules has one key, rules", place=key.place)
    if found is None and not len(faults):
        faults.add((), "the file has no rules", "Write rules: and a list under it")
    return found


def _check(entry: RuleEntry, path: Path, names: set[str]) -> Iterator[Finding]:
    if not _NAME.fullmatch(entry.name) or len(entry.name) > NAME_CHARACTERS_MAX:
        remedy = f'Use letters, digits, ".", "_" and "-", up to {NAME_CHARACTERS_MAX}'
        yield Finding((*path, "name"), f'"{entry.name[:80]}" is no name', remedy)
    elif entry.name in names:
        yield Finding((*path, "name"), f"another rule is called {entry.name}", "Give it a name of its own")
    if not _KIND.fullmatch(entry.event):
        yield Finding(
            (*path, "on"), f'"{entry.event[:80]}" is no kind of event', "Write ProductOrderStateChangeEvent ..."
        )
    action = ACTION_OF.get(entry.do)
    if action is None:
        remedy = suggestion(entry.do, ACTION_OF, otherwise=f"Known are {', '.join(ACTION_OF)}")
        yield Finding((*path, "do"), f"there is no action {entry.do[:80]}", remedy)
        return
    for name in action.required:
        if name not in entry.texts:
            yield Finding((*path, "with"), f"{entry.do} needs {name}", f"Add {name} under with")
    for name, text in entry.texts.items():
        at = (*path, "with", name)
        if name not in action.parameters:
            remedy = suggestion(name, action.parameters, otherwise=f"Known are {', '.join(action.parameters)}")
            yield Finding(at, f"{entry.do} takes no {name}", remedy)
        if len(text) > TEXT_CHARACTERS_MAX:
            yield Finding(at, f"{name} has {len(text)} characters", f"Write at most {TEXT_CHARACTERS_MAX}")
        yield from _check_text(action, name, text, at)
        for placeholder in PLACEHOLDER.findall(text):
            if placeholder not in _IN_TEXTS and not placeholder.startswith(PARTS_IN_TEXTS):
                otherwise = f"Known are {', '.join(_IN_TEXTS)}, event.ids.<name> and resource.<field>"
                yield Finding(
                    at, f"{{{placeholder}}} stands for nothing", suggestion(placeholder, _IN_TEXTS, otherwise=otherwise)
                )


def _check_text(action: ActionRow, name: str, text: str, at: Path) -> Iterator[Finding]:
    """What is wrong with a sum. Whether it is in the currency of the account is seen when the rule runs."""
    if name not in action.literal:
        return
    try:
        amount_of(text)
    except AmountInvalid as invalid:
        yield Finding(at, invalid.problem, invalid.remedy)


def amount_of(text: str) -> tuple[int, str]:
    """(micros, currency) of "5.00 EUR" or "-1.00 EUR". AmountInvalid."""
    sign = -1 if text.startswith("-") else 1
    micros, currency = sign * parse_money(text.removeprefix("-"), None), text[-3:]
    if not currency.isalpha():
        raise AmountInvalid(f"{text} names no currency", f"Write {text} EUR")
    if not micros:
        raise AmountInvalid(f"{text} is nothing", "Write a sum that isn't zero")
    return micros, currency


def _compile(entry: RuleEntry, path: Path, faults: FaultList) -> Condition | None:
    """The compiled condition, or none after noting what is wrong with it."""
    try:
        return CONDITIONS.compile(entry.condition)
    except ConditionInvalid as invalid:
        for fault in invalid.faults:
            problem = f"line {fault.line}, column {fault.column} of the condition: {fault.problem}"
            faults.add((*path, "when"), problem, fault.remedy)
    return None

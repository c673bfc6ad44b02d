"""Who may order an offering: a condition in CEL over what is known of the customer."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from bss.conditions import INSTANT, TEXT, TEXTS, WHOLE, Condition, Conditions, ConditionUndecided
from vocabulary.instants import NS_PER_S


class VariableRow(NamedTuple):
    """A variable that eligibility conditions see."""

    name: str
    type: Any
    meaning: str
    example: Any


VARIABLES: Final = (
    VariableRow("customer.kind", TEXT, "individual or organisation; empty for who is no customer yet", "individual"),
    VariableRow("customer.status", TEXT, "status of the customer; empty for who is no customer yet", "active"),
    VariableRow("customer.segment", TEXT, "segment that the operator put the customer into", "residential"),
    VariableRow("customer.age_days", WHOLE, "days since they became a customer", 400),
    VariableRow("products", TEXTS, "ids of the offerings that they have, ordered ones too", ["prepaid-start"]),
    VariableRow("channel", TEXT, "where the order comes from, such as self_care, agent, api", "agent"),
    VariableRow("now", INSTANT, "the instant of the order", None),
)
CONDITIONS: Final = Conditions({row.name: row.type for row in VARIABLES})


def compile_eligibility(text: str) -> Condition:
    """The condition; bss.conditions.ConditionInvalid lists what is wrong with it, with line and column."""
    return CONDITIONS.compile(text)


def is_eligible(text: str, facts: Mapping[str, Any]) -> tuple[bool, str]:
    """(may it be ordered, why not). A condition without an answer for these facts lets nobody order.

    facts   of each of VARIABLES; `now` in ns since the Unix epoch, to the second
    """
    if not text.strip():
        return True, ""
    try:
        now = datetime.fromtimestamp(facts["now"] // NS_PER_S, UTC)
        holds = compile_eligibility(text).holds({**facts, "now": now})
    except ConditionUndecided as undecided:
        return False, f"the offering's condition has no answer: {undecided}"
    return holds, "" if holds else f"the offering's condition does not hold: {' '.join(text.split())}"

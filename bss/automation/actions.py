"""What a rule may have done: a table. Whoever runs actions (bss/orchestration/automation_steps.py) reads the same rows."""

from typing import Final, NamedTuple

from bss.access import Caller


class ActionRow(NamedTuple):
    """An action, and the parameters that a rule gives it under `with`.

    steps         what is done for it, in this order
    permissions   what the rule may while it does it; who puts the rule in force has to hold them, too
    literal       parameters that are written as they are, without placeholders: sums
    """

    name: str
    required: tuple[str, ...]
    optional: tuple[str, ...]
    meaning: str
    steps: tuple[str, ...]
    permissions: frozenset[str]
    literal: tuple[str, ...] = ()

    @property
    def parameters(self) -> tuple[str, ...]:
        """All that it takes."""
        return self.required + self.optional


OPEN_TICKET: Final = "open_ticket"
RECORD_INTERACTION: Final = "record_interaction"
PLACE_ORDER: Final = "place_order"
REQUEST_BALANCE_CHANGE: Final = "request_balance_change"
SEND_BALANCE_CHANGE: Final = "send_balance_change"
TELL_HUBS: Final = "tell_hubs"
"""Kinds of steps."""

_PLACE: Final = (PLACE_ORDER,)
_ORDERING: Final = frozenset({"catalog:read", "customer:read", "inventory:read", "order:read", "order:write"})
_CHANGE: Final = (REQUEST_BALANCE_CHANGE, SEND_BALANCE_CHANGE)
_MONEY: Final = frozenset({"balance:read", "balance:write", "catalog:read", "inventory:read"})

ACTIONS: Final = (
    ActionRow(
        "open_ticket",
        ("subject",),
        ("customer", "severity", "description"),
        "a trouble ticket for care",
        (OPEN_TICKET,),
        frozenset({"ticket:write"}),
    ),
    ActionRow(
        "record_interaction",
        ("customer", "subject"),
        ("description",),
        "a line on the customer's timeline",
        (RECORD_INTERACTION,),
        frozenset({"customer:write"}),
    ),
    ActionRow(
        "order_product",
        ("customer", "offering"),
        ("reason",),
        "an order that adds a product of an offering",
        _PLACE,
        _ORDERING,
    ),
    ActionRow("suspend_product", ("product",), ("reason",), "an order that suspends a product", _PLACE, _ORDERING),
    ActionRow("resume_product", ("product",), ("reason",), "an order that resumes a product", _PLACE, _ORDERING),
    ActionRow(
        "top_up",
        ("product", "amount"),
        ("reason",),
        "money for the product's account, such as 5.00 EUR",
        _CHANGE,
        _MONEY,
        ("amount",),
    ),
    ActionRow(
        "adjust",
        ("product", "amount", "reason"),
        (),
        "a correction of the account's money, such as -1.00 EUR",
        _CHANGE,
        _MONEY,
        ("amount",),
    ),
    ActionRow(
        "tell_hubs",
        ("topic",),
        (),
        "a signed message to each hub of automation (farebox hub)",
        (TELL_HUBS,),
        frozenset(),
    ),
)
ACTION_OF: Final = {row.name: row for row in ACTIONS}
STEP_KINDS: Final = tuple(dict.fromkeys(kind for row in ACTIONS for kind in row.steps))
"""Every kind of step, each once."""


def rule_caller(tenant: str, rule: str, action: str) -> Caller:
    """Who does what a rule asks for: the audit trail names the rule."""
    return Caller(tenant, f"rule:{rule}", ACTION_OF[action].permissions)

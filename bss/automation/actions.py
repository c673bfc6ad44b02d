"""What a rule may have done: a table. Whoever runs actions (bss/orchestration) reads the same rows."""

from typing import Final, NamedTuple


class ActionRow(NamedTuple):
    """An action, and the parameters that a rule gives it under `with`."""

    name: str
    required: tuple[str, ...]
    optional: tuple[str, ...]
    meaning: str

    @property
    def parameters(self) -> tuple[str, ...]:
        """All that it takes."""
        return self.required + self.optional


ACTIONS: Final = (
    ActionRow("open_ticket", ("subject",), ("customer", "severity", "description"), "a trouble ticket for care"),
    ActionRow("record_interaction", ("customer", "subject"), ("description",), "a line on the customer's timeline"),
    ActionRow("suspend_product", ("product",), ("reason",), "an order that suspends a product"),
    ActionRow("resume_product", ("product",), ("reason",), "an order that resumes a product"),
)
ACTION_OF: Final = {row.name: row for row in ACTIONS}

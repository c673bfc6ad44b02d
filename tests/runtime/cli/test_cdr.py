"""What `farebox cdr tail` makes of a row."""

from typing import Any

import pytest

from cdr.record_table import COLUMNS
from runtime.cli.cdr import _as_table


def row(**given: Any) -> dict[str, Any]:
    """A row of a file: what is not given is null."""
    found: dict[str, Any] = dict.fromkeys(column.name for column in COLUMNS)
    return found | {"partition": 0, "sequence": 1, "result_code": 2001} | given


@pytest.mark.parametrize(
    ("micros", "currency", "text"),
    [
        (21, "EUR", "0.000021 EUR"),
        (-12_500_000, "USD", "-12.500000 USD"),
        (0, "999", "0.000000 999"),
        (5, None, "0.000005"),
        (None, None, "-"),
    ],
)
def test_amounts_are_shown_with_their_currency(micros: int | None, currency: str | None, text: str) -> None:
    head, line = _as_table([row(charged_micros=micros, currency=currency)])
    at = head.index("charged")
    assert line[at : head.index("result")].rstrip() == text


def test_what_a_peer_wrote_neither_begins_a_line_nor_reaches_the_terminal_as_an_escape() -> None:
    _, line = _as_table([row(session_id="\x1b[31mred\n1-2 faked\x00", currency="EUR")])
    assert "\\x1b[31mred\\x0a1-2 faked\\x00" in line
    assert line.isprintable()

"""docs/catalogue.md says what the tables say: every key, word, unit, size and column."""

from pathlib import Path

import pytest

from catalog_loader.amounts import WORDS
from catalog_loader.schema import CONTEXTS, GRANT_SIZES, KEYS, UNITS
from runtime.cli import subscriber
from runtime.subscriber_import import COLUMNS

DOC = (Path(__file__).parents[2] / "docs" / "catalogue.md").read_text()
LINES = set(DOC.splitlines())


@pytest.mark.parametrize("row", KEYS, ids=lambda row: f"{row.mapping}.{row.key}")
def test_each_key_is_described(row: object) -> None:
    assert isinstance(row, type(KEYS[0]))
    assert f"| `{row.key}` | {'yes' if row.required else ''} | {row.kind.value} | {row.meaning} |" in LINES


def test_each_context_unit_and_size_is_described() -> None:
    missing = [
        line
        for line in (
            *(f"| `{word}` | {number} |" for word, number in CONTEXTS.items()),
            *(f"| `{unit}` | {sizes.default} | {sizes.min} | {sizes.max} |" for unit, sizes in GRANT_SIZES.items()),
            *(
                f"| {name} | {', '.join(f'`{word}`' for word, (counted, _) in WORDS.items() if counted == unit)} |"
                for name, unit in UNITS.items()
            ),
        )
        if line not in LINES
    ]
    assert missing == []


def test_each_column_of_an_import_is_described() -> None:
    assert [column.name for column in COLUMNS if f"| `{column.name}` | {column.meaning} |" not in LINES] == []


def test_exit_codes_are_those_of_the_commands() -> None:
    assert (subscriber.EXIT_REFUSED, subscriber.EXIT_WAITS) == (1, 3)
    assert "the exit code is 3" in " ".join(DOC.split())

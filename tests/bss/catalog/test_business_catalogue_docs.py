"""docs/business-catalogue.md and docs/automation.md say what the tables and records say."""

from pathlib import Path

import msgspec
import pytest

from bss.automation.actions import ACTIONS
from bss.automation.events import VARIABLES as RULE_VARIABLES
from bss.automation.rules_file import RuleEntry
from bss.catalog.eligibility import VARIABLES
from bss.catalog.lifecycle import LIFECYCLE
from bss.catalog.records import (
    Catalog,
    Category,
    Characteristic,
    Offering,
    OfferingPrice,
    Resource,
    ServiceNeed,
    Specification,
)
from bss.catalog.rules import LIFECYCLE_STATUSES

DOCS = Path(__file__).parents[3] / "docs"
CATALOGUE = (DOCS / "business-catalogue.md").read_text()
AUTOMATION = (DOCS / "automation.md").read_text()
HEADINGS = {
    Resource: "### An entry of `catalogs`, `categories`",
    Catalog: "### Beside those, in `catalogs`",
    Category: "### In `categories`",
    Specification: "### In `specifications`",
    Characteristic: "### An entry of `characteristics`",
    ServiceNeed: "### An entry of `services`",
    OfferingPrice: "### In `offering_prices`",
    Offering: "### In `offerings`",
}


def section(heading: str) -> str:
    begin = CATALOGUE.index(heading)
    return CATALOGUE[begin : CATALOGUE.find("\n###", begin + 1)]


@pytest.mark.parametrize("kind", HEADINGS, ids=lambda kind: kind.__name__)
def test_each_key_is_described(kind: type[msgspec.Struct]) -> None:
    common = set() if kind is Resource else {field.name for field in msgspec.structs.fields(Resource)}
    lines = [line for line in section(HEADINGS[kind]).splitlines() if line.startswith("| `")]
    described = [(line.split("`")[1], line.split("|")[2].strip() == "yes") for line in lines]
    fields = [
        field
        for field in msgspec.structs.fields(kind)
        if not issubclass(kind, Resource) or field.name not in common or kind is Resource
    ]
    assert described == [(field.encode_name, field.required) for field in fields]


def test_life_cycle_and_variables_are_described() -> None:
    for status in LIFECYCLE_STATUSES:
        row = next(line for line in CATALOGUE.splitlines() if line.startswith(f"| `{status}` |"))
        assert {to for of, to in LIFECYCLE if of == status} == {
            to for to in LIFECYCLE_STATUSES if f"`{to}`" in row.split("|")[2]
        }
    for variable in VARIABLES:
        row = next(line for line in CATALOGUE.splitlines() if line.startswith(f"| `{variable.name}` |"))
        assert row.endswith(f"| {variable.meaning} |")


def test_rules_are_described() -> None:
    lines = AUTOMATION.splitlines()
    for field in msgspec.structs.fields(RuleEntry):
        needed = "yes" if field.required else ""
        assert any(line.startswith(f"| `{field.encode_name}` | {needed} |") for line in lines), field.name
    for variable in RULE_VARIABLES:
        row = next(line for line in lines if line.startswith(f"| `{variable.name}` |"))
        assert row.endswith(f"| {variable.meaning} |")
        assert variable.in_texts == (row.split("|")[2].strip() == "yes")
    for action in ACTIONS:
        required, optional = (", ".join(f"`{name}`" for name in names) for names in (action.required, action.optional))
        assert f"| `{action.name}` | {required} | {optional} | {action.meaning} |" in lines

"""Conditions in CEL: faults with places, nothing binary, and nothing that a text or its values could make slow."""

import time
from contextlib import suppress
from typing import Any

import pytest

from bss.conditions import (
    ANYTHING,
    CHARACTERS_MAX,
    TEXT,
    TEXTS,
    WHOLE,
    ConditionInvalid,
    Conditions,
    ConditionUndecided,
)

CONDITIONS = Conditions({"customer.kind": TEXT, "balance": WHOLE, "products": TEXTS, "resource": ANYTHING})
VALUES: dict[str, Any] = {
    "customer.kind": "individual",
    "balance": 5_000_000,
    "products": ["plan", "booster"],
    "resource": {"state": "failed"},
}
EVALUATION_S_MAX = 2.0


def holds(text: str, **values: Any) -> bool:
    return CONDITIONS.compile(text).holds(VALUES | values)


def faults_of(text: str) -> list[tuple[int, int, str]]:
    with pytest.raises(ConditionInvalid) as refused:
        CONDITIONS.compile(text)
    return [(fault.line, fault.column, fault.problem) for fault in refused.value.faults]


def test_conditions_see_declared_variables_with_their_types() -> None:
    assert holds("customer.kind == 'individual' && balance >= 5000000")
    assert not holds("customer.kind == 'organisation'")
    assert holds("'plan' in products && products.exists(each, each.startsWith('boo'))")
    assert holds("resource.state == 'failed'")


def test_every_fault_is_listed_with_line_and_column() -> None:
    assert faults_of("customer.kid == 'a' &&\n  balanc > 2") == [
        (1, 9, "undeclared reference to 'customer.kid'"),
        (2, 3, "undeclared reference to 'balanc'"),
    ]
    ((line, column, problem),) = faults_of("balance > 'much'")
    assert (line, column) == (1, 9)
    assert "found no matching overload" in problem
    assert faults_of("balance >")[0][:2] == (1, 10)
    assert faults_of("size(products)") == [(1, 1, "it gives int, not true or false")]


@pytest.mark.parametrize(
    ("text", "column", "problem"),
    [
        ("1.5 < 2.5", 1, "1.5 is a binary number"),
        ("balance == 0 || 1e3 > 2.0", 17, "1e3 is a binary number"),
        ("double(balance) > double(3)", 1, "double is not to be used here"),
        ("customer.kind.matches('a')", 15, "matches is not to be used here"),
        ("products.all(p, p + p != '')", 19, "a sum beside all, exists, exists_one, filter, map"),
        ("true" + " " * CHARACTERS_MAX, 1, f"it has {CHARACTERS_MAX + 4} characters"),
    ],
)
def test_what_cel_has_and_we_do_not_serve(text: str, column: int, problem: str) -> None:
    assert (1, column, problem) in faults_of(text)


def test_texts_that_look_like_numbers_are_texts() -> None:
    assert holds("customer.kind != '1.5' && customer.kind != \"double(2.0)\" // not 1.5")


@pytest.mark.parametrize("text", ["resource.no_such == 1", "balance / 0 == 1", "resource.state > 3"])
def test_what_has_no_answer_is_undecided(text: str) -> None:
    with pytest.raises(ConditionUndecided):
        holds(text)


def test_values_are_whole_numbers_and_complete() -> None:
    with pytest.raises(TypeError, match=r"1\.5 is a binary number"):
        holds("resource.amount > 1", resource={"amount": 1.5})
    with pytest.raises(ValueError, match="values are missing: balance"):
        CONDITIONS.compile("balance > 1").holds({name: VALUES[name] for name in VALUES if name != "balance"})


@pytest.mark.parametrize("count", [1, 10, 20, 50, 200, 2000])
@pytest.mark.parametrize(
    "text",
    [
        "products.map(a, products.map(b, products.map(c, products.map(d, d)))).size() > 0",
        "products.map(a, products.filter(b, a in products)).size() > 0",
        "products.all(a, products.all(b, !a.contains('" + "x" * 200 + "q')))",
        "products.all(b, " + " && ".join(["products == products"] * 40) + ")",
        "[products].map(a, [a,a,a,a,a,a,a]).map(b, [b,b,b,b,b,b,b]).all(c, c == c)",
        "products.exists(a, " + " || ".join(["a in products && a == 'z'"] * 30) + ")",
    ],
)
def test_nothing_is_slow(text: str, count: int) -> None:
    """The library alone took 12 s for texts like these: its budget counts steps, not what they cost."""
    condition = CONDITIONS.compile(text)
    values = VALUES | {"products": ["x" * 256] * count}
    begin = time.perf_counter()
    with suppress(ConditionUndecided):  # what would be slow is refused instead
        condition.holds(values)
    assert time.perf_counter() - begin < EVALUATION_S_MAX


def test_the_steps_of_macros_are_counted() -> None:
    with pytest.raises(ConditionUndecided, match=r"Iteration budget exceeded|may look at"):
        holds("products.all(a, products.all(b, a == b))", products=["x"] * 120)
    with pytest.raises(ConditionUndecided, match="a text of 257 characters"):
        holds("customer.kind == ''", **{"customer.kind": "x" * 257})

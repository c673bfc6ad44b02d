"""Kinds of values: money digit by digit, moments, and what none of them takes."""

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bss.api.bodies import decode
from bss.api.kinds import WRONG, Amount, AnyValue, Fault, Flag, Instant, Kind, Money, OneOf, Text, Whole
from bss.api.resource import Many
from vocabulary.instants import INSTANT_NS_MAX
from vocabulary.limits import MICROS_MAX


def read(kind: Kind, text: str) -> tuple[Any, list[Fault]]:
    faults: list[Fault] = []
    return kind.read(decode(f'{{"it": {text}}}'.encode())["it"], "it", faults), faults


@given(st.integers(-MICROS_MAX, MICROS_MAX))
def test_money_comes_back_to_the_micro(micros: int) -> None:
    written = msgspec.json.encode(Amount().write(Money(micros, "EUR"))).decode()
    assert json.loads(written, parse_float=Decimal)["value"] == Decimal(micros).scaleb(-6)
    assert read(Amount(), written) == (Money(micros, "EUR"), [])


@pytest.mark.parametrize(
    ("micros", "digits"), [(9_990_000, "9.99"), (9_900_000, "9.90"), (9_000_000, "9"), (-1, "-0.000001"), (0, "0")]
)
def test_money_has_the_digits_that_it_needs(micros: int, digits: str) -> None:
    assert msgspec.json.encode(Amount().write(Money(micros, "EUR"))) == f'{{"unit":"EUR","value":{digits}}}'.encode()


@pytest.mark.parametrize(
    ("value", "micros"),
    [("9.99", 9_990_000), ("9.990", 9_990_000), ("0.1", 100_000), ("1000000000000", MICROS_MAX), ("-0.0", 0)],
)
def test_amounts_that_are_exact(value: str, micros: int) -> None:
    assert read(Amount(), f'{{"unit": "EUR", "value": {value}}}') == (Money(micros, "EUR"), [])


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("0.0000001", "six decimals"),
        ("0.10000000000000000555", "six decimals"),
        ("1e2", "without an exponent"),
        ("1E2", "without an exponent"),
        ("1.5e1", "without an exponent"),
        ("150e-1", "without an exponent"),
        ("1.0e0", "without an exponent"),
        ("0e0", "without an exponent"),
        ("1e-6", "without an exponent"),
        ("1e400", "six decimals"),
        ("1e999999999999", "six decimals"),
        ("1000000000000.000001", "0 to 1000000000000"),
        ("-1", "0 to 1000000000000"),
        ('"9.99"', "has to be a number"),
        ("true", "has to be a number"),
        ("null", "has to be a number"),
        ("123456789012345678901234567890", "six decimals"),
    ],
)
def test_amounts_that_cant_be(value: str, says: str) -> None:
    found, (fault,) = read(Amount(0), f'{{"unit": "EUR", "value": {value}}}')
    assert found is WRONG
    assert (fault.path, says in fault.remedy) == ("it.value", True), fault


@pytest.mark.parametrize(("text", "value"), [("1e2", "100"), ("1.5e1", "15"), ("25e-1", "2.5")])
def test_a_number_that_is_no_money_may_have_an_exponent(text: str, value: str) -> None:
    found, faults = read(AnyValue(), text)
    assert (type(found), found, faults) == (Decimal, Decimal(value), [])


@given(st.integers(-INSTANT_NS_MAX // 1000 + 10**6, INSTANT_NS_MAX // 1000 - 10**6))
def test_moments_come_back_to_the_microsecond(instant_us: int) -> None:
    assert Instant().read_text(Instant().write(instant_us * 1000)) == instant_us * 1000


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Text(3), "1"),
        (Text(3), "null"),
        (Text(3), '"four"'),
        (Text(3, length_min=1), '""'),
        (Text(), '"a\\u0000b"'),
        (Text(is_uri=True), '"no scheme"'),
        (OneOf(("a", "b")), '"c"'),
        (OneOf(("a", "b")), '["a"]'),
        (Flag(), "1"),
        (Flag(), '"true"'),
        (Whole(0, 5), "1.0"),
        (Whole(0, 5), "6"),
        (Whole(0, 5), "true"),
        (Instant(), "1764403200"),
        (Instant(), '"2026-11-29"'),
        (Instant(), '"2026-11-29T25:00:00Z"'),
        (Instant(), '"0001-01-01T00:00:00+23:00"'),
        (Instant(), '"9999-12-31T23:59:59-23:00"'),
        (Amount(), "9.99"),
        (Amount(), '{"unit": "euro", "value": 1}'),
        (Amount(), '{"unit": "EUR"}'),
        (Amount(), '{"unit": "EUR", "value": 1, "more": 1}'),
        (AnyValue(), "[]"),
        (AnyValue(), "{}"),
        (AnyValue(), "1e400"),
        (AnyValue(), '"\\u0000"'),
        (Many(Text(), 2), '["a", "b", "c"]'),
        (Many(Text(), 2), '"a"'),
        (Many(Text(), 2), '["a", 1]'),
    ],
)
def test_what_isnt_of_a_kind_is_a_fault(kind: Kind, text: str) -> None:
    found, faults = read(kind, text)
    assert found is WRONG
    assert faults
    assert all(fault.path.startswith("it") and fault.remedy for fault in faults)

"""Features: the table, and what both sides have in common."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chf_http2.features import FEATURES, SUPPORTED, common_features, features_of_digits
from chf_http2.openapi import openapi_document
from chf_http2.tick_memory import NO_FEATURES

SCHEMAS = openapi_document("https://chf.example")["components"]["schemas"]


def test_numbers_follow_one_another() -> None:
    assert [feature.number for feature in FEATURES] == list(range(1, len(FEATURES) + 1))
    assert len({feature.name for feature in FEATURES}) == len(FEATURES)


@pytest.mark.parametrize("feature", [one for one in FEATURES if one.read_as], ids=lambda one: one.name)
def test_what_comes_with_a_supported_feature_is_in_the_schema(feature: object) -> None:
    name, _, member = feature.read_as.partition(".")  # type: ignore[attr-defined]
    assert member in SCHEMAS[name]["properties"]


@pytest.mark.parametrize(
    ("said", "common"),
    [
        (None, NO_FEATURES),
        ("", 0),
        ("0", 0),
        ("1", 0),
        ("2", 2),
        ("00000000002", 2),
        ("fFfFf", SUPPORTED),
        ("F" * 100_000, SUPPORTED),
        ("1" + "0" * 40, 0),
    ],
)
def test_what_both_have(said: str | None, common: int) -> None:
    assert common_features(said) == common
    if said is not None:
        digits = np.frombuffer(bytearray(b"1" + said.encode()), np.uint8)
        assert features_of_digits(digits, 1, len(said)) == common


@given(st.integers(0, 1 << 80))
def test_it_is_never_more_than_either_has(said: int) -> None:
    assert common_features(f"{said:x}") == said & SUPPORTED

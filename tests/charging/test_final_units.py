"""Texts of final units: the same number everywhere, once each, and nothing read that isn't one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charging import final_units
from charging.final_units import (
    FinalUnit,
    FinalUnitsDamaged,
    by_number,
    number_of_final_unit,
    pack_final_units,
    read_final_units,
)

texts = st.text(max_size=5)
units = st.builds(FinalUnit, texts, st.integers(0, 3), texts, texts)


@given(st.lists(units, max_size=5))
def test_packed_texts_come_back_once(some: list[FinalUnit]) -> None:
    packed = pack_final_units([*some, *some])
    assert read_final_units(packed) == by_number(some)
    assert (pack_final_units(reversed(some)) == packed).all()
    assert all(0 < number < 2**31 for number in read_final_units(packed))


def test_number_is_the_same_for_ever() -> None:
    assert number_of_final_unit(FinalUnit("https://a.example", 2)) == 1909969257
    assert read_final_units(b"") == {}


def test_two_texts_with_one_number_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(final_units, "number_of_name", lambda text: 7)
    with pytest.raises(ValueError, match="has the number of another"):
        by_number([FinalUnit("a"), FinalUnit("b")])


@pytest.mark.parametrize("octets", [b"{", b"[[1]]", b'[["a",2,"b","c",4]]', b'[["\xff"]]', b"7"])
def test_what_is_none_is_refused(octets: bytes) -> None:
    with pytest.raises(FinalUnitsDamaged):
        read_final_units(octets)

"""Numbers and cards: forms, and the check digit against cards of other makers."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bss.errors import Invalid
from bss.inventory.digits import check_iccid, check_imsi, check_msisdn, check_pool, luhn_digit

digits = st.text("0123456789", min_size=17, max_size=18)


@pytest.mark.parametrize(("number", "digit"), [("7992739871", "3"), ("0", "0")])
def test_check_digit_of_known_numbers(number: str, digit: str) -> None:
    doubled = [int(sign) * (2 if place % 2 == 0 else 1) for place, sign in enumerate(reversed(number))]
    assert (sum(int(sign) for value in doubled for sign in str(value)) + int(digit)) % 10 == 0
    assert luhn_digit(number) == digit


@given(digits, st.integers(0, 16), st.integers(1, 9))
def test_one_wrong_digit_is_always_noticed(body: str, place: int, step: int) -> None:
    right = "89" + body[:16]
    iccid = right + luhn_digit(right)
    assert check_iccid(iccid) == iccid
    wrong = iccid[:place] + str((int(iccid[place]) + step) % 10) + iccid[place + 1 :]
    with pytest.raises(Invalid):
        check_iccid(wrong)


@pytest.mark.parametrize(
    ("check", "text", "remedy"),
    [
        (check_msisdn, "+491700000001", "without [+] and 00"),
        (check_msisdn, "0049170", "without [+] and 00"),
        (check_msisdn, "1234", "5 to 15 digits"),
        (check_msisdn, "٤٩١٧٠٠٠٠٠١", "5 to 15 digits"),
        (check_imsi, "12345", "6 to 15 digits"),
        (check_imsi, "2620100000000012", "6 to 15 digits"),
        (check_iccid, "894411006850000000", "mistyped digit"),
        (check_iccid, "8944", "18 to 20 digits"),
        (check_pool, "Golden numbers", "a-z"),
        (check_pool, "", "a-z"),
    ],
)
def test_what_is_none_is_refused_with_a_remedy(check: Callable[[str], str], text: str, remedy: str) -> None:
    with pytest.raises(Invalid, match=remedy):
        check(text)

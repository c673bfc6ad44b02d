"""The codes that the kernels know are those of the dictionary, by name."""

import pytest

from gy_interface import avp_codes
from gy_interface.dictionary import AVPS

CODES = {
    name: key for name, key in vars(avp_codes).items() if name.isupper() and not name.startswith(("_", "VENDOR_3"))
}


def letters(name: str) -> str:
    return "".join(letter for letter in name.upper() if letter.isalnum())


@pytest.mark.parametrize("name", CODES)
def test_code_is_that_of_the_dictionary(name: str) -> None:
    row = AVPS[CODES[name]]
    assert row.is_handled
    assert letters(row.name).endswith(letters(name))


def test_every_code_is_one_avp() -> None:
    assert len(set(CODES.values())) == len(CODES) > 30

"""What a guess costs."""

from argon2 import extract_parameters

from bss.identity.passwords import COST, NOBODYS_HASH, is_password


def test_a_guess_costs_as_much_where_there_is_no_such_user() -> None:
    assert extract_parameters(NOBODYS_HASH) == COST
    assert is_password("nobody has this password", NOBODYS_HASH), "it is looked at whole"
    assert not is_password("another password", NOBODYS_HASH)

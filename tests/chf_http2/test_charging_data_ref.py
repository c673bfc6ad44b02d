"""ChargingDataRefs lead to their session and nowhere else."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chf_http2.charging_data_ref import REF_DIGITS, Refs, session_of_text

SECRET = np.array([3, 5], np.uint64)
REFS = Refs(SECRET, 1)


@given(st.binary(max_size=200), st.integers(0, 2**63 - 1))
def test_a_ref_is_read_as_it_was_made(what: bytes, account_id: int) -> None:
    name = REFS.name_of(what)
    ref = REFS.make(name, account_id)
    assert len(ref) == REF_DIGITS
    assert REFS.read(ref) == (name, account_id)


@given(st.integers(0, REF_DIGITS - 1), st.sampled_from("0123456789abcdefABCDEF-é "))
def test_one_sign_changed_leads_nowhere(place: int, sign: str) -> None:
    ref = REFS.make(REFS.name_of(b"a"), 42)
    other = ref[:place] + sign + ref[place + 1 :]
    assert (REFS.read(other) is None) == (other != ref)


@pytest.mark.parametrize("ref", ["", "a", "0" * REF_DIGITS, "é" * REF_DIGITS, "0" * 10_000])
def test_what_is_no_ref_leads_nowhere(ref: str) -> None:
    assert REFS.read(ref) is None


def test_refs_of_other_tenants_and_stores_are_not_ours() -> None:
    ref = REFS.make(REFS.name_of(b"a"), 42)
    assert Refs(SECRET, 2).read(ref) is None
    assert Refs(np.zeros(2, np.uint64), 1).read(ref) is None


def test_the_same_create_has_the_same_name_anywhere() -> None:
    assert REFS.name_of(b"a") == Refs(SECRET, 1).name_of(b"a")
    assert REFS.name_of(b"a") != REFS.name_of(b"b")
    assert REFS.name_of(b"a") != Refs(SECRET, 2).name_of(b"a")


def test_the_offline_only_service_has_names_and_refs_of_its_own() -> None:
    name = REFS.name_of(b"a", gives_quota=False)
    assert name != REFS.name_of(b"a")
    ref = REFS.make(name, 42, gives_quota=False)
    assert REFS.read(ref, gives_quota=False) == (name, 42)
    assert REFS.read(ref) is None
    assert REFS.read(REFS.make(name, 42), gives_quota=False) is None


def test_a_ref_says_which_session_of_which_account_it_is() -> None:
    ref = REFS.make("ab" * 16, 77)
    assert session_of_text(ref) == (f"nchf;{'ab' * 16}", 77)
    for text in ("smf;1", "ab" * 16, ref[:-1], ref.upper()):
        assert session_of_text(text) == (text, None)
    assert session_of_text("f" * REF_DIGITS) == (f"nchf;{'f' * 32}", None)

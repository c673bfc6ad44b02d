"""Addresses and filter rules: what can be told to a client, and what can't."""

import pytest

from catalog_loader.redirects import final_unit, is_filter_rule, redirect_type
from charging.final_units import FinalUnit, RedirectAddressType


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("192.0.2.1", RedirectAddressType.IPV4),
        ("2001:db8::1", RedirectAddressType.IPV6),
        ("http://portal", RedirectAddressType.URL),
        ("https://top-up.example.net:8443/a?b#c", RedirectAddressType.URL),
        ("https://[2001:db8::1]/", RedirectAddressType.URL),
        ("sip:top-up@example.net", RedirectAddressType.SIP_URI),
        ("sips:example.net", RedirectAddressType.SIP_URI),
        ("portal", None),
        ("https://", None),
        ("https:///path", None),
        ("https://a b", None),
        ("ftp://a.example", None),
        ("300.1.1.1", None),
        ("sip:", None),
        ("", None),
    ],
)
def test_kind_of_an_address(text: str, kind: RedirectAddressType | None) -> None:
    assert redirect_type(text) == kind


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("permit out ip from 192.0.2.10 to assigned", True),
        ("deny in 6 from any to 192.0.2.0/24 80", True),
        ("permit out ip from any", False),
        ("allow out ip from any to any", False),
        ("permit everything", False),
    ],
)
def test_rule_has_its_parts(text: str, is_one: bool) -> None:
    assert is_filter_rule(text) == is_one


def test_what_clients_are_told() -> None:
    assert final_unit("", "garden", "") == FinalUnit(filter_id="garden")
    assert final_unit("sip:a@b", "", "") == FinalUnit("sip:a@b", RedirectAddressType.SIP_URI)

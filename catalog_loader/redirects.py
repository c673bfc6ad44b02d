"""Where users are redirected to, and by which filters they are restricted: texts of a catalogue to what clients are told."""

import re
from ipaddress import ip_address
from typing import Final

from charging.final_units import FinalUnit, RedirectAddressType

ADDRESS_REMEDY: Final = "Write an URL such as https://top-up.example.net, a SIP URI, or an IP address"
RULE_REMEDY: Final = "Write a rule such as permit out ip from 192.0.2.10 to assigned (RFC 6733 §4.3.1)"
_SIP_URI: Final = re.compile(r"sips?:[^\s@]+@?[^\s@]+")
_URL: Final = re.compile(r"https?://[^\s/?#]+([/?#]\S*)?")
_FILTER_RULE: Final = re.compile(r"(permit|deny) (in|out) \S+ from \S.* to \S.*")


def redirect_type(text: str) -> RedirectAddressType | None:
    """What kind of address the text is; None where it is none that can be said."""
    try:
        return RedirectAddressType.IPV4 if ip_address(text).version == 4 else RedirectAddressType.IPV6
    except ValueError:
        pass
    if _SIP_URI.fullmatch(text):
        return RedirectAddressType.SIP_URI
    return RedirectAddressType.URL if _URL.fullmatch(text) else None


def is_filter_rule(text: str) -> bool:
    """Has it the parts of an IPFilterRule? What stands in them is the access device's to know."""
    return _FILTER_RULE.fullmatch(text) is not None


def final_unit(redirect_to: str, filter_id: str, filter_rule: str) -> FinalUnit:
    """What clients are told, of texts without faults."""
    kind = redirect_type(redirect_to) if redirect_to else None
    return FinalUnit(redirect_to, int(kind or 0), filter_id, filter_rule)

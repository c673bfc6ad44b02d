"""The route of a session, read back: what charging/session_routes.py writes beside the account while a session is open."""

import struct
from typing import Final, NamedTuple

from chf_http2.charging_data_ref import SESSION_PREFIX

_HEAD: Final = struct.Struct("<qqiHHH2x")


class RouteError(ValueError):
    """The octets are no session route."""


class SessionRoute(NamedTuple):
    """Whose session it is and how its client is reached."""

    opened_ns: int
    account_id: int
    tenant: int
    session_id: str
    origin_host: str
    """of Nchf: the consumer's name"""
    origin_realm: str
    """of Nchf: its notifyUri, '' where it gave none"""

    @property
    def is_nchf(self) -> bool:
        """Is it a session of Nchf?"""
        return self.session_id.startswith(SESSION_PREFIX)

    @property
    def notify_uri(self) -> str:
        """Where a session of Nchf is notified; '' nowhere."""
        return self.origin_realm if self.is_nchf else ""


def route_name(high: int, low: int) -> str:
    """What follows `{<tag>}:` in the route's key."""
    return f"route:{high:016x}{low:016x}"


def decode_route(octets: bytes) -> SessionRoute:
    """The route of its octets. RouteError where they are none."""
    if len(octets) < _HEAD.size:
        raise RouteError(f"route of {len(octets)} octets: at least {_HEAD.size}")
    opened_ns, account_id, tenant, *lengths = _HEAD.unpack_from(octets)
    if _HEAD.size + sum(lengths) != len(octets):
        raise RouteError(f"route of {len(octets)} octets, its texts need {_HEAD.size + sum(lengths)}")
    texts, at = [], _HEAD.size
    for length in lengths:
        texts.append(octets[at : at + length].decode(errors="replace"))
        at += length
    return SessionRoute(opened_ns, account_id, tenant, *texts)

"""What a peer connection tells its driver; frozen, in the order in which it happened."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PeerOpened:
    """Capabilities were exchanged: CCRs are taken from here on."""

    peer_name: str
    origin_host: str
    origin_realm: str
    origin_state_id: int | None


@dataclass(frozen=True, slots=True)
class PeerClosed:
    """The connection is to be closed once what is in take_octets() is written; `abort` without waiting for that."""

    reason: str
    abort: bool = False


@dataclass(frozen=True, slots=True)
class SessionAnswered:
    """An RAA or ASA to a request of ours came."""

    hop_by_hop: int
    """of the request"""
    result_code: int


PeerEvent = PeerOpened | PeerClosed | SessionAnswered

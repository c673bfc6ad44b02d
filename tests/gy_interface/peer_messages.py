"""Messages of the base protocol as peers send them, and a peer core that is told the time: nothing of our codec in here."""

from typing import Final

from gy_interface.base_messages import Identity
from gy_interface.config import GyConfig, PeerConfig
from gy_interface.peer import Peer, PeerRegistry
from tests.gy_interface.diameter_octets import avp, avps_of, message, text, u32
from vocabulary.instants import NS_PER_S

START_NS: Final = 1_790_000_000_000_000_000
HOST, REALM = "ocs.farebox.example", "farebox.example"
STATE_ID = 1_790_000_000
IDENTITY = Identity(HOST, REALM, STATE_ID, ("192.0.2.1", "2001:db8::1"))
PEER_HOST, PEER_REALM = "pgw1.example.net", "example.net"
WHO = (text(264, PEER_HOST), text(296, PEER_REALM))
REQUEST = 0x80
TW_S, CER_S = 30, 10


def address(code: int, *octets: int) -> bytes:
    """An IPv4 Address."""
    return avp(code, bytes((0, 1, *octets)))


def cer(*applications: bytes, host: str = PEER_HOST, more: tuple[bytes, ...] = (), flags: int = REQUEST) -> bytes:
    """A CER in the order of RFC 6733 §5.3.1; credit control is its application unless others are given."""
    return message(
        text(264, host),
        text(296, PEER_REALM),
        address(257, 192, 0, 2, 7),
        u32(266, 10415),
        text(269, "packet core", flags=0),
        u32(278, 41),
        u32(265, 10415),
        *(applications or (u32(258, 4),)),
        u32(267, 1, flags=0),
        *more,
        command=257,
        application=0,
        flags=flags,
    )


def base(command: int, *avps: bytes, flags: int = REQUEST, hop_by_hop: int = 0x11111111) -> bytes:
    """A message of application 0."""
    return message(*avps, command=command, application=0, flags=flags, hop_by_hop=hop_by_hop, end_to_end=hop_by_hop)


def dwr(*more: bytes, flags: int = REQUEST) -> bytes:
    """A DWR."""
    return base(280, *WHO, u32(278, 41), *more, flags=flags)


def dpr(cause: int = 0) -> bytes:
    """A DPR."""
    return base(282, *WHO, u32(273, cause))


def answer_to(request: bytes, result_code: int = 2001) -> bytes:
    """The peer's answer to a DWR or DPR of ours."""
    command = int.from_bytes(request[5:8], "big")
    hop_by_hop = int.from_bytes(request[12:16], "big")
    return base(command, u32(268, result_code), *WHO, flags=0, hop_by_hop=hop_by_hop)


def config(**peers: PeerConfig) -> GyConfig:
    """Settings with these peers, or one that takes anybody."""
    return GyConfig(
        origin_host=HOST,
        origin_realm=REALM,
        watchdog_s=TW_S,
        cer_timeout_s=CER_S,
        peers=peers or {"any": PeerConfig(origin_hosts=("*",))},
    )


def waiting_peer(registry: PeerRegistry | None = None, jitter_ns: int = 0) -> Peer:
    """A connection that was accepted at START_NS."""
    return Peer(registry or PeerRegistry(config()), IDENTITY, now_ns=START_NS, jitter_ns=jitter_ns)


def open_peer(registry: PeerRegistry | None = None) -> Peer:
    """A connection on which capabilities were exchanged at START_NS."""
    peer = waiting_peer(registry)
    assert peer.receive_octets(cer(), START_NS) == b""
    assert peer.takes_requests
    peer.take_octets()
    peer.take_events()
    return peer


def at_s(seconds: float) -> int:
    """An instant after START_NS."""
    return START_NS + int(seconds * NS_PER_S)


def codes(octets: bytes) -> list[int]:
    """Codes of a message's AVPs, in order."""
    return [code for code, _, _, _ in avps_of(octets[20:])]


def data_of(octets: bytes, code: int) -> list[bytes]:
    """Data of each AVP `code` of a message."""
    return [data for found, _, _, data in avps_of(octets[20:]) if found == code]


def result_of(octets: bytes) -> int:
    """Result-Code of an answer."""
    (data,) = data_of(octets, 268)
    return int.from_bytes(data, "big")

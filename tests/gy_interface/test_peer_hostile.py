"""Whatever octets a peer sends, in whatever pieces and at whatever time: the core refuses or takes them, and never fails."""

from hypothesis import given, settings
from hypothesis import strategies as st

from gy_interface.events import PeerClosed, PeerOpened
from gy_interface.peer import Peer, PeerRegistry
from gy_interface.peer_transitions import PeerState
from tests.gy_interface.diameter_octets import avp, ccr, group, split, u32
from tests.gy_interface.peer_messages import WHO, answer_to, at_s, base, cer, codes, config, dpr, dwr, waiting_peer
from vocabulary.instants import FOREVER_NS

WHOLE = (cer(), dwr(), dpr(), ccr(), base(999, *WHO), answer_to(dwr()), answer_to(dpr()), cer(group(260, u32(258, 4))))


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A message with an octet or two changed, cut, or with an AVP more; its length mostly mended."""
    octets = bytearray(draw(st.sampled_from(WHOLE)))
    octets += draw(st.sampled_from([b"", avp(4711, b"x"), avp(264, b"\xff"), b"\x00\x00\x01\x08\x40\x00\x00"]))
    for _ in range(draw(st.integers(0, 2))):
        octets[draw(st.integers(0, len(octets) - 1))] = draw(st.integers(0, 255))
    octets = octets[: draw(st.sampled_from([len(octets), len(octets) - 4, len(octets) - 1]))]
    if draw(st.integers(0, 5)):
        octets[0:4] = b"\x01" + len(octets).to_bytes(3, "big")
    return bytes(octets)


STREAMS = st.lists(st.one_of(damaged(), st.sampled_from(WHOLE), st.binary(max_size=40)), max_size=8).map(b"".join)


def look(peer: Peer, registry: PeerRegistry) -> None:
    """What holds at any time."""
    for octets in split(peer.take_octets()):
        assert int.from_bytes(octets[1:4], "big") == len(octets) >= 20
        assert codes(octets), "each AVP that we send has a length that is true"
    for event in peer.take_events():
        assert isinstance(event, PeerOpened | PeerClosed)
    holds = peer.peer_name and peer.state is not PeerState.CLOSED
    assert registry.count("any") == (1 if holds else 0)
    assert (peer.next_deadline_ns == FOREVER_NS) == (peer.state is PeerState.CLOSED)


@settings(max_examples=150)
@given(STREAMS, st.lists(st.integers(1, 200), max_size=12), st.booleans(), st.data())
def test_any_stream_in_any_pieces(stream: bytes, sizes: list[int], begins_well: bool, data: st.DataObject) -> None:
    registry = PeerRegistry(config())
    peer = waiting_peer(registry)
    stream = (cer() if begins_well else b"") + stream
    at, second = 0, 1
    for size in [*sizes, len(stream)]:
        part = stream[at : at + size]
        at += size
        second += data.draw(st.integers(0, 40))
        peer.on_deadline(at_s(second))
        if data.draw(st.integers(0, 9)) == 0:
            peer.stop(at_s(second))
        part = peer.receive_octets(part, at_s(second))
        look(peer, registry)
        if part and peer.takes_requests:
            read_as_the_driver_does(peer, part, at_s(second))
        look(peer, registry)
    peer.on_disconnected()
    look(peer, registry)
    assert peer.state is PeerState.CLOSED


def read_as_the_driver_does(peer: Peer, octets: bytes, now_ns: int) -> None:
    """Whole messages one by one, then what can't be framed; the rest would wait for more."""
    at = 0
    while len(octets) - at >= 20:
        size = int.from_bytes(octets[at + 1 : at + 4], "big")
        if octets[at] != 1 or size < 20 or size % 4 or size > 65532:
            peer.on_fault(octets[at : at + 20])
            return
        if size > len(octets) - at:
            return
        peer.receive_message(octets[at : at + size], now_ns)
        at += size


@settings(max_examples=100)
@given(st.lists(damaged(), min_size=1, max_size=5))
def test_any_damaged_message_on_an_open_connection(messages: list[bytes]) -> None:
    registry = PeerRegistry(config())
    peer = waiting_peer(registry)
    peer.receive_octets(cer(), at_s(0))
    for octets in messages:
        read_as_the_driver_does(peer, octets, at_s(1))
        look(peer, registry)

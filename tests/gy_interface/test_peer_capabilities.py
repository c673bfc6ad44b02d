"""Capabilities exchange: who is let in, what we say of ourselves, and how the others are refused (RFC 6733 §5.3)."""

import pytest

from gy_interface.config import PeerConfig
from gy_interface.events import PeerClosed, PeerOpened
from gy_interface.peer import PeerRegistry
from gy_interface.peer_transitions import PeerState
from tests.gy_interface.diameter_octets import avp, ccr, group, message, split, text, u32
from tests.gy_interface.peer_messages import (
    CER_S,
    HOST,
    PEER_HOST,
    PEER_REALM,
    REALM,
    START_NS,
    STATE_ID,
    WHO,
    address,
    at_s,
    base,
    cer,
    codes,
    config,
    data_of,
    dwr,
    open_peer,
    result_of,
    waiting_peer,
)

VENDOR = u32(266, 10415)


def refusal(octets: bytes, registry: PeerRegistry | None = None) -> tuple[bytes, str]:
    """(The CEA, the reason in the event) of a CER that is refused; the connection is closed after the CEA is out."""
    peer = waiting_peer(registry)
    assert peer.receive_octets(octets + dwr(), START_NS) == b""
    (answer,) = split(peer.take_octets())
    (event,) = peer.take_events()
    assert isinstance(event, PeerClosed)
    assert not event.abort, "the answer goes out first"
    assert peer.state is PeerState.CLOSED
    return answer, event.reason


def test_answer_octet_for_octet() -> None:
    peer = waiting_peer()
    peer.receive_octets(cer(), START_NS)
    assert peer.take_octets() == message(
        u32(268, 2001),
        text(264, HOST),
        text(296, REALM),
        address(257, 192, 0, 2, 1),
        avp(257, bytes.fromhex("0002 20010db8000000000000000000000001")),
        u32(266, 0),
        text(269, "Farebox", flags=0),
        u32(278, STATE_ID),
        u32(265, 10415),
        u32(258, 4),
        command=257,
        application=0,
        flags=0,
    )
    assert peer.take_events() == [PeerOpened("any", PEER_HOST, PEER_REALM, 41)]
    assert peer.take_octets() == b"", "what was taken is gone"


@pytest.mark.parametrize(
    "applications",
    [
        (u32(258, 4),),
        (u32(259, 4),),
        (u32(259, 3), u32(258, 16777238), u32(258, 4)),
        (group(260, VENDOR, u32(258, 4)),),
        (group(260, u32(258, 4), u32(266, 0)),),
        (group(260, VENDOR, u32(259, 4)),),
        (group(260, u32(266, 999), u32(258, 4)),),
        (u32(258, 0xFFFFFFFF),),
        (u32(259, 0xFFFFFFFF),),
    ],
    ids=[
        "auth",
        "acct",
        "among others",
        "vendor auth",
        "vendor last",
        "vendor acct",
        "any vendor",
        "relay",
        "acct relay",
    ],
)
def test_common_application(applications: tuple[bytes, ...]) -> None:
    peer = waiting_peer()
    peer.receive_octets(cer(*applications), START_NS)
    answer = peer.take_octets()
    assert result_of(answer) == 2001
    assert data_of(answer, 258) == [(4).to_bytes(4, "big")], "we say what is served and nothing else"
    assert not {259, 260} & set(codes(answer))


@pytest.mark.parametrize(
    "applications",
    [
        (u32(258, 16777238),),
        (u32(259, 3),),
        (group(260, VENDOR, u32(258, 16777302)),),
        (u32(258, 4, 10415, flags=0x80),),
    ],
    ids=["Gx", "Rf", "Sy", "another vendor's AVP 258"],
)
def test_no_common_application_is_5010(applications: tuple[bytes, ...]) -> None:
    answer, reason = refusal(cer(*applications))
    assert (result_of(answer), answer[4]) == (5010, 0)
    assert "credit control" in reason
    assert data_of(answer, 281) == [reason.encode()]


def test_cer_without_any_application_is_5010() -> None:
    assert result_of(refusal(base(257, *WHO, address(257, 192, 0, 2, 7), VENDOR))[0]) == 5010


def test_unknown_peer_is_3010_with_the_error_bit() -> None:
    answer, reason = refusal(cer(), PeerRegistry(config(core=PeerConfig(origin_hosts=("pgw2.example.net",)))))
    assert (result_of(answer), answer[4]) == (3010, 0x20)
    assert PEER_HOST in reason


def test_names_are_compared_without_case() -> None:
    registry = PeerRegistry(config(core=PeerConfig(origin_hosts=("PGW1.example.NET",))))
    open_peer(registry)
    assert registry.count("core") == 1


def test_peer_with_all_its_connections_is_3010_until_one_closes() -> None:
    registry = PeerRegistry(
        config(
            core=PeerConfig(origin_hosts=(PEER_HOST,), connections_max=2),
            other=PeerConfig(origin_hosts=("*",), connections_max=1),
        )
    )
    first, _ = open_peer(registry), open_peer(registry)
    answer, reason = refusal(cer(), registry)
    assert (result_of(answer), registry.count("core")) == (3010, 2)
    assert "all the connections" in reason
    stranger = waiting_peer(registry)
    stranger.receive_octets(cer(host="else.example.net"), START_NS)
    assert (stranger.peer_name, registry.count("other")) == ("other", 1)
    first.on_disconnected()
    open_peer(registry)
    assert registry.count("core") == 2


@pytest.mark.parametrize(
    ("octets", "code", "failed"),
    [
        (base(257, text(296, PEER_REALM), u32(258, 4)), 5005, avp(264, b"")),
        (base(257, text(264, PEER_HOST), u32(258, 4)), 5005, avp(296, b"")),
        (cer(more=(text(264, PEER_HOST),)), 5009, text(264, PEER_HOST)),
        (cer(more=(u32(278, 42),)), 5009, u32(278, 42)),
        (cer(avp(258, b"\x00\x04")), 5014, avp(258, b"\x00\x04")),
        (cer(group(260, avp(258, b"\x00\x04"))), 5014, avp(258, b"\x00\x04")),
        (cer(more=(b"\x00\x00\x01\x08\x40\x00\x00\x07",)), 5014, avp(264, b"")),
        (cer(more=(avp(257, b"\x00\x01"),)), 5014, avp(257, b"\x00\x01")),
        (cer(more=(avp(257, b"\x00"),)), 5014, avp(257, b"\x00")),
        (cer(host=""), 5004, avp(264, b"")),
        (cer(more=(avp(4711, b"?"),)), 5001, avp(4711, b"?")),
        (cer(more=(u32(299, 1),)), 5017, None),
        (cer(flags=0xA0), 3008, None),
    ],
    ids=[
        "no host",
        "no realm",
        "host twice",
        "state twice",
        "short id",
        "short inner id",
        "cut",
        "family without address",
        "half a family",
        "empty host",
        "unknown",
        "TLS inside",
        "E bit",
    ],
)
def test_bad_cer_is_answered_and_the_connection_closed(octets: bytes, code: int, failed: bytes | None) -> None:
    answer, _ = refusal(octets)
    assert result_of(answer) == code
    assert data_of(answer, 279) == ([failed] if failed is not None else [])
    assert (answer[4:12], answer[12:20]) == (bytes((0x20 if code < 4000 else 0, 0, 1, 1, 0, 0, 0, 0)), octets[12:20])


def test_host_that_is_no_ascii_text_is_5004() -> None:
    assert result_of(refusal(cer(host="pgw\u00e9.example.net"))[0]) == 5004


def test_what_peers_leave_out_or_add_is_taken() -> None:
    peer = waiting_peer()
    peer.receive_octets(base(257, *WHO, u32(258, 4), u32(299, 1), u32(299, 0), avp(4711, b"?", flags=0)), START_NS)
    assert result_of(peer.take_octets()) == 2001
    (event,) = peer.take_events()
    assert isinstance(event, PeerOpened)
    assert event.origin_state_id is None


def test_lenient_peer_may_say_what_we_do_not_know() -> None:
    registry = PeerRegistry(config(core=PeerConfig(origin_hosts=(PEER_HOST,), lenient=True)))
    peer = waiting_peer(registry)
    peer.receive_octets(cer(more=(avp(4711, b"?"),)), START_NS)
    assert result_of(peer.take_octets()) == 2001


@pytest.mark.parametrize(
    "octets",
    [dwr(), ccr(), base(282, *WHO, u32(273, 0)), base(257, u32(268, 2001), *WHO, flags=0), message(command=257)],
    ids=["DWR", "CCR", "DPR", "CEA", "CER of application 4"],
)
def test_first_message_that_is_no_cer_ends_the_connection_unanswered(octets: bytes) -> None:
    peer = waiting_peer()
    peer.receive_octets(octets, START_NS)
    (event,) = peer.take_events()
    assert event == PeerClosed("the first message is no Capabilities-Exchange-Request", abort=True)
    assert peer.take_octets() == b""


def test_connection_without_cer_is_closed_however_it_drips() -> None:
    peer = waiting_peer()
    octets = cer()
    for place in range(len(octets) - 1):
        peer.receive_octets(octets[place : place + 1], at_s(CER_S * place / len(octets)))
    assert peer.next_deadline_ns == at_s(CER_S), "octets don't buy time"
    peer.on_deadline(at_s(CER_S))
    (event,) = peer.take_events()
    assert isinstance(event, PeerClosed)
    assert event.abort
    assert peer.receive_octets(octets[-1:], at_s(CER_S)) == b""
    assert peer.take_octets() == b""


def test_capabilities_are_exchanged_once() -> None:
    peer = open_peer()
    peer.receive_message(cer(), START_NS)
    answer = peer.take_octets()
    assert (result_of(answer), answer[4]) == (3010, 0x20)
    assert peer.takes_requests, "the connection stays as it was"
    assert peer.take_events() == []

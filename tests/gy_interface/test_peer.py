"""An open connection's core: watchdog, good-bye, refusals, answers to nothing, and octets in any pieces."""

import pytest

from gy_interface.base_messages import check_request
from gy_interface.config import PeerConfig
from gy_interface.errors import PeerError
from gy_interface.events import PeerClosed
from gy_interface.framing import next_message
from gy_interface.peer import CLOSING_S, Peer, PeerRegistry
from gy_interface.peer_transitions import PeerState
from gy_interface.session_messages import RE_AUTH, SessionRequest
from tests.gy_interface.diameter_octets import avp, ccr, group, message, split, text, u32
from tests.gy_interface.peer_messages import (
    HOST,
    PEER_HOST,
    REALM,
    START_NS,
    STATE_ID,
    TW_S,
    WHO,
    answer_to,
    at_s,
    base,
    cer,
    codes,
    config,
    data_of,
    dpr,
    dwr,
    open_peer,
    result_of,
    waiting_peer,
)


def reply(octets: bytes, peer: Peer | None = None) -> bytes:
    """The one answer to a whole message on an open connection."""
    peer = peer or open_peer()
    peer.receive_message(octets, at_s(1))
    (answer,) = split(peer.take_octets())
    assert (answer[5:12], answer[12:20]) == (octets[5:12], octets[12:20])
    assert not answer[4] & 0x80
    assert (answer[4] & 0x40) == (octets[4] & 0x40), "the P bit comes back"
    return answer


# --- watchdog ---------------------------------------------------------------------------------------------------------
def test_watchdog_is_answered_octet_for_octet() -> None:
    expected = base(280, u32(268, 2001), text(264, HOST), text(296, REALM), u32(278, STATE_ID), flags=0)
    assert reply(dwr()) == expected
    assert reply(dwr(flags=0xC0))[4] == 0x40


def test_silence_is_asked_twice_as_long_and_ended() -> None:
    peer = open_peer()
    peer.on_deadline(at_s(TW_S) - 1)
    assert peer.take_octets() == b"", "Tw isn't over"
    peer.on_deadline(at_s(TW_S))
    (request,) = split(peer.take_octets())
    assert request[4:12] == bytes((0x80, 0, 1, 24, 0, 0, 0, 0))
    assert request[20:] == text(264, HOST) + text(296, REALM) + u32(278, STATE_ID)
    peer.on_deadline(at_s(2 * TW_S))
    assert (peer.take_octets(), peer.take_events(), peer.takes_requests) == (b"", [], True)
    peer.on_deadline(at_s(3 * TW_S))
    (event,) = peer.take_events()
    assert isinstance(event, PeerClosed)
    assert event.abort


@pytest.mark.parametrize("intervals", [1, 2])
def test_anything_received_ends_the_doubt(intervals: int) -> None:
    peer = open_peer()
    for interval in range(intervals):
        peer.on_deadline(at_s((interval + 1) * TW_S))
    now_ns = at_s(intervals * TW_S + 1)
    peer.on_traffic(now_ns)
    assert (peer.state, peer.next_deadline_ns) == (PeerState.OPEN, now_ns + TW_S * 10**9)


@pytest.mark.parametrize("result_code", [2001, 5012])
def test_watchdog_answer_is_life_whatever_it_says(result_code: int) -> None:
    peer = open_peer()
    peer.on_deadline(at_s(TW_S))
    (request,) = split(peer.take_octets())
    peer.receive_message(answer_to(request, result_code), at_s(TW_S + 1))
    assert (peer.state, peer.next_deadline_ns, peer.take_octets()) == (PeerState.OPEN, at_s(2 * TW_S + 1), b"")
    peer.on_deadline(at_s(2 * TW_S + 1))
    (second,) = split(peer.take_octets())
    assert second[12:16] != request[12:16], "each request has an id of its own"


def test_jitter_moves_tw() -> None:
    peer = waiting_peer(jitter_ns=-(10**9))
    peer.receive_octets(cer(), START_NS)
    assert peer.next_deadline_ns == at_s(TW_S - 1)


# --- good-bye ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("cause", [0, 1, 2])
def test_peer_that_leaves_is_answered_and_left_to_close(cause: int) -> None:
    registry = PeerRegistry(config())
    peer = open_peer(registry)
    answer = reply(dpr(cause), peer)
    assert answer == base(282, u32(268, 2001), text(264, HOST), text(296, REALM), flags=0)
    assert (peer.state, peer.next_deadline_ns) == (PeerState.CLOSING, at_s(1 + CLOSING_S))
    assert peer.take_events() == [], "answers under way still go out"
    assert registry.count("any") == 1
    peer.on_disconnected()
    assert registry.count("any") == 0


def test_we_leave() -> None:
    peer = open_peer()
    peer.stop(at_s(1), cause=2)
    (request,) = split(peer.take_octets())
    assert request[4:12] == bytes((0x80, 0, 1, 26, 0, 0, 0, 0))
    assert request[20:] == text(264, HOST) + text(296, REALM) + u32(273, 2)
    peer.stop(at_s(2))
    assert peer.take_octets() == b"", "once is enough"
    peer.receive_message(answer_to(request), at_s(2))
    assert peer.take_events() == [PeerClosed("disconnected by us")]
    assert not peer.takes_requests


@pytest.mark.parametrize("who", ["we", "the peer"])
def test_requests_are_taken_until_the_connection_ends(who: str) -> None:
    peer = open_peer()
    if who == "we":
        peer.stop(at_s(1))
    else:
        peer.receive_message(dpr(), at_s(1))
    peer.take_octets()
    assert (peer.takes_requests, peer.is_open) == (True, False)
    assert peer.receive_octets(ccr(), at_s(1)) == ccr(), "they are the kernels'"
    peer.on_traffic(at_s(2))
    peer.receive_message(dwr(), at_s(2))
    assert result_of(peer.take_octets()) == 2001
    assert peer.next_deadline_ns == at_s(1 + CLOSING_S), "talking doesn't buy time"
    assert peer.ask_session(SessionRequest(RE_AUTH, "s;1", PEER_HOST, "example.net"), 7) is None, (
        "what we begin goes over another"
    )


def test_both_leave_at_once() -> None:
    peer = open_peer()
    peer.stop(at_s(1))
    (request,) = split(peer.take_octets())
    peer.receive_message(dpr(), at_s(1))
    assert result_of(peer.take_octets()) == 2001
    peer.receive_message(answer_to(request), at_s(1))
    assert peer.take_events() == [PeerClosed("disconnected by us")]


def test_stopping_a_connection_without_capabilities_says_nothing() -> None:
    peer = waiting_peer()
    peer.stop(START_NS)
    assert peer.take_octets() == b""
    assert peer.take_events() == [PeerClosed("stopped by us")]


# --- refusals ---------------------------------------------------------------------------------------------------------
def relayed(command: int, application: int = 4, flags: int = 0xC0) -> bytes:
    return message(text(263, "s;1;2"), *WHO, command=command, application=application, flags=flags)


@pytest.mark.parametrize(
    ("octets", "code", "failed"),
    [
        (relayed(999), 3001, None),
        (relayed(258), 3001, None),
        (relayed(274), 3001, None),
        (relayed(271, 0), 3001, None),
        (relayed(272, 0), 3001, None),
        (relayed(272, 16777238), 3007, None),
        (relayed(271, 3), 3007, None),
        (relayed(272, flags=0xE0), 3008, None),
        (base(280, *WHO, flags=0xA0), 3008, None),
        (base(280, *WHO, avp(4711, b"abc", 99)), 5001, avp(4711, b"abc", 99)),
        (base(282, *WHO, avp(9999, b"")), 5001, avp(9999, b"")),
        (base(280, text(264, "\u00e9"), text(296, REALM)), 5004, text(264, "\u00e9")),
        (base(280, text(264, ""), text(296, REALM)), 5004, text(264, "")),
        (base(280, text(264, PEER_HOST)), 5005, avp(296, b"")),
        (base(282, *WHO), 5005, u32(273, 0)),
        (base(280, *WHO, text(296, REALM)), 5009, text(296, REALM)),
        (base(282, *WHO, u32(273, 0), u32(273, 1)), 5009, u32(273, 1)),
        (base(282, *WHO, avp(273, b"\x01")), 5014, avp(273, b"\x01")),
        (base(280, *WHO, b"\x00\x00\x01\x16\x40\x00\x00\x99"), 5014, u32(278, 0)),
        (base(280, *WHO, b"\x00\x00\x01\x16"), 5014, u32(278, 0, flags=0)),
    ],
)
def test_refusal(octets: bytes, code: int, failed: bytes | None) -> None:
    peer = open_peer()
    answer = reply(octets, peer)
    assert result_of(answer) == code
    assert bool(answer[4] & 0x20) == (3000 <= code < 4000)
    assert data_of(answer, 279) == ([failed] if failed is not None else [])
    assert (data_of(answer, 264), data_of(answer, 296)) == ([HOST.encode()], [REALM.encode()])
    assert data_of(answer, 281), "the reason is there to read"
    assert data_of(answer, 263) == data_of(octets, 263)[:1] if code < 4000 else True
    assert peer.takes_requests
    assert peer.take_events() == [], "the connection stays"


def test_lenient_peer_may_send_what_we_do_not_know() -> None:
    registry = PeerRegistry(config(core=PeerConfig(origin_hosts=(PEER_HOST,), lenient=True)))
    assert result_of(reply(base(280, *WHO, avp(4711, b"abc", 99)), open_peer(registry))) == 2001


def test_avp_that_is_unknown_without_m_is_passed_over() -> None:
    assert result_of(reply(base(280, *WHO, avp(4711, b"abc", 99, flags=0x80)))) == 2001


def test_error_answer_says_what_could_be_read_before_the_fault() -> None:
    proxies = [group(284, text(280, name), avp(33, state)) for name, state in (("dra1", b"\x01"), ("dra2", b"22222"))]
    octets = message(text(263, "s;1;2"), *proxies, b"\x00\x00\x01\x16\x40\x00\x00\x99", *WHO, command=999)
    answer = reply(octets)
    assert (result_of(answer), codes(answer)[0]) == (3001, 263)
    assert answer.endswith(proxies[0] + proxies[1])


@pytest.mark.parametrize(
    "octets",
    [
        base(280, u32(268, 2001), *WHO, flags=0, hop_by_hop=77),
        base(282, u32(268, 2001), *WHO, flags=0, hop_by_hop=1),
        message(u32(268, 2001), flags=0x40),
        message(u32(268, 5012), flags=0x60, command=258),
    ],
    ids=["DWA", "DPA", "CCA", "RAA with E"],
)
def test_answer_to_nothing_is_passed_by(octets: bytes) -> None:
    peer = open_peer()
    peer.receive_message(octets, at_s(1))
    assert (peer.take_octets(), peer.take_events(), peer.state) == (b"", [], PeerState.OPEN)


def test_answer_of_another_command_is_none() -> None:
    peer = open_peer()
    peer.on_deadline(at_s(TW_S))
    (request,) = split(peer.take_octets())
    peer.stop(at_s(TW_S))
    peer.take_octets()
    wrong = base(282, u32(268, 2001), *WHO, flags=0, hop_by_hop=int.from_bytes(request[12:16], "big"))
    peer.receive_octets(wrong, at_s(TW_S))
    assert peer.state is PeerState.CLOSING


def test_base_requests_are_checked_by_the_table() -> None:
    found = next_message(dwr())
    assert found
    check_request(found)
    twice = next_message(dwr(u32(278, 1)))
    assert twice
    with pytest.raises(PeerError, match="Origin-State-Id is there twice"):
        check_request(twice)


# --- the stream -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("octets", "code"),
    [
        (b"\x02" + ccr()[1:], 5011),
        (ccr()[:1] + b"\x00\x00\x13" + ccr()[4:], 5015),
        (ccr()[:1] + b"\x00\x00\x15" + ccr()[4:], 5015),
        (ccr()[:1] + b"\xff\xff\xfc" + ccr()[4:], 5015),
        (ccr()[:1] + b"\x00\x00\x00" + ccr()[4:], 5015),
    ],
    ids=["version", "short", "odd", "long", "empty"],
)
def test_stream_that_cannot_be_framed_is_answered_and_closed(octets: bytes, code: int) -> None:
    peer = open_peer()
    peer.on_fault(octets)
    (answer,) = split(peer.take_octets())
    assert (result_of(answer), answer[4:12], answer[12:20]) == (code, b"\x40" + octets[5:12], octets[12:20])
    (event,) = peer.take_events()
    assert isinstance(event, PeerClosed)
    assert not event.abort
    peer.on_fault(octets)
    assert (peer.take_octets(), peer.take_events()) == (b"", [])


def test_answer_that_cannot_be_framed_is_not_answered() -> None:
    peer = open_peer()
    peer.on_fault(b"\x02\x00\x00\x14" + bytes(16))
    assert peer.take_octets() == b""
    assert peer.take_events() == [PeerClosed("version 2 is not 1", abort=True)]


def test_stream_is_lost_before_capabilities() -> None:
    peer = waiting_peer()
    peer.receive_octets(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", START_NS)
    assert peer.take_octets() == b""
    (event,) = peer.take_events()
    assert isinstance(event, PeerClosed)
    assert event.abort


def test_capabilities_cut_at_any_octet_and_what_follows_comes_back() -> None:
    octets, behind = cer(), ccr() + dwr()[:7]
    whole = waiting_peer()
    whole.receive_octets(octets, START_NS)
    expected = whole.take_octets()
    for place in range(len(octets)):
        peer = waiting_peer()
        assert peer.receive_octets(octets[:place], START_NS) == b""
        assert (peer.take_octets(), peer.state) == (b"", PeerState.WAIT_CER)
        assert peer.receive_octets(octets[place:] + behind, START_NS) == behind
        assert peer.take_octets() == expected
        assert peer.receive_octets(b"more", START_NS) == b"more", "an open connection's octets are the kernels'"

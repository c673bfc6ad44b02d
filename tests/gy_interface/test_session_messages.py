"""RAR and ASR: octets by the RFCs' forms, read by python-diameter; answers matched by both ids, and what they say."""

import pytest
from diameter.message import Message
from diameter.message.commands import AbortSessionRequest, ReAuthRequest

from gy_interface.events import SessionAnswered
from gy_interface.peer import Peer
from gy_interface.session_messages import ABORT_SESSION, NO_RESULT, RE_AUTH, SessionRequest
from tests.conformance.grammar import Form, misfits
from tests.gy_interface.diameter_octets import group, message, text, u32
from tests.gy_interface.peer_messages import HOST, REALM, WHO, at_s, dpr, open_peer
from vocabulary.limits import SESSION_REQUESTS_WAITING_MAX

SESSION = "pgw1.example.net;1;2"
_ONE, _MAY = (1, 1), (0, 1)
_ADDRESSED = {263: _ONE, 264: _ONE, 296: _ONE, 283: _ONE, 293: _ONE, 258: _ONE}
RE_AUTH_REQUEST = Form("RFC 6733 §8.3.1, RFC 8506 §5.5", {**_ADDRESSED, 285: _ONE, 432: _MAY, 439: _MAY}, first=263)
ABORT_REQUEST = Form("RFC 6733 §8.5.1", _ADDRESSED, first=263)
END_TO_END = 0xABCD0001


def asked(command: int = RE_AUTH, rating_group: int | None = None, service: int | None = None) -> SessionRequest:
    """A request for the session of a peer."""
    return SessionRequest(command, SESSION, "pgw1.example.net", "example.net", rating_group, service)


def sent(peer: Peer, request: SessionRequest) -> tuple[int, bytes]:
    """The request's hop-by-hop id and its octets."""
    identifier = peer.ask_session(request, END_TO_END)
    assert identifier is not None
    return identifier, peer.take_octets()


def answer(octets: bytes, *avps: bytes, end_to_end: int | None = None, command: int | None = None) -> bytes:
    """The client's answer to a request of ours."""
    return message(
        text(263, SESSION),
        *avps,
        *WHO,
        flags=0x40,
        command=int.from_bytes(octets[5:8], "big") if command is None else command,
        application=4,
        hop_by_hop=int.from_bytes(octets[12:16], "big"),
        end_to_end=int.from_bytes(octets[16:20], "big") if end_to_end is None else end_to_end,
    )


@pytest.mark.parametrize(("rating_group", "service"), [(None, None), (10, None), (0, 5), (2**32 - 1, 0)])
def test_a_reauthorisation_has_the_form_of_the_rfcs(rating_group: int | None, service: int | None) -> None:
    _, octets = sent(open_peer(), asked(RE_AUTH, rating_group, service))
    assert misfits(octets, RE_AUTH_REQUEST) == []
    read = Message.from_bytes(octets)
    assert isinstance(read, ReAuthRequest)
    assert (read.header.is_request, read.header.is_proxyable, read.header.application_id) == (True, True, 4)
    assert read.header.end_to_end_identifier == END_TO_END
    assert (read.session_id, read.auth_application_id, read.re_auth_request_type) == (SESSION, 4, 0)
    assert (read.origin_host, read.origin_realm) == (HOST.encode(), REALM.encode())
    assert (read.destination_host, read.destination_realm) == (b"pgw1.example.net", b"example.net")
    found = [[avp.value for avp in read.find_avps((code, 0))] for code in (432, 439)]
    assert found == [[] if value is None else [value] for value in (rating_group, service)]


def test_an_abort_has_the_form_of_the_rfc() -> None:
    _, octets = sent(open_peer(), asked(ABORT_SESSION, 10, 5))
    assert misfits(octets, ABORT_REQUEST) == []
    read = Message.from_bytes(octets)
    assert isinstance(read, AbortSessionRequest)
    assert (read.session_id, read.auth_application_id) == (SESSION, 4)


@pytest.mark.parametrize("command", [RE_AUTH, ABORT_SESSION])
@pytest.mark.parametrize("code", [2001, 2002, 5002, 3002])
def test_an_answer_is_told_once(command: int, code: int) -> None:
    peer = open_peer()
    identifier, octets = sent(peer, asked(command))
    reply = answer(octets, u32(268, code))
    peer.receive_message(reply, at_s(1))
    assert peer.take_events() == [SessionAnswered(identifier, code)]
    peer.receive_message(reply, at_s(1))
    assert peer.take_events() == []
    assert peer.take_octets() == b""


def test_answers_to_nothing_that_was_asked_are_passed_by() -> None:
    peer = open_peer()
    identifier, octets = sent(peer, asked())
    peer.receive_message(answer(octets, u32(268, 2001), end_to_end=7), at_s(1))
    peer.receive_message(answer(octets, u32(268, 2001), command=ABORT_SESSION), at_s(1))
    assert peer.take_events() == []
    peer.forget_asked(identifier)
    peer.receive_message(answer(octets, u32(268, 2001)), at_s(1))
    assert peer.take_events() == []


def test_a_result_of_a_vendor_counts_and_none_is_no_result() -> None:
    peer = open_peer()
    first, octets = sent(peer, asked())
    peer.receive_message(answer(octets, group(297, u32(266, 10415), u32(298, 5030))), at_s(1))
    second, octets = sent(peer, asked())
    peer.receive_message(answer(octets), at_s(1))
    third, octets = sent(peer, asked())
    peer.receive_message(answer(octets, text(268, "no number")), at_s(1))
    assert peer.take_events() == [
        SessionAnswered(first, 5030),
        SessionAnswered(second, NO_RESULT),
        SessionAnswered(third, NO_RESULT),
    ]


def test_no_more_are_asked_than_may_wait_and_none_while_closing() -> None:
    peer = open_peer()
    for _ in range(SESSION_REQUESTS_WAITING_MAX):
        assert peer.ask_session(asked(), END_TO_END) is not None
    assert peer.ask_session(asked(), END_TO_END) is None
    closing = open_peer()
    closing.receive_message(dpr(), at_s(1))
    assert closing.ask_session(asked(), END_TO_END) is None

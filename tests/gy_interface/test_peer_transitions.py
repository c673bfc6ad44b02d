"""Every row of the table of states, gone through by a peer core: what brings it about, and what it says and does then."""

from collections.abc import Callable

import pytest

from gy_interface.events import PeerClosed
from gy_interface.peer import CLOSING_S, Peer
from gy_interface.peer_transitions import NEXT_STATE, OPEN_STATES, TAKES_REQUESTS, PeerInput, PeerState
from tests.gy_interface.diameter_octets import ccr, split, u32
from tests.gy_interface.peer_messages import (
    CER_S,
    TW_S,
    answer_to,
    at_s,
    cer,
    dpr,
    dwr,
    open_peer,
    result_of,
    waiting_peer,
)

S, In = PeerState, PeerInput
Bring = Callable[[Peer], None]


def watched() -> Peer:
    peer = open_peer()
    peer.on_deadline(at_s(TW_S))
    return peer


def suspect() -> Peer:
    peer = watched()
    peer.on_deadline(at_s(2 * TW_S))
    return peer


def closing() -> Peer:
    peer = open_peer()
    peer.stop(at_s(1))
    return peer


def closed() -> Peer:
    peer = waiting_peer()
    peer.on_disconnected()
    return peer


IN_STATE: dict[PeerState, Callable[[], Peer]] = {
    S.WAIT_CER: waiting_peer,
    S.OPEN: open_peer,
    S.WATCHED: watched,
    S.SUSPECT: suspect,
    S.CLOSING: closing,
    S.CLOSED: closed,
}


def receive(octets: bytes) -> Bring:
    """Octets as the driver hands them on: whole messages once capabilities were exchanged."""

    def bring(peer: Peer) -> None:
        if peer.takes_requests:
            peer.receive_message(octets, at_s(3))
        else:
            assert peer.receive_octets(octets, at_s(3)) == b""

    return bring


def fault(peer: Peer) -> None:
    unframed = b"\x03" + ccr()[1:]
    if peer.takes_requests:
        peer.on_fault(unframed)
    else:
        peer.receive_octets(unframed, at_s(3))


def disconnect_answer(peer: Peer) -> None:
    (request,) = (octets for octets in split(peer.take_octets()) if octets[5:8] == b"\x00\x01\x1a")
    peer.receive_message(answer_to(request), at_s(3))


BRING: dict[PeerInput, Bring] = {
    In.CER_ACCEPTED: receive(cer()),
    In.CER_REFUSED: receive(cer(u32(258, 16777238))),
    In.MESSAGE: receive(dwr()),
    In.DPR: receive(dpr()),
    In.DPA: disconnect_answer,
    In.STOP: lambda peer: peer.stop(at_s(3)),
    In.DEADLINE: lambda peer: peer.on_deadline(peer.next_deadline_ns),
    In.FAULT: fault,
    In.DISCONNECTED: Peer.on_disconnected,
}


@pytest.mark.parametrize(("state", "happened"), NEXT_STATE, ids=lambda value: value.name)
def test_row(state: PeerState, happened: PeerInput) -> None:
    peer = IN_STATE[state]()
    assert peer.state is state
    BRING[happened](peer)
    assert peer.state is NEXT_STATE[state, happened]
    ends = [event for event in peer.take_events() if isinstance(event, PeerClosed)]
    assert len(ends) == (1 if peer.state is S.CLOSED else 0)


def test_every_state_and_input_has_rows() -> None:
    assert {state for state, _ in NEXT_STATE} == set(S) - {S.CLOSED}
    assert {happened for _, happened in NEXT_STATE} == set(In)
    assert set(NEXT_STATE.values()) == set(S) - {S.WAIT_CER}
    assert {S.OPEN, S.WATCHED, S.SUSPECT} == OPEN_STATES
    assert {S.OPEN, S.WATCHED, S.SUSPECT, S.CLOSING} == TAKES_REQUESTS


@pytest.mark.parametrize(
    "happened", sorted(set(In) - {In.DPA}, key=lambda value: value.name), ids=lambda value: value.name
)
def test_closed_connection_takes_and_says_nothing(happened: PeerInput) -> None:
    peer = closed()
    peer.take_events()
    BRING[happened](peer)
    assert (peer.state, peer.take_octets(), peer.take_events()) == (S.CLOSED, b"", [])


@pytest.mark.parametrize("state", [S.WATCHED, S.SUSPECT], ids=lambda value: value.name)
def test_good_bye_of_a_silent_peer_is_answered(state: PeerState) -> None:
    peer = IN_STATE[state]()
    peer.take_octets()
    receive(dpr(2))(peer)
    (answer,) = split(peer.take_octets())
    assert (answer[4:8], result_of(answer)) == (b"\x00\x00\x01\x1a", 2001)
    assert (peer.state, peer.next_deadline_ns) == (S.CLOSING, at_s(3 + CLOSING_S))


def test_deadlines_of_each_state() -> None:
    assert waiting_peer().next_deadline_ns == at_s(CER_S)
    assert open_peer().next_deadline_ns == at_s(TW_S)
    assert watched().next_deadline_ns == at_s(2 * TW_S)
    assert suspect().next_deadline_ns == at_s(3 * TW_S)
    assert closing().next_deadline_ns == at_s(1 + CLOSING_S)
    peer = suspect()
    peer.on_deadline(at_s(3 * TW_S) - 1)
    assert peer.state is S.SUSPECT, "a deadline is not early"

"""What is said on a connection of the Nchf generator besides requests, to an h2 server at the other end of a socket."""

import socket

import h2.config
import h2.connection
import h2.events
import pytest

from bench.generators.chf_connections import GIVE_BACK_OCTETS, OUR_SETTINGS, ChfConnections, agree
from bench.generators.connections import GeneratorError
from bench.generators.http2_frames import (
    GOAWAY,
    PING,
    PREFACE,
    WINDOW_DEFAULT,
    WINDOW_MAX,
    write_frame,
    write_settings,
    write_window_update,
)
from tests.bench.generators.chf_server import ChfServerTwin, chf_plan

ACK = write_frame(4, 1, 0, b"")


def test_settings_and_windows_are_agreed_on() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        server = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        server.initiate_connection()
        theirs.sendall(server.data_to_send() + write_window_update(0, 1_000) + ACK)
        settings, window = agree(ours)
        assert settings[3] == server.local_settings.max_concurrent_streams
        assert window == WINDOW_DEFAULT + 1_000
        events = server.receive_data(theirs.recv(4_096))
        changed = next(event for event in events if isinstance(event, h2.events.RemoteSettingsChanged))
        assert {int(name): one.new_value for name, one in changed.changed_settings.items()} == OUR_SETTINGS
        assert any(isinstance(event, h2.events.SettingsAcknowledged) for event in events)
        assert server.outbound_flow_control_window == WINDOW_MAX


def test_a_server_of_another_protocol_is_told_apart() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(write_frame(PING, 0, 0, bytes(8)))
        with pytest.raises(ValueError, match="instead of settings"):
            agree(ours)
        assert theirs.recv(4_096).startswith(PREFACE)


def test_pings_and_settings_are_acknowledged() -> None:
    twin = ChfServerTwin(chf_plan())
    connections = ChfConnections(twin.plan, twin.fleet, stop=lambda why: None)
    assert connections.answer_to(0, write_frame(PING, 0, 0, b"12345678")) == write_frame(PING, 1, 0, b"12345678")
    assert connections.answer_to(0, write_frame(PING, 1, 0, b"12345678")) == b""
    assert connections.answer_to(0, write_settings({3: 17})) == ACK
    assert connections.answer_to(0, ACK) == b""
    assert twin.fleet.wire.streams_max[0] == 17


def test_a_server_whose_windows_are_too_small_is_refused() -> None:
    twin = ChfServerTwin(chf_plan())
    connections = ChfConnections(twin.plan, twin.fleet, stop=lambda why: None)
    with pytest.raises(GeneratorError, match="raise its initial window"):
        connections.answer_to(0, write_settings({4: 100}))


def test_a_server_that_ends_the_connection_stops_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    twin = ChfServerTwin(chf_plan())
    said: list[str] = []
    connections = ChfConnections(twin.plan, twin.fleet, stop=said.append)
    ours, theirs = socket.socketpair()
    with theirs:
        monkeypatch.setattr(connections, "connect", lambda index, within_s: ours)
        connections.open()
        assert connections.answer_to(0, write_frame(GOAWAY, 0, 0, bytes(8))) == b""
    assert not connections.is_any_open()
    assert said == ["connection 0 was ended by the server: GOAWAY 0000000000000000"]


def test_room_is_given_back_once_much_was_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    twin = ChfServerTwin(chf_plan())
    connections = ChfConnections(twin.plan, twin.fleet, stop=lambda why: None)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        monkeypatch.setattr(connections, "connect", lambda index, within_s: ours)
        connections.open()
        twin.fleet.wire.received[0] = GIVE_BACK_OCTETS - 1
        connections.send()
        assert twin.fleet.wire.received[0] == GIVE_BACK_OCTETS - 1
        twin.fleet.wire.received[0] += 1
        connections.send()
        assert twin.fleet.wire.received[0] == 0
        assert theirs.recv(4_096) == write_window_update(0, GIVE_BACK_OCTETS)

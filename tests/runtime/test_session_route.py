"""A session's route as it is read back, and the name under which a session is found."""

import struct

import pytest

from runtime.session_route import RouteError, SessionRoute, decode_route, route_name


def route(session_id: bytes, host: bytes, realm: bytes) -> bytes:
    lengths = (len(session_id), len(host), len(realm))
    return struct.pack("<qqiHHHH", 17, 42, 3, *lengths, 0) + session_id + host + realm


def test_route_comes_back() -> None:
    expected = SessionRoute(17, 42, 3, "a;1;2", "host.example", "example")
    assert decode_route(route(b"a;1;2", b"host.example", b"example")) == expected
    assert decode_route(route(b"", b"", b"")).session_id == ""
    assert decode_route(route(b"\xff", b"h", b"r")).session_id == "�"


@pytest.mark.parametrize("cut", [0, 1, 27, 28, 40])
def test_route_that_is_cut_is_none(cut: int) -> None:
    with pytest.raises(RouteError):
        decode_route(route(b"a;1;2", b"host.example", b"example")[:cut])
    with pytest.raises(RouteError):
        decode_route(route(b"a;1;2", b"host.example", b"example") + bytes(1))


def test_names_are_those_of_the_engine() -> None:
    assert route_name(0xAB, 1) == "route:00000000000000ab0000000000000001"

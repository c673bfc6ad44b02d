"""A packet core of a few lines, for tests of whole processes: one request at a time, answers read by python-diameter."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

from diameter.message import Message

from tests.gy_interface.diameter_octets import avp, group, message, subscription, text, u32, u64

ANSWER_S = 20.0
RETRY_S = 60.0
HOST = "pgw1.example.net"


class Answer(NamedTuple):
    """What tests ask of an answer."""

    result: int
    mscc_result: int | None
    granted_octets: int | None
    is_final: bool
    octets: bytes


class GyClient:
    """A connection whose capabilities were exchanged."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), ANSWER_S)
        self._received = b""
        self._identifier = 0
        capabilities = message(
            text(264, HOST),
            text(296, "example.net"),
            avp(257, b"\x00\x01\x7f\x00\x00\x01"),
            u32(266, 10415),
            text(269, "test", flags=0),
            u32(258, 4),
            flags=0x80,
            command=257,
            application=0,
        )
        self._socket.sendall(capabilities)
        assert self._read().result_code == 2001

    def ask(
        self,
        request_type: int,
        number: int,
        session_id: str,
        imsi: str,
        *,
        used: int | None = None,
        asked: int | None = None,
        stranger: str = "",
        beside: bytes = b"",
    ) -> Answer:
        """A CCR for octets of rating group 10, and its answer; it names nobody where `imsi` is empty, `stranger` before it.

        beside   AVPs that the command has besides, behind the MSCC
        OSError where the connection ends before.
        """
        self._identifier += 1
        service = [u32(432, 10)]
        if asked is not None:
            service.append(group(437, u64(421, asked)))
        if used is not None:
            service.append(group(446, u64(421, used)))
        octets = message(
            text(263, session_id),
            text(264, HOST),
            text(296, "example.net"),
            text(283, "farebox.example"),
            u32(258, 4),
            text(461, "32251@3gpp.org"),
            u32(416, request_type),
            u32(415, number),
            subscription(1, stranger) if stranger else b"",
            subscription(1, imsi) if imsi else b"",
            u32(455, 1),
            group(456, *service),
            beside,
            hop_by_hop=self._identifier,
            end_to_end=self._identifier,
        )
        self._socket.sendall(octets)
        answer = self._read()
        assert answer.header.hop_by_hop_identifier == self._identifier
        services = answer.multiple_services_credit_control
        mscc = services[0] if services else None
        unit = mscc.granted_service_unit if mscc is not None else None
        return Answer(
            answer.result_code,
            mscc.result_code if mscc is not None else None,
            unit.cc_total_octets if unit is not None else None,
            mscc is not None and mscc.final_unit_indication is not None,
            answer.as_bytes(),
        )

    def _read(self) -> Any:
        """The next message; watchdogs aren't due within a test."""
        while len(self._received) < 4 or len(self._received) < self._length():
            octets = self._socket.recv(65536)
            if not octets:
                raise ConnectionError("the server closed the connection")
            self._received += octets
        length = self._length()
        octets, self._received = self._received[:length], self._received[length:]
        found: Any = Message.from_bytes(octets)
        if found.header.command_code == 282:
            raise ConnectionError("the server says good-bye")
        return found

    def _length(self) -> int:
        return int.from_bytes(self._received[1:4], "big")

    def close(self) -> None:
        """End the connection; who waits for an answer in another thread is woken."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


@contextmanager
def gy_client(port: int) -> Iterator[GyClient]:
    """A client that is closed with the context."""
    client = GyClient(port)
    try:
        yield client
    finally:
        client.close()

"""Sessions that report again and again, each in a thread, over Gy or Nchf: requests are answered one by one, and none twice."""

import json
import sys
import threading
from abc import ABC, abstractmethod
from typing import Any, Final
from urllib.parse import urlsplit

from tests.chf_http2.charging_bodies import octets, request, usage
from tests.chf_http2.http2_consumer import Http2Consumer
from tests.gy_interface.diameter_octets import message, text, u32
from tests.runtime.gy_client import HOST, GyClient
from tests.runtime.running_up import MIB

USED: Final = 10_000
"""Octets of rating group 10 that each report says."""
END_S: Final = 60.0
CHARGING_DATA: Final = "/nchf-convergedcharging/v3/chargingdata"
_INITIAL, _UPDATE, _TERMINATION = 1, 2, 3


class PoliteClient(GyClient):
    """A packet core that answers a good-bye, takes its last answer, and connects anew."""

    said_good_bye = False

    def _read(self) -> Any:
        while True:
            try:
                return super()._read()
            except ConnectionError as error:
                if "good-bye" not in str(error):
                    raise
            self.said_good_bye = True
            origin = (u32(268, 2001), text(264, HOST), text(296, "example.net"))
            self._socket.sendall(message(*origin, flags=0, command=282, application=0, hop_by_hop=1, end_to_end=1))


class OpenSession(threading.Thread, ABC):
    """A session that reports until it is told to end.

    number        of the request that is next
    used          octets of each report
    updates_max   after so many the session is ended, and another begun
    reported      octets of all reports that were answered
    faults        everything that was wrong
    """

    def __init__(self, imsi: str, *, used: int = USED, updates_max: int = sys.maxsize) -> None:
        super().__init__()
        self.imsi = imsi
        self.used = used
        self.number = 0
        self.reported = 0
        self.faults: list[str] = []
        self._updates_max = updates_max
        self._over = threading.Event()

    def run(self) -> None:
        """See Thread."""
        try:
            while not self._over.is_set() and not self.faults:
                self._go_on(self._next_kind())
            if self.number:
                self._go_on(_TERMINATION)
        except Exception as error:
            self.faults.append(f"{type(self).__name__} {self.imsi} {self.number}: {error!r}")
        finally:
            self._close()

    def _next_kind(self) -> int:
        if not self.number:
            return _INITIAL
        return _UPDATE if self.number <= self._updates_max else _TERMINATION

    def _go_on(self, kind: int) -> None:
        fault = self._ask(kind)
        if fault:
            self.faults.append(f"{type(self).__name__} {self.imsi} {self.number}: {fault}")
        self.reported += 0 if kind == _INITIAL else self.used
        self.number = 0 if kind == _TERMINATION else self.number + 1

    @abstractmethod
    def _ask(self, kind: int) -> str:
        """One request until it is answered; what is wrong with the answer."""

    @abstractmethod
    def _close(self) -> None:
        """End the connection."""

    def end(self) -> None:
        """Terminate the session, and wait for that."""
        self._over.set()
        self.join(END_S)


class GySession(OpenSession):
    """Over one connection, and the next where that says good-bye: each request is answered over the one that it was sent on.

    Nothing is sent again: who says good-bye answers what was sent before that was answered. Only behind a connection that
    breaks a Diameter client has to, with the flag T (RFC 6733 §5.5.4).
    """

    def __init__(self, port: int, imsi: str, name: str) -> None:
        super().__init__(imsi)
        self._port = port
        self._name = f"{HOST};{imsi};{name}"
        self._client = PoliteClient(port)

    def _ask(self, kind: int) -> str:
        used = None if kind == _INITIAL else self.used
        answer = self._client.ask(kind, self.number, self._name, self.imsi, used=used, asked=MIB)
        if self._client.said_good_bye:
            self._client.close()
            self._client = PoliteClient(self._port)
        return "" if answer.result == 2001 else str(answer.result)

    def _close(self) -> None:
        self._client.close()


class NchfSession(OpenSession):
    """As an SMF, over one connection, and the next where that says good-bye: what was taken is never sent again."""

    def __init__(self, port: int, imsi: str, charging_id: int, **flow: int) -> None:
        super().__init__(imsi, **flow)
        self._charging_id = charging_id
        self._path = CHARGING_DATA
        self._consumer = Http2Consumer(port)

    @property
    def connections(self) -> int:
        """Made so far."""
        return self._consumer.connections

    @property
    def resent(self) -> int:
        """Requests that no front end had taken, and that were sent to the next."""
        return self._consumer.resent

    def _ask(self, kind: int) -> str:
        if kind == _INITIAL:
            self._path, self._charging_id = CHARGING_DATA, self._charging_id + 1
        asks = None if kind == _TERMINATION else {"totalVolume": MIB}
        used = () if kind == _INITIAL else ({"totalVolume": self.used},)
        said = request(self.number, (usage(10, asks=asks, used=used),), chargingId=self._charging_id)
        said["subscriberIdentifier"] = f"imsi-{self.imsi}"
        operation = {_INITIAL: "", _UPDATE: "/update", _TERMINATION: "/release"}[kind]
        answer = self._consumer.post(self._path + operation, octets(said))
        if answer.status != {_INITIAL: 201, _UPDATE: 200, _TERMINATION: 204}[kind]:
            return f"{answer.status} {answer.body.decode()}"
        if kind == _TERMINATION:
            return ""
        if kind == _INITIAL:
            self._path = urlsplit(answer.headers["location"]).path
        (information,) = json.loads(answer.body)["multipleUnitInformation"]
        return "" if information.get("grantedUnit") == {"totalVolume": MIB} else str(information)

    def _close(self) -> None:
        self._consumer.close()

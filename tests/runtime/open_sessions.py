"""Sessions that report again and again, each in a thread, over Gy or Nchf: requests are answered one by one, and none twice."""

import threading
import time
from abc import ABC, abstractmethod
from typing import Any, Final

import httpx

from tests.chf_http2.charging_bodies import request, usage
from tests.gy_interface.diameter_octets import message, text, u32
from tests.runtime.gy_client import HOST, GyClient
from tests.runtime.running_up import LOOK_S, MIB

USED: Final = 10_000
"""Octets of rating group 10 that each report says."""
AGAIN_S: Final = 60.0
"""How long a consumer asks again whose connections fail."""
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

    number   of the request that is next
    faults   everything that was wrong
    """

    def __init__(self, imsi: str) -> None:
        super().__init__()
        self.imsi = imsi
        self.number = 0
        self.faults: list[str] = []
        self._over = threading.Event()

    def run(self) -> None:
        """See Thread."""
        try:
            while not self._over.is_set() and not self.faults:
                self._go_on(_UPDATE if self.number else _INITIAL)
            self._go_on(_TERMINATION)
        except Exception as error:
            self.faults.append(f"{type(self).__name__} {self.imsi} {self.number}: {error!r}")
        finally:
            self._close()

    def _go_on(self, kind: int) -> None:
        fault = self._ask(kind)
        if fault:
            self.faults.append(f"{type(self).__name__} {self.imsi} {self.number}: {fault}")
        self.number += 1

    @abstractmethod
    def _ask(self, kind: int) -> str:
        """One request until it is answered; what is wrong with the answer."""

    @abstractmethod
    def _close(self) -> None:
        """End the connection."""

    @property
    def charged_octets(self) -> int:
        """What all reports say, once it has ended."""
        return USED * (self.number - 1)

    def end(self) -> None:
        """Terminate the session, and wait for that."""
        self._over.set()
        self.join(AGAIN_S)


class GySession(OpenSession):
    """Over one connection, and the next where that says good-bye; a request is answered over the one that it was sent on."""

    def __init__(self, port: int, imsi: str, name: str) -> None:
        super().__init__(imsi)
        self._port = port
        self._name = f"{HOST};{imsi};{name}"
        self._client = PoliteClient(port)

    def _ask(self, kind: int) -> str:
        used = None if kind == _INITIAL else USED
        answer = self._client.ask(kind, self.number, self._name, self.imsi, used=used, asked=MIB)
        if self._client.said_good_bye:
            self._client.close()
            self._client = PoliteClient(self._port)
        return "" if answer.result == 2001 else str(answer.result)

    def _close(self) -> None:
        self._client.close()


class NchfSession(OpenSession):
    """As an SMF: what a lost connection leaves unanswered is sent again."""

    def __init__(self, port: int, imsi: str, charging_id: int) -> None:
        super().__init__(imsi)
        self._charging_id = charging_id
        self._uri = f"http://127.0.0.1:{port}/nchf-convergedcharging/v3/chargingdata"
        self._client = httpx.Client(http1=False, http2=True, timeout=30, trust_env=False)

    def _ask(self, kind: int) -> str:
        asks = None if kind == _TERMINATION else {"totalVolume": MIB}
        used = () if kind == _INITIAL else ({"totalVolume": USED},)
        said = request(self.number, (usage(10, asks=asks, used=used),))
        said |= {"subscriberIdentifier": f"imsi-{self.imsi}", "chargingId": self._charging_id}
        answer = self._post({_INITIAL: "", _UPDATE: "/update", _TERMINATION: "/release"}[kind], said)
        if kind == _TERMINATION:
            return "" if answer.status_code == 204 else answer.text
        if answer.status_code != (201 if kind == _INITIAL else 200):
            return answer.text
        if kind == _INITIAL:
            self._uri = answer.headers["location"]
        (information,) = answer.json()["multipleUnitInformation"]
        return "" if information.get("grantedUnit") == {"totalVolume": MIB} else str(information)

    def _post(self, operation: str, said: dict[str, Any]) -> httpx.Response:
        ends = time.monotonic() + AGAIN_S
        while True:
            try:
                return self._client.post(self._uri + operation, json=said)
            except httpx.TransportError:
                if time.monotonic() > ends:
                    raise
                said["retransmissionIndicator"] = True
                time.sleep(LOOK_S)  # tidy: a consumer that connects anew

    def _close(self) -> None:
        self._client.close()

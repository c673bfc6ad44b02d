"""NetworkPort on an HSS or UDM that is provisioned over HTTP with JSON, as `farebox simulate hss` is.

Each request carries its key as Idempotency-Key. What comes back in time and can be read is Done or Refused; a time-out, a
lost connection, an answer 5xx, 408, 425 or 429, and what can't be read leave it Unknown.
"""

import http.client
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from bss.network_port import (
    ChangeSim,
    Deprovision,
    NetworkDone,
    NetworkPort,
    NetworkRefused,
    NetworkRequest,
    NetworkResult,
    NetworkSubscriber,
    NetworkUnknown,
    Provision,
    Resume,
    SubscriberState,
)

TIMEOUT_S: Final = 5.0
BODY_OCTETS_MAX: Final = 64 * 1024
_ASK_AGAIN: Final = (408, 425, 429)
_NOT_FOUND: Final = 404


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: Any


class HssClient:
    """NetworkPort at a URL such as http://127.0.0.1:8081; used by many threads at once.

    timeout_s   of a connection, and of each wait for octets
    """

    def __init__(self, url: str, *, timeout_s: float = TIMEOUT_S) -> None:
        parts = urlsplit(url)
        self._kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._host, self._port, self._path = parts.hostname or "", parts.port, parts.path.rstrip("/")
        self._timeout_s = timeout_s

    def send(self, request: NetworkRequest) -> NetworkResult:
        """See NetworkPort."""
        method, path, body = _said(request)
        answer = self._ask(method, path, body, key=request.key)
        if isinstance(answer, NetworkUnknown):
            return answer
        if answer.status in (200, 201, 204):
            if isinstance(request, Deprovision):
                return NetworkDone(None)
            subscriber = _subscriber(answer.body)
            imsi = request.new_imsi if isinstance(request, ChangeSim) else request.imsi
            if subscriber is None or subscriber.imsi != imsi:
                return NetworkUnknown(f"answered {answer.status} without the subscriber of IMSI {imsi}")
            return NetworkDone(subscriber)
        return _refused(answer)

    def read_subscriber(self, imsi: str) -> NetworkSubscriber | NetworkUnknown | None:
        """See NetworkPort."""
        answer = self._ask("GET", f"/subscribers/{imsi}", None)
        if isinstance(answer, NetworkUnknown):
            return answer
        if answer.status == _NOT_FOUND:
            return None
        return _subscriber(answer.body) or NetworkUnknown(f"answered {answer.status} without a subscriber")

    def _ask(self, method: str, path: str, body: Any, *, key: str = "") -> _Answer | NetworkUnknown:
        """The answer in time; Unknown where there is none, or one that says: ask again."""
        headers = {"Idempotency-Key": key} if key else {}
        octets = None
        if body is not None:
            octets, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
        # A connection a request: on one that is kept, a second answer was taken for that of the next request.
        connection = self._kind(self._host, self._port, timeout=self._timeout_s)
        try:
            connection.request(method, self._path + path, octets, headers)
            response = connection.getresponse()
            said = response.read(BODY_OCTETS_MAX + 1)
        except TimeoutError:
            return NetworkUnknown("no answer in time")
        except (OSError, http.client.HTTPException) as error:
            return NetworkUnknown(f"not reached: {str(error) or type(error).__name__}")
        finally:
            connection.close()
        if response.status >= 500 or response.status in _ASK_AGAIN:
            return NetworkUnknown(f"answered {response.status}")
        if len(said) > BODY_OCTETS_MAX:
            return NetworkUnknown(f"answered more than {BODY_OCTETS_MAX} octets")
        if response.length:
            return NetworkUnknown(f"its answer ended {response.length} octets too early")
        try:
            return _Answer(response.status, json.loads(said) if said else None)
        except ValueError as error:
            return NetworkUnknown(f"answered what is no JSON: {error}")


def _said(request: NetworkRequest) -> tuple[str, str, dict[str, str] | None]:
    """(method, path, body)."""
    if isinstance(request, Provision):
        return "POST", "/subscribers", {"imsi": request.imsi, "msisdn": request.msisdn, "profile": request.profile}
    path = f"/subscribers/{request.imsi}"
    if isinstance(request, Deprovision):
        return "DELETE", path, None
    if isinstance(request, ChangeSim):
        return "POST", f"{path}/sim", {"imsi": request.new_imsi}
    return "POST", f"{path}/{'resume' if isinstance(request, Resume) else 'suspend'}", None


def _subscriber(body: Any) -> NetworkSubscriber | None:
    """The subscriber that a body is; None where it is none."""
    try:
        return NetworkSubscriber(body["imsi"], body["msisdn"], body["profile"], SubscriberState(body["state"]))
    except (TypeError, KeyError, ValueError):
        return None


def _refused(answer: _Answer) -> NetworkResult:
    if not 400 <= answer.status < 500:
        return NetworkUnknown(f"answered {answer.status}, which says nothing")
    body = answer.body if isinstance(answer.body, dict) else {}
    code, detail = body.get("code"), body.get("detail")
    words = str(detail) if detail else f"answered {answer.status}"
    return NetworkRefused(str(code) if code else f"http_{answer.status}", words)


if TYPE_CHECKING:
    _KEPT_CONTRACT: type[NetworkPort] = HssClient

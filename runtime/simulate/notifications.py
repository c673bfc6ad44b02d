"""The simulated SMF's own little server: takes notifications at its notifyUri, answers 204, and passes them on.

It uses the product's listener for HTTP/2 itself; what it understands of bodies is written here.
"""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from chf_http2.config import ChfConfig
from chf_http2.edge.http2_server import PROBLEM, Request, Response
from chf_http2.edge.listener import Listener

BODY_OCTETS_MAX: Final = 64 * 1024
REAUTHORIZATION: Final = "REAUTHORIZATION"
ABORT_CHARGING: Final = "ABORT_CHARGING"


class Notification(NamedTuple):
    """A ChargingNotifyRequest (TS 32.291 §6.1.5) and what it was answered."""

    type: str
    """empty: it could not be read"""
    rating_groups: tuple[int, ...]
    status: int
    why: str = ""
    """why it was refused"""


class NotifyServer:
    """Listens at a notifyUri.

    is_open    is there a session that notifications may be of?
    arrived    every notification, refused ones too, in the order in which they came
    """

    def __init__(self, host: str, port: int, path: str, is_open: Callable[[], bool]) -> None:
        """OSError: the port can't be had."""
        self.arrived: asyncio.Queue[Notification] = asyncio.Queue()
        self._path = path
        self._is_open = is_open
        self._listener = Listener(
            self._answer, ChfConfig(host=host, port=port), now_ns=time.time_ns, body_octets_max=BODY_OCTETS_MAX
        )
        where = f"[{host}]" if ":" in host else host
        self.uri = f"http://{where}:{self._listener.port}{path}"

    async def start(self) -> None:
        """Listen. OSError."""
        await self._listener.start()

    async def close(self) -> None:
        """Take none more."""
        await self._listener.close()

    def _answer(self, request: Request) -> Response:
        read = self._read(request)
        self.arrived.put_nowait(read)
        if read.status == 204:
            return Response(204)
        said = {"status": read.status, "title": "The notification was refused", "detail": read.why}
        return Response(read.status, (PROBLEM,), json.dumps(said).encode())

    def _read(self, request: Request) -> Notification:
        if request.path != self._path:
            return Notification("", (), 404, f"no session is notified at {request.path}")
        if request.method != "POST":
            return Notification("", (), 405, f"{request.method}: notifications are posted")
        if request.is_too_large:
            return Notification("", (), 413, f"more than {BODY_OCTETS_MAX} octets")
        try:
            kind, groups = _understood(json.loads(request.body))
        except (ValueError, RecursionError) as error:
            return Notification("", (), 400, str(error) or "nested too deeply")
        if not self._is_open():
            return Notification(kind, groups, 404, "the session has ended")
        return Notification(kind, groups, 204)


def _understood(said: Any) -> tuple[str, tuple[int, ...]]:
    """notificationType and the rating groups of reauthorizationDetails. ValueError names the member."""
    if not isinstance(said, dict) or not isinstance(said.get("notificationType"), str):
        raise ValueError("notificationType is missing or no text")
    details = said.get("reauthorizationDetails", [])
    if not isinstance(details, list) or not all(isinstance(detail, dict) for detail in details):
        raise ValueError("reauthorizationDetails is no list of objects")
    groups = [detail["ratingGroup"] for detail in details if "ratingGroup" in detail]
    if not all(isinstance(group, int) and not isinstance(group, bool) for group in groups):
        raise ValueError("reauthorizationDetails has a ratingGroup that is no number")
    return said["notificationType"], tuple(groups)

"""Notifications of the NRF: which network functions of the watched types are there. They are counted and said; nothing
else rests on them yet."""

from collections.abc import Callable
from typing import Final

import msgspec
import structlog
from granian._granian import RSGIHTTPProtocol as HTTPProtocol
from granian._granian import RSGIProtocolClosed as ProtocolClosed
from granian.rsgi import Scope

from chf_http2.edge.bodies import BodyReader
from chf_http2.errors import RequestRefused
from chf_http2.nrf_profile import EVENTS, NOTIFY_PATH, StatusNotification, read_notification
from chf_http2.problems import problem, validation_problem

WATCHED_MAX: Final = 4096
"""Network functions that are remembered."""
OTHER: Final = "other"
"""An event that we don't know."""
_GONE: Final = ("SUSPENDED", "UNDISCOVERABLE", "DEREGISTERED")
_PROBLEM: Final = [("content-type", "application/problem+json")]


class NrfNotifications:
    """An RSGI application at the path of NRF notifications.

    observe   called with the event of each
    """

    def __init__(
        self,
        watched: tuple[str, ...],
        body_s: int,
        now_ns: Callable[[], int],
        observe: Callable[[str], None] = lambda event: None,
    ) -> None:
        self._watched = watched
        self._bodies = BodyReader(body_s)
        self._now_ns = now_ns
        self._observe = observe
        self._log = structlog.get_logger(process="nrf")
        self.present: dict[str, str] = {}
        """NF types by the URIs of instances that are registered"""

    async def __rsgi__(self, scope: Scope, protocol: HTTPProtocol) -> None:
        """Answer one notification."""
        try:
            try:
                if scope.path != NOTIFY_PATH:
                    raise RequestRefused(problem(404, "RESOURCE_URI_STRUCTURE_NOT_FOUND"))
                if scope.method != "POST":
                    raise RequestRefused(problem(405, "METHOD_NOT_ALLOWED"), ("allow", "POST"))
                self._take(_read(await self._bodies.read(scope.headers, protocol, self._now_ns())))
            except RequestRefused as refused:
                body, status = msgspec.json.encode(refused.problem), refused.problem.status
                assert status is not None
                protocol.response_bytes(status, [*_PROBLEM, *refused.headers], body)
                return
            protocol.response_empty(204, [])
        except ProtocolClosed:
            pass  # who asked is gone
        except Exception as error:
            self._log.error("notification failed", error=repr(error))
            protocol.response_bytes(500, _PROBLEM, msgspec.json.encode(problem(500, "SYSTEM_FAILURE")))

    def count_of(self, nf_type: str) -> int:
        """How many of a type are there."""
        return sum(one == nf_type for one in self.present.values())

    def look(self) -> None:
        """Give up bodies that take too long; to be called now and then."""
        self._bodies.look(self._now_ns())

    def _take(self, said: StatusNotification) -> None:
        self._observe(said.event if said.event in EVENTS else OTHER)
        profile = said.nf_profile
        is_gone = said.event == "NF_DEREGISTERED" or (profile is not None and profile.nf_status in _GONE)
        known = self.present.pop(said.nf_instance_uri, "")
        nf_type = (profile.nf_type if profile is not None else "") or known
        if nf_type not in self._watched:
            return
        if not is_gone and len(self.present) < WATCHED_MAX:
            self.present[said.nf_instance_uri] = nf_type
        if is_gone or not known:
            self._log.info("network function", told=said.event, nf_type=nf_type, uri=said.nf_instance_uri)


def _read(body: bytes) -> StatusNotification:
    try:
        return read_notification(body)
    except msgspec.ValidationError as error:
        raise RequestRefused(validation_problem(error)) from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise RequestRefused(problem(400, "INVALID_MSG_FORMAT", str(error))) from None

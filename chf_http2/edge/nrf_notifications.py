"""Notifications of the NRF: which network functions of the watched types are there. They are counted and said; nothing
else rests on them yet."""

from collections.abc import Callable
from typing import Final

import msgspec
import structlog

from chf_http2.bodies import read_body
from chf_http2.edge.http2_server import Request, Response, problem_response
from chf_http2.errors import RequestRefused
from chf_http2.nrf_profile import EVENTS, NOTIFY_PATH, StatusNotification, read_notification
from chf_http2.problems import problem, validation_problem

WATCHED_MAX: Final = 4096
"""Network functions that are remembered."""
OTHER: Final = "other"
"""An event that we don't know."""
_GONE: Final = ("SUSPENDED", "UNDISCOVERABLE", "DEREGISTERED")


class NrfNotifications:
    """What answers at the path of NRF notifications.

    observe   called with the event of each
    """

    def __init__(
        self,
        watched: tuple[str, ...],
        observe: Callable[[str], None] = lambda event: None,
    ) -> None:
        self._watched = watched
        self._observe = observe
        self._log = structlog.get_logger(process="nrf")
        self.present: dict[str, str] = {}
        """NF types by the URIs of instances that are registered"""

    def answer(self, request: Request) -> Response:
        """Of one notification."""
        try:
            if request.path != NOTIFY_PATH:
                raise RequestRefused(problem(404, "RESOURCE_URI_STRUCTURE_NOT_FOUND"))
            if request.method != "POST":
                raise RequestRefused(problem(405, "METHOD_NOT_ALLOWED"), ("allow", "POST"))
            self._take(_read(read_body(request.headers, request.body, request.is_too_large)))
        except RequestRefused as refused:
            return problem_response(refused.problem, *refused.headers)
        return Response(204)

    def count_of(self, nf_type: str) -> int:
        """How many of a type are there."""
        return sum(one == nf_type for one in self.present.values())

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
        raise RequestRefused(validation_problem(error, StatusNotification)) from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise RequestRefused(problem(400, "INVALID_MSG_FORMAT", str(error))) from None

"""One try of a notice: to the front end that reaches the session's Diameter client, or to its notifyUri."""

from typing import Final, NamedTuple

from chf_http2.edge.notify_client import NotifyClient, target_of
from chf_http2.notifications import Heard, abort_charging, reauthorization
from gy_interface.session_messages import ABORT_SESSION, RE_AUTH, SessionRequest
from runtime.notices.gy_hub import GyHub
from runtime.notices.notice import ABSENT, Notice, NoticeKind, ServiceName, Told
from runtime.session_route import SessionRoute

_SUCCESS: Final = 2001
_GY_RESULTS: Final = {
    _SUCCESS: Told.TAKEN,
    2002: Told.TAKEN,
    5002: Told.GONE,
    3001: Told.REFUSED,  # command not supported
    3007: Told.REFUSED,  # application not supported
    3008: Told.REFUSED,
    3009: Told.REFUSED,
    5001: Told.REFUSED,
    5004: Told.REFUSED,
    5005: Told.REFUSED,
}
"""What a Result-Code means for the session; all others may pass."""
_HEARD: Final = {
    Heard.TAKEN: Told.TAKEN,
    Heard.GONE: Told.GONE,
    Heard.LATER: Told.FAILED,
    Heard.REFUSED: Told.REFUSED,
}


class Tried(NamedTuple):
    """What a try came to."""

    told: Told
    interface: str
    """gy or nchf"""
    result: str
    """the code, or a word where there is none; of few kinds, for counters"""
    words: str


class Messenger:
    """Sends messages over both interfaces."""

    def __init__(self, hub: GyHub, client: NotifyClient, *, timeout_s: float) -> None:
        self._hub = hub
        self._client = client
        self._timeout_s = timeout_s

    def target(self, route: SessionRoute) -> str:
        """Whom a message to the session's client goes to: each has a few slots of its own."""
        return target_of(route.notify_uri) if route.is_nchf else route.origin_host.lower()

    async def send(self, notice: Notice, services: tuple[ServiceName, ...], route: SessionRoute) -> Tried:
        """Try once.

        services   of an Nchf client that is owed a re-authorisation of everything: what it has
        """
        if route.is_nchf:
            return await self._notify(notice, services, route)
        return await self._ask(notice, route)

    async def _ask(self, notice: Notice, route: SessionRoute) -> Tried:
        """RAR or ASR. An RAR names one service or none: of several that are owed it says nothing, which is all."""
        service = notice.services[0] if len(notice.services) == 1 else ServiceName(ABSENT, ABSENT)
        asked = SessionRequest(
            RE_AUTH if notice.kind is NoticeKind.REAUTHORIZE else ABORT_SESSION,
            route.session_id,
            route.origin_host,
            route.origin_realm,
            None if service.rating_group == ABSENT else service.rating_group,
            None if service.service_identifier == ABSENT else service.service_identifier,
        )
        if not self._hub.leads_to(route.origin_host):
            return Tried(Told.FAILED, "gy", "unreachable", f"no connection leads to {route.origin_host}")
        result = await self._hub.ask(asked, self._timeout_s)
        if result is None:
            return Tried(Told.FAILED, "gy", "timeout", f"no answer within {self._timeout_s:g} s")
        told = _GY_RESULTS.get(result, Told.FAILED)
        if result == _SUCCESS and asked.command == RE_AUTH:
            told = Told.DONE
        return Tried(told, "gy", str(result), f"answered {result}")

    async def _notify(self, notice: Notice, services: tuple[ServiceName, ...], route: SessionRoute) -> Tried:
        """REAUTHORIZATION or ABORT_CHARGING."""
        if not route.notify_uri:
            return Tried(Told.REFUSED, "nchf", "refused", "the session has no notifyUri")
        if notice.kind is NoticeKind.ABORT:
            body = abort_charging()
        else:
            groups = {service.rating_group for service in notice.services or services}
            body = reauthorization(sorted(groups - {ABSENT}))
        said = await self._client.notify(route.notify_uri, body)
        status = said.words.removeprefix("answered ").partition(" ")[0]
        result = status if status.isdigit() else said.heard.value
        return Tried(_HEARD[said.heard], "nchf", result, said.words)

"""Subscriptions to the coming and going of other network functions (TS 29.510 §5.2.2.5), renewed before they end."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
import structlog

from chf_http2.edge.nrf_requests import NrfAnswer
from chf_http2.nrf_profile import Subscribed, read_subscribed, subscription_of
from vocabulary.instants import NS_PER_S

LIFE_S: Final = 86400
"""What is asked for when a subscription is renewed; the NRF says what it gives."""
BEFORE_END: Final = 3
"""A subscription is renewed so many heart-beats before it ends."""

Ask = Callable[[str, str, str, Any], Awaitable[NrfAnswer]]


class Subscriptions:
    """One a watched NF type."""

    def __init__(
        self, watched: tuple[str, ...], notify_url: str, nf_instance_id: str, ask: Ask, now_ns: Callable[[], int]
    ) -> None:
        self._watched = watched
        self._notify_url = notify_url
        self._nf_instance_id = nf_instance_id
        self._ask = ask
        self._now_ns = now_ns
        self._held: dict[str, Subscribed] = {}
        self._refused: set[str] = set()
        self._log = structlog.get_logger(process="nrf")

    async def look(self, heartbeat_s: int) -> None:
        """Subscribe where there is none, renew what ends soon. NrfAway."""
        for nf_type in self._watched:
            held = self._held.get(nf_type)
            if held is not None and self._ends_soon(held, heartbeat_s):
                held = await self._renew(nf_type, held)
            if held is None:
                await self._subscribe(nf_type)

    def _ends_soon(self, held: Subscribed, heartbeat_s: int) -> bool:
        ends = held.validity_time
        if ends is None:
            return False
        ends = ends if ends.tzinfo is not None else ends.replace(tzinfo=UTC)
        return (ends - self._now()).total_seconds() < BEFORE_END * heartbeat_s

    async def _subscribe(self, nf_type: str) -> None:
        said = subscription_of(self._notify_url, self._nf_instance_id, nf_type)
        answer = await self._ask("subscribe", "POST", "/subscriptions", said)
        held = _read(answer) if answer.status == 201 else None
        if held is not None:
            self._held[nf_type] = held
            self._refused.discard(nf_type)
        elif nf_type not in self._refused:  # said once, tried again with each heart-beat
            self._refused.add(nf_type)
            self._log.warning("NRF takes no subscription", nf_type=nf_type, status=answer.status)

    async def _renew(self, nf_type: str, held: Subscribed) -> Subscribed | None:
        """The subscription with a later end; None where there is none any more."""
        ends = (self._now() + timedelta(seconds=LIFE_S)).strftime("%Y-%m-%dT%H:%M:%SZ")
        patch = [{"op": "replace", "path": "/validityTime", "value": ends}]
        answer = await self._ask("renew", "PATCH", f"/subscriptions/{held.subscription_id}", patch)
        if answer.status == 204:
            renewed: Subscribed | None = Subscribed(held.subscription_id, self._now() + timedelta(seconds=LIFE_S))
        else:
            renewed = _read(answer) if answer.status == 200 else None
        if renewed is None:
            del self._held[nf_type]
        else:
            self._held[nf_type] = renewed
        return renewed

    async def end(self) -> None:
        """Give them up. NrfAway."""
        for held in self._held.values():
            await self._ask("unsubscribe", "DELETE", f"/subscriptions/{held.subscription_id}", None)
        self._held.clear()

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._now_ns() / NS_PER_S, UTC)


def _read(answer: NrfAnswer) -> Subscribed | None:
    try:
        return read_subscribed(answer.body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None

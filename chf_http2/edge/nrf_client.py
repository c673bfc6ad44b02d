"""The NRF client: registers, tells that we are there and how loaded, and takes its leave (TS 29.510 §5.2.2).

Charging doesn't rest on it: while the NRF is away this waits longer and longer between tries, and nothing else changes.
"""

import asyncio
import random
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

import structlog

from chf_http2.config import ChfConfig
from chf_http2.edge.nrf_requests import PATCH, NrfAnswer, NrfAway, NrfRequests
from chf_http2.edge.nrf_subscriptions import Subscriptions
from chf_http2.nrf_config import NrfConfig
from chf_http2.nrf_profile import LOAD_STEP, REGISTERED, UNDISCOVERABLE, heartbeat_of, heartbeat_s_of, profile_of

RETRY_S: Final = (1, 2, 4, 8, 16, 32, 60)
"""Between tries while the NRF is away or refuses; each is drawn from its upper half, so that not all come at once."""
EARLIER: Final = 0.9
"""A heart-beat comes at this part of the NRF's time, so that it is there when that is over."""
LEAVE_S: Final = 3.0
LOOK_S: Final = 0.5
"""How often our own load is looked at."""


class NrfClient:
    """One registration of one charging function.

    load      how loaded we are, in hundredths; None where nobody serves
    observe   called with what was asked and the status of the answer, 0 where there was none
    """

    def __init__(
        self,
        config: NrfConfig,
        chf: ChfConfig,
        nf_instance_id: str,
        *,
        notify_url: str,
        load: Callable[[], int | None],
        now_ns: Callable[[], int],
        observe: Callable[[str, int], None] = lambda asked, status: None,
    ) -> None:
        self._config = config
        self._chf = chf
        self._nf_instance_id = nf_instance_id
        self._load = load
        self._now_ns = now_ns
        self._observe = observe
        self._requests = NrfRequests(config, chf, nf_instance_id)
        self._subscriptions = Subscriptions(config.watched, notify_url, nf_instance_id, self._ask, now_ns)
        self._path = f"/nf-instances/{nf_instance_id}"
        self._log = structlog.get_logger(process="nrf")
        self._heartbeat_s = config.heartbeat_s
        self._told: tuple[str, int] | None = None
        """status and load that the NRF has; None: we aren't registered"""
        self._may_be_known = False
        """did we ever ask to be registered?"""
        self._failures = 0
        self.why_away = "not registered yet"
        """empty while the NRF has us"""

    @property
    def is_registered(self) -> bool:
        """Does the NRF have us, as far as we know?"""
        return self._told is not None

    async def run(self, stopping: asyncio.Event) -> None:
        """Until told to stop; then we take our leave, if the NRF still listens."""
        told_to_stop = asyncio.ensure_future(stopping.wait())
        try:
            while not stopping.is_set():
                turn = asyncio.ensure_future(self._turn())
                await asyncio.wait({turn, told_to_stop}, return_when=asyncio.FIRST_COMPLETED)
                if not turn.done():
                    turn.cancel()
                    await asyncio.wait({turn})
                    break
                await self._rest(stopping, turn.result())
            if self._may_be_known:
                await self._leave()
        finally:
            told_to_stop.cancel()
            await self._requests.close()

    async def _turn(self) -> float:
        """Say what there is to say; how long until the next time, s."""
        state = self._state()
        if self._told is None and state[0] is not REGISTERED:
            return LOOK_S  # whom nobody could use isn't registered
        try:
            answer = await (self._register(state) if self._told is None else self._beat(state))
            if answer.status not in (200, 201, 204):
                return self._refused(answer)
            self._succeeded(state, answer)
            await self._subscriptions.look(self._heartbeat_s)
        except NrfAway as error:
            return self._failed(str(error))
        return self._heartbeat_s * EARLIER

    def _refused(self, answer: NrfAnswer) -> float:
        """How long to wait, s. An NRF that doesn't take our heart-beat, or has lost us, is told everything again."""
        was_told = self._told is not None
        if HTTPStatus.BAD_REQUEST <= answer.status < HTTPStatus.INTERNAL_SERVER_ERROR:
            if answer.status != HTTPStatus.TOO_MANY_REQUESTS:
                self._told = None
        if was_told and answer.status == HTTPStatus.NOT_FOUND:
            self._log.info("NRF doesn't know us any more")
            return 0.0
        return self._failed(f"it answered with status {answer.status}", answer.retry_after_s)

    async def _register(self, state: tuple[str, int]) -> NrfAnswer:
        status, load = state
        self._may_be_known = True
        profile = profile_of(
            self._config, self._chf, self._nf_instance_id, status=status, load=load, now_ns=self._now_ns()
        )
        return await self._ask("register", "PUT", self._path, profile)

    async def _beat(self, state: tuple[str, int]) -> NrfAnswer:
        return await self._ask("heartbeat", "PATCH", self._path, heartbeat_of(*state, self._now_ns()))

    async def _leave(self) -> None:
        try:
            async with asyncio.timeout(LEAVE_S):
                await self._subscriptions.end()
                await self._ask("deregister", "DELETE", self._path)
        except (NrfAway, TimeoutError) as error:
            self._log.info("NRF wasn't told that we go", reason=str(error))
        self._told = None

    async def _ask(self, asked: str, method: str, path: str, said: Any = None) -> NrfAnswer:
        """One request, counted. NrfAway."""
        media_type = {"media_type": PATCH} if method == "PATCH" else {}
        status = 0
        try:
            answer = await self._requests.ask(method, path, said, now_ns=self._now_ns(), **media_type)
            status = answer.status
            return answer
        finally:
            self._observe(asked, status)

    def _state(self) -> tuple[str, int]:
        load = self._load()
        return (UNDISCOVERABLE, 0) if load is None else (REGISTERED, load)

    def _succeeded(self, state: tuple[str, int], answer: NrfAnswer) -> None:
        if self._told is None:
            self._log.info("registered with the NRF", nf_instance_id=self._nf_instance_id)
        elif self._failures:
            self._log.info("NRF answers again")
        self._told, self._failures, self.why_away = state, 0, ""
        if answer.body:
            self._heartbeat_s = heartbeat_s_of(answer.body, self._heartbeat_s)

    def _failed(self, reason: str, retry_after_s: int = 0) -> float:
        """Note it; how long to wait, s. Whom the NRF has, and who can't reach it, is registered still, as far as that goes."""
        if not self._failures:
            self._log.warning("NRF away", reason=reason, remedy="charging goes on; look after nrf.url and the NRF")
        self.why_away = f"the NRF is away: {reason}"
        wait_s = RETRY_S[min(self._failures, len(RETRY_S) - 1)]
        self._failures += 1
        return max(retry_after_s, wait_s * random.uniform(0.5, 1.0))

    async def _rest(self, stopping: asyncio.Event, wait_s: float) -> None:
        """Wait, until we are told to stop or have something to tell that shouldn't wait."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + wait_s
        while (left_s := ends - loop.time()) > 0:
            try:
                await asyncio.wait_for(stopping.wait(), min(left_s, LOOK_S))
                return
            except TimeoutError:
                if not self._failures and self._has_changed():
                    return

    def _has_changed(self) -> bool:
        if self._told is None:
            return False
        status, load = self._state()
        return status != self._told[0] or abs(load - self._told[1]) >= LOAD_STEP

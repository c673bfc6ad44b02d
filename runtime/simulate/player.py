"""Plays a scenario: its requests one after the other, and between them what notifications ask for."""

import asyncio
import ssl
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from json import JSONDecodeError
from typing import Any, Final, NamedTuple
from urllib.parse import urljoin

import httpx

from runtime.simulate.expectations import differences
from runtime.simulate.notifications import ABORT_CHARGING, REAUTHORIZATION, Notification, NotifyServer
from runtime.simulate.scenario import CREATED, STATUS, Body, Chf, Kind, Scenario, Step
from runtime.simulate.session import NothingGranted, Session

_SUCCESSES: Final = range(200, 300)
_PATHS: Final = {Kind.UPDATE: "/update", Kind.RELEASE: "/release"}


class PlayStopped(Exception):
    """The CHF can't be asked, or the scenario can't go on; the message says why and what to do."""


class Exchange(NamedTuple):
    """A request and its answer."""

    kind: Kind
    url: str
    request: Body
    status: int
    answer: Body
    """empty where it has no body"""
    location: str
    elapsed_s: float
    note: str
    faults: tuple[str, ...] = ()
    """what of the answer isn't as expected"""


Happening = Exchange | Notification


class Player:
    """One play of a scenario.

    faults   what was not as the scenario expects, so far
    """

    def __init__(self, scenario: Scenario, client: httpx.AsyncClient, server: NotifyServer, session: Session) -> None:
        self.faults: list[str] = []
        self._scenario = scenario
        self._client = client
        self._server = server
        self._session = session
        self._last: Exchange | None = None

    async def play(self) -> AsyncGenerator[Happening, None]:
        """Everything that happens, in order. PlayStopped."""
        for step in self._scenario.steps:
            meanwhile = self._wait(step) if step.kind is Kind.WAIT else self._react()
            async for happening in meanwhile:
                yield happening
            if step.kind is Kind.WAIT:
                continue
            for _ in range(step.times):
                if step.kind in _PATHS and not self._session.url:
                    self._fault(f"{step.place}.{step.kind}: no session is open any more")
                    break
                yield await self._ask(step)

    # --- requests --------------------------------------------------------------------------------------------------------

    async def _ask(self, step: Step) -> Exchange:
        """Make the request of a step. PlayStopped."""
        if step.kind is Kind.REPEAT:
            return await self._repeat(step)
        try:
            body = self._session.body_of(step.kind, step.body)
        except NothingGranted as error:
            raise PlayStopped(f"{step.place}.{step.kind}: {error}: write how much it used") from None
        is_new = step.kind in (Kind.CREATE, Kind.EVENT)
        url = self._collection if is_new else self._session.url + _PATHS[step.kind]
        exchange = await self._exchange(step.kind, url, body, step.note)
        found = _faults_of(step, exchange)
        if step.kind is Kind.CREATE and exchange.status == CREATED and not exchange.location:
            found.append("the answer has no Location: no session can be named")
        self._keep(exchange)
        return self._judged(step, exchange, found)

    async def _repeat(self, step: Step) -> Exchange:
        """The last request again; who sends the same must get the same (TS 32.290 §6.2)."""
        last = self._last
        assert last is not None, "the file was checked: a request stands before a repeat"
        body = {
            **last.request,
            **({"retransmissionIndicator": True} if self._scenario.is_counting else {}),
            **step.body,
        }
        exchange = await self._exchange(last.kind, last.url, body, step.note or "sent again")
        found = _faults_of(step, exchange)
        if not step.status:
            expected = {name: value for name, value in last.answer.items() if name != "invocationTimeStamp"}
            if exchange.status != last.status:
                found.append(f"the repeat is answered {exchange.status}, the first one was {last.status}")
            if exchange.location != last.location:
                found.append(f"the repeat's Location is {exchange.location!r}, the first one's was {last.location!r}")
            found += [f"the repeat: {line}" for line in differences(expected, exchange.answer)]
        return self._judged(step, exchange, found)

    @property
    def _collection(self) -> str:
        return self._scenario.chf.url.rstrip("/") + self._scenario.chf.resource

    async def _exchange(self, kind: Kind, url: str, body: Body, note: str) -> Exchange:
        began = time.perf_counter()
        try:
            answer = await self._client.post(url, json=body)
        except httpx.HTTPError as error:
            why = str(error) or type(error).__name__
            remedy = "`farebox up --chf 1` starts one, chf.url or --chf names another"
            raise PlayStopped(f"{url}: no answer over HTTP/2: {why}: {remedy}") from None
        elapsed_s = time.perf_counter() - began
        location = answer.headers.get("location", "")
        said, faults = _understood(_body_of(answer))
        location = location and urljoin(url, location)
        return Exchange(kind, url, body, answer.status_code, said, location, elapsed_s, note, faults)

    def _keep(self, exchange: Exchange) -> None:
        """What the session is afterwards."""
        self._last = exchange
        if exchange.status not in _SUCCESSES or exchange.kind is Kind.EVENT:
            return
        if exchange.kind is Kind.CREATE:
            self._session.url = exchange.location
        if exchange.kind is Kind.RELEASE:
            self._session.url = ""
        self._session.learn(exchange.request, exchange.answer)

    def _judged(self, step: Step, exchange: Exchange, found: list[str]) -> Exchange:
        faults = (*exchange.faults, *found)
        for line in faults:
            self._fault(f"{step.place}: {line}")
        return exchange._replace(faults=faults)

    def _fault(self, line: str) -> None:
        self.faults.append(line)

    # --- notifications ---------------------------------------------------------------------------------------------------

    async def _react(self) -> AsyncIterator[Happening]:
        """Act on what arrived meanwhile."""
        while not self._server.arrived.empty():
            async for happening in self._act(self._server.arrived.get_nowait()):
                yield happening

    async def _wait(self, step: Step) -> AsyncIterator[Happening]:
        """Act on what arrives, until time is over or what is waited for was acted upon."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + step.wait_s
        while (left_s := ends - loop.time()) > 0:
            try:
                notification = await asyncio.wait_for(self._server.arrived.get(), left_s)
            except TimeoutError:
                break
            async for happening in self._act(notification):
                yield happening
            if step.notification and notification.type == step.notification:
                return
        if step.notification:
            self._fault(f"{step.place}.wait: no {step.notification} within {step.wait_s:g} s")

    async def _act(self, notification: Notification) -> AsyncIterator[Happening]:
        """Do as a notification says (TS 32.290 §5.5). What was refused, or isn't known, is shown and nothing else."""
        yield notification
        reports = self._scenario.notify.reports
        if notification.status != 204 or not self._session.url:
            return
        if notification.type == REAUTHORIZATION:
            body = self._session.reauthorised(notification.rating_groups, reports)
            yield await self._ask(
                Step(Kind.UPDATE, notification.type, body, status=STATUS[Kind.UPDATE], note="asked for")
            )
        elif notification.type == ABORT_CHARGING:
            body = self._session.aborted(reports)
            yield await self._ask(
                Step(Kind.RELEASE, notification.type, body, status=STATUS[Kind.RELEASE], note="asked for")
            )


def _faults_of(step: Step, exchange: Exchange) -> list[str]:
    """What of an answer isn't as its step expects."""
    found = []
    if step.status and exchange.status != step.status:
        said = " ".join(str(exchange.answer[name]) for name in ("cause", "detail") if name in exchange.answer)
        found.append(
            f"{exchange.kind} is answered {exchange.status}{f' ({said})' if said else ''}, expected {step.status}"
        )
    return found + differences(step.answer, exchange.answer)


def _body_of(answer: httpx.Response) -> Body:
    """The object of an answer; one that is none is shown as it is."""
    if not answer.content:
        return {}
    try:
        said: Any = answer.json()
    except (JSONDecodeError, UnicodeDecodeError):
        return {"not JSON": answer.text[:200]}
    return said if isinstance(said, dict) else {"no object": said}


def _understood(answer: Body) -> tuple[Body, tuple[str, ...]]:
    """An answer without entries of multipleUnitInformation that can't be read, and these in words."""
    information = answer.get("multipleUnitInformation", [])
    if not isinstance(information, list):
        return {**answer, "multipleUnitInformation": []}, (f"multipleUnitInformation is {information!r}, no list",)
    is_read = [
        isinstance(one, dict)
        and isinstance(one.get("ratingGroup"), int)
        and isinstance(one.get("grantedUnit", {}), dict)
        and isinstance(one.get("triggers", []), list)
        and all(isinstance(trigger, dict) for trigger in one.get("triggers", []))
        for one in information
    ]
    if all(is_read):
        return answer, ()
    faults = [
        f"multipleUnitInformation has {one!r}" for one, fits in zip(information, is_read, strict=True) if not fits
    ]
    read = [one for one, fits in zip(information, is_read, strict=True) if fits]
    return {**answer, "multipleUnitInformation": read}, tuple(faults)


def _client_of(chf: Chf) -> httpx.AsyncClient:
    """A client that speaks HTTP/2 from its first octet, or after ALPN. PlayStopped: its certificates can't be used."""
    verify: ssl.SSLContext | bool = True
    if chf.url.startswith("https://"):
        try:
            verify = ssl.create_default_context(cafile=chf.ca or None)
            if chf.certificate:
                verify.load_cert_chain(chf.certificate, chf.key)
        except (ssl.SSLError, OSError) as error:
            raise PlayStopped(f"chf.ca, chf.certificate, chf.key: {error}: name PEM files") from None
    return httpx.AsyncClient(
        http1=False, http2=True, verify=verify, headers=dict(chf.headers), timeout=chf.answer_s, trust_env=False
    )


@asynccontextmanager
async def player_of(scenario: Scenario) -> AsyncIterator[tuple[Player, str]]:
    """A player whose notifyUri (the second) is listened at. PlayStopped."""
    notify = scenario.notify
    session: Session | None = None
    try:
        server = NotifyServer(notify.host, notify.port, notify.path, lambda: session is not None and bool(session.url))
        await server.start()
    except OSError as error:
        raise PlayStopped(f"notify.host, notify.port: {notify.host}:{notify.port}: {error}: choose another") from None
    try:
        session = Session(scenario, server.uri, lambda: datetime.now(UTC))
        async with _client_of(scenario.chf) as client:
            yield Player(scenario, client, server, session), server.uri
    finally:
        await server.close()

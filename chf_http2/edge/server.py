"""The Nchf front end's HTTP/2: requests of one turn of the loop become one batch, its answers become responses.

Granian terminates HTTP/2 and calls `ChfServer` for each request (RSGI). What costs Python a request is here, in
requests.py and in responses.py; what a request comes to is the engine's.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
import structlog
from granian._granian import RSGIHTTPProtocol as HTTPProtocol
from granian._granian import RSGIProtocolClosed as ProtocolClosed
from granian.rsgi import Scope

from charging.batch import UPDATE, AnsweredBatch, UsageBatch, new_answer_batch, new_usage_batch
from charging.batch_rows import answer_refused, hold_answered
from charging.final_units import FinalUnit
from chf_http2.arrivals import Arrivals
from chf_http2.charging_data_ref import NO_SESSION, Refs, SessionName
from chf_http2.config import ChfConfig
from chf_http2.edge.admission import NOTHING, Admission, Asked, refuse_late
from chf_http2.edge.bodies import BodyReader
from chf_http2.errors import RequestRefused
from chf_http2.openapi import openapi_document
from chf_http2.problems import REFUSALS, problem, refusal_problem
from chf_http2.requests import RequestReader
from chf_http2.responses import ResponseWriter, answered_rows, granted_rows, json_stamp, opening_of, session_of
from chf_http2.routes import OPENAPI, NoRoute, Operation, Route, Router
from chf_http2.rows import place_packed
from chf_http2.schema import ProblemDetails
from chf_http2.tick_memory import HELD_TICK, new_packed_rows, new_tick_memory
from chf_http2.usual_bodies import NO_ROOM, UNUSUAL
from vocabulary.held import Held
from vocabulary.instants import NS_PER_S
from vocabulary.limits import ANSWER_DEADLINE_S
from vocabulary.outcomes import Outcome

LOOK_S: Final = 0.5
GATHER_S: Final = 0.001
"""Requests of so long are one batch: a turn of the loop alone would see a few, each batch costs as much as many rows."""
_JSON: Final = [("content-type", "application/json")]
_PROBLEM: Final = ("content-type", "application/problem+json")
_ENCODER: Final = msgspec.json.Encoder()
_OUTCOMES: Final = {int(one): one for one in Outcome}
"""A look-up where a call would be a request's."""
_READS: Final = ("GET", "HEAD")


class Waiting(NamedTuple):
    """A request that waits for its answer."""

    answer: "asyncio.Future[Answer]"
    deadline_ns: int
    route: Route
    body: bytes


class Answer(NamedTuple):
    """What a request came to; a refusal and a release have no body."""

    outcome: Outcome
    session: SessionName
    body: bytes = b""


class ChfServer:
    """An RSGI application: Nchf_ConvergedCharging in front of an engine.

    offer     takes a tick's requests; how many of them have an outcome, and are answered here, when it returns
    answered  is told of every batch whose answers were given out
    secret    uint64[2] of the store
    tenant    number of the tenant whose subscribers are asked for
    nf_instance_id   who we are: an audience of access tokens
    """

    def __init__(
        self,
        config: ChfConfig,
        *,
        offer: Callable[[UsageBatch], int],
        answered: Callable[[Held[AnsweredBatch]], None] = lambda answered: None,
        now_ns: Callable[[], int],
        tenant: int,
        secret: "np.ndarray[Any, np.dtype[np.uint64]]",
        nf_instance_id: str = "",
    ) -> None:
        self._config = config
        self._admission = Admission(config, nf_instance_id)
        self._offer = offer
        self._answered = answered
        self._now_ns = now_ns
        self._router = Router(config.api_prefix)
        self._openapi_path = config.api_prefix + OPENAPI
        self._refs = Refs(secret, tenant)
        self._batch = new_usage_batch()
        self._tick = Held(new_tick_memory(self._batch, new_packed_rows(), secret, tenant), HELD_TICK)
        self._arrivals = Arrivals(self._tick)
        self._reader = RequestReader(self._refs, self._tick.value, wraps_volumes=config.wraps_volumes)
        self._refused = hold_answered(self._batch, new_answer_batch())
        self._bodies = BodyReader(config.body_s)
        self._responses = ResponseWriter(opening_of(config.session_failover, config.failure_handling))
        self._waiting: dict[int, Waiting] = {}
        self._next = 0
        self._is_tick_due = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._log = structlog.get_logger(process="chf")

    def use_final_units(self, units: Mapping[int, FinalUnit]) -> None:
        """Texts that answers may name from now on, by their numbers."""
        self._responses.use_final_units(units)

    def begin(self) -> None:
        """Serve from now on, in the running loop."""
        self._loop = asyncio.get_running_loop()
        self._loop.call_later(LOOK_S, self._look)

    @property
    def waiting_count(self) -> int:
        """Requests that wait for an answer."""
        return len(self._waiting)

    # --- a request -------------------------------------------------------------------------------------------------------

    async def __rsgi__(self, scope: Scope, protocol: HTTPProtocol) -> None:
        """Answer one request."""
        try:
            asked = NOTHING
            try:
                if scope.path == self._openapi_path:
                    self._describe(scope, protocol)
                    return
                route = self._router.find(scope.method, scope.path)
                headers = scope.headers  # once: they are made each time they are asked for
                body = await self._bodies.read(headers, protocol, self._now_ns())
                asked = self._admission.admit(headers, route, self._now_ns(), len(self._waiting))
                answer = await self._take(route, body, asked)
                if asked.due_ns:
                    refuse_late(asked, self._now_ns())
            except NoRoute as refused:
                _refuse_route(scope, protocol, refused)
                return
            except RequestRefused as refused:
                _respond_problem(protocol, refused.problem, *refused.headers, *asked.echoed)
                return
            self._respond(scope, protocol, route, answer, asked)
        except ProtocolClosed:
            pass  # who asked is gone
        except Exception as error:  # without a traceback's locals: they have the subscriber's data
            self._log.error("request failed", path=scope.path, error=repr(error))
            _respond_problem(protocol, problem(500, "SYSTEM_FAILURE"))

    def _take(self, route: Route, body: bytes, asked: Asked) -> "asyncio.Future[Answer]":
        """Put a request to those of the tick that comes. RequestRefused."""
        if asked.due_ns:
            refuse_late(asked, self._now_ns())
        assert self._loop is not None
        if not self._arrivals.has_room(route, body):
            self._flush()
        self._next = (self._next + 1) & 0xFFFFFFFF
        self._arrivals.put(self._next, route, body)
        answer: asyncio.Future[Answer] = self._loop.create_future()
        deadline_ns = self._now_ns() + (ANSWER_DEADLINE_S + 1) * NS_PER_S
        if asked.due_ns:
            deadline_ns = min(deadline_ns, asked.due_ns)
        self._waiting[self._next] = Waiting(answer, deadline_ns, route, body)
        if not self._is_tick_due:
            self._is_tick_due = True
            self._loop.call_later(GATHER_S, self._tick_now)
        return answer

    def _respond(self, scope: Scope, protocol: HTTPProtocol, route: Route, answer: Answer, asked: Asked) -> None:
        echoed = asked.echoed
        if answer.outcome != Outcome.GRANTED:
            retry_after_s = REFUSALS[answer.outcome].retry_after_s
            headers = [("retry-after", str(retry_after_s))] if retry_after_s else []
            _respond_problem(protocol, refusal_problem(answer.outcome), *headers, *echoed)
        elif route.operation is Operation.RELEASE:
            protocol.response_empty(204, [*echoed])
        elif route.operation is Operation.UPDATE:
            protocol.response_bytes(200, [*_JSON, *echoed], answer.body)
        else:
            location = ("location", f"{self._root(scope)}{route.base}/{self._refs.make(*answer.session)}")
            protocol.response_bytes(201, [*_JSON, location, *echoed], answer.body)

    def _root(self, scope: Scope) -> str:
        """apiRoot without the prefix, as it is set, else as the client wrote it."""
        return self._config.api_root or f"{scope.scheme}://{scope.authority or scope.server}"

    def _describe(self, scope: Scope, protocol: HTTPProtocol) -> None:
        """The description of the service. NoRoute."""
        if scope.method not in _READS:
            raise NoRoute(405, _READS)
        document = _ENCODER.encode(openapi_document(self._root(scope) + self._config.api_prefix))
        if scope.method == "HEAD":
            protocol.response_empty(200, [*_JSON, ("content-length", str(len(document)))])
        else:
            protocol.response_bytes(200, _JSON, document)

    # --- batches ---------------------------------------------------------------------------------------------------------

    def _tick_now(self) -> None:
        self._is_tick_due = False
        self._flush()

    def _flush(self) -> None:
        """Read what arrived and offer it, as one batch where that has room; what nobody will decide is answered here."""
        at = 0
        while True:
            at, reason = self._arrivals.read(at)
            if reason == UNUSUAL:
                self._read_unusual(self._arrivals.waiting_of(at))
                at += 1
                continue
            self._offer_packed()
            if reason != NO_ROOM:
                break
        self._arrivals.clear()

    def _read_unusual(self, number: int) -> None:
        """A request that the kernel doesn't read: packed as any, or refused."""
        waiting = self._waiting[number]
        try:
            self._reader.take(waiting.route, waiting.body, number)
        except RequestRefused as refused:
            del self._waiting[number]
            if not waiting.answer.done():
                waiting.answer.set_exception(refused)

    def _offer_packed(self) -> None:
        if place_packed(self._tick.octets, self._now_ns()) and self._offer(self._batch):
            answer_refused(*self._refused.value)
            self.deliver(self._refused)

    def deliver(self, answered: Held[AnsweredBatch]) -> None:
        """Give the answers of a batch to the requests that wait for them; silent rows have none."""
        usage, answers = answered.value
        count = int(usage.counts[0])
        requests, replies = usage.requests[:count], answers.answers[:count]
        msccs = answers.msccs[: int(usage.counts[1])]
        granted = granted_rows(usage.msccs[: msccs.size], msccs)
        octets = usage.octets.data
        stamp = json_stamp(datetime.fromtimestamp(self._now_ns() // NS_PER_S, UTC))
        for row, is_silent, outcome in zip(
            answered_rows(requests), replies["is_silent"].tolist(), replies["outcome"].tolist(), strict=True
        ):
            if is_silent:
                continue
            waiting = self._waiting.pop(row.hop_by_hop, None)
            if waiting is None or waiting.answer.done():
                continue
            session, body = NO_SESSION, b""
            if outcome == Outcome.GRANTED and waiting.route.operation is not Operation.RELEASE:
                if row.request_type != UPDATE:
                    session = session_of(row, octets)
                body = self._responses.write(stamp, row, octets, granted, waiting.route.service)
            waiting.answer.set_result(Answer(_OUTCOMES[outcome], session, body))
        self._answered(answered)

    def _look(self) -> None:
        """Answer what waited too long; whose client is gone is nobody's any more."""
        assert self._loop is not None
        self._loop.call_later(LOOK_S, self._look)
        now_ns = self._now_ns()
        self._bodies.look(now_ns)
        self._admission.look(now_ns)
        for number, waiting in list(self._waiting.items()):
            if waiting.answer.done():
                del self._waiting[number]
            elif waiting.deadline_ns < now_ns:
                del self._waiting[number]
                # What became of it is not known; the same request again gets the answer that it had.
                waiting.answer.set_exception(RequestRefused(problem(504, "TIMED_OUT_REQUEST")))


def _refuse_route(scope: Scope, protocol: HTTPProtocol, refused: NoRoute) -> None:
    """404 or 405; to HEAD without a body (RFC 9110 §9.3.2)."""
    headers = [("allow", ", ".join(refused.allowed))] if refused.allowed else []
    if scope.method == "HEAD":
        protocol.response_empty(refused.status, [_PROBLEM, *headers])
    elif refused.status == 405:
        _respond_problem(protocol, problem(405, "METHOD_NOT_ALLOWED"), *headers)
    else:
        _respond_problem(protocol, problem(404, "RESOURCE_URI_STRUCTURE_NOT_FOUND"))


def _respond_problem(protocol: HTTPProtocol, said: ProblemDetails, *headers: tuple[str, str]) -> None:
    assert said.status is not None
    protocol.response_bytes(said.status, [_PROBLEM, *headers], _ENCODER.encode(said))

"""The Nchf front end: requests of one moment become one batch, its answers become responses.

Requests of the usual form, and their answers, are read and written by kernels, a batch at a time (usual_requests.py,
usual_bodies.py, usual_answers.py). What costs Python a request is here: requests whose headers ask for more, bodies of an odd
form, refusals.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Final

import msgspec
import numpy as np
import structlog

from charging.batch import UPDATE, AnsweredBatch, UsageBatch, new_answer_batch, new_usage_batch
from charging.batch_rows import answer_refused, hold_answered
from charging.final_units import FinalUnit
from chf_http2.access_tokens import Verified
from chf_http2.arrivals import Arrivals
from chf_http2.bodies import read_body, too_slow
from chf_http2.charging_data_ref import Refs
from chf_http2.config import BODY_OCTETS_MAX, ChfConfig
from chf_http2.congestion import CONGESTED_FROM
from chf_http2.edge.admission import NOTHING, SEND_AGAIN, Admission, Asked, refuse_late
from chf_http2.edge.http2_server import PROBLEM, Header, Http2Server, Request, problem_response
from chf_http2.errors import RequestRefused
from chf_http2.front_memory import (
    OPERATIONS_COUNT,
    REST_COUNT,
    TEXTS_END,
    hold_front,
    new_front_memory,
    new_stream_texts,
    route_code,
)
from chf_http2.known_tokens import forget_tokens, learn_token, services_of
from chf_http2.openapi import openapi_document
from chf_http2.problems import REFUSALS, problem, refusal_problem
from chf_http2.requests import RequestReader
from chf_http2.responses import AnsweredRow, ResponseWriter, granted_rows, json_stamp, opening_of, session_of
from chf_http2.routes import OPENAPI, OPERATIONS, SERVICES, NoRoute, Operation, Route, Router
from chf_http2.rows import place_packed
from chf_http2.schema import ProblemDetails
from chf_http2.streams.memory import COMING, ODD_COUNT, ROW_MASK, WHOLE_COUNT
from chf_http2.tick_memory import HELD_TICK, new_packed_rows, new_tick_memory
from chf_http2.usual_answers import UNKNOWN_PART, forget_parts, give_answers, learn_part
from chf_http2.usual_bodies import NO_ROOM, UNUSUAL
from chf_http2.usual_requests import take_whole, wait_for_engine
from vocabulary.held import Held
from vocabulary.instants import FOREVER_NS, NS_PER_S
from vocabulary.limits import ANSWER_DEADLINE_S, MSCCS_PER_REQUEST_MAX
from vocabulary.outcomes import Outcome

LOOK_S: Final = 0.5
GATHER_S: Final = 0.001
"""Requests of so long are one batch: a turn of the loop alone would see a few, each batch costs as much as many rows."""
LEARNED_AT_ONCE_MAX: Final = 2 * MSCCS_PER_REQUEST_MAX
"""Parts of one answer: two whose digests fall on one place would drive each other out for ever."""
_JSON: Final = ("content-type", "application/json")
_ENCODER: Final = msgspec.json.Encoder()
_OUTCOMES: Final = {int(one): one for one in Outcome}
_READS: Final = ("GET", "HEAD")


class ChfServer:
    """Nchf_ConvergedCharging in front of an engine.

    offer     takes a tick's requests; how many of them have an outcome, and are answered here, when it returns
    answered  is told of every batch whose answers were given out
    secret    uint64[2] of the store
    tenant    number of the tenant whose subscribers are asked for
    nf_instance_id   who we are: an audience of access tokens
    on_gone          is called when a connection has ended that somebody else accepted; None: it listens itself

    OSError: the port can't be had, or certificate and key don't fit.
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
        on_gone: Callable[[], None] | None = None,
    ) -> None:
        self._config = config
        self._offer = offer
        self._answered = answered
        self._now_ns = now_ns
        self._router = Router(config.api_prefix)
        self._openapi_path = config.api_prefix + OPENAPI
        self._refs = Refs(secret, tenant)
        self._batch = new_usage_batch()
        streams = new_stream_texts()
        tick = new_tick_memory(self._batch, new_packed_rows(), secret, tenant, arrived_octets=streams.texts)
        triggers = config.triggers()
        opening = opening_of(config.session_failover, config.failure_handling, triggers.session)
        self._tick = Held(tick, HELD_TICK)
        self._front = hold_front(
            new_front_memory(
                streams, tick, api_prefix=config.api_prefix, api_root=config.api_root, opening=opening.octets
            )
        )
        self._streams = streams
        self._admission = Admission(config, nf_instance_id, self.forget_tokens)
        self._arrivals = Arrivals(self._tick, TEXTS_END)
        self._reader = RequestReader(self._refs, tick, wraps_volumes=config.wraps_volumes)
        self._refused = hold_answered(self._batch, new_answer_batch())
        self._responses = ResponseWriter(opening, triggers)
        self._http = Http2Server(
            streams, config, body_octets_max=BODY_OCTETS_MAX, on_whole=self._gather, on_gone=on_gone, now_ns=now_ns
        )
        self.adopt = self._http.adopt
        self._is_tick_due = False
        self._second = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._looking: asyncio.TimerHandle | None = None
        self._log = structlog.get_logger(process="chf")

    def use_final_units(self, units: Mapping[int, FinalUnit]) -> None:
        """Texts that answers may name from now on, by their numbers."""
        self._responses.use_final_units(units)
        forget_parts(self._front.octets)

    @property
    def port(self) -> int:
        """That is listened on."""
        return self._http.port

    @property
    def streams_octets(self) -> "np.ndarray[Any, np.dtype[np.uint8]]":
        """The memory of its streams, as kernels know it."""
        return self._http.memory.octets

    @property
    def waiting_count(self) -> int:
        """Requests that wait for an answer."""
        return self._http.waiting_count

    @property
    def streams_count(self) -> int:
        """Streams of all clients."""
        return self._http.streams_count

    async def start(self) -> None:
        """Listen, and serve in the running loop from now on."""
        self._loop = asyncio.get_running_loop()
        self._looking = self._loop.call_later(LOOK_S, self._look_again)
        await self._http.start()

    async def close(self) -> None:
        """Take no request more, let those under way be answered, end."""
        if self._looking is not None:
            self._looking.cancel()
        await self._http.close()

    # --- requests of a moment ----------------------------------------------------------------------------------------------

    def _gather(self) -> None:
        if not self._is_tick_due:
            assert self._loop is not None
            self._is_tick_due = True
            self._loop.call_later(GATHER_S, self._tick_now)

    def _tick_now(self) -> None:
        """Take what came whole."""
        self._is_tick_due = False
        counts = self._streams.counts
        first, whole = 0, int(counts[WHOLE_COUNT])
        while first < whole:
            first = take_whole(self._front.octets, first, self._admission.takes_tokens, CONGESTED_FROM, self._now_ns())
            for ticket in self._streams.odd[: int(counts[ODD_COUNT])].tolist():
                self._take_odd(ticket)
            self._flush()
        counts[WHOLE_COUNT] = 0
        self._http.flush()

    def _flush(self) -> None:
        """Read what arrived and offer it, as one batch where that has room; what nobody will decide is answered here."""
        at = 0
        while True:
            at, reason = self._arrivals.read(at)
            if reason == UNUSUAL:
                self._read_unusual(at)
                at += 1
                continue
            self._offer_packed()
            if reason != NO_ROOM:
                break
        self._arrivals.clear()

    def _read_unusual(self, index: int) -> None:
        """A body that the kernel doesn't read: packed as any, or refused."""
        ticket = self._arrivals.waiting_of(index)
        ref, body = self._arrivals.texts_of(index)
        try:
            self._reader.take(self._route_of(ticket, ref), body, ticket)
        except RequestRefused as refused:
            self._refuse(ticket, refused)
        except Exception as error:
            self._fail(ticket, error)

    def _route_of(self, ticket: int, ref: str) -> Route:
        service, operation = divmod(int(self._streams.streams["route"][ticket & ROW_MASK]), OPERATIONS_COUNT)
        one = SERVICES[service]
        return Route(OPERATIONS[operation].operation, one.base(self._config.api_prefix), ref, one)

    def _offer_packed(self) -> None:
        if place_packed(self._tick.octets, self._now_ns()) and self._offer(self._batch):
            answer_refused(*self._refused.value)
            self.deliver(self._refused)

    # --- a request that is odd ---------------------------------------------------------------------------------------------

    def _take_odd(self, ticket: int) -> None:
        """Put a request to those that arrived, or answer it."""
        request = self._http.request_of(ticket)
        if request is None:
            return
        asked = NOTHING
        try:
            path = request.path
            if path == self._openapi_path:
                self._describe(ticket, request)
                return
            route = self._router.find(request.method, path)
            body = read_body(request.headers, request.body, request.is_too_large)
            asked = self._admission.admit(request.headers, route, self._now_ns(), self.waiting_count)
            refuse_late(asked, self._now_ns(), is_handed_over=False)
            if self._admission.takes_tokens:
                authorization = request.headers["authorization"]
                self.learn_token(authorization, self._admission.verified(authorization))
            if asked is not NOTHING:
                self._http.keep(ticket, asked)
            if not self._arrivals.has_room(route, body):
                self._flush()
            self._arrivals.put(ticket, route, body)
            code = route_code(SERVICES.index(route.service), route.operation)
            wait_for_engine(self._front.octets, ticket, code, self._now_ns())
        except NoRoute as refused:
            self._refuse_route(ticket, request.method, refused)
        except RequestRefused as refused:
            self._refuse(ticket, refused, asked)
        except Exception as error:
            self._fail(ticket, error)

    def learn_token(self, authorization: str, verified: Verified | None) -> None:
        """Kernels know a token from now on."""
        if verified is not None:
            text = np.frombuffer(bytearray(authorization.encode("latin-1")), np.uint8)
            until_ns = min(int(verified.expires_s * NS_PER_S), FOREVER_NS)
            learn_token(self._front.octets, text, until_ns, services_of(verified.scope))

    def forget_tokens(self) -> None:
        """Each is to be verified again: keys changed."""
        forget_tokens(self._front.octets)

    def _describe(self, ticket: int, request: Request) -> None:
        """The description of the service. NoRoute."""
        if request.method not in _READS:
            raise NoRoute(405, _READS)
        root = self._config.api_root or f"{request.scheme}://{request.authority}"
        document = _ENCODER.encode(openapi_document(root + self._config.api_prefix))
        headers = (_JSON, ("content-length", str(len(document))))
        self._http.respond(ticket, 200, headers, b"" if request.method == "HEAD" else document)

    def _refuse_route(self, ticket: int, method: str, refused: NoRoute) -> None:
        """404 or 405; to HEAD without a body (RFC 9110 §9.3.2)."""
        headers = [("allow", ", ".join(refused.allowed))] if refused.allowed else []
        if method == "HEAD":
            self._http.respond(ticket, refused.status, (PROBLEM, *headers))
        elif refused.status == 405:
            self._respond_problem(ticket, problem(405, "METHOD_NOT_ALLOWED"), *headers)
        else:
            self._respond_problem(ticket, problem(404, "RESOURCE_URI_STRUCTURE_NOT_FOUND"))

    def _refuse(self, ticket: int, refused: RequestRefused, asked: Asked = NOTHING) -> None:
        kept = self._http.kept(ticket)
        echoed = (kept if isinstance(kept, Asked) else asked).echoed
        self._respond_problem(ticket, refused.problem, *refused.headers, *echoed)

    def _fail(self, ticket: int, error: Exception) -> None:
        """A mistake of ours costs its request alone; said without a traceback's locals, which have the subscriber's data."""
        self._log.error("request failed", error=repr(error))
        self._respond_problem(ticket, problem(500, "SYSTEM_FAILURE"))

    def _respond_problem(self, ticket: int, said: ProblemDetails, *headers: Header) -> None:
        self._http.respond(ticket, *problem_response(said, *headers))

    # --- answers -----------------------------------------------------------------------------------------------------------

    def deliver(self, answered: Held[AnsweredBatch]) -> None:
        """Give the answers of a batch to the requests that wait for them; silent rows have none."""
        self._tell_time()
        front = self._front
        at, reason = give_answers(front.octets, answered.octets, 0)
        learned, learned_of = 0, -1
        while reason == UNKNOWN_PART:
            learned, learned_of = (learned + 1 if at == learned_of else 1), at
            if learned <= LEARNED_AT_ONCE_MAX:
                self._learn_part(answered)
            else:
                self._answer_row(answered.value, at)
                at += 1
            at, reason = give_answers(front.octets, answered.octets, at)
        rest = front.value.rest[: int(front.value.counts[REST_COUNT])].tolist()
        for row in rest:
            self._answer_row(answered.value, row)
        self._http.flush()
        self._answered(answered)

    def _tell_time(self) -> None:
        """What all answers of this second say of it."""
        second = self._now_ns() // NS_PER_S
        if second != self._second:
            self._second = second
            now = datetime.fromtimestamp(second, UTC)
            memory = self._front.value
            memory.date[:] = np.frombuffer(format_datetime(now, usegmt=True).encode(), np.uint8)
            memory.stamp[:] = np.frombuffer(json_stamp(now), np.uint8)

    def _learn_part(self, answered: Held[AnsweredBatch]) -> None:
        """Have a MultipleUnitInformation written that the kernel hasn't met yet."""
        usage, answers = answered.value
        index, upf_at, upf_length = self._front.value.part_stop.tolist()
        granted = granted_rows(usage.msccs[index : index + 1], answers.msccs[index : index + 1])
        upf_id = usage.octets[upf_at : upf_at + upf_length].tobytes()
        part = self._responses.write_information(granted.groups[0], upf_id, granted.units[0])
        learn_part(self._front.octets, answered.octets, np.frombuffer(part, np.uint8))

    def _answer_row(self, answered: AnsweredBatch, index: int) -> None:
        """The answer of a request that a kernel doesn't give."""
        usage, answers = answered
        request = usage.requests[index]
        row = AnsweredRow._make(request[name].item() for name in AnsweredRow._fields)
        ticket, octets = row.hop_by_hop, usage.octets.data
        asked = self._http.kept(ticket)
        echoed: tuple[Header, ...] = ()
        if isinstance(asked, Asked):
            echoed = asked.echoed
            if self._refuse_if_late(ticket, asked):
                return
        outcome = _OUTCOMES[int(answers.answers["outcome"][index])]
        if outcome != Outcome.GRANTED:
            after_s, failed_code = REFUSALS[outcome].retry_after_s, int(answers.answers["failed_code"][index])
            headers = [("retry-after", str(after_s))] if after_s else []
            self._respond_problem(ticket, refusal_problem(outcome, failed_code), *headers, *echoed)
            return
        route = self._route_of(ticket, "")
        if route.operation is Operation.RELEASE:
            self._http.respond(ticket, 204, echoed)
            return
        stamp = self._front.value.stamp.tobytes()
        msccs = slice(row.mscc_first, row.mscc_first + row.mscc_count)
        granted = granted_rows(usage.msccs[msccs], answers.msccs[msccs])
        body = self._responses.write(stamp, row._replace(mscc_first=0), octets, granted, route.service)
        if row.request_type == UPDATE:
            self._http.respond(ticket, 200, (_JSON, *echoed), body)
            return
        request_read = self._http.request_of(ticket)
        assert request_read is not None
        root = self._config.api_root or f"{request_read.scheme}://{request_read.authority}"
        ref = self._refs.make(*session_of(row, octets), gives_quota=route.service.gives_quota)
        location = ("location", f"{root}{route.base}/{ref}")
        self._http.respond(ticket, 201, (_JSON, location, *echoed), body)

    def _refuse_if_late(self, ticket: int, asked: Asked) -> bool:
        """Answer who doesn't wait any more for what was handed over."""
        try:
            refuse_late(asked, self._now_ns(), is_handed_over=True)
        except RequestRefused as refused:
            self._refuse(ticket, refused)
            return True
        return False

    def _look_again(self) -> None:
        assert self._loop is not None
        self._looking = self._loop.call_later(LOOK_S, self._look_again)
        self.look()

    def look(self) -> None:
        """Answer what waited too long, end what came too slowly; every now and then."""
        self._admission.look(self._now_ns())
        for ticket, asked in self._http.all_kept():
            if isinstance(asked, Asked):
                self._refuse_if_late(ticket, asked)
        for ticket, state in self._http.overdue(self._config.body_s, ANSWER_DEADLINE_S + 1):
            if state == COMING:
                self._refuse(ticket, too_slow(self._config.body_s))
            else:
                self._refuse(ticket, RequestRefused(problem(504, "TIMED_OUT_REQUEST", SEND_AGAIN)))
        self._http.flush()

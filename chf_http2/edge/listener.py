"""A small HTTP/2 server: one function answers each request. For what is asked rarely; charging has a server of its own."""

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from chf_http2.bodies import too_slow
from chf_http2.config import BODY_OCTETS_MAX, ChfConfig
from chf_http2.edge.http2_server import Http2Server, Request, Response, problem_response
from chf_http2.problems import problem
from chf_http2.streams.memory import WHOLE_COUNT, new_stream_memory

STREAMS_MAX: Final = 1024
LOOK_S: Final = 0.5
WAIT_S: Final = 3600.0


class Listener:
    """Serves until it is closed.

    answer   gives the answer of a request; what it raises is answered with 500
    """

    def __init__(
        self,
        answer: Callable[[Request], Response],
        config: ChfConfig,
        *,
        now_ns: Callable[[], int],
        body_octets_max: int = BODY_OCTETS_MAX,
    ) -> None:
        """OSError: the port can't be had, or certificate and key don't fit."""
        self._answer = answer
        self._body_s = config.body_s
        self._streams = new_stream_memory(STREAMS_MAX)
        self._http = Http2Server(
            self._streams, config, body_octets_max=body_octets_max, on_whole=self._answer_soon, now_ns=now_ns
        )
        self._is_answering = False
        self._looking: asyncio.TimerHandle | None = None

    @property
    def port(self) -> int:
        """That is listened on."""
        return self._http.port

    async def start(self) -> None:
        """Listen. OSError: that can't be."""
        self._look()
        await self._http.start()

    async def close(self) -> None:
        """Take no request more, end."""
        if self._looking is not None:
            self._looking.cancel()
        await self._http.close()

    def _answer_soon(self) -> None:
        if not self._is_answering:
            self._is_answering = True
            asyncio.get_running_loop().call_soon(self._answer_whole)

    def _answer_whole(self) -> None:
        self._is_answering = False
        counts = self._streams.counts
        tickets = self._streams.whole[: int(counts[WHOLE_COUNT])].tolist()
        counts[WHOLE_COUNT] = 0
        for ticket in tickets:
            request = self._http.request_of(ticket)
            if request is None:
                continue
            try:
                response = self._answer(request)
            except Exception as error:
                structlog.get_logger().error("request failed", path=request.path, error=repr(error))
                response = problem_response(problem(500, "SYSTEM_FAILURE"))
            self._http.respond(ticket, *response)
        self._http.flush()

    def _look(self) -> None:
        """Give up bodies that take too long."""
        self._looking = asyncio.get_running_loop().call_later(LOOK_S, self._look)
        for ticket, _ in self._http.overdue(self._body_s, WAIT_S):
            self._http.respond(ticket, *problem_response(too_slow(self._body_s).problem))
        self._http.flush()

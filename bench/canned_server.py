"""The protocol floor's server: frames CCRs and answers each with a canned CCA of the right size. Decides nothing.

What any Gy server must spend on these octets with this event loop: uvloop's BufferedProtocol, a kernel that finds the
messages and copies an answer with the request's ids, Session-Id, type and number (at the fixed places of our templates),
one write a buffer. `python -m bench.canned_server --plan plan.json` prints its port and runs until it is terminated.
"""

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import Any, Final

import numpy as np
import uvloop
from numpy.typing import NDArray

from bench.generators.gy_avps import (
    APPLICATION_CREDIT_CONTROL,
    COMMAND_CREDIT_CONTROL,
    FLAG_PROXIABLE,
    Avp,
    text,
    unsigned32,
    unsigned64,
    write_message,
)
from bench.generators.gy_peer import answer_to
from bench.generators.gy_templates import (
    SESSION_DIGITS,
    session_id_prefix,
    write_ccr,
)
from bench.generators.sessions import TERMINATION
from bench.workload import RATING_GROUPS, VALIDITY_S, GyPlan
from vocabulary.kernel import kernel

RECEIVE_OCTETS: Final = 1 << 19
ANSWER_OCTETS_MAX: Final = 1024
PLACES: Final = 4
"""Columns of places: Session-Id, type, number in the request; the same in the answer are in the second row."""


def write_cca(plan: GyPlan, request_type: int) -> tuple[bytes, dict[str, int]]:
    """A CCA of 2001 as the engine would write it: the units asked for, for an hour."""
    services = []
    for group in RATING_GROUPS[: plan.mscc_count]:
        grant = [Avp(431, [unsigned64(421, plan.asked_octets)])] if request_type != TERMINATION else []
        validity = [unsigned32(448, VALIDITY_S)] if request_type != TERMINATION else []
        services.append(Avp(456, [*grant, unsigned32(432, group), *validity, unsigned32(268, 2001)]))
    avps = [
        text(263, session_id_prefix(plan) + "0" * SESSION_DIGITS, mark="session"),
        unsigned32(268, 2001),
        text(264, "ocs.farebox.example.net"),
        text(296, plan.destination_realm),
        unsigned32(258, APPLICATION_CREDIT_CONTROL),
        unsigned32(416, request_type, mark="request_type"),
        unsigned32(415, 0, mark="request_number"),
        *services,
    ]
    return write_message(COMMAND_CREDIT_CONTROL, FLAG_PROXIABLE, avps, application=APPLICATION_CREDIT_CONTROL)


class CannedAnswers:
    """Canned CCAs and the places at which requests and answers carry what is echoed."""

    def __init__(self, plan: GyPlan) -> None:
        written = [write_cca(plan, request_type) for request_type in (1, 2, 3)]
        self.answers: NDArray[np.uint8] = np.zeros((3, max(len(message) for message, _ in written)), np.uint8)
        self.lengths: NDArray[np.int64] = np.array([len(message) for message, _ in written], np.int64)
        for row, (message, _) in enumerate(written):
            self.answers[row, : len(message)] = np.frombuffer(message, np.uint8)
        asked, answered = write_ccr(plan, 1)[1], written[0][1]
        names = ("session", "request_type", "request_number")
        self.places: NDArray[np.int64] = np.array([[at[name] for name in names] for at in (asked, answered)], np.int64)
        self.session_octets = len(session_id_prefix(plan)) + SESSION_DIGITS


@kernel
def answer_requests(incoming, end, answers, lengths, places, session_octets, outgoing):
    """Answer the complete CCRs of incoming[:end]: (octets taken, octets written to `outgoing`, requests answered).

    Stops at a message of another command, for Python, and where `outgoing` is full.
    """
    at = np.int64(0)
    out = np.int64(0)
    count = 0
    while at + 20 <= end and out + answers.shape[1] <= outgoing.shape[0]:
        length = (np.int64(incoming[at + 1]) << 16) | (np.int64(incoming[at + 2]) << 8) | np.int64(incoming[at + 3])
        if at + length > end or incoming[at + 6] != 1 or incoming[at + 7] != 16:
            break
        row = np.int64(incoming[at + places[0, 1] + 3]) - 1
        size = lengths[row]
        for index in range(size):
            outgoing[out + index] = answers[row, index]
        for index in range(12, 20):
            outgoing[out + index] = incoming[at + index]
        for index in range(session_octets):
            outgoing[out + places[1, 0] + index] = incoming[at + places[0, 0] + index]
        for index in range(4):
            outgoing[out + places[1, 2] + index] = incoming[at + places[0, 2] + index]
        at += length
        out += size
        count += 1
    return at, out, count


class CannedConnection(asyncio.BufferedProtocol):
    """One connection of the floor's server."""

    def __init__(self, canned: CannedAnswers, plan: GyPlan) -> None:
        self._canned = canned
        self._plan = plan
        self._incoming = np.zeros(RECEIVE_OCTETS, np.uint8)
        self._view = memoryview(self._incoming)  # type: ignore[arg-type]
        self._outgoing = np.zeros(RECEIVE_OCTETS, np.uint8)
        self._outgoing_view = memoryview(self._outgoing)  # type: ignore[arg-type]
        self._end = 0
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = transport

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where the next octets go: behind what is incomplete."""
        return self._view[self._end :]

    def buffer_updated(self, nbytes: int) -> None:
        """Answer all that is complete."""
        self._end += nbytes
        canned = self._canned
        taken = 0
        while True:
            at, out, _ = answer_requests(
                self._incoming[taken:],
                self._end - taken,
                canned.answers,
                canned.lengths,
                canned.places,
                canned.session_octets,
                self._outgoing,
            )
            taken += at
            if out:
                self._transport.write(bytes(self._outgoing_view[:out]))
            other = self._other_message(taken)
            taken += other
            if not out and not other:
                break
        if taken:
            self._incoming[: self._end - taken] = self._incoming[taken : self._end].copy()
            self._end -= taken

    def _other_message(self, at: int) -> int:
        """Answer a base message at octet `at`, if a whole one stands there; its octets."""
        if at + 20 > self._end:
            return 0
        length = int.from_bytes(self._view[at + 1 : at + 4], "big")
        if at + length > self._end or bytes(self._view[at + 6 : at + 8]) == b"\x01\x10":
            return 0
        self._transport.write(base_answer(self._plan, bytes(self._view[at : at + length])))
        return length


def base_answer(plan: GyPlan, request: bytes) -> bytes:
    """CEA, DWA or DPA of the floor's server."""
    from bench.generators.gy_peer import COMMAND_CAPABILITIES, PeerName, command_of

    peer = PeerName("ocs.farebox.example.net", plan.destination_realm, 1)
    if command_of(request)[0] != COMMAND_CAPABILITIES:
        return answer_to(peer, request)
    avps = [
        unsigned32(268, 2001),
        text(264, peer.origin_host),
        text(296, peer.origin_realm),
        unsigned32(258, APPLICATION_CREDIT_CONTROL),
    ]
    ids = {"hop_by_hop": int.from_bytes(request[12:16], "big"), "end_to_end": int.from_bytes(request[16:20], "big")}
    return write_message(COMMAND_CAPABILITIES, 0, avps, application=0, **ids)[0]


async def _serve(plan: GyPlan) -> None:
    canned = CannedAnswers(plan)
    empty = np.zeros(32, np.uint8)
    outgoing = np.zeros(RECEIVE_OCTETS, np.uint8)
    answer_requests(empty, 0, canned.answers, canned.lengths, canned.places, canned.session_octets, outgoing)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: CannedConnection(canned, plan), plan.host, plan.port)
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    sys.stdout.write(json.dumps({"event": "listening", "port": server.sockets[0].getsockname()[1]}) + "\n")
    sys.stdout.flush()
    await stopped.wait()
    server.close()


def main(arguments: list[str] | None = None) -> int:
    """The process; port 0 in the plan takes a free one."""
    parser = argparse.ArgumentParser(description="Answer the Gy load of a plan with canned answers.")
    parser.add_argument("--plan", required=True, type=Path, help="JSON of a bench.workload.GyPlan")
    options = parser.parse_args(arguments)
    uvloop.run(_serve(GyPlan.from_json(options.plan.read_text())))
    return 0


if __name__ == "__main__":
    sys.exit(main())

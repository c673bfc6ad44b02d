"""A generator as a process of its own: what is the same for every protocol.

Python here costs per turn, not per request: a turn waits for sockets, receives, calls two kernels and sends. It prints a
JSON line for each stage (`measuring`, `measured`, `result`), so that whoever started it can sample CPU at those instants.
The run warms up, measures, then drains: each open session is terminated, so that at the end nothing may be reserved.
SIGUSR1 ends the measured time at once. gy_generator.py and chf_generator.py say what differs.
"""

import argparse
import gc
import json
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np

from bench.books import LOG_DTYPE, Books, fold, save_books
from bench.generators.connections import Connections, GeneratorError
from bench.generators.fleet import (
    ANSWERED_COUNT,
    DRAIN_REQUESTS_A_SESSION,
    DUE_NS,
    INTERVAL_NS,
    IS_DRAINING,
    IS_MEASURING,
    LOG_COUNT,
    OTHER_COUNT,
    REPEATED_COUNT,
    RETIRED_COUNT,
    SENT_COUNT,
    WAITING_COUNT,
    WRONG_KEPT,
    WRONG_REASONS,
    Fleet,
)
from bench.latency_counts import percentiles_ms
from bench.workload import LoadPlan, prices, provision

TICK_S: Final = 0.001
"""Open loop: how often a turn is made; requests leave up to so much after their time, which counts as their latency."""
IDLE_WAIT_S: Final = 0.05

Emit = Callable[[Mapping[str, Any]], None]


class Wire(Protocol):
    """What a protocol's generator is made of."""

    def plan_of(self, text: str) -> LoadPlan:
        """The plan of its JSON. ValueError."""

    def new_fleet(self, plan: Any) -> Fleet:
        """A fleet with no session open."""

    def connections(self, plan: Any, fleet: Fleet, stop: Callable[[str], None]) -> Connections:
        """Its connections, none of them open."""

    def take_answers(self, fleet: Fleet, now_ns: int) -> int:
        """Take what has come whole; the connection whose framing is broken, -1 where none is."""

    def send_requests(self, fleet: Fleet, now_ns: int, unix_s: int) -> int:
        """Queue what may leave now; how many requests."""

    def compile_kernels(self, plan: Any) -> None:
        """Compile, or read from the cache, whatever a turn calls."""

    def answers(self, fleet: Fleet) -> dict[str, dict[str, int]]:
        """`answers` and `mscc_answers` of the figures: counts by what was answered."""

    def octets_of_wrong(self, kept: bytes) -> bytes:
        """What of the kept octets is the answer."""


class Generator:
    """The driver of a fleet: the phases of a run and the steps of a turn. Decides nothing about sessions."""

    def __init__(self, wire: Wire, plan: LoadPlan, emit: Emit) -> None:
        self._wire = wire
        self._plan = plan
        self._emit = emit
        self._fleet: Fleet = wire.new_fleet(plan)
        self._connections = wire.connections(plan, self._fleet, self._stop)
        self._log_kept = DRAIN_REQUESTS_A_SESSION * len(self._fleet.slots) * plan.mscc_count
        self._stopped = ""
        self._is_enough = False
        self._tick_at = 0.0
        self._measured_ns = 0
        self._cpu_ns = 0

    def run(self) -> dict[str, Any]:
        """Connect, warm up, measure, drain, disconnect. Returns the figures of the run; the log stays in the fleet."""
        plan, counters = self._plan, self._fleet.counters
        self._wire.compile_kernels(plan)
        _compile_fold(plan)
        self._emit({"event": "connecting"})
        self._connections.open()
        if plan.waits:
            self._emit({"event": "connected"})
            sys.stdin.readline()
        gc.collect()
        gc.freeze()
        gc.disable()
        counters[DUE_NS] = time.monotonic_ns()
        self._turn_until(time.monotonic() + plan.warm_up_s)
        self._emit({"event": "measuring"})
        counters[IS_MEASURING] = 1
        started_ns, cpu_ns = time.monotonic_ns(), time.process_time_ns()
        self._turn_until(time.monotonic() + plan.measured_s)
        counters[IS_MEASURING] = 0
        self._measured_ns = time.monotonic_ns() - started_ns
        self._cpu_ns = time.process_time_ns() - cpu_ns
        self._emit({"event": "measured"})
        self._drain()
        gc.enable()
        self._connections.close()
        return self._figures()

    def books(self) -> Books:
        """The fold of the log; after `run`."""
        plan = self._plan
        owned = provision(plan.subscribers, plan.seed, has_money_only=plan.has_money_only)
        return fold(
            self._fleet.log[: self._fleet.counters[LOG_COUNT]],
            money_micros=owned.money_micros,
            allowance_octets=owned.allowance_octets,
            prices=prices(plan.mscc_count),
            asked_octets=plan.asked_octets,
            sessions_per_subscriber=plan.sessions_per_subscriber,
        )

    def end_early(self, *_: object) -> None:
        """End the measured time; the sessions are still terminated. A signal handler."""
        self._is_enough = True

    def _stop(self, why: str) -> None:
        self._stopped = why

    def _turn_until(self, deadline: float) -> None:
        while not self._stopped and not self._is_enough and time.monotonic() < deadline:
            self._turn()

    def _drain(self) -> None:
        """End all sessions; gives up when no answer came for `grace_s`."""
        counters = self._fleet.counters
        counters[IS_DRAINING] = 1
        answered, heard = int(counters[ANSWERED_COUNT]), time.monotonic()
        while counters[RETIRED_COUNT] < len(self._fleet.slots) and self._connections.is_any_open():
            self._turn()
            if counters[ANSWERED_COUNT] != answered:
                answered, heard = int(counters[ANSWERED_COUNT]), time.monotonic()
            if time.monotonic() - heard > self._plan.grace_s:
                return

    def _turn(self) -> None:
        """Wait for sockets, receive, take answers, send what may leave."""
        fleet, connections = self._fleet, self._connections
        is_paced = fleet.parameters[INTERVAL_NS] > 0 and not fleet.counters[IS_DRAINING]
        if is_paced:
            self._wait_tick()
        elif self._plan.gather_s > 0:
            time.sleep(self._plan.gather_s)
        connections.receive(0 if is_paced else IDLE_WAIT_S)
        now_ns = time.monotonic_ns()
        broken = self._wire.take_answers(fleet, now_ns)
        if broken >= 0:
            connections.lose(broken, "sent octets that make no message")
        if fleet.counters[OTHER_COUNT]:
            connections.answer_others()
        if fleet.counters[LOG_COUNT] + self._log_kept > len(fleet.log):
            self._stop("the log of the books is full: shorten the run")
            fleet.counters[IS_DRAINING] = 1
        self._wire.send_requests(fleet, now_ns, int(time.time()))
        connections.send()
        connections.reconnect()

    def _wait_tick(self) -> None:
        """Until TICK_S after the turn before began; behind a turn that took longer the next one begins at once."""
        now = time.monotonic()
        self._tick_at = max(self._tick_at + TICK_S, now)
        time.sleep(self._tick_at - now)

    def _figures(self) -> dict[str, Any]:
        fleet = self._fleet
        answered = int(fleet.answered_by_type.sum())
        kept = [fleet.wrong_octets[index] for index in range(int(fleet.counters[WRONG_KEPT]))]
        return {
            "answered": answered,
            "duration_s": round(self._measured_ns / 1e9, 3),
            "answered_per_s": round(answered / max(self._measured_ns / 1e9, 1e-9), 1),
            "generator_us_per_request": round(self._cpu_ns / 1000 / max(answered, 1), 3),
            "latency_ms": percentiles_ms(fleet.latency_counts),
            **self._wire.answers(fleet),
            "answered_by_type": _counts_by_type(fleet.answered_by_type),
            "busy_by_type": _counts_by_type(fleet.busy_by_type),
            "lost": int(fleet.counters[WAITING_COUNT]),
            "wrong": int(fleet.wrong.sum()),
            "wrong_by_reason": {
                name: int(count) for name, count in zip(WRONG_REASONS, fleet.wrong, strict=True) if count
            },
            "wrong_octets": [self._wire.octets_of_wrong(octets.tobytes()).hex() for octets in kept],
            "sent_in_all": int(fleet.counters[SENT_COUNT]),
            "answered_in_all": int(fleet.counters[ANSWERED_COUNT]),
            "repeated": int(fleet.counters[REPEATED_COUNT]),
            "connections_lost": self._connections.lost_count,
            "stopped": self._stopped,
        }


def counts_by_code(counts: "np.ndarray[Any, np.dtype[np.int64]]") -> dict[str, int]:
    """Of a row of the fleet's `result_codes`."""
    return {str(code): int(counts[code]) for code in np.flatnonzero(counts)}


def _counts_by_type(counts: "np.ndarray[Any, np.dtype[np.int64]]") -> dict[str, int]:
    return {name: int(counts[at]) for at, name in enumerate(("initial", "update", "termination"), 1)}


def _compile_fold(plan: LoadPlan) -> None:
    fold(
        np.empty(0, LOG_DTYPE),
        money_micros=np.zeros(1, np.int64),
        allowance_octets=np.zeros(1, np.int64),
        prices=prices(plan.mscc_count),
        asked_octets=plan.asked_octets,
        sessions_per_subscriber=1,
    )


def run_process(wire: Wire, arguments: list[str] | None = None) -> int:
    """The process: 0 when the run ended as planned, 1 when it was stopped, 2 when it could not start."""
    parser = argparse.ArgumentParser(description="Send the load of a plan and keep books of it.")
    parser.add_argument("--plan", required=True, type=Path, help="JSON of a plan of bench/workload.py")
    parser.add_argument("--books", type=Path, help="where to write the books (.npz)")
    options = parser.parse_args(arguments)

    def emit(event: Mapping[str, Any]) -> None:
        sys.stdout.write(json.dumps(event) + "\n")
        sys.stdout.flush()

    try:
        generator = Generator(wire, wire.plan_of(options.plan.read_text()), emit)
        signal.signal(signal.SIGUSR1, generator.end_early)
        figures = generator.run()
    except (GeneratorError, ValueError, OSError) as fault:
        emit({"event": "failed", "reason": str(fault)})
        return 2
    started_ns = time.process_time_ns()
    books = generator.books()
    figures["fold_us_per_request"] = round(
        (time.process_time_ns() - started_ns) / 1000 / max(figures["answered"], 1), 3
    )
    if options.books:
        save_books(books, options.books)
    figures["grants_unexpected"] = books.unexpected_count
    figures["ran_out_share"] = round(float(books.limit_reached.mean()), 4)
    emit({"event": "result", **figures})
    return 1 if figures["stopped"] else 0

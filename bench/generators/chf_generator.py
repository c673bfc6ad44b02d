"""The Nchf generator, a process of its own: `python -m bench.generators.chf_generator --plan plan.json`."""

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np

from bench.generators.answered import LIMIT_REACHED, SUCCESS
from bench.generators.chf_answers import take_answers
from bench.generators.chf_connections import ChfConnections
from bench.generators.chf_requests import repeat_requests, send_requests
from bench.generators.chf_templates import STAMP_OCTETS, build_wire
from bench.generators.connections import Connections
from bench.generators.fleet import Fleet, new_fleet
from bench.generators.generator import counts_by_code, run_process
from bench.generators.http2_frames import HEAD_OCTETS
from bench.workload import ChfPlan

RESULT_WORDS: Final = {str(SUCCESS): "SUCCESS", str(LIMIT_REACHED): "QUOTA_LIMIT_REACHED"}
"""resultCodes of rating groups, by how the kernels count them."""


class ChfWire:
    """Nchf over HTTP/2; see generator.Wire."""

    def __init__(self) -> None:
        self._stamped_s = 0

    def plan_of(self, text: str) -> ChfPlan:
        """See Wire."""
        return ChfPlan.from_json(text)

    def new_fleet(self, plan: ChfPlan) -> Fleet:
        """See Wire."""
        wire = build_wire(plan)
        return new_fleet(plan, wire, int(wire.lengths.max()))

    def connections(self, plan: ChfPlan, fleet: Fleet, stop: Callable[[str], None]) -> Connections:
        """See Wire."""
        return ChfConnections(plan, fleet, stop)

    def take_answers(self, fleet: Fleet, now_ns: int) -> int:
        """See Wire."""
        return int(take_answers(fleet, now_ns))

    def send_requests(self, fleet: Fleet, now_ns: int, unix_s: int) -> int:
        """See Wire. Each second the time that requests say is written anew."""
        if unix_s != self._stamped_s:
            stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(unix_s)).encode()
            assert len(stamp) == STAMP_OCTETS
            fleet.wire.stamp[:] = np.frombuffer(stamp, np.uint8)
            self._stamped_s = unix_s
        return int(send_requests(fleet, now_ns, unix_s))

    def compile_kernels(self, plan: ChfPlan) -> None:
        """On a fleet of one session, before anything is timed."""
        small = self.new_fleet(
            replace(plan, sessions_open=1, outstanding=1, connections=1, measured_s=0.001, warm_up_s=0)
        )
        take_answers(small, time.monotonic_ns())
        send_requests(small, time.monotonic_ns(), 0)
        repeat_requests(small, 0)

    def answers(self, fleet: Fleet) -> dict[str, dict[str, int]]:
        """By status, and by resultCode of rating groups."""
        services = counts_by_code(fleet.result_codes[1])
        return {
            "answers": counts_by_code(fleet.result_codes[0]),
            "mscc_answers": {RESULT_WORDS.get(code, "other"): count for code, count in services.items()},
        }

    def octets_of_wrong(self, kept: bytes) -> bytes:
        """The frame with which the answer ended."""
        return kept[: HEAD_OCTETS + int.from_bytes(kept[:3], "big")]


if __name__ == "__main__":
    sys.exit(run_process(ChfWire()))

"""The Gy generator, a process of its own: `python -m bench.generators.gy_generator --plan plan.json`."""

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from bench.generators.connections import Connections
from bench.generators.fleet import Fleet, new_fleet
from bench.generators.generator import counts_by_code, run_process
from bench.generators.gy_answers import take_answers
from bench.generators.gy_connections import GyConnections
from bench.generators.gy_requests import repeat_requests, send_requests
from bench.generators.gy_templates import build_templates
from bench.workload import GyPlan

NTP_UNIX_OFFSET_S: Final = 2_208_988_800


class GyWire:
    """Diameter Gy; see generator.Wire."""

    def plan_of(self, text: str) -> GyPlan:
        """See Wire."""
        return GyPlan.from_json(text)

    def new_fleet(self, plan: GyPlan) -> Fleet:
        """See Wire."""
        templates = build_templates(plan)
        return new_fleet(plan, templates, int(templates.lengths.max()))

    def connections(self, plan: GyPlan, fleet: Fleet, stop: Callable[[str], None]) -> Connections:
        """See Wire."""
        return GyConnections(plan, fleet, stop)

    def take_answers(self, fleet: Fleet, now_ns: int) -> int:
        """See Wire."""
        return int(take_answers(fleet, now_ns))

    def send_requests(self, fleet: Fleet, now_ns: int, unix_s: int) -> int:
        """See Wire."""
        return int(send_requests(fleet, now_ns, unix_s + NTP_UNIX_OFFSET_S))

    def compile_kernels(self, plan: GyPlan) -> None:
        """On a fleet of one session, before anything is timed."""
        small = self.new_fleet(
            replace(plan, sessions_open=1, outstanding=1, connections=1, peers=1, measured_s=0.001, warm_up_s=0)
        )
        take_answers(small, time.monotonic_ns())
        send_requests(small, time.monotonic_ns(), NTP_UNIX_OFFSET_S)
        repeat_requests(small, 0)

    def answers(self, fleet: Fleet) -> dict[str, dict[str, int]]:
        """By Result-Code, at command level and by MSCC."""
        return {
            "answers": counts_by_code(fleet.result_codes[0]),
            "mscc_answers": counts_by_code(fleet.result_codes[1]),
        }

    def octets_of_wrong(self, kept: bytes) -> bytes:
        """As many as the Diameter header says."""
        return kept[: int.from_bytes(kept[1:4], "big")]


if __name__ == "__main__":
    sys.exit(run_process(GyWire()))

"""The floors of a run, measured by the same harness on the same machine: what the wire and the store cost by themselves.

Protocol floor: the same generator with the same octets against a server that frames and answers with canned answers
(bench/canned_server.py). Store floor: a store of the same settings that gets MSET of 256 records of the size really
written and one XADD of 256 rows, from two clients in turn, as two partitions would (bench/floor_store.py).

    python -m bench.bound protocol --seconds 5
    python -m bench.bound store --record-octets 400 --row-octets 100 --fsync always
"""

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple

from bench.floor_store import FloorStorePlan, measure_fsync_ms, measure_store_floor
from bench.generator_process import BenchError, Lines, child_environment, run_generator, stop
from bench.measure import CpuSample, sample_cpu, us_per_request
from bench.workload import GyPlan

CANNED_SERVER_MODULE: Final = "bench.canned_server"
START_S: Final = 120.0
"""The canned server compiles its kernel on a first start."""


class ProtocolFloor(NamedTuple):
    """What framing and canned answers cost."""

    server_us: float
    """CPU microseconds a request, server side"""
    generator_us: float
    answered_per_s: float
    result: dict[str, Any]
    """The generator's figures. Its books don't hold here: the canned server knows no accounts."""


class CannedServer:
    """The canned server as a process, on a free port of the plan's host."""

    def __init__(self, plan: GyPlan, folder: Path) -> None:
        plan_file = folder / "canned.json"
        plan_file.write_text(replace(plan, port=0).to_json())
        command = [sys.executable, "-m", CANNED_SERVER_MODULE, "--plan", str(plan_file)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, env=child_environment())
        assert self.process.stdout is not None
        line = Lines(self.process.stdout.fileno()).next(START_S)
        if not line:
            self.close()
            raise BenchError("the canned server did not start; its errors are above")
        self.port = int(json.loads(line)["port"])

    def close(self) -> None:
        """End the process."""
        stop(self.process)
        if self.process.stdout:
            self.process.stdout.close()

    def __enter__(self) -> "CannedServer":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def measure_protocol_floor(plan: GyPlan, seconds: float) -> ProtocolFloor:
    """Run the plan's load, closed loop, against canned answers for `seconds`."""
    with tempfile.TemporaryDirectory(prefix="farebox-floor-") as name:
        folder = Path(name)
        short = replace(plan, host="127.0.0.1", rate_per_s=0, warm_up_s=min(plan.warm_up_s, 1.0), measured_s=seconds)
        with CannedServer(short, folder) as server:
            samples: dict[str, CpuSample] = {}

            def sample(event: str) -> None:
                samples[event] = sample_cpu({"server": [server.process.pid]})

            result = run_generator(replace(short, port=server.port), folder, on_event=sample)
    cost = us_per_request(samples["measuring"], samples["measured"], result["answered"])
    return ProtocolFloor(cost["server"], result["generator_us_per_request"], result["answered_per_s"], result)


def main(arguments: list[str] | None = None) -> int:
    """Measure one floor and print it as JSON."""
    parser = argparse.ArgumentParser(description="Measure the floors that a run is compared with.")
    kinds = parser.add_subparsers(dest="kind", required=True)
    protocol = kinds.add_parser("protocol", help="framing and canned answers, and what the generator costs")
    protocol.add_argument("--seconds", type=float, default=5.0)
    protocol.add_argument("--connections", type=int, default=4)
    protocol.add_argument("--outstanding", type=int, default=4096)
    protocol.add_argument("--msccs", type=int, default=1)
    store = kinds.add_parser("store", help="MSET and XADD alone, and the disk's fsync")
    store.add_argument("--seconds", type=float, default=5.0)
    store.add_argument("--record-octets", type=int, default=400)
    store.add_argument("--row-octets", type=int, default=100)
    store.add_argument("--records", type=int, default=100_000)
    store.add_argument("--fsync", choices=("always", "everysec"), default="always")
    store.add_argument("--folder", type=Path, help="a folder on the disk of the store; a temporary one else")
    options = parser.parse_args(arguments)
    if options.kind == "protocol":
        plan = GyPlan(
            connections=options.connections,
            outstanding=options.outstanding,
            mscc_count=options.msccs,
        )
        figures: dict[str, Any] = measure_protocol_floor(plan, options.seconds)._asdict()
    else:
        floor_plan = FloorStorePlan(
            records=options.records,
            record_octets=options.record_octets,
            row_octets=options.row_octets,
            settings={"appendfsync": options.fsync},
            seconds=options.seconds,
        )
        figures = measure_store_floor(floor_plan, options.folder)._asdict()
        figures["fsync_ms"] = measure_fsync_ms(options.folder)
    sys.stdout.write(json.dumps(figures, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

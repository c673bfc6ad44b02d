"""A real process whose clock a test moves: `python -m tests.scenarios.served_engine <store> <folder> <role>`.

The folder has `clock`, 8 octets that the test maps, too: nanoseconds that this process's clock is ahead of the wall. The
process is runtime.engine_process as `farebox engine` runs it, with Gy or without (ENGINE, ENGINE_ALONE and others), or a
front end before it as `farebox gy` or `farebox chf` run it (FRONT_END and others, CHF), with the peers of the scenarios;
it writes `<role>-ready` there.
"""

import mmap
import sys
import time
from pathlib import Path

from chf_http2.config import ChfConfig
from gy_interface.config import GyConfig, PeerConfig
from runtime import engine_process, front_end
from runtime.chf_process import ChfProcess
from runtime.gy_process import GyProcess
from runtime.settings import EngineSettings, Settings, StoreSettings, TelemetrySettings
from tests.scenarios.language import PEERS

ENGINE = "engine"
ENGINE_ALONE = "engine-alone"
OTHER_ENGINE = "engine-other"
"""Shares the partitions with ENGINE_ALONE."""
FRONT_END = "front-end"
OTHER_FRONT_END = "front-end-other"
CHF = "chf"


def host_of(peer: str) -> str:
    """Origin-Host of a peer."""
    return f"{peer}.scenarios.example"


class SteeredClock:
    """Wall time and what the test adds."""

    folder = Path()

    def __init__(self) -> None:
        with (self.folder / "clock").open("rb") as file:
            self._ahead = mmap.mmap(file.fileno(), 8, access=mmap.ACCESS_READ)

    def now_ns(self) -> int:
        """See runtime.clock.Clock."""
        return time.time_ns() + int.from_bytes(self._ahead[:8], "little")


def main(store_url: str, folder: Path, role: str) -> None:
    """Serve until SIGTERM."""
    peers = {
        name: PeerConfig(
            (host_of(name),),
            tenant=peer.tenant,
            credit_limit_level="command" if peer.command_level_limit else "mscc",
            counts="never" if peer.never_counts else "strict",
            tariff_change="ends_grant" if peer.ends_at_tariff_change else "told",
        )
        for name, peer in PEERS.items()
    }
    settings = Settings(
        store=StoreSettings(url=store_url, data_dir=folder),
        gy=GyConfig(port=0, peers=peers),
        chf=ChfConfig(port=0),
        engine=EngineSettings(node=role),
        telemetry=TelemetrySettings(port=-1),
    )
    SteeredClock.folder = folder
    ready = folder / f"{role}-ready"
    engine_process.SystemClock = front_end.SystemClock = SteeredClock  # type: ignore[assignment, misc]
    if role in (FRONT_END, OTHER_FRONT_END):
        front_end.run_front_end(lambda: GyProcess(settings, store_url), ready_file=ready)
    elif role == CHF:
        front_end.run_front_end(lambda: ChfProcess(settings, store_url), ready_file=ready)
    else:
        engine_process.run_engine(settings, store_url, ready_file=ready, has_gy=role == ENGINE)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3])

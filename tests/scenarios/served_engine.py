"""A real process whose clock a test moves: `python -m tests.scenarios.served_engine <store> <folder> <role>`.

The folder has `clock`, 8 octets that the test maps, too: nanoseconds that this process's clock is ahead of the wall. The
process is runtime.engine_process as `farebox engine` runs it, with Gy or without (ENGINE, ENGINE_ALONE), or a front end
before it as `farebox gy` or `farebox chf` run it (FRONT_END, CHF), with the peers of the scenarios; it writes
`<role>-ready` there.
"""

import mmap
import sys
import time
from pathlib import Path

from chf_http2.config import ChfConfig
from gy_interface.config import GyConfig, PeerConfig
from runtime import chf_process, engine_process, gy_process
from runtime.settings import Settings, StoreSettings, TelemetrySettings
from tests.scenarios.language import PEERS

ENGINE = "engine"
ENGINE_ALONE = "engine-alone"
FRONT_END = "front-end"
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
        )
        for name, peer in PEERS.items()
    }
    settings = Settings(
        store=StoreSettings(url=store_url, data_dir=folder),
        gy=GyConfig(port=0, peers=peers),
        chf=ChfConfig(port=0),
        telemetry=TelemetrySettings(port=-1),
    )
    SteeredClock.folder = folder
    ready = folder / f"{role}-ready"
    engine_process.SystemClock = gy_process.SystemClock = chf_process.SystemClock = SteeredClock  # type: ignore[assignment, misc]
    if role == FRONT_END:
        gy_process.run_gy(settings, store_url, ready_file=ready)
    elif role == CHF:
        chf_process.run_chf(settings, store_url, ready_file=ready)
    else:
        engine_process.run_engine(settings, store_url, ready_file=ready, has_gy=role == ENGINE)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3])

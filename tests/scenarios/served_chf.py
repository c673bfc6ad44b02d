"""A real 5G front end whose clock a test moves: `python -m tests.scenarios.served_chf <store> <folder>`.

It hands over to the engine of the folder (served_engine.py), which has the same clock; it writes `chf-ready` there.
"""

import sys
from pathlib import Path

from chf_http2.config import ChfConfig
from runtime import chf_process
from runtime.settings import Settings, StoreSettings, TelemetrySettings
from tests.scenarios.served_engine import SteeredClock


def main(store_url: str, folder: Path) -> None:
    """Serve until SIGTERM."""
    settings = Settings(
        store=StoreSettings(url=store_url, data_dir=folder),
        chf=ChfConfig(port=0),
        telemetry=TelemetrySettings(port=-1),
    )
    SteeredClock.folder = folder
    chf_process.SystemClock = SteeredClock  # type: ignore[assignment, misc]
    chf_process.run_chf(settings, store_url, ready_file=folder / "chf-ready")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))

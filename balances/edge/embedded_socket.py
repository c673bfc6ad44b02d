"""Where a process of a folder listens, the embedded store or the engine: a unix socket in it, or a short way to a long path.

The system takes no more than about a hundred octets for a socket's path. For a longer one a link to the folder lies in a
private temporary folder, under a name that comes from the folder's own; so every process finds the same socket by the
folder alone, and whoever finds the link gone makes it again.
"""

import os
import stat
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import Final
from urllib.parse import quote

from balances.store import StoreError

SOCKET_NAME: Final = "store.sock"
SOCKET_PATH_OCTETS_MAX: Final = 100
"""Linux takes 107, macOS 103."""
_LINK_DIGITS: Final = 16


def embedded_url(folder: Path) -> str:
    """Address of the embedded store of a folder, running or not. StoreError where its socket can't be reached."""
    return f"unix://{quote(str(socket_path(folder)))}"


def socket_path(folder: Path, name: str = SOCKET_NAME) -> Path:
    """A path to a socket of the folder, the store's or another, that is short enough."""
    folder = folder.resolve()
    path = folder / name
    if len(os.fsencode(path)) > SOCKET_PATH_OCTETS_MAX:
        path = _link_to(folder) / name
    if len(os.fsencode(path)) > SOCKET_PATH_OCTETS_MAX:
        raise StoreError(
            f"no socket path of at most {SOCKET_PATH_OCTETS_MAX} octets leads to {folder}: give a data folder with a"
            f" shorter name, or set TMPDIR to a short one"
        )
    return path


def _link_to(folder: Path) -> Path:
    """A link to the folder in this user's private temporary folder; made where it isn't there."""
    home = Path(tempfile.gettempdir()) / f"farebox-{os.getuid()}"
    try:
        home.mkdir(mode=0o700, exist_ok=True)
        status = home.lstat()
        # Whoever could write here could have our clients talk to a server of theirs.
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o022:
            raise StoreError(f"{home} is not a folder that only this user writes: remove it, or set TMPDIR")
        link = home / sha256(os.fsencode(folder)).hexdigest()[:_LINK_DIGITS]
        if not link.is_symlink() or os.readlink(link) != str(folder):
            fresh = link.with_suffix(f".{os.getpid()}")
            fresh.unlink(missing_ok=True)
            fresh.symlink_to(folder)
            fresh.replace(link)
    except OSError as error:
        raise StoreError(f"no short way to a socket can be made in {home}: {error}") from error
    return link

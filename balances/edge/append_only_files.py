"""What a server's append-only files and their rewrites take from others (docs/decisions/0039).

A file that grows stays out of the page cache: nothing reads it before a restart, and a server that begins a rewrite has the
cache forget all of it, half a second of processor time where it has 2 GiB. Files that a rewrite replaced are shortened piece
by piece: a server removes them at once, and while the file system gives 2 GiB free its own fsyncs, and so all answers, wait.
With aof-disable-auto-gc it keeps them instead, and its manifest names them as history: nothing reads them any more.
The server's child that rewrites yields to everybody else: it has a few seconds for a fifth of a second's work.
"""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

FOLDER_NAME: Final = "appendonlydir"
MANIFEST_NAME: Final = "appendonly.aof.manifest"
PIECE_OCTETS: Final = 8 << 20
PIECE_S: Final = 0.05
LOOK_S: Final = 2.0
"""How often it is looked whether a rewrite has left some, or a file has begun to grow."""
GROWING_S: Final = 0.1
CHILD_LOOK_S: Final = 0.01
"""How often it is looked for a child of the server while a file grows: of a rewrite's time that it hasn't yielded yet."""
CHILD_YIELDS_S: Final = 5.0
"""A rewrite that didn't end in this time gets its share of processors: whoever takes them all would put it off for minutes."""
UNWRITTEN_OCTETS: Final = 64 << 20
"""The cache keeps what isn't on disk yet: so much is looked at again. More than two seconds of writes."""
_HISTORY: Final = "h"
_GROWING: Final = "i"


class AppendOnlyFiles:
    """Those of one server's folder, looked after by a thread of their own.

    pid       process id of the server
    collect   has the server forget the files of its manifest's history, and remove them; they are empty
    """

    def __init__(self, folder: Path, pid: int, collect: Callable[[], None]) -> None:
        self._folder = folder / FOLDER_NAME
        self._children = Path(f"/proc/{pid}/task/{pid}/children")
        self._yielding: dict[int, float] = {}
        """when each of the server's children was told to yield"""
        self._collect = collect
        self._uncached: dict[Path, int] = {}
        """octets of each growing file that the cache was told to forget"""
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._work, name="append-only-files", daemon=True)

    def start(self) -> None:
        """Look after them from now on."""
        self._thread.start()

    def stop(self) -> None:
        """No more of it; what is left is ended behind the next start."""
        self._ending.set()
        self._thread.join()

    def _work(self) -> None:
        if sys.platform == "linux":  # this thread yields to everybody else
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        pause_s = LOOK_S
        while not self._has_ended(pause_s):
            pause_s = LOOK_S
            with suppress(OSError):  # the folder isn't there yet, or a file was removed meanwhile
                named = list(self._named())
                growing = {path for kind, path in named if kind == _GROWING}
                replaced = [path for kind, path in named if kind == _HISTORY]
                pause_s = min(self._uncache(growing), self._shorten(replaced))

    def _has_ended(self, pause_s: float) -> bool:
        """Rest until the next step; only what grows is rewritten, so that children are looked for where something does."""
        if pause_s > GROWING_S:
            return self._ending.wait(pause_s)
        for _ in range(max(round(pause_s / CHILD_LOOK_S), 1)):
            if self._ending.wait(CHILD_LOOK_S):
                return True
            with suppress(OSError):  # a system that doesn't say, or the child has ended
                self._have_children_yield()
        return False

    def _have_children_yield(self) -> None:
        children = [int(word) for word in self._children.read_text().split()]
        self._yielding = {child: told_s for child, told_s in self._yielding.items() if child in children}
        for child in children:
            now_s = time.monotonic()
            told_s = self._yielding.setdefault(child, now_s)
            if told_s == now_s:
                os.sched_setscheduler(child, os.SCHED_IDLE, os.sched_param(0))
            elif now_s > told_s + CHILD_YIELDS_S and os.sched_getscheduler(child) == os.SCHED_IDLE:
                os.sched_setscheduler(child, os.SCHED_OTHER, os.sched_param(0))

    def _uncache(self, growing: set[Path]) -> float:
        """Have the page cache forget what these files grew by; seconds until the next step."""
        self._uncached = {path: octets for path, octets in self._uncached.items() if path in growing}
        pause_s = LOOK_S
        for path in growing:
            octets, before = path.stat().st_size, self._uncached.get(path, 0)
            if octets > before and sys.platform == "linux":
                descriptor = os.open(path, os.O_RDONLY)
                try:
                    first = max(before - UNWRITTEN_OCTETS, 0)
                    os.posix_fadvise(descriptor, first, 0, os.POSIX_FADV_DONTNEED)
                finally:
                    os.close(descriptor)
                self._uncached[path] = octets
                pause_s = GROWING_S
        return pause_s

    def _shorten(self, replaced: list[Path]) -> float:
        """Shorten one by a piece, or have them collected; seconds until the next step."""
        for path in replaced:
            octets = path.stat().st_size
            if octets:
                os.truncate(path, max(octets - PIECE_OCTETS, 0))
                return PIECE_S
        if replaced:
            self._collect()
        return LOOK_S

    def _named(self) -> Iterator[tuple[str, Path]]:
        """Kinds and files of the manifest: lines as `file appendonly.aof.1.incr.aof seq 1 type h`."""
        for line in (self._folder / MANIFEST_NAME).read_text().splitlines():
            words = line.split()
            named = dict(zip(words[::2], words[1::2], strict=False))
            yield named.get("type", ""), self._folder / named["file"]

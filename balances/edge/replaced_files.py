"""Append-only files that a rewrite replaced go piece by piece. A server removes them at once, and while the file system gives
2 GiB free the server's own fsyncs, and so all answers, wait for it (docs/decisions/0039).

With aof-disable-auto-gc it keeps them instead, and its manifest names them as history: nothing reads them any more.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from os import truncate
from pathlib import Path
from typing import Final

FOLDER_NAME: Final = "appendonlydir"
MANIFEST_NAME: Final = "appendonly.aof.manifest"
PIECE_OCTETS: Final = 8 << 20
PIECE_S: Final = 0.05
LOOK_S: Final = 2.0
"""How often it is looked whether a rewrite has left some."""
_HISTORY: Final = "h"


class ReplacedFiles:
    """Those of one server's folder, ended by a thread of their own.

    collect   has the server forget the files of its manifest's history, and remove them; they are empty
    """

    def __init__(self, folder: Path, collect: Callable[[], None]) -> None:
        self._folder = folder / FOLDER_NAME
        self._collect = collect
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._work, name="replaced-files", daemon=True)

    def start(self) -> None:
        """Look after them from now on."""
        self._thread.start()

    def stop(self) -> None:
        """No more of it; what is left is ended behind the next start."""
        self._ending.set()
        self._thread.join()

    def _work(self) -> None:
        pause_s = LOOK_S
        while not self._ending.wait(pause_s):
            pause_s = LOOK_S
            with suppress(OSError):  # the folder isn't there yet, or a file was removed meanwhile
                pause_s = self._step()

    def _step(self) -> float:
        """Shorten one by a piece; seconds until the next step."""
        replaced = list(self._replaced())
        for path in replaced:
            octets = path.stat().st_size
            if octets:
                truncate(path, max(octets - PIECE_OCTETS, 0))
                return PIECE_S
        if replaced:
            self._collect()
        return LOOK_S

    def _replaced(self) -> Iterator[Path]:
        """What the manifest calls history: lines as `file appendonly.aof.1.incr.aof seq 1 type h`."""
        for line in (self._folder / MANIFEST_NAME).read_text().splitlines():
            words = line.split()
            named = dict(zip(words[::2], words[1::2], strict=False))
            if named.get("type") == _HISTORY:
                yield self._folder / named["file"]

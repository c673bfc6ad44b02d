"""Files with keys of the NRF: read at the start, and again when one changes, so that keys are rolled without a restart."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import structlog

from chf_http2.token_keys import TokenKey, keys_of
from vocabulary.instants import NS_PER_S

LOOK_NS: Final = 2 * NS_PER_S


class TokenFiles:
    """The keys of some files; `use_keys` is called with all of them whenever they are others."""

    def __init__(self, paths: Sequence[str], use_keys: Callable[[tuple[TokenKey, ...]], None]) -> None:
        """ValueError, OSError: a file can't be read, or has no keys."""
        self._paths = tuple(map(Path, paths))
        self._use_keys = use_keys
        self._log = structlog.get_logger(process="chf")
        self._looked_ns = 0
        self._states = self._look_at_files()
        use_keys(self._read())

    def look(self, now_ns: int) -> None:
        """Read what has changed; to be called now and then. While a file is wrong the former keys stay."""
        if now_ns - self._looked_ns < LOOK_NS:
            return
        self._looked_ns = now_ns
        states = self._look_at_files()
        if states == self._states:
            return
        self._states = states
        try:
            keys = self._read()
        except (OSError, ValueError) as error:
            self._log.error("token keys can't be read, the former ones stay", error=str(error))
            return
        self._use_keys(keys)
        self._log.info("token keys read again", keys=len(keys))

    def _look_at_files(self) -> tuple[tuple[int, ...], ...]:
        return tuple(_state_of(path) for path in self._paths)

    def _read(self) -> tuple[TokenKey, ...]:
        keys: list[TokenKey] = []
        for path in self._paths:
            try:
                keys += keys_of(path.read_bytes())
            except ValueError as error:
                raise ValueError(f"{path} {error}") from None
        return tuple(keys)


def _state_of(path: Path) -> tuple[int, ...]:
    """What changes with a file; empty where there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return ()
    return (found.st_mtime_ns, found.st_size, found.st_ino)

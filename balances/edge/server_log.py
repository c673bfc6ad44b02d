"""What the embedded store's server said in its log since an instant: why it ended, what it had to cut off, and the remedy."""

import os
import re
from pathlib import Path
from typing import Final

LOG_NAME: Final = "store.log"
LOG_OCTETS_MAX: Final = 16 * 1024 * 1024
"""A longer log is put aside when the server starts; one older log is kept."""
_READ_OCTETS_MAX: Final = 256 * 1024
_WORDS_LINES_MAX: Final = 4
_LINE: Final = re.compile(r"^\d+:[A-Z] .*?:\d\d\.\d+ (?P<level>[.*#-]) ?(?P<text>.*)$")
_WARNING: Final = "#"
_NOISE: Final = ("overcommit", "Warning: no config file", "Configuration loaded", "is starting", "Redis version")
_CUT_OFF: Final = ("truncat", "short read", "loaded anyway")

_FREE_OCTETS_MIN: Final = 1 << 20
_MAKE_ROOM: Final = "make room on the disk of {folder} and start again: nothing that was answered is lost"
_REMEDIES: Final = (
    ("No space left on device", _MAKE_ROOM),
    ("Bad file format", "{repair}"),
    ("Unrecoverable error reading", "{repair}"),
    ("Unexpected end of file", "{repair}"),
    ("MANIFEST", "{repair}"),
    ("not exist", "a file that the manifest in {folder}/appendonlydir names is gone: restore the folder from a copy"),
    ("RDB format version", "a newer server wrote {folder}: start it with that one"),
    ("Permission denied", "let this user write {folder}"),
    ("Read-only file system", "mount the file system of {folder} for writing"),
    ("Out Of Memory", "give the machine more memory, or another the store"),
    ("append-only dir", "{folder}/appendonlydir must be a folder of the server's own: move what is there away"),
)
"""Words of the server and what helps; the first that are found count."""
_REPAIR: Final = (
    "the append-only file is damaged: restore {folder}/appendonlydir from a copy; or copy it and let the server cut off"
    " what is behind the damage, `bash -c 'exec -a valkey-check-aof {binary} --fix {folder}/appendonlydir/*.manifest'`,"
    " and compare with the journal's segment files (farebox audit)"
)
_REMEDY_ELSE: Final = "see {folder}/" + LOG_NAME


def put_aside(folder: Path) -> None:
    """Start a new log where the one there is longer than LOG_OCTETS_MAX."""
    log = folder / LOG_NAME
    if log.exists() and log.stat().st_size > LOG_OCTETS_MAX:
        os.replace(log, log.with_suffix(".log.1"))


def log_size(folder: Path) -> int:
    """Octets of the log: where what comes next will stand."""
    log = folder / LOG_NAME
    return log.stat().st_size if log.exists() else 0


def _read(folder: Path, start: int) -> list[tuple[str, str]]:
    """(level, text) of each line from an octet on; a line that is none of the log's own counts as a warning."""
    try:
        with (folder / LOG_NAME).open("rb") as log:
            log.seek(max(start, log_size(folder) - _READ_OCTETS_MAX))
            text = log.read().decode(errors="replace")
    except FileNotFoundError:
        return []
    found = []
    for line in text.splitlines():
        match = _LINE.match(line)
        level, said = (_WARNING, line) if match is None else (match["level"], match["text"])
        said = said.strip(" *")
        if said:
            found.append((level, said))
    return found


def words_of_the_end(folder: Path, start: int) -> str:
    """The server's own last warnings since `start`, or its last words of any kind; '' where it said nothing."""
    lines = _read(folder, start)
    warnings = [text for level, text in lines if level == _WARNING and not any(noise in text for noise in _NOISE)]
    words = warnings or [text for _, text in lines]
    return " / ".join(words[-_WORDS_LINES_MAX:])


def cuts(folder: Path, start: int) -> tuple[str, ...]:
    """What the server said about a torn end of its append-only file that it cut off when it started."""
    return tuple(text for _, text in _read(folder, start) if any(word in text for word in _CUT_OFF))


def _is_full(folder: Path) -> bool:
    try:
        room = os.statvfs(folder)
    except FileNotFoundError:
        return False
    return room.f_bavail * room.f_frsize < _FREE_OCTETS_MIN


def remedy_for(words: str, folder: Path, binary: Path) -> str:
    """What helps against an end with these words."""
    found = next((remedy for marker, remedy in _REMEDIES if marker in words), _REMEDY_ELSE)
    if found is _REMEDY_ELSE and _is_full(folder):  # then its words had no room in the log either
        found = _MAKE_ROOM
    return found.format(folder=folder, repair=_REPAIR.format(folder=folder, binary=binary))

"""The folder of records on disk: files written aside, made durable, and given their own names once the manifest has them.

manifest.sqlite                              what exists
tenant=<name>/day=<YYYY-MM-DD>/<sequence>.*  the files, immutable
writing/                                     files that nobody may read yet
checkpoints/                                 saved assembly states
void/                                        files of flushes that the store went back behind
lock                                         held by the one writer
"""

import errno
import fcntl
import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

import pyarrow as pa

from balances.edge.segment_writer import sync_folder
from cdr.manifest import ManifestError, RecordFile

PIECE_OCTETS: Final = 512 << 10
"""An fsync of 8 MiB held up the store's own by 10 to 20 ms."""
FULL_ERRORS: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


class RecordsLockedError(Exception):
    """Another writer works in the folder."""


def free_octets(folder: Path) -> int:
    """Free octets of the disk for those who aren't root."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


class RecordFolder:
    """The folder, locked."""

    def __init__(self, path: Path, reached: Callable[[str], None]) -> None:
        self.path = path
        self._reached = reached
        self._writing = path / "writing"
        self._checkpoints = path / "checkpoints"
        for folder in (self._writing, self._checkpoints):
            folder.mkdir(parents=True, exist_ok=True)
        self._lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._lock)
            raise RecordsLockedError(
                f"another record writer works in {path}: stop it, or give another folder"
            ) from error
        sync_folder(path)

    def close(self) -> None:
        """Let the lock go."""
        os.close(self._lock)

    def _aside(self, name: str) -> Path:
        return self._writing / name.replace("/", "\\")

    def write(self, name: str, pieces: Sequence[pa.Buffer]) -> str:
        """Write a file aside and make it durable; its SHA-256. OSError where the disk is full: nothing can be seen of it."""
        path, digest = self._aside(name), hashlib.sha256()
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        try:
            for piece in pieces:
                digest.update(piece)
                _write_all(descriptor, memoryview(piece))
            self._reached("writer.file_written")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        self._reached("writer.file_fsynced")
        return digest.hexdigest()

    def sync_written(self) -> None:
        """Make the names of files written aside durable, and the folders that they will move to."""
        sync_folder(self._writing)

    def make_room_for(self, files: Iterable[RecordFile]) -> None:
        """Make the folders of these files, durably."""
        for parent in {(self.path / file.name).parent for file in files}:
            if not parent.is_dir():
                parent.mkdir(parents=True)
                sync_folder(parent.parent)
                sync_folder(self.path)

    def forget_written(self) -> None:
        """Remove whatever is written aside."""
        for name in os.listdir(self._writing):
            os.unlink(self._writing / name)

    def publish(self, files: Iterable[RecordFile]) -> None:
        """Give files that the manifest has their own names. ManifestError where one is neither here nor there."""
        parents = set()
        for file in files:
            aside, path = self._aside(file.name), self.path / file.name
            if aside.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                os.rename(aside, path)
                parents.add(path.parent)
            elif not path.exists():
                raise ManifestError(f"{path} is in the manifest, but it is missing: restore it from a copy")
        for parent in parents:
            sync_folder(parent)
        sync_folder(self._writing)

    def put_away(self, files: Iterable[RecordFile]) -> None:
        """Move files of void flushes to `void/`, where no reader looks."""
        for file in files:
            path, kept = self.path / file.name, self.path / "void" / file.name
            if path.exists():
                kept.parent.mkdir(parents=True, exist_ok=True)
                os.rename(path, kept)
                sync_folder(kept.parent)

    # --- checkpoints
    def write_checkpoint(self, name: str, octets: bytes) -> str:
        """Write a checkpoint durably; its SHA-256."""
        path = self._checkpoints / name
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        try:
            _write_all(descriptor, memoryview(octets))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        sync_folder(self._checkpoints)
        return hashlib.sha256(octets).hexdigest()

    def read_checkpoint(self, name: str, sha256: str) -> bytes | None:
        """Its octets; None where it is missing or damaged."""
        try:
            octets = (self._checkpoints / name).read_bytes()
        except FileNotFoundError:
            return None
        return octets if hashlib.sha256(octets).hexdigest() == sha256 else None

    def keep_checkpoints(self, names: Iterable[str]) -> None:
        """Remove all others."""
        kept = set(names)
        for name in os.listdir(self._checkpoints):
            if name not in kept:
                os.unlink(self._checkpoints / name)


def _write_all(descriptor: int, octets: memoryview) -> None:
    """Write in pieces that are each on disk before the next: the store's own fsyncs would wait for one of all."""
    octets = octets.cast("B")
    while octets:
        octets = octets[os.write(descriptor, octets[:PIECE_OCTETS]) :]
        os.fdatasync(descriptor)

"""Where compiled kernels are kept, and when they are stale: named by the contents of every source that they may rest on.

Numba's own cache knows when a function's file changed, not when a function that it calls, or a constant that it uses,
did. Here the folder of a module's kernels is named by a hash over the module and all modules of ours that it imports,
however far away, with the versions and the processor. So nothing stale is ever loaded, a change compiles anew what rests
on it and no more, and two checkouts with equal sources share what they compiled.

Processes that compile at the same time (engine and record writer at a first start) save one after another: Numba reads a
function's index, chooses a file name that is free in it, and writes both back, so two that did so at once could give one
file to the code of two signatures, and a later process would run the wrong one.
"""

import functools
import hashlib
import os
import platform
import re
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from numba.core import config
from numba.core.caching import IndexDataCacheFile, UserProvidedCacheLocator

_ROOT: Final = Path(__file__).resolve().parent.parent
_IMPORT: Final = re.compile(r"^(?:from|import) ([\w.]+)(?: import ([\w, ]+))?", re.MULTILINE)
"""A module, and what is taken from it, which may be modules."""


def cache_folder() -> Path:
    """FAREBOX_CACHE, or a folder in the user's cache."""
    # tidy: kernels are compiled at import, before there are settings
    return Path(os.environ.get("FAREBOX_CACHE") or Path.home() / ".cache" / "farebox") / "kernels"


def _source_of(module: str) -> Path:
    path = _ROOT.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


@functools.cache
def _read(path: Path) -> tuple[bytes, tuple[Path, ...]]:
    """A source's hash and the sources of ours that it imports."""
    octets = path.read_bytes()
    imported = set()
    for module, names in _IMPORT.findall(octets.decode()):
        imported |= {
            _source_of(module),
            *(_source_of(f"{module}.{name.split()[0]}") for name in names.split(",") if name),
        }
    return hashlib.sha256(octets).digest(), tuple(sorted(found for found in imported if found.exists()))


@functools.cache
def _machine() -> bytes:
    """Versions and processor: code compiled for one may not run on another."""
    parts = [platform.machine(), platform.python_version(), *(version(name) for name in ("numba", "numpy", "llvmlite"))]
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        parts += [line for line in lines if line.startswith(("model name", "flags"))][:2]
    except OSError:
        parts.append(platform.processor())
    return "\0".join(parts).encode()


@functools.cache
def stamp_of(path: Path) -> str:
    """Hex digits that change with the source at `path`, with whatever of ours it imports, and with the machine."""
    found: set[Path] = set()
    waiting = [path]
    while waiting:
        source = waiting.pop()
        if source not in found:
            found.add(source)
            waiting += _read(source)[1]
    digest = hashlib.sha256(_machine())
    for source in sorted(found):
        digest.update(str(source.relative_to(_ROOT)).encode() + _read(source)[0])
    return digest.hexdigest()[:24]


class SourcesCacheLocator(UserProvidedCacheLocator):  # type: ignore[misc]  # numba has no types
    """Numba's way to a folder for a function's compiled code (NUMBA_CACHE_LOCATOR_CLASSES)."""

    def __init__(self, function: Any, file: str) -> None:
        self._py_file = file
        self._lineno = function.__code__.co_firstlineno
        path = Path(file).resolve()
        self._stamp = stamp_of(path)
        self._cache_path = str(cache_folder() / ".".join(path.relative_to(_ROOT).with_suffix("").parts) / self._stamp)

    def get_source_stamp(self) -> str:
        """See Numba: what makes a cached function stale."""
        return self._stamp

    @classmethod
    def from_function(cls, function: Any, file: str) -> "SourcesCacheLocator | None":
        """See Numba: None for functions that are not ours."""
        if not Path(file).resolve().is_relative_to(_ROOT):
            return None
        locator = cls(function, file)
        locator.ensure_cache_path()
        return locator


_save_shared: Final = IndexDataCacheFile.save


def _save_alone(cache: Any, key: Any, data: Any) -> None:
    """Numba's way to keep one signature's code, while no other process does the same in our folder."""
    folder = cache_folder()
    if not Path(cache._cache_path).is_relative_to(folder):  # other people's functions, in folders of theirs
        _save_shared(cache, key, data)
        return
    with (folder / "saving.lock").open("w") as file:
        os.lockf(file.fileno(), os.F_LOCK, 0)  # until the file is closed, or its process dies
        _save_shared(cache, key, data)


def use() -> None:
    """Have Numba keep kernels here, and other people's functions where it would have kept them."""
    IndexDataCacheFile.save = _save_alone  # type: ignore[method-assign]
    ours = f"{SourcesCacheLocator.__module__}.{SourcesCacheLocator.__qualname__}"
    config.CACHE_LOCATOR_CLASSES = f"{ours},UserProvidedCacheLocator,InTreeCacheLocator,UserWideCacheLocator"  # type: ignore[attr-defined]

"""Kernels compiled once, in one process, before anything serves; a cache folder that can't be stale.

Numba's own cache of a function knows when that function's file changed, not when a function that it calls did. So the
cache folder is named by the contents of all sources with kernels, the versions and the processor: another source, another
folder. `use_cache()` must run before Numba is imported; `warm()` then runs every kernel on a small batch, end to end,
with the argument types that serving has.
"""

import hashlib
import os
import platform
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

_SOURCES: Final = Path(__file__).resolve().parent.parent
_PACKAGES: Final = ("vocabulary", "balances", "charging", "gy_interface", "cdr", "bench")
_KERNEL_WORDS: Final = (b"vocabulary.kernel", b"from numba", b"import numba")


def cache_folder() -> Path:
    """Where the compiled kernels of these sources lie on this machine."""
    digest = hashlib.sha256()
    for part in (
        version("numba"),
        version("numpy"),
        version("llvmlite"),
        sys.version,
        platform.machine(),
        _processor(),
    ):
        digest.update(part.encode() + b"\0")
    for package in _PACKAGES:
        for source in sorted((_SOURCES / package).rglob("*.py")):
            text = source.read_bytes()
            if any(word in text for word in _KERNEL_WORDS) or b"Final" in text or b"dtype" in text:
                digest.update(source.name.encode() + b"\0" + text)
    base = os.environ.get("FAREBOX_CACHE") or str(Path.home() / ".cache" / "farebox")
    return Path(base) / f"kernels-{digest.hexdigest()[:16]}"


def _processor() -> str:
    """The processor's name: code compiled for one may not run on another."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line
    except OSError:
        pass
    return platform.processor()


def use_cache() -> Path:
    """Point Numba at the folder, unless the environment names one. Returns it. RuntimeError when Numba is already there."""
    named = os.environ.get("NUMBA_CACHE_DIR")
    if named:
        return Path(named)
    if "numba" in sys.modules:
        raise RuntimeError("runtime.warm.use_cache() runs before numba is imported, or the cache may be stale")
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["NUMBA_CACHE_DIR"] = str(folder)
    return folder


def is_warm(folder: Path) -> bool:
    """Were all kernels compiled into this folder?"""
    return (folder / "warm").exists()


def mark_warm(folder: Path) -> None:
    """Note that all kernels are in the folder."""
    (folder / "warm").touch()


def dispatchers() -> list[Any]:
    """Every compiled function of ours that is imported."""
    from numba.core.registry import CPUDispatcher

    found = {}
    for name, module in list(sys.modules.items()):
        if module is not None and name.partition(".")[0] in _PACKAGES:
            for value in vars(module).values():
                if isinstance(value, CPUDispatcher):
                    found[id(value)] = value
    return list(found.values())


def forbid_compiling() -> None:
    """From here on a kernel that gets types it was not warmed with fails instead of compiling inside a request."""
    for dispatcher in dispatchers():
        dispatcher.disable_compile()


def warm(report: Callable[[str], None] = print) -> None:
    """Compile (or load) every kernel that serving calls, and say so where it takes long."""
    folder = Path(os.environ.get("NUMBA_CACHE_DIR", ""))
    if not is_warm(folder):
        report("compiling kernels, once for these sources on this machine: about a minute ...")
    from runtime.rehearsal import rehearse

    rehearse()
    if folder.is_dir():
        mark_warm(folder)

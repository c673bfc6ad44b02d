"""Kernels compiled once, in one process, before anything serves; afterwards nothing compiles inside a request.

`warm()` runs every kernel that serving calls on a small batch, end to end, with the argument types that serving has, so
that each is compiled or loaded (vocabulary/kernel_cache.py keeps them); `forbid_compiling()` then makes a kernel that gets
other types fail instead of compiling for a second while requests wait.
"""

import fcntl
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from vocabulary.kernel_cache import cache_folder, stamp_of

_PACKAGES: Final = ("vocabulary", "balances", "charging", "gy_interface", "chf_http2", "cdr", "runtime")
_REHEARSAL: Final = Path(__file__).with_name("rehearsal.py")
_done: set[str] = set()
"""Marks of rehearsals of this process, or of the one that it is a fork of."""


def _mark() -> Path:
    """Exists once every kernel of these sources was compiled on this machine."""
    return cache_folder() / f"warm-{stamp_of(_REHEARSAL)}"


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
        if dispatcher.signatures:
            dispatcher.disable_compile()
        else:  # only ever called by other kernels; Numba refuses to say so of a function that has no types yet
            dispatcher._can_compile = False


@contextmanager
def _compiling_beside() -> Iterator[None]:
    """Another process compiles the kernels of 5G and of charging records; who comes to one that isn't there does so, too."""
    modules = "from cdr.assembly import warm_kernels; from runtime.chf_rehearsal import rehearse_alone"
    words = f"{modules}; rehearse_alone(); warm_kernels()"
    beside = subprocess.Popen([sys.executable, "-c", words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
        beside.wait()
    finally:
        beside.kill()
        beside.wait()


def warm(report: Callable[[str], None] = print) -> None:
    """Compile (or load) every kernel that serving calls, and say so where it takes long.

    Where several processes find nothing compiled, one compiles, in two processes, and the others wait for it.
    """
    mark = _mark()
    if mark.name in _done:
        return
    from runtime.rehearsal import rehearse

    if not mark.exists():
        report("compiling kernels, once for these sources on this machine: one to four minutes ...")
        cache_folder().mkdir(parents=True, exist_ok=True)
        with (cache_folder() / "warm.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with _compiling_beside():
                rehearse()
            mark.touch()
    else:
        rehearse()
    _done.add(mark.name)

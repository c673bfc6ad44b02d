"""`@kernel`: how every compiled function of Farebox is declared.

Compiled by Numba, cached on disk, and without Numba's reference counting: a kernel gets arrays, writes into arrays and
allocates nothing, so counting their owners would only cost. With counting, `charging.engine.decide` took 5.0 us a
request, because each call of a helper passes tuples of arrays; without it takes 0.7 (docs/decisions/0005). An
allocation inside a kernel therefore doesn't compile, which is the rule that we want.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from numba import njit

from vocabulary import kernel_cache

kernel_cache.use()

_Function = TypeVar("_Function", bound=Callable[..., Any])


def kernel(function: _Function) -> _Function:
    """Compile `function` on first use, for each combination of argument types (runtime/warm.py does that early).

    `forceinline` is said because what Numba compiles on the way would inherit it from a caller.
    """
    compiled: _Function = njit(cache=True, _nrt=False, forceinline=False)(function)  # type: ignore[call-overload]
    return compiled


def inlined_kernel(function: _Function) -> _Function:
    """The same, as a part of the machine code of each caller: for the steps that every row takes.

    A call copies address and shape of every array of every tuple that it is given: `charging.engine.decide` took 1.2 us a
    request with its steps called, 0.2 with them inlined. What few rows need stays a `kernel`: each caller is compiled with
    all that is inlined in it (docs/decisions/0005).
    """
    compiled: _Function = njit(cache=True, _nrt=False, forceinline=True)(function)  # type: ignore[call-overload]
    return compiled

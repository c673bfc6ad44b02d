"""Plain values made into records, in any thread.

msgspec looks through a type when it meets it first, and two threads that do so at once end the process with a segmentation
fault (0.22): workers that took over several orders died of it. So the first time is one thread's.
"""

import threading
from collections.abc import Callable
from typing import Any, Final, TypeVar, overload

import msgspec

T = TypeVar("T")
_FIRST: Final = threading.Lock()
_known: set[Any] = set()


@overload
def convert(value: Any, kind: type[T], *, dec_hook: Callable[[type, Any], Any] | None = None) -> T: ...
@overload
def convert(value: Any, kind: Any, *, dec_hook: Callable[[type, Any], Any] | None = None) -> Any: ...
def convert(value: Any, kind: Any, *, dec_hook: Callable[[type, Any], Any] | None = None) -> Any:
    """`value` as `kind`, a struct or a union of them. msgspec.ValidationError."""
    if kind in _known:
        return msgspec.convert(value, kind, dec_hook=dec_hook)
    with _FIRST:
        made = msgspec.convert(value, kind, dec_hook=dec_hook)
        _known.add(kind)
        return made

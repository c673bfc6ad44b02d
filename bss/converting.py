"""Plain values made into records, in any thread.

msgspec looks through a type when it meets it first, and two threads that do so at once end the process with a segmentation
fault (0.22): workers that took over several orders died of it. So a type is met where it is defined, as its module is
imported, which is one thread's.
"""

from collections.abc import Callable
from typing import Any, Final, TypeVar, overload

import msgspec

T = TypeVar("T")
_MET: Final[set[Any]] = set()


def meet(*kinds: Any) -> None:
    """Have msgspec look through these structs, or unions of them. For modules that define them, below."""
    for kind in kinds:
        msgspec.json.Decoder(kind)
        _MET.add(kind)


@overload
def convert(value: Any, kind: type[T], *, dec_hook: Callable[[type, Any], Any] | None = None) -> T: ...
@overload
def convert(value: Any, kind: Any, *, dec_hook: Callable[[type, Any], Any] | None = None) -> Any: ...
def convert(value: Any, kind: Any, *, dec_hook: Callable[[type, Any], Any] | None = None) -> Any:
    """`value` as `kind`, which was met. msgspec.ValidationError."""
    assert kind in _MET, f"meet({kind}) in the module that defines it"
    return msgspec.convert(value, kind, dec_hook=dec_hook)

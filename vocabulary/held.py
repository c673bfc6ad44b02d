"""Arguments that are the same from call to call, unpacked for kernels once.

A call of a kernel unpacks each array of each tuple that it is given: a fifth of a microsecond an array, thrice that where
other processes have taken the caches, which made a batch of ten rows cost what a hundred should. What a tuple was unpacked
to is kept here as octets, and an entry kernel, which gets nothing but these octets and numbers, reads it back for nothing:

    HELD_BATCH = kind_of(new_batch())

    @kernel
    def decide_held(batch_octets, now_ns):
        decide(held(batch_octets, HELD_BATCH), now_ns)

The octets hold the arrays' addresses: a `Held` keeps the arrays alive, and none of them may be replaced or moved.
"""

from typing import Any, Generic, TypeVar

import numpy as np
from numba import typeof
from numba.core.registry import cpu_target
from numba.extending import intrinsic

_Value = TypeVar("_Value", bound=tuple[Any, ...])


def kind_of(value: tuple[Any, ...]) -> Any:
    """What kernels must be told of tuples like this one; its arrays may be empty."""
    return typeof(value)  # type: ignore[no-untyped-call]


@intrinsic
def held(typingctx: Any, octets: Any, kind: Any) -> Any:
    """In a kernel: the tuple whose octets these are, of a kind that `kind_of` gave."""
    value_type = kind.instance_type

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        place = builder.bitcast(array.data, context.get_value_type(value_type).as_pointer())
        return builder.load(place, align=1)

    return value_type(octets, kind), generate


@intrinsic
def held_at(typingctx: Any, place: Any, kind: Any) -> Any:
    """`held`, of the octets whose place in memory is a whole number: what a C library gives back to its callbacks."""
    value_type = kind.instance_type

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = builder.inttoptr(arguments[0], context.get_value_type(value_type).as_pointer())
        return builder.load(pointer, align=1)

    return value_type(place, kind), generate


def _words_of(value: Any) -> list[int]:
    """How Numba has a tuple of arrays in memory: of each array meminfo, parent, items, item size, address, shape, strides.

    The first two matter to who counts references or gives the array back to Python; kernels here do neither.
    """
    if isinstance(value, np.ndarray):
        return [0, 0, value.size, value.itemsize, value.ctypes.data, *value.shape, *value.strides]
    return [word for each in value for word in _words_of(each)]


class Held(Generic[_Value]):
    """A tuple of arrays and of such tuples, and the octets by which entry kernels know it."""

    __slots__ = ("octets", "value")

    def __init__(self, value: _Value, kind: Any) -> None:
        """TypeError where the value is none of that kind: a kernel would read other arrays than there are."""
        if kind_of(value) != kind:
            raise TypeError(f"{type(value).__name__} has other arrays than the kind that kernels were told of")
        self.value = value
        self.octets = np.array(_words_of(value), np.int64).view(np.uint8)
        context = cpu_target.target_context
        assert self.octets.size == context.get_abi_sizeof(context.get_value_type(kind)), (
            "Numba has arrays in another form"
        )

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
from numba import typeof, types
from numba.core.registry import cpu_target
from numba.extending import intrinsic

from vocabulary.kernel import kernel

_Value = TypeVar("_Value", bound=tuple[Any, ...])


def kind_of(value: tuple[Any, ...]) -> Any:
    """What kernels must be told of tuples like this one; its arrays may be empty."""
    return typeof(value)


@intrinsic
def held(typingctx, octets, kind):
    """In a kernel: the tuple whose octets these are, of a kind that `kind_of` gave."""
    value_type = kind.instance_type

    def generate(context, builder, signature, arguments):
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        place = builder.bitcast(array.data, context.get_value_type(value_type).as_pointer())
        return builder.load(place, align=1)

    return value_type(octets, kind), generate


@intrinsic
def _put_held(typingctx, octets, value):
    def generate(context, builder, signature, arguments):
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        place = builder.bitcast(array.data, arguments[1].type.as_pointer())
        builder.store(arguments[1], place, align=1)
        return context.get_dummy_value()

    return types.void(octets, value), generate


@kernel
def _hold(octets, value):
    _put_held(octets, value)


class Held(Generic[_Value]):
    """A tuple of arrays and of such tuples, and the octets by which entry kernels know it."""

    __slots__ = ("octets", "value")

    def __init__(self, value: _Value, kind: Any) -> None:
        """TypeError where the value is none of that kind: a kernel would read other arrays than there are."""
        if typeof(value) != kind:
            raise TypeError(f"{type(value).__name__} has other arrays than the kind that kernels were told of")
        context = cpu_target.target_context
        self.value = value
        self.octets = np.zeros(context.get_abi_sizeof(context.get_value_type(kind)), np.uint8)
        _hold(self.octets, value)

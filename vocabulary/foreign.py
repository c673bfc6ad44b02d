"""Memory that a C library points at, for kernels: places are whole numbers, as C has them. Nobody checks that it is there."""

from typing import Any

from numba import types
from numba.extending import intrinsic
from numba.np.arrayobj import populate_array

from vocabulary.kernel import inlined_kernel


def _array_at(item: Any) -> Any:
    """What makes an array, which owns nothing, of the memory at a place."""
    array_type = types.Array(item, 1, "C")

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(array_type)(context, builder)
        size = context.get_constant(types.intp, context.get_abi_sizeof(context.get_data_type(item)))
        data = builder.inttoptr(arguments[0], context.get_data_type(item).as_pointer())
        length = context.cast(builder, arguments[1], signature.args[1], types.intp)
        populate_array(array, data=data, shape=[length], strides=[size], itemsize=size, meminfo=None)
        return array._getvalue()

    return array_type, generate


@intrinsic
def octets_at(typingctx: Any, place: Any, length: Any) -> Any:
    """In a kernel: uint8[length] that is the memory from `place` on."""
    array_type, generate = _array_at(types.uint8)
    return array_type(place, length), generate


@intrinsic
def int32_at(typingctx: Any, place: Any, length: Any) -> Any:
    """The same, of int32."""
    array_type, generate = _array_at(types.int32)
    return array_type(place, length), generate


@intrinsic
def int64_at(typingctx: Any, place: Any, length: Any) -> Any:
    """The same, of int64."""
    array_type, generate = _array_at(types.int64)
    return array_type(place, length), generate


@inlined_kernel
def place_of(array):
    """Where an array's memory begins."""
    return array.ctypes.data

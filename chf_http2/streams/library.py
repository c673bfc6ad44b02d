"""nghttp2 (its library of version 14): its functions as Python calls them, a connection or rarer, and as kernels do, a frame.

Kernels know a function by its symbol, which the process must have loaded before a kernel that calls it is: this module does.
Pointers are whole numbers on both sides. https://nghttp2.org/documentation/ has the functions.
"""

import ctypes
import sys
from typing import Final

import llvmlite.binding
from numba import types

_NAMES: Final = {"linux": "libnghttp2.so.14", "darwin": "libnghttp2.14.dylib"}
_REMEDY: Final = "install nghttp2: Debian's package libnghttp2-14 (git and curl bring it along), Homebrew's libnghttp2"

# Frames and their flags (RFC 9113 §6)
DATA: Final = 0
HEADERS: Final = 1
FLAG_END_STREAM: Final = 1

# Error codes of RST_STREAM and GOAWAY (RFC 9113 §7)
NO_ERROR: Final = 0
REFUSED_STREAM: Final = 7
ENHANCE_YOUR_CALM: Final = 11

# What callbacks give back
OK: Final = 0
RESET_STREAM: Final = -521
"""NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE: the stream is reset, the connection goes on."""
DATA_FLAG_EOF: Final = 1

# Settings (RFC 9113 §6.5.2)
MAX_CONCURRENT_STREAMS: Final = 3
INITIAL_WINDOW_SIZE: Final = 4
MAX_HEADER_LIST_SIZE: Final = 6

NV_STATIC: Final = 2 | 4
"""NGHTTP2_NV_FLAG_NO_COPY_NAME | _VALUE: the octets stay where they are."""
NV_UNLIKE_OTHERS: Final = 1
"""NGHTTP2_NV_FLAG_NO_INDEX: a value that doesn't come again takes no room of the connection's table."""

_P, _I32, _U32 = types.uintp, types.int32, types.uint32

mem_recv = types.ExternalFunction("nghttp2_session_mem_recv", types.intp(_P, _P, _P))
want_read = types.ExternalFunction("nghttp2_session_want_read", _I32(_P))
want_write = types.ExternalFunction("nghttp2_session_want_write", _I32(_P))
mem_send = types.ExternalFunction("nghttp2_session_mem_send", types.intp(_P, _P))
submit_response = types.ExternalFunction("nghttp2_submit_response", _I32(_P, _I32, _P, _P, _P))
submit_rst_stream = types.ExternalFunction("nghttp2_submit_rst_stream", _I32(_P, types.uint8, _I32, _U32))
set_stream_user_data = types.ExternalFunction("nghttp2_session_set_stream_user_data", _I32(_P, _I32, _P))
get_stream_user_data = types.ExternalFunction("nghttp2_session_get_stream_user_data", _P(_P, _I32))


class LibraryMissing(OSError):
    """The machine has no nghttp2."""


def _load() -> ctypes.CDLL:
    name = _NAMES.get(sys.platform, _NAMES["linux"])
    try:
        loaded = ctypes.CDLL(name)
    except OSError as error:
        raise LibraryMissing(f"{error}: {_REMEDY}") from None
    llvmlite.binding.load_library_permanently(name)
    pointer, size = ctypes.c_void_p, ctypes.c_size_t
    for name, arguments, result in (
        ("session_callbacks_new", (pointer,), ctypes.c_int),
        ("option_new", (pointer,), ctypes.c_int),
        ("option_set_no_closed_streams", (pointer, ctypes.c_int), None),
        ("option_set_max_outbound_ack", (pointer, size), None),
        ("session_server_new2", (pointer, pointer, pointer, pointer), ctypes.c_int),
        ("session_del", (pointer,), None),
        ("session_set_local_window_size", (pointer, ctypes.c_uint8, ctypes.c_int32, ctypes.c_int32), ctypes.c_int),
        ("session_get_last_proc_stream_id", (pointer,), ctypes.c_int32),
        ("submit_settings", (pointer, ctypes.c_uint8, pointer, size), ctypes.c_int),
        ("submit_shutdown_notice", (pointer,), ctypes.c_int),
        ("submit_goaway", (pointer, ctypes.c_uint8, ctypes.c_int32, ctypes.c_uint32, pointer, size), ctypes.c_int),
        ("session_terminate_session", (pointer, ctypes.c_uint32), ctypes.c_int),
    ):
        function = getattr(loaded, f"nghttp2_{name}")
        function.argtypes, function.restype = arguments, result
    return loaded


LIBRARY: Final = _load()

"""Memory comes in pages of 4 KiB: a first touch of a huge one holds up all answers until the kernel has cleared 2 MiB."""

import ctypes
import sys
from typing import Final

_PR_SET_THP_DISABLE: Final = 41


def use_small_pages() -> bool:
    """From here on this process, and those that it starts, get no huge pages; False where the system has no such wish.

    numpy asks for huge pages for large arrays (docs/decisions/0041).
    """
    if sys.platform != "linux":
        return False
    return int(ctypes.CDLL(None).prctl(_PR_SET_THP_DISABLE, 1, 0, 0, 0)) == 0

"""Children end with the process that started them, also when that is killed and can't say so."""

import ctypes
import os
import signal
import sys
import threading
import time
from typing import Final

VARIABLE: Final = "FAREBOX_PARENT"
"""The process id of the `farebox up` that a process belongs to, and behind it that of its parent where that is another."""
_PR_SET_PDEATHSIG: Final = 1
_LOOK_S: Final = 0.5


def end_with_parent(parent_pid: int) -> None:
    """From here on this process gets SIGTERM when its parent ends; at once where it has ended already.

    On Linux the kernel sends it. Elsewhere a thread looks who the parent is.
    """
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    else:
        threading.Thread(target=_watch, args=(parent_pid,), daemon=True).start()
    if os.getppid() != parent_pid:
        os.kill(os.getpid(), signal.SIGTERM)


def _watch(parent_pid: int) -> None:
    while os.getppid() == parent_pid:
        time.sleep(_LOOK_S)
    os.kill(os.getpid(), signal.SIGTERM)

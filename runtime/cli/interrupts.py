"""^C that isn't lost. It imports next to nothing: it is in force before what takes time is imported.

An exception that is raised within a callback of the interpreter (a weak reference's, as of its import locks, or a
destructor) is printed and dropped, also KeyboardInterrupt: the command would go on as if nobody had asked it to end.
"""

import signal
import sys
import threading
from typing import Final

AGAIN_S: Final = 0.01
"""The callback, and this hook, which would lose it as well, have returned by then."""


def _send_again() -> None:
    # To the main thread, whose system calls end by it; handlers run there in any case.
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


def keep_interrupts() -> None:
    """From now on an interrupt that the interpreter dropped comes again; other exceptions are printed as ever."""
    print_it = sys.unraisablehook

    def on_dropped(dropped: "sys.UnraisableHookArgs") -> None:
        if not issubclass(dropped.exc_type, KeyboardInterrupt):
            print_it(dropped)
            return
        timer = threading.Timer(AGAIN_S, _send_again)
        timer.daemon = True
        timer.start()

    sys.unraisablehook = on_dropped

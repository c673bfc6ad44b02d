"""The process that children of `farebox up` are forks of: it imports everything and warms the kernels once.

An interpreter that imports Numba and loads our kernels needs about three seconds of a processor, a fork of one that has
done so some hundredths. So a child that died serves again at once, and all share the memory of what was loaded.

It is asked over its standard input, a socket (runtime/fork_client.py), a line of JSON a child: its arguments, environment
and log. It says which process came of it, and later how that ended. It has one thread and no loop, so that a fork finds
nothing half done. It ends when who asks is gone, and its children with it (runtime/parent.py).
"""

import gc
import os
import select
import signal
import socket
import sys
from pathlib import Path
from typing import Final

import msgspec

from runtime import parent
from runtime.fork_frames import Ended, Start, Started, to_line

READ_OCTETS: Final = 1 << 16
NAME_OCTETS_MAX: Final = 15
"""What Linux keeps of the name of a process."""


class _Server:
    """Forks as it is asked."""

    def __init__(self, asked: socket.socket) -> None:
        self._asked = asked
        self._unread = b""
        self._woken, self._wakes = os.pipe()
        os.set_blocking(self._wakes, False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.set_wakeup_fd(self._wakes, warn_on_full_buffer=False)

    def serve(self) -> Start | None:
        """In the server: None, once who asks is gone. Returns in each child as well, with what that is to run."""
        while True:
            readable, _, _ = select.select([self._asked.fileno(), self._woken], [], [])
            if self._woken in readable:
                os.read(self._woken, READ_OCTETS)
                self._tell_ended()
            if self._asked.fileno() in readable:
                octets = self._asked.recv(READ_OCTETS)
                if not octets:
                    return None
                *lines, self._unread = (self._unread + octets).split(b"\n")
                for line in lines:
                    start = msgspec.json.decode(line, type=Start)
                    pid = os.fork()
                    if pid == 0:
                        self._let_go()
                        return start
                    self._asked.sendall(to_line(Started(pid)))

    def _tell_ended(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            self._asked.sendall(to_line(Ended(pid, os.waitstatus_to_exitcode(status))))

    def _let_go(self) -> None:
        """In a child: of all that is the server's."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._asked.close()
        os.close(self._woken)
        os.close(self._wakes)


def _become(start: Start) -> None:
    """In a child: what `farebox <arguments>` would be as a process of its own."""
    os.setpgid(0, 0)
    for target, path, flags in (
        (0, os.devnull, os.O_RDONLY),
        (2, start.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT),
    ):
        opened = os.open(path, flags, 0o666)
        os.dup2(opened, target)
        os.close(opened)
    os.environ.clear()
    os.environ.update(start.environment)
    os.environ[parent.VARIABLE] = f"{start.environment[parent.VARIABLE]} {os.getppid()}"
    name = f"farebox {start.arguments[0]}"[:NAME_OCTETS_MAX]
    Path("/proc/self/comm").write_text(name)  # what ps -o comm and top show


def _load() -> None:
    """Import what children import, and warm the kernels. Not pyarrow: it starts a thread, which no fork would have."""
    from cdr.assembly import warm_kernels
    from runtime import archiver_process, chf_process, engine_process, gy_process, nrf_process  # noqa: F401
    from runtime.cli.engine import say
    from runtime.cli.main import build
    from runtime.notices import process  # noqa: F401
    from runtime.warm import warm

    build()
    warm(say)
    warm_kernels()
    gc.collect()
    gc.freeze()  # a child's collections leave alone, and so shared, what was loaded here


def await_start() -> list[str] | None:
    """Load, then serve. In the server: None at its end. In a child, which has become what was asked: its arguments."""
    parent.end_with_parent(int(os.environ.pop(parent.VARIABLE)))
    asked = socket.socket(fileno=os.dup(0))
    _load()
    start = _Server(asked).serve()
    if start is None:
        return None
    _become(start)
    return list(start.arguments)


def main() -> None:
    """Serve; in a child, be `farebox`."""
    arguments = await_start()
    if arguments is not None:
        from runtime.cli.main import main as run

        sys.argv = ["farebox", *arguments]
        run()


if __name__ == "__main__":
    main()

"""The fork server of tests: a child runs a module, `python -m <module> <arguments>`, whatever it says goes to its log."""

import os
import runpy
import sys

from runtime import parent
from runtime.fork_server import await_start


def main() -> None:
    """Serve; in a child, run what was asked for."""
    arguments = await_start()
    if arguments is None:
        return
    parent.end_with_parent(int(os.environ.pop(parent.VARIABLE).split()[-1]))
    os.dup2(2, 1)
    sys.argv = list(arguments)
    runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()

"""An interrupt that the interpreter drops comes again."""

import subprocess
import sys

DROPPED = """
import time
from runtime.cli.interrupts import keep_interrupts
{keep}

class Interrupted:
    def __del__(self):
        raise {exception}

one = Interrupted()
del one
try:
    time.sleep(5)
    print("slept")
except KeyboardInterrupt:
    print("interrupted")
"""


def _run(keep: str, exception: str) -> "subprocess.CompletedProcess[str]":
    program = DROPPED.format(keep=keep, exception=exception)
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)


def test_one_that_a_destructor_raised_comes_again() -> None:
    done = _run("keep_interrupts()", "KeyboardInterrupt")
    assert done.stdout == "interrupted\n"
    assert done.stderr == ""


def test_other_exceptions_are_printed_and_dropped_as_ever() -> None:
    program_end = _run("keep_interrupts(); time.sleep = print", "ValueError('odd')")
    assert "ValueError: odd" in program_end.stderr
    assert program_end.stdout == "5\nslept\n"

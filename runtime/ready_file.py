"""How a child process says that it serves: a file with its ports and its process id, there whole or not at all."""

import os
from pathlib import Path


def write_ready_file(path: Path, *ports: int) -> None:
    """Write `<ports ...> <pid>`, in place of what an earlier process wrote."""
    partial = path.with_suffix(".partial")
    partial.write_text(" ".join(map(str, (*ports, os.getpid()))) + "\n")
    partial.replace(path)

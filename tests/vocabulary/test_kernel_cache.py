"""Kernels that two processes keep at the same time: none is lost, and none lies under another's name."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from numba.core.caching import IndexDataCacheFile

from vocabulary import kernel_cache

KEYS = 60
PROCESSES = 3
SAVE = """
import sys
from numba.core.caching import IndexDataCacheFile
from vocabulary import kernel_cache

kernel_cache.use()
folder, name = sys.argv[1:3]
cache = IndexDataCacheFile(folder, "kernel", "stamp")
print("ready", flush=True)
sys.stdin.readline()
for number in range(int(sys.argv[3])):
    cache.save((name, number), f"code of {name} {number}")
"""


def test_processes_that_compile_at_once_keep_everything_under_its_own_name(tmp_path: Path) -> None:
    folder = tmp_path / "kernels" / "module"
    folder.mkdir(parents=True)
    environment = {**os.environ, "FAREBOX_CACHE": str(tmp_path)}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", SAVE, str(folder), f"p{number}", str(KEYS)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for number in range(PROCESSES)
    ]
    try:
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write(b"go\n")
            process.stdin.flush()
        assert [process.wait(60) for process in processes] == [0] * PROCESSES
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    kept = IndexDataCacheFile(str(folder), "kernel", "stamp")
    for name in (f"p{number}" for number in range(PROCESSES)):
        for number in range(KEYS):
            assert kept.load((name, number)) == f"code of {name} {number}"


def test_a_stamp_changes_with_whatever_a_source_rests_on() -> None:
    """The engine's kernels rest on the limits, the limits on nothing of the engine's."""
    root = Path(kernel_cache.__file__).parent.parent
    limits = kernel_cache.stamp_of(root / "vocabulary" / "limits.py")
    assert limits != kernel_cache.stamp_of(root / "charging" / "engine.py")
    assert len(limits) == 24


@pytest.mark.parametrize("line", ["from box.part import f", "import box.part as part", "from box import other, part"])
def test_a_stamp_changes_with_whatever_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    monkeypatch.setattr(kernel_cache, "_ROOT", tmp_path)
    (tmp_path / "box").mkdir()
    (tmp_path / "top.py").write_text("from middle import g\n")
    (tmp_path / "middle.py").write_text(line + "\n")
    stamps = []
    for source in ("1", "2", "2"):
        (tmp_path / "box" / "part.py").write_text(source)
        kernel_cache._read.cache_clear()
        kernel_cache.stamp_of.cache_clear()
        stamps.append(kernel_cache.stamp_of(tmp_path / "top.py"))
    kernel_cache._read.cache_clear()
    kernel_cache.stamp_of.cache_clear()
    assert stamps[0] != stamps[1] == stamps[2]

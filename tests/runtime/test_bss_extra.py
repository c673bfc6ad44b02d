"""The engine does without the `[bss]` extra: nothing of it is imported, and who wants the business side is told what lacks."""

import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from runtime import bss_extra
from runtime.bss_extra import MODULES, BssMissing, require_bss
from runtime.settings import BssSettings, Settings
from tests.runtime.running_up import environment
from tests.tidy.sources import ROOT

WITHOUT_EXTRA = """
import importlib.abc, sys

class Lacking(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in LACKING:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Lacking())
"""
ENGINE_SIDE = """
import importlib, pkgutil
import runtime
from runtime.cli.main import build
BUSINESS = ("runtime.bss_", "runtime.bench_business", "runtime.live_counters")
for found in pkgutil.walk_packages(runtime.__path__, "runtime."):
    if not found.name.startswith(BUSINESS) or found.name == "runtime.bss_extra":
        importlib.import_module(found.name)
build()
"""


def run_without_extra(code: str) -> "subprocess.CompletedProcess[str]":
    """A Python in which importing anything of the extra fails as it does where it isn't installed."""
    lacking = WITHOUT_EXTRA.replace("LACKING", repr(set(MODULES)))
    return subprocess.run(
        [sys.executable, "-c", lacking + code],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_it_is_what_pyproject_says() -> None:
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["bss"]
    names = [name.partition("[")[0] for name in wanted]
    distributions = packages_distributions()
    assert [distributions[module][0].lower() for module in MODULES] == names


def test_nothing_of_the_engine_imports_it() -> None:
    done = run_without_extra(ENGINE_SIDE)
    assert done.returncode == 0, done.stderr


def test_plain_up_says_what_lacks(tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    code = f"import sys; sys.argv = ['farebox', 'up', '--port', '0', '--data-dir', {data!r}]\n"
    code += "import os; [os.environ.pop(name) for name in ('FAREBOX_BSS_WEB', 'FAREBOX_BSS_WORKERS')]\n"
    done = run_without_extra(code + "from runtime.cli.main import main; main()")
    assert done.returncode == 2, done.stderr
    assert "sqlalchemy" in done.stderr
    assert "pip install 'farebox[bss]'" in done.stderr
    assert "farebox up --engine-only" in done.stderr
    assert not (tmp_path / "data").exists(), "nothing was begun"


def test_what_lacks_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    require_bss(Settings())
    monkeypatch.setattr(bss_extra, "MODULES", ("sqlalchemy", "no_such_module"))
    with pytest.raises(BssMissing, match="isn't installed, no_such_module lacks: install it with"):
        require_bss(Settings())
    require_bss(Settings(bss=BssSettings(web=0, workers=0)))

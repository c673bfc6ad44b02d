"""`farebox` itself: what it has, how light it starts, and how commands without a store say what they lack."""

import json
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import typer

from runtime.cli.main import MODULES
from tests.runtime.running_up import environment, farebox, invoke
from tests.runtime.typed_words import whole_command

COMMANDS = (
    ("demo",),
    ("up",),
    ("restart",),
    ("clock", "show"),
    ("clock", "advance"),
    ("engine",),
    ("gy",),
    ("chf",),
    ("nrf",),
    ("catalog", "check"),
    ("catalog", "publish"),
    ("catalog", "show"),
    ("catalog", "import"),
    ("catalog", "diff"),
    ("catalog", "status"),
    ("catalog", "export"),
    ("catalog", "discard"),
    ("catalog", "release"),
    ("catalog", "migrations"),
    ("rules", "check"),
    ("rules", "test"),
    ("rules", "publish"),
    ("rules", "list"),
    ("rules", "runs"),
    ("rules", "show"),
    ("rules", "replay"),
    ("hub", "add"),
    ("hub", "list"),
    ("hub", "remove"),
    ("hub", "rotate"),
    ("hub", "replay"),
    ("subscriber", "add"),
    ("subscriber", "show"),
    ("subscriber", "top-up"),
    ("subscriber", "import"),
    ("subscriber", "adjust"),
    ("subscriber", "credit-limit"),
    ("subscriber", "apply"),
    ("subscriber", "bar"),
    ("subscriber", "close"),
    ("subscriber", "end-product"),
    ("subscriber", "unbar"),
    ("session", "list"),
    ("session", "show"),
    ("session", "reauth"),
    ("session", "abort"),
    ("customer", "add"),
    ("customer", "search"),
    ("customer", "show"),
    ("customer", "audit"),
    ("customer", "close"),
    ("customer", "erase"),
    ("inventory", "import"),
    ("inventory", "list"),
    ("inventory", "counts"),
    ("inventory", "show"),
    ("inventory", "reserve"),
    ("inventory", "release"),
    ("inventory", "quarantine"),
    ("inventory", "block"),
    ("inventory", "retire"),
    ("user", "add"),
    ("user", "list"),
    ("user", "roles"),
    ("user", "password"),
    ("user", "unlock"),
    ("user", "disable"),
    ("user", "enable"),
    ("user", "end-sessions"),
    ("user", "client"),
    ("user", "clients"),
    ("user", "client-secret"),
    ("user", "client-lock"),
    ("cdr", "tail"),
    ("audit",),
    ("order", "place"),
    ("order", "dry-run"),
    ("order", "show"),
    ("order", "list"),
    ("order", "retry"),
    ("order", "skip"),
    ("order", "take"),
    ("order", "done"),
    ("order", "cancel"),
    ("order", "due"),
    ("assure", "inventory"),
    ("simulate", "hss"),
    ("simulate", "smf"),
    ("bench", "gy"),
    ("bench", "chf"),
    ("bench", "mixed"),
    ("bench", "business"),
    ("config", "show"),
)
HEAVY = (
    "sqlalchemy",
    "numpy",
    "numba",
    "redis",
    "pyarrow",
    "diameter",
    "asyncio",
    "structlog",
    "prometheus_client",
    "uvloop",
)


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\nsys.argv = ['farebox', '--help']\nfrom runtime.cli.main import main\n"
        f"try:\n    main()\nexcept SystemExit:\n    pass\nprint([name for name in {HEAVY!r} if name in sys.modules])"
    )
    root = str(Path(__file__).parents[3])
    ended = subprocess.run(
        [sys.executable, "-c", code],
        env=environment(PYTHONPATH=root),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    lines = ended.stdout.splitlines()
    assert lines[-1] == "[]"
    assert all(any(line.split()[:1] == [name] for line in lines) for name, *_ in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_help_that_says_what_it_does(command: tuple[str, ...]) -> None:
    shown = invoke(*command, "--help")
    assert shown.returncode == 0
    assert shown.stdout.startswith(f"Usage: farebox {' '.join(command)}")
    told = re.sub(r"\s+", " ", shown.stdout)
    assert len(told) > 120
    assert invoke(*command[:-1], "--help").returncode == 0


def test_there_is_no_command_beside_those() -> None:
    group = typer.main.get_command(whole_command())
    found = set()
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        if not command.hidden:
            found |= {(name, inner) for inner in getattr(command, "commands", {})} or {(name,)}
    assert found == set(COMMANDS)
    assert len(MODULES) == len({name for name, *_ in COMMANDS})


def test_version() -> None:
    assert farebox("--version").stdout == f"farebox {version('farebox')}\n"


@pytest.mark.parametrize(
    "command",
    [
        ("session", "list"),
        ("session", "show", "x;1;2"),
        ("audit",),
        ("catalog", "show"),
        ("subscriber", "show", "4917000"),
    ],
    ids=" ".join,
)
def test_store_that_is_down_is_named_with_a_remedy(tmp_path: Path, command: tuple[str, ...]) -> None:
    ended = invoke(*command, "--data-dir", str(tmp_path / "data"))
    assert ended.returncode == 2
    assert str(tmp_path / "data") in ended.stderr
    assert "farebox up" in ended.stderr


def test_records_of_a_folder_that_is_none_are_named(tmp_path: Path) -> None:
    ended = invoke("cdr", "tail", "--data-dir", str(tmp_path / "data"))
    assert ended.returncode == 2
    assert str(tmp_path / "data" / "records") in ended.stderr
    assert "--data-dir" in ended.stderr


def test_records_of_a_new_folder_are_none(tmp_path: Path) -> None:
    (tmp_path / "records").mkdir()
    ended = invoke("cdr", "tail", "--data-dir", str(tmp_path))
    assert ended.returncode == 0
    assert len(ended.stdout.splitlines()) == 1


def test_config_show_says_where_values_come_from(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text("[gy]\nport = 1234\n")
    rows = json.loads(invoke("config", "show", "--config", str(path), "--store", "unix:///s", "--json").stdout)
    found = {row["name"]: (row["value"], row["source"]) for row in rows}
    assert found["gy.port"] == ("1234", str(path))
    assert found["store.url"] == ("unix:///s", "flag")
    assert found["engine.cpu"] == ("-1", "default")
    changed = invoke("config", "show", "--config", str(path), "--changed").stdout
    assert "gy.port" in changed
    assert "engine.cpu" not in changed
    path.write_text("[gy]\nport = 'x'\nprot = 3\n")
    wrong = invoke("config", "show", "--config", str(path))
    assert wrong.returncode == 2
    assert "gy.port" in wrong.stderr
    assert "did you mean port?" in wrong.stderr

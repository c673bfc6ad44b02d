"""The rules of style that can be read off a source. Each is a function of one source that gives its faults.

A fault that is meant is marked on its line, or in the comment right above, with `# tidy: <reason>`; marks that excuse
nothing are faults themselves. Sizes are kept by tests/tidy/sizes.py.
"""

import ast
import builtins
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from tests.tidy.sources import Source, decorators_of, functions_of, is_kernel


class Fault(NamedTuple):
    """What is wrong where, and what to do instead."""

    path: str
    line: int
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.what}: {self.remedy} (or mark the line `# tidy: <reason>`)"


@dataclass(frozen=True, slots=True)
class Ban:
    """Names that may not be used where `applies` says; `except_for` are names below them that may. `calls_only`: they may
    be passed on, as in `report=print`."""

    names: tuple[str, ...]
    applies: Callable[[Source], bool]
    remedy: str
    except_for: tuple[str, ...] = ()
    calls_only: bool = False


def _is_core(source: Source) -> bool:
    return source.is_core


def _is_test(source: Source) -> bool:
    return source.package == "tests"


def _is_quiet(source: Source) -> bool:
    """May it not write to the terminal?"""
    return source.package not in ("tests", "bench") and not source.module.startswith(("runtime.cli", "runtime.demo"))


BANS: Final = (
    Ban(
        ("time", "datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today", "datetime.date.today"),
        _is_core,
        "take `now_ns` as an argument; edges and runtime read the clock (runtime/clock.py)",
        except_for=("time.struct_time",),
    ),
    Ban(
        ("datetime.datetime.utcnow", "datetime.datetime.utcfromtimestamp"),
        lambda source: True,
        "it has no zone: write datetime.now(UTC) or datetime.fromtimestamp(..., UTC)",
    ),
    Ban(
        ("random", "secrets", "uuid", "os.urandom", "numpy.random"),
        _is_core,
        "take what was drawn, or a seeded Random, as an argument; edges and runtime draw",
    ),
    Ban(
        ("random.random", "random.randint", "random.randrange", "random.choice", "random.shuffle", "random.sample"),
        _is_test,
        "draw from random.Random(seed) and show the seed where the test fails",
    ),
    Ban(("time.sleep",), _is_test, "wait for what should happen (an event, a file, a reply), bounded in time"),
    Ban(("open", "input", "os.environ", "os.getenv"), _is_core, "take octets or settings as arguments; edges read"),
    Ban(("hash",), _is_core, "it differs from run to run: use vocabulary.digest"),
    Ban(
        ("print", "sys.stdout"),
        _is_quiet,
        "return it, or log it with structlog; the CLI alone writes to the terminal",
        calls_only=True,
    ),
)
"""`open` in a core is a file; a method of that name is another thing and isn't found by its bare name."""

NAMES_BANNED: Final = frozenset({"util", "utils", "helper", "helpers", "common", "manager", "misc"})
UNFINISHED: Final = ("TODO", "FIXME", "XXX")
POSITIONS_MAX: Final = 6
DATABASE_FIXTURES: Final = frozenset({"database", "database_at", "bare_database_at"})
"""Of tests/bss: a test that takes one runs on SQLite and on PostgreSQL."""


def _imported_names(tree: ast.Module) -> dict[str, str]:
    """Dotted name by the name that a module knows it by."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                names[alias.asname or alias.name.partition(".")[0]] = (
                    alias.name if alias.asname else alias.name.partition(".")[0]
                )
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return names


def _dotted(node: ast.AST, names: dict[str, str]) -> str | None:
    """The full name of what was imported, or of what is built in: `datetime.datetime.now` of `datetime.now`."""
    if isinstance(node, ast.Name):
        return names.get(node.id) or (node.id if hasattr(builtins, node.id) else None)
    if isinstance(node, ast.Attribute):
        base = _dotted(node.value, names)
        return None if base is None else f"{base}.{node.attr}"
    return None


def _own_names(tree: ast.Module) -> set[str]:
    """Names that the module defines itself: a function `open` of ours is not the built-in one."""
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}


def banned_names(source: Source) -> Iterator[Fault]:
    """Uses of names of BANS."""
    bans = [ban for ban in BANS if ban.applies(source)]
    names, own = _imported_names(source.tree), _own_names(source.tree)
    called = {id(node.func) for node in ast.walk(source.tree) if isinstance(node, ast.Call)}
    seen = set()
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.Name | ast.Attribute) or not isinstance(node.ctx, ast.Load):
            continue
        used = _dotted(node, names)
        if used is None or used in own:
            continue
        for ban in bans:
            is_named = any(used == name or used.startswith(f"{name}.") for name in ban.names)
            if is_named and used not in ban.except_for and (id(node) in called or not ban.calls_only):
                if (node.lineno, ban.remedy) not in seen:
                    seen.add((node.lineno, ban.remedy))
                    yield Fault(str(source.path), node.lineno, used, ban.remedy)


def banned_module_names(source: Source) -> Iterator[Fault]:
    """Modules that are named after nothing."""
    for part in source.module.split("."):
        for word in set(part.split("_")) & NAMES_BANNED:
            yield Fault(str(source.path), 1, f"a module named {word}", "name it after the concept that it serves")


def float_money(source: Source) -> Iterator[Fault]:
    """Names in micros that are given a float: by annotation, a constant or a division."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.arg | ast.AnnAssign):
            name = node.arg if isinstance(node, ast.arg) else _last_name(node.target)
            if "micros" in name.split("_") and node.annotation is not None and "float" in ast.unparse(node.annotation):
                yield Fault(str(source.path), node.lineno, f"{name} as a float", "money is integer micros")
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            is_float = _is_float(node.value) or (isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Div))
            for target in targets:
                if is_float and "micros" in _last_name(target).split("_"):
                    what = f"{_last_name(target)} of a float"
                    yield Fault(
                        str(source.path), node.lineno, what, "divide with vocabulary.money, or with // and say why"
                    )


def _last_name(target: ast.expr) -> str:
    if isinstance(target, ast.Attribute):
        return target.attr
    return target.id if isinstance(target, ast.Name) else ""


def _is_float(value: ast.expr) -> bool:
    """Is the value itself a float: a constant, a division, a call of float, or arithmetic of these?"""
    if isinstance(value, ast.Constant):
        return isinstance(value.value, float)
    if isinstance(value, ast.BinOp):
        return isinstance(value.op, ast.Div) or _is_float(value.left) or _is_float(value.right)
    if isinstance(value, ast.UnaryOp):
        return _is_float(value.operand)
    return isinstance(value, ast.Call) and _last_name(value.func) == "float"


def swallowed_errors(source: Source) -> Iterator[Fault]:
    """`except:` of everything, and errors of every kind that are passed over."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and _last_name(node.func) == "suppress":
            if any(isinstance(name, ast.Name) and name.id in ("Exception", "BaseException") for name in node.args):
                yield Fault(str(source.path), node.lineno, "every error is passed over", "name those that can be met")
        if not isinstance(node, ast.ExceptHandler):
            continue
        if node.type is None:
            yield Fault(str(source.path), node.lineno, "except of everything", "name the errors that can be met")
        elif _last_name(node.type) in ("Exception", "BaseException") and all(
            isinstance(step, ast.Pass | ast.Continue) for step in node.body
        ):
            yield Fault(str(source.path), node.lineno, "every error is passed over", "name those that can be met")


def unfinished(source: Source) -> Iterator[Fault]:
    """Notes of what is still to be done."""
    for line, comment in source.comments.items():
        for word in UNFINISHED:
            if word in comment:
                yield Fault(str(source.path), line, f"a comment with {word}", "do it, or open an issue and name it")


def missing_docstrings(source: Source) -> Iterator[Fault]:
    """Public modules, classes, functions and methods that don't say what is true of them. Tests are named instead."""
    if source.package == "tests":
        if not source.path.name.startswith("__") and not ast.get_docstring(source.tree):
            yield Fault(str(source.path), 1, "no docstring", "say in a line what the module tests or offers")
        return
    if source.text.strip() and not ast.get_docstring(source.tree):
        yield Fault(str(source.path), 1, "no docstring", "begin with the one thing to know before reading")
    for node in source.tree.body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) or node.name.startswith("_"):
            continue
        members = node.body if isinstance(node, ast.ClassDef) else []
        for item in (node, *members):
            is_documented_kind = isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            if is_documented_kind and not item.name.startswith("_") and not ast.get_docstring(item):
                if not isinstance(item, ast.ClassDef) and decorators_of(item) & {"overload", "setter"}:
                    continue
                yield Fault(
                    str(source.path),
                    item.lineno,
                    f"{item.name} has no docstring",
                    "state shapes, units, failures, clause",
                )


def many_positions(source: Source) -> Iterator[Fault]:
    """Functions whose callers must count places: kernels take arrays, and typer makes options of a command's arguments."""
    if source.package == "tests" or source.module.startswith("runtime.cli"):
        return
    for function in functions_of(source):
        taken = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
        count = len([name for name in taken if name not in ("self", "cls")])
        if count > POSITIONS_MAX and not is_kernel(function):
            what = f"{function.name} takes {count} arguments by position, at most {POSITIONS_MAX}"
            yield Fault(str(source.path), function.lineno, what, "put `*` before them, or make them a record")


def open_dataclasses(source: Source) -> Iterator[Fault]:
    """Dataclasses to which a misspelt attribute can be added."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ClassDef) and source.package != "tests":
            for decorator in node.decorator_list:
                words = ast.unparse(decorator)
                if words.rpartition(".")[2].startswith("dataclass") and "slots=True" not in words:
                    yield Fault(
                        str(source.path), node.lineno, f"{node.name} has no slots", "write dataclass(..., slots=True)"
                    )


def one_database(source: Source) -> Iterator[Fault]:
    """Tests of the business side that choose their database: faults of the other one would be found by whoever runs it."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and _last_name(node.func) == "parametrize" and node.args:
            named = ast.unparse(node.args[0]).strip("'\"")
            if source.package == "tests" and named in DATABASE_FIXTURES:
                yield Fault(str(source.path), node.lineno, f"{named} is one alone", "let it run on both databases")


RULES: Final = (
    banned_names,
    banned_module_names,
    float_money,
    swallowed_errors,
    unfinished,
    missing_docstrings,
    many_positions,
    open_dataclasses,
    one_database,
)

"""Each rule finds what it is there for, names the line, and lets be what only looks like it."""

from pathlib import Path
from textwrap import dedent

import pytest

from tests.tidy import rules, sizes
from tests.tidy.sources import Source, parse

CORE, EDGE, RUNTIME, CLI, TEST = (
    "charging/quota/planted.py",
    "balances/edge/planted.py",
    "runtime/planted.py",
    "runtime/cli/planted.py",
    "tests/charging/planted.py",
)


def source(text: str, path: str = CORE) -> Source:
    return parse(dedent(text), Path(path))


@pytest.mark.parametrize(
    ("text", "path", "what"),
    [
        ("import time\nnow = time.time_ns()", CORE, "time.time_ns"),
        ("from time import monotonic as tick\nnow = tick()", CORE, "time.monotonic"),
        ("import time\ndef f(clock=time.time): ...", CORE, "time.time"),
        ("from datetime import datetime, UTC\nnow = datetime.now(UTC)", CORE, "datetime.datetime.now"),
        ("import datetime\nnow = datetime.date.today()", CORE, "datetime.date.today"),
        ("from datetime import datetime\nnow = datetime.utcnow()", CLI, "datetime.datetime.utcnow"),
        ("import random\nx = random.random()", CORE, "random.random"),
        ("import random\nx = random.random()", TEST, "random.random"),
        ("from uuid import uuid4\nx = uuid4()", CORE, "uuid.uuid4"),
        ("import secrets\nx = secrets.token_bytes(8)", CORE, "secrets.token_bytes"),
        ("import numpy as np\nx = np.random.default_rng()", CORE, "numpy.random.default_rng"),
        ("import os\nx = os.urandom(8)", CORE, "os.urandom"),
        ("import time\ntime.sleep(1)", TEST, "time.sleep"),
        ("x = open('f')", CORE, "open"),
        ("x = hash('f')", CORE, "hash"),
        ("print('x')", CORE, "print"),
        ("print('x')", EDGE, "print"),
        ("print('x')", RUNTIME, "print"),
        ("import sys\nsys.stdout.write('x')", RUNTIME, "sys.stdout.write"),
    ],
)
def test_banned_name_is_found(text: str, path: str, what: str) -> None:
    faults = list(rules.banned_names(source(text, path)))
    assert [fault.what for fault in faults if fault.what == what] == [what]
    assert faults[0].path == path
    assert faults[0].line == text.count("\n") + 1


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("import time\nnow = time.time_ns()", EDGE),
        ("import time\nnow = time.time_ns()", RUNTIME),
        ("from datetime import datetime, UTC\nat = datetime.fromtimestamp(0, UTC)", CORE),
        ("def f(time): return time.time", CORE),
        ("from random import Random\nx = Random(7).random()", TEST),
        ("def f(random): return random.choice((1, 2))", TEST),
        ("def open(account): ...\nopen(1)", CORE),
        ("def f(report=print): ...", RUNTIME),
        ("print('x')", CLI),
    ],
)
def test_what_only_looks_like_it(text: str, path: str) -> None:
    assert list(rules.banned_names(source(text, path))) == []


@pytest.mark.parametrize(
    "text",
    [
        "def f(price_micros: float): ...",
        "price_micros: float = 0",
        "price_micros = 0.5",
        "price_micros = total / 2",
        "self.charged_micros = -(total / 2) + 1",
        "charged_micros /= 2",
        "charged_micros = float(total)",
        "micros_left: NDArray[np.float64]",
    ],
)
def test_float_money_is_found(text: str) -> None:
    assert len(list(rules.float_money(source(text)))) >= 1


@pytest.mark.parametrize(
    "text",
    [
        "price_micros: int = 0",
        "price_micros = total // 2",
        "ratio = charged_micros / total",
        "micros_shown = f'{a / 2}'",
    ],
)
def test_integer_money_is_fine(text: str) -> None:
    assert list(rules.float_money(source(text))) == []


@pytest.mark.parametrize(
    "text",
    [
        "try: f()\nexcept: g()",
        "try: f()\nexcept Exception: pass",
        "for x in y:\n    try: f()\n    except BaseException as error: continue",
        "from contextlib import suppress\nwith suppress(Exception): f()",
    ],
)
def test_swallowed_error_is_found(text: str) -> None:
    assert len(list(rules.swallowed_errors(source(text)))) == 1


@pytest.mark.parametrize(
    "text",
    ["try: f()\nexcept OSError: pass", "try: f()\nexcept Exception as error: raise Bad from error"],
)
def test_named_error_is_fine(text: str) -> None:
    assert list(rules.swallowed_errors(source(text))) == []


@pytest.mark.parametrize(
    "path", ["charging/utils.py", "charging/helpers/x.py", "runtime/peer_manager.py", "cdr/misc.py"]
)
def test_name_after_nothing_is_found(path: str) -> None:
    assert len(list(rules.banned_module_names(source("", path)))) == 1


def test_name_after_a_concept_is_fine() -> None:
    assert list(rules.banned_module_names(source("", "charging/uncommon_grant.py"))) == []


@pytest.mark.parametrize("word", rules.UNFINISHED)
def test_unfinished_work_is_found(word: str) -> None:
    assert [fault.line for fault in rules.unfinished(source(f"x = 1\ny = 2  # {word}: more"))] == [2]
    assert list(rules.unfinished(source(f"x = '{word}'"))) == []


def test_missing_docstrings_are_found() -> None:
    text = """
        def public(): ...
        def _private(): ...
        class Public:
            def method(self): ...
            def _own(self): ...
            @property
            def value(self):
                '''Documented.'''
            @value.setter
            def value(self, new): ...
        class _Private:
            def method(self): ...
    """
    whats = [fault.what for fault in rules.missing_docstrings(source(text))]
    assert whats == ["no docstring", *(f"{name} has no docstring" for name in ("public", "Public", "method"))]


def test_many_positions_are_found() -> None:
    names = ", ".join(f"a{index}" for index in range(rules.POSITIONS_MAX + 1))
    assert len(list(rules.many_positions(source(f"def f({names}): ...")))) == 1
    assert len(list(rules.many_positions(source(f"class A:\n    def f(self, {names}): ...")))) == 1
    assert list(rules.many_positions(source(f"def f(a, *, {names}): ..."))) == []
    assert list(rules.many_positions(source(f"@kernel\ndef f({names}): ..."))) == []
    assert list(rules.many_positions(source(f"def command({names}): ...", CLI))) == []


def test_open_dataclass_is_found() -> None:
    assert len(list(rules.open_dataclasses(source("@dataclass(frozen=True)\nclass A: ...")))) == 1
    assert len(list(rules.open_dataclasses(source("@dataclasses.dataclass\nclass A: ...")))) == 1
    assert list(rules.open_dataclasses(source("@dataclass(frozen=True, slots=True)\nclass A: ..."))) == []


def test_a_mark_excuses_its_line_or_the_one_below() -> None:
    text = """\
        import time
        a = time.time()  # tidy: shown to people alone
        # tidy: nothing is decided by it,
        # whatever it says
        b = time.time()
        c = time.time()
    """
    planted = source(text)
    reasons = [planted.reason_at(fault.line) for fault in rules.banned_names(planted)]
    assert reasons == ["shown to people alone", "nothing is decided by it,", None]
    assert planted.marked_lines() == {2, 3}


def test_a_test_of_one_database_is_found() -> None:
    text = "import pytest\n@pytest.mark.parametrize({!r}, ['sqlite'], indirect=True)\ndef test_it(database): ..."
    assert [fault.line for fault in rules.one_database(source(text.format("database"), TEST))] == [2]
    assert list(rules.one_database(source(text.format("state"), TEST))) == []


def test_long_function_is_measured_without_signature_and_docstring() -> None:
    longest = "\n".join(f"    x = {index}" for index in range(sizes.FUNCTION_LINES_MAX))
    signature = "def f(\n    a,\n    b,\n):\n    '''One.\n\n    Two.\n    '''\n"
    assert list(sizes.long_functions(source(signature + longest))) == []
    (fault,) = sizes.long_functions(source(f"{signature}{longest}\n    y = 1"))
    assert fault.what == f"f has {sizes.FUNCTION_LINES_MAX + 1} lines of body, at most {sizes.FUNCTION_LINES_MAX}"


def test_kernel_is_measured_in_statements() -> None:
    call = "    g(\n" + "        a,\n" * 80 + "    )\n"
    assert list(sizes.long_functions(source(f"@kernel\ndef f(a):\n{call}"))) == []
    assert len(list(sizes.long_functions(source(f"def f(a):\n{call}")))) == 1
    steps = "    g(a)\n" * (sizes.FUNCTION_STATEMENTS_MAX + 1)
    assert len(list(sizes.long_functions(source(f"@inlined_kernel\ndef f(a):\n{steps}")))) == 1


@pytest.mark.parametrize(
    ("path", "line_count", "fault_count"),
    [
        (CORE, sizes.MODULE_LINES_MAX, 0),
        (CORE, sizes.MODULE_LINES_MAX + 1, 1),
        (TEST, sizes.MODULE_LINES_MAX + 1, 0),
        (TEST, sizes.TEST_MODULE_LINES_MAX + 1, 1),
        ("gy_interface/dictionary_3gpp.py", 5000, 0),
    ],
)
def test_long_module(path: str, line_count: int, fault_count: int) -> None:
    assert len(list(sizes.long_modules(source("x = 1\n" * line_count, path)))) == fault_count

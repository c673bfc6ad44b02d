"""How long modules and functions may be, and which tables are longer.

A module is one concept, at most MODULE_LINES_MAX lines. A function is one screen: at most FUNCTION_LINES_MAX lines of
body, its signature and docstring aside. Kernels and tests are measured in statements instead: a kernel's call wraps over
as many lines as it has arrays, a test's data over as many as it has rows.
"""

import ast
from collections.abc import Iterator
from typing import Final

from tests.tidy.rules import Fault
from tests.tidy.sources import Function, Source, functions_of, is_kernel

MODULE_LINES_MAX: Final = 400
TEST_MODULE_LINES_MAX: Final = 450
FUNCTION_LINES_MAX: Final = 50
FUNCTION_STATEMENTS_MAX: Final = 50

TABLES: Final = {
    "bss/edge/migrations/versions/m0001_first_tables.py": "a call a table, generated",
    "gy_interface/dictionary_3gpp.py": "a row an AVP of TS 29.061 and TS 32.299",
    "gy_interface/dictionary_rfc.py": "a row an AVP of RFC 6733 and RFC 8506",
}
"""Data; they may have any length."""


def long_modules(source: Source) -> Iterator[Fault]:
    """Modules beyond their length."""
    path = str(source.path)
    if path in TABLES:
        return
    longest = TEST_MODULE_LINES_MAX if source.package == "tests" else MODULE_LINES_MAX
    if source.line_count > longest:
        yield Fault(path, 1, f"{source.line_count} lines, at most {longest}", "part it by concept")


def size_of(function: Function, *, in_statements: bool) -> int:
    """Statements below a function, or lines of its body; its docstring doesn't count."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    if not body:
        return 0
    if in_statements:
        return sum(isinstance(node, ast.stmt) for part in body for node in ast.walk(part))
    return (body[-1].end_lineno or 0) - body[0].lineno + 1


def long_functions(source: Source) -> Iterator[Fault]:
    """Functions beyond their length. The mark stands on the line of the `def`."""
    for function in functions_of(source):
        in_statements = is_kernel(function) or source.package == "tests"
        size = size_of(function, in_statements=in_statements)
        longest, what = (
            (FUNCTION_STATEMENTS_MAX, "statements") if in_statements else (FUNCTION_LINES_MAX, "lines of body")
        )
        if size > longest:
            words = f"{function.name} has {size} {what}, at most {longest}"
            yield Fault(str(source.path), function.lineno, words, "loops go down into leaves, ifs up into one parent")

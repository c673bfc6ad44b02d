"""Every Python source of this repository, parsed once: what the rules of this folder look at."""

import ast
import functools
import gc
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PACKAGES: Final = (
    "vocabulary",
    "balances",
    "charging",
    "catalog_loader",
    "gy_interface",
    "chf_http2",
    "cdr",
    "bss",
    "runtime",
    "bench",
)
"""What is installed. `tests` stands beside them."""
KERNEL_DECORATORS: Final = frozenset({"kernel", "inlined_kernel"})
Function = ast.FunctionDef | ast.AsyncFunctionDef
_STRING_OR_COMMENT: Final = re.compile(
    r'''"""(?:\\.|[^\\])*?"""|\'{3}(?:\\.|[^\\])*?\'{3}|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|#[^\n]*''', re.DOTALL
)
_MARK: Final = re.compile(r"#.*?\btidy: (.+)")


@dataclass(frozen=True, slots=True)
class Source:
    """One module.

    path       from the root of the repository
    module     dotted name
    comments   text by line, from 1
    """

    path: Path
    module: str
    text: str
    tree: ast.Module
    comments: dict[int, str]

    @property
    def package(self) -> str:
        """The first part of its name: charging, tests ..."""
        return self.module.partition(".")[0]

    @property
    def is_edge(self) -> bool:
        """Does it do the package's I/O?"""
        return ".edge." in self.module or self.module.startswith(("bss.api.", "bss.console."))

    @property
    def is_core(self) -> bool:
        """Must it be a function of its arguments? All but edges, runtime, bench and tests."""
        return self.package in PACKAGES and self.package not in ("runtime", "bench") and not self.is_edge

    @property
    def line_count(self) -> int:
        """Lines, blank ones too."""
        return self.text.count("\n")

    def reason_at(self, line: int) -> str | None:
        """The reason of a `# tidy: <reason>` on a line, or in the comment lines right above it."""
        at = self.mark_for(line)
        return None if at is None else _MARK.search(self.comments[at])[1].strip()  # type: ignore[index]

    def mark_for(self, line: int) -> int | None:
        """The line of the mark that excuses `line`."""
        lines = self.text.splitlines()
        at = line
        while not _MARK.search(self.comments.get(at, "")):
            at -= 1
            if at < 1 or not lines[at - 1].lstrip().startswith("#"):
                return None
        return at

    def marked_lines(self) -> set[int]:
        """Lines with a mark."""
        return {line for line, comment in self.comments.items() if _MARK.search(comment)}


def comments_of(text: str) -> dict[int, str]:
    """Comments by line, from 1. Python's own tokenizer finds the same in ten times the time."""
    comments, line, at = {}, 1, 0
    for found in _STRING_OR_COMMENT.finditer(text):
        line, at = line + text.count("\n", at, found.start()), found.start()
        if found[0].startswith("#"):
            comments[line] = found[0]
    return comments


def parse(text: str, path: Path) -> Source:
    """A source of its text. SyntaxError where it is none."""
    module = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
    return Source(path, module, text, ast.parse(text), comments_of(text))


@functools.cache
def every_source() -> tuple[Source, ...]:
    """All of them, in order of path."""
    gc.disable()  # a million nodes, none of them garbage: looking for it among them took three quarters of the time
    try:
        return tuple(
            parse(path.read_text(), path.relative_to(ROOT))
            for package in (*PACKAGES, "tests")
            for path in sorted((ROOT / package).rglob("*.py"))
        )
    finally:
        gc.freeze()
        gc.enable()


def decorators_of(function: Function) -> set[str]:
    """Last words of its decorators: kernel, property, command ..."""
    called = [node.func if isinstance(node, ast.Call) else node for node in function.decorator_list]
    return {
        node.attr if isinstance(node, ast.Attribute) else node.id
        for node in called
        if hasattr(node, "id") or hasattr(node, "attr")
    }


def is_kernel(function: Function) -> bool:
    """Is it compiled by Numba?"""
    return bool(decorators_of(function) & KERNEL_DECORATORS)


def functions_of(source: Source) -> list[Function]:
    """Every function, methods and nested ones too."""
    return [node for node in ast.walk(source.tree) if isinstance(node, Function)]

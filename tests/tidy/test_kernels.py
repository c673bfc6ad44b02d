"""Modules of kernels: the type checker's list of them is complete and minimal, and their cache knows what they rest on."""

import ast
import fnmatch
import tomllib

from tests.tidy.sources import PACKAGES, ROOT, Source, every_source, functions_of, is_kernel


def defines_kernels(source: Source) -> bool:
    return any(is_kernel(function) for function in functions_of(source))


def listed() -> list[str]:
    """Patterns of pyproject.toml whose modules the type checker lets define functions without types."""
    overrides = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]["overrides"]
    (kernels,) = (part for part in overrides if part.get("disallow_untyped_defs") is False)
    return list(kernels["module"])


def test_list_of_kernel_modules_is_complete() -> None:
    patterns = listed()
    missing = [
        source.module
        for source in every_source()
        if source.package in PACKAGES
        and defines_kernels(source)
        and not any(fnmatch.fnmatchcase(source.module, pattern) for pattern in patterns)
    ]
    assert not missing, f"add them to the kernels of [tool.mypy] in pyproject.toml: {missing}"


def test_list_of_kernel_modules_is_minimal() -> None:
    kernels = {source.module for source in every_source() if defines_kernels(source)}
    needless = [pattern for pattern in listed() if not fnmatch.filter(kernels, pattern)]
    assert not needless, f"take them out of the kernels of [tool.mypy] in pyproject.toml: {needless}"


def test_imports_of_kernels_name_the_module() -> None:
    """`from balances import record` would hide record.py from the hash that a kernel's cache is named by."""
    paths = {source.module for source in every_source()}
    hidden = [
        f"{source.path}:{node.lineno}: write `from {node.module}.{alias.name} import <names>`"
        for source in every_source()
        if source.package in PACKAGES
        and source.package not in ("bss", "runtime")
        and source.module != "vocabulary.kernel"
        for node in source.tree.body
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
        if f"{node.module}.{alias.name}" in paths
    ]
    assert not hidden, "\n" + "\n".join(hidden)

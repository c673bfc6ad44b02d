"""Every source keeps the rules of CONTRIBUTING.md that an `ast` walk can see."""

import functools
from collections.abc import Callable, Iterable

import pytest

from tests.tidy.rules import RULES, Fault
from tests.tidy.sizes import TABLES, long_functions, long_modules
from tests.tidy.sources import ROOT, Source, every_source

EVERY_RULE = (*RULES, long_modules, long_functions)


@functools.cache
def faults_of(rule: Callable[[Source], Iterable[Fault]]) -> tuple[tuple[Source, Fault], ...]:
    return tuple((source, fault) for source in every_source() for fault in rule(source))


@pytest.mark.parametrize("rule", EVERY_RULE, ids=lambda rule: rule.__name__)
def test_rule_is_kept(rule: Callable[[Source], Iterable[Fault]]) -> None:
    faults = [fault for source, fault in faults_of(rule) if source.reason_at(fault.line) is None]
    assert not faults, "\n" + "\n".join(map(str, faults))


def test_marks_excuse_something_and_say_why() -> None:
    """A mark whose fault is gone goes, too."""
    excusing = {
        (str(source.path), source.mark_for(fault.line)) for rule in EVERY_RULE for source, fault in faults_of(rule)
    }
    marked = {(str(source.path), line) for source in every_source() for line in source.marked_lines()}
    faults = [f"{path}:{line}: a mark that excuses nothing" for path, line in sorted(marked - excusing)]
    assert not faults, "\n" + "\n".join(faults)


def test_exempt_modules_are_there() -> None:
    for path in TABLES:
        assert (ROOT / path).exists(), f"{path} is gone: take it out of TABLES"

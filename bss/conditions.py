"""Conditions that operators write: CEL, compiled against declared variables when it is saved, bounded when it is evaluated.

What bounds the time is the size of the text and of the values, and the same everywhere: CEL has no loops but its macros
over lists and maps, so an evaluation looks at most at words × values^(macros + 1) things, and is refused where that is above
COST_MAX. The library's own budget, 10,000 steps of macros, stands behind it; alone it let steps over long texts and lists take
12 s. Nothing is a binary number: money is whole micros.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from cel_expr_python import cel

TEXT: Final = cel.Type.STRING
WHOLE: Final = cel.Type.INT
TRUTH: Final = cel.Type.BOOL
INSTANT: Final = cel.Type.TIMESTAMP
TEXTS: Final = cel.Type.List(cel.Type.STRING)
TEXT_BY_TEXT: Final = cel.Type.Map(cel.Type.STRING, cel.Type.STRING)
ANYTHING: Final = cel.Type.DYN
"""Types of variables."""

CHARACTERS_MAX: Final = 1000
"""Of a condition's text."""
COST_MAX: Final = 50_000_000
"""Of one evaluation; a second at most, where everything is as bad as it can be."""
VALUE_CHARACTERS_MAX: Final = 256
"""Of a text among the values, and of a key: ids and words, no letters to people."""

_MACROS: Final = frozenset({"map", "filter", "all", "exists", "exists_one"})
_REFUSED_NAMES: Final = {
    "double": "Binary numbers can't hold money: write int(...), sums are whole micros",
    "matches": "Regular expressions are not served: write startsWith, endsWith, contains or ==",
}
_TOKEN: Final = re.compile(
    r"""(?P<text>[rRbB]{0,2}(?:'{3}[\s\S]*?'{3}|"{3}[\s\S]*?"{3}|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"))"""
    r"|(?P<comment>//[^\n]*)"
    r"|(?P<number>0[xX][0-9a-fA-F]+[uU]?|(?:[0-9]+\.)?[0-9]+(?:[eE][+-]?[0-9]+)?[uU]?|\.[0-9]+)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<sign>[^\s])"
)
_ERROR: Final = re.compile(r"ERROR: <input>:(-?\d+):(-?\d+): (.*)")


class ConditionFault(NamedTuple):
    """One thing that is wrong with a condition; line and column count from 1."""

    line: int
    column: int
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}: {self.problem}. {self.remedy}"


class ConditionInvalid(ValueError):
    """The text is no condition over these variables: what is wrong, all at once."""

    def __init__(self, faults: tuple[ConditionFault, ...]) -> None:
        super().__init__("; ".join(map(str, faults)))
        self.faults = faults


class ConditionUndecided(Exception):
    """The condition has no answer for these values: a key that isn't there, a division by zero, too many steps."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled condition."""

    text: str
    _variables: Mapping[str, cel.Type]
    _compiled: cel.Expression
    _word_count: int
    _macro_count: int

    def holds(self, values: Mapping[str, Any]) -> bool:
        """Is it so for these values?

        values   of each declared variable; texts, ints, bools, aware datetimes, lists and dicts of those.
        ConditionUndecided. TypeError and ValueError where values aren't as declared: a mistake of ours.
        """
        if missing := self._variables.keys() - values.keys():
            raise ValueError(f"values are missing: {', '.join(sorted(missing))}")
        given = {name: values[name] for name in self._variables}
        size = max(_count_values(given), self._word_count)
        if self._word_count * size ** (self._macro_count + 1) > COST_MAX:
            raise ConditionUndecided(
                f"{size} values and {self._macro_count} macros are more than one condition may look at: split it"
            )
        try:
            answer = self._compiled.eval(data=given)
        except RuntimeError as error:
            raise ConditionUndecided(_plain(str(error))) from None
        if answer.type() != cel.Type.BOOL:
            raise ConditionUndecided(_plain(str(answer.value())))
        return bool(answer.value())


class Conditions:
    """Compiles conditions over one set of declared variables; names may have dots, such as customer.kind."""

    def __init__(self, variables: Mapping[str, cel.Type]) -> None:
        self.variables = dict(variables)
        self._environment = cel.NewEnv(variables=self.variables)

    def compile(self, text: str) -> Condition:
        """The condition that the text is; ConditionInvalid lists what is wrong with it."""
        faults = [*_check_text(text)]
        compiled = None
        if len(text) <= CHARACTERS_MAX:
            try:
                compiled = self._environment.compile(text)
            except RuntimeError as error:
                faults.extend(self._faults_of(str(error)))
        if compiled is not None and compiled.return_type() != cel.Type.BOOL:
            problem = f"it gives {compiled.return_type().name().lower()}, not true or false"
            faults.append(ConditionFault(1, 1, problem, "Compare it with something, such as == or >"))
        if faults or compiled is None:
            raise ConditionInvalid(tuple(sorted(dict.fromkeys(faults))))
        words = [*_TOKEN.finditer(text)]
        return Condition(text, self.variables, compiled, len(words), sum(word[0] in _MACROS for word in words))

    def _faults_of(self, message: str) -> Iterator[ConditionFault]:
        found = [*_ERROR.finditer(message)]
        for line, column, problem in (match.groups() for match in found):
            problem = problem.removesuffix(" [INVALID_ARGUMENT]").replace(" (in container '')", "")
            remedy = "Correct the expression"
            if "undeclared reference" in problem:
                remedy = f"Known are {', '.join(sorted(self.variables))}"
            elif "recursion depth" in problem:
                remedy = "Nest it less deeply"
            yield ConditionFault(max(int(line), 1), max(int(column), 1), problem, remedy)
        if not found:
            yield ConditionFault(1, 1, _plain(message), "Correct the expression")


def _check_text(text: str) -> Iterator[ConditionFault]:
    """What the compiler would let pass and we don't."""
    if len(text) > CHARACTERS_MAX:
        yield ConditionFault(1, 1, f"it has {len(text)} characters", f"Write at most {CHARACTERS_MAX}")
    words = [*_TOKEN.finditer(text[:CHARACTERS_MAX])]
    has_macros = any(word[0] in _MACROS for word in words)
    for word in words:
        kind, token = word.lastgroup, word[0]
        line, column = text.count("\n", 0, word.start()) + 1, word.start() - text.rfind("\n", 0, word.start())
        if kind == "number" and not token.startswith(("0x", "0X")) and re.search("[.eE]", token):
            yield ConditionFault(line, column, f"{token} is a binary number", "Write whole numbers, money in micros")
        elif kind == "name" and token in _REFUSED_NAMES:
            yield ConditionFault(line, column, f"{token} is not to be used here", _REFUSED_NAMES[token])
        elif token == "+" and has_macros:  # it would double texts and lists in each step
            problem = f"a sum beside {', '.join(sorted(_MACROS))}"
            yield ConditionFault(line, column, problem, "Write two conditions, or leave the sum out")


def _count_values(values: Mapping[str, Any]) -> int:
    """Keys, texts, numbers and truths in them. TypeError for a binary number, ConditionUndecided for a long text."""
    count = 0
    left: list[Any] = [values]
    while left:
        value = left.pop()
        count += 1
        if isinstance(value, Mapping):
            left.extend(value.keys())
            left.extend(value.values())
        elif isinstance(value, list | tuple):
            left.extend(value)
        elif isinstance(value, str) and len(value) > VALUE_CHARACTERS_MAX:
            raise ConditionUndecided(f"a text of {len(value)} characters, more than {VALUE_CHARACTERS_MAX}")
        elif isinstance(value, float):
            raise TypeError(f"{value} is a binary number: give whole numbers, money in micros")
        if count > COST_MAX:
            break
    return count


def _plain(message: str) -> str:
    """The library's message without its codes."""
    return re.sub(r"^[A-Z_]+: | \[[A-Z_]+\]$", "", message.strip())

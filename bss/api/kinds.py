"""Kinds of values in TM Forum resources. Each says its JSON Schema, reads what a client sent, and writes what a row holds.

Read values are what domains take: int micros with a currency, int ns, text, bool. A value that can't be is a `Fault` with the
path of its member and a remedy; reading goes on, so that an answer names all faults at once.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple, Protocol, TypeGuard

import msgspec

from bss.api.limits import TEXT_LENGTH_MAX, WHOLE_MAX
from vocabulary.instants import INSTANT_NS_MAX, NS_PER_S, from_rfc3339
from vocabulary.limits import MICROS_MAX

Schema = dict[str, Any]
MICROS_PER_UNIT: Final = 1_000_000
_FRACTION_DIGITS: Final = 6
_DATE_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_CURRENCY: Final = re.compile(r"[A-Z]{3}", re.ASCII)
_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!-~]+", re.ASCII)


class Fault(NamedTuple):
    """What is wrong with one member: its path (`contactMedium[0].mediumType`), and what it has to be."""

    path: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.path} {self.remedy}" if self.path else self.remedy


class Money(NamedTuple):
    """An amount of a currency (ISO 4217)."""

    micros: int
    currency: str


class WithExponent(Decimal):
    """A number that was written with an exponent, such as 1e2: exact, but no way to write a sum of money."""


class _Wrong:
    """Stands for a value that was a fault."""


WRONG: Final = _Wrong()


class Kind(Protocol):
    """What a member of a resource holds."""

    def schema(self) -> Schema:
        """JSON Schema of it, as OpenAPI 3.1 has it."""

    def read(self, value: Any, path: str, faults: list[Fault]) -> Any:
        """The value that domains take; WRONG with its faults added."""

    def write(self, value: Any) -> Any:
        """What goes into the answer's JSON."""


class FilterKind(Kind, Protocol):
    """A kind whose members a list can be filtered by."""

    @property
    def is_ordered(self) -> bool:
        """May it be asked for with .gt, .gte, .lt and .lte?"""

    def read_text(self, text: str) -> Any:
        """The value that a query says. ValueError with the remedy."""


@dataclass(frozen=True, slots=True)
class Text:
    """Text of some length, without U+0000, which no database of ours takes."""

    length_max: int = TEXT_LENGTH_MAX
    length_min: int = 0
    is_uri: bool = False
    is_ordered: bool = False

    def schema(self) -> Schema:
        """JSON Schema."""
        found: Schema = {"type": "string", "maxLength": self.length_max}
        if self.length_min:
            found["minLength"] = self.length_min
        if self.is_uri:
            found["format"] = "uri"
        return found

    def read(self, value: Any, path: str, faults: list[Fault]) -> Any:
        """The text."""
        remedy = "has to be text" if not isinstance(value, str) else self._remedy(value)
        return _refused(path, remedy, faults) if remedy else value

    def read_text(self, text: str) -> str:
        """The text. ValueError: one that no member can hold."""
        if remedy := self._remedy(text):
            raise ValueError(remedy)
        return text

    def _remedy(self, text: str) -> str:
        if not self.length_min <= len(text) <= self.length_max:
            return f"has {len(text)} characters, {self.length_min} to {self.length_max} are possible"
        if "\0" in text:
            return "has the character U+0000, which isn't possible"
        if self.is_uri and not _URI.fullmatch(text):
            return "has to be a URI with a scheme, such as https://example.net/1"
        return ""

    def write(self, value: str) -> str:
        """The text."""
        return value


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of some words.

    beyond  further words that answers may have and TM Forum's enumeration hasn't
    inside  the domain's word for those that it calls otherwise
    """

    values: tuple[str, ...]
    beyond: tuple[str, ...] = ()
    inside: Mapping[str, str] = field(default_factory=dict)
    is_ordered: bool = False

    def schema(self) -> Schema:
        """JSON Schema."""
        return {"type": "string", "enum": [*self.values, *self.beyond]}

    def read(self, value: Any, path: str, faults: list[Fault]) -> Any:
        """The domain's word."""
        try:
            return self.read_text(value)
        except ValueError as error:
            return _refused(path, str(error), faults)

    def read_text(self, text: str) -> str:
        """The domain's word. ValueError: another one."""
        if not isinstance(text, str) or text not in (*self.values, *self.beyond):
            raise ValueError(f"has to be one of {', '.join(self.values)}")
        return self.inside.get(text, text)

    def write(self, value: str) -> str:
        """TM Forum's word."""
        for outside, inside in self.inside.items():
            if inside == value:
                return outside
        return value


@dataclass(frozen=True, slots=True)
class Flag:
    """Yes or no."""

    is_ordered: bool = False

    def schema(self) -> Schema:
        """JSON Schema."""
        return {"type": "boolean"}

    def read(self, value: Any, path: str, faults: list[Fault]) -> Any:
        """The flag."""
        return value if isinstance(value, bool) else _refused(path, "has to be true or false", faults)

    def read_text(self, text: str) -> bool:
        """The flag. ValueError: neither true nor false."""
        if text not in ("true", "false"):
            raise ValueError("has to be true or false")
        return text == "true"

    def write(self, value: bool) -> bool:
        """The flag; databases may hold it as 0 and 1."""
        return bool(value)


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number. 1.0 is none."""

    minimum: int = -WHOLE_MAX
    maximum: int = WHOLE_MAX
    is_ordered: bool = True

    def schema(self) -> Schema:
        """JSON Schema."""
        return {"type": "integer", "minimum": self.minimum, "maximum": self.maximum}

    def read(self, value: Any, path: str, faults: list[Fault]) -> Any:
        """The number."""
        if isinstance(value, int) and not isinstance(value, bool) and self.minimum <= value <= self.maximum:
            return value
        return _refused(path, self._remedy(), faults)

    def read_text(self, text: str) -> int:
        """The number. ValueError: none, or out of range."""
        if not re.fullmatch(r"-?\d{1,19}", text, re.ASCII) or not self.minimum <= int(text) <= self.maximum:
            raise ValueError(self._remedy())
        return int(text)

    def _remedy(self) -> str:
        return f"has to be a whole number from {self.minimum} to {self.maximum}"

    def write(self, value: int) -> int:
        """The number."""
        return value


@dataclass(frozen=True, slots=True)
class Instant:
    """A moment: RFC 3339 with a zone outside, int ns since the Unix epoch within. Kept to the microsecond."""

    is_ordered: bool = True

    def schema(self) -> Schema:
        """JSON Schema."""
        return {"type": "string", "format": "date-time"}

    def read(self, value: Any, path: str, faults: list[Fault]) -> Any:
        """Nanoseconds."""
        try:
            return self.read_text(value)
        except (ValueError, TypeError) as error:
            return _refused(path, str(error), faults)

    def read_text(self, text: str) -> int:
        """Nanoseconds. ValueError: no moment, without a zone, or outside of the years 1823 to 2116."""
        if not isinstance(text, str) or not _DATE_TIME.fullmatch(text):
            raise ValueError("has to be a date and time with a zone, such as 2026-11-29T08:00:00Z")
        try:
            instant_ns = from_rfc3339(text.upper())
        except (ValueError, OverflowError):
            raise ValueError("has to be a date and time that exists") from None
        if not -INSTANT_NS_MAX <= instant_ns <= INSTANT_NS_MAX:
            raise ValueError("has to be within the years 1824 and 2115")
        return instant_ns

    def write(self, value: int) -> str:
        """UTC, with as many digits as the moment has."""
        seconds, fraction_ns = divmod(value, NS_PER_S)
        text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        if not fraction_ns:
            return text + "Z"
        return f"{text}.{fraction_ns:09d}".rstrip("0") + "Z"


@dataclass(frozen=True, slots=True)
class Day:
    """A date, as `YYYY-MM-DD` within. TM Forum has a moment there: of it the date counts, in the zone that it is said in."""

    is_ordered: bool = True

    def schema(self) -> Schema:
        """JSON Schema."""
        return {"type": "string", "format": "date-time"}

    def read(self, value: Any, path: str, faults: list[Fault]) -> Any:
        """The date."""
        try:
            return self.read_text(value)
        except ValueError as error:
            return _refused(path, str(error), faults)

    def read_text(self, text: str) -> str:
        """The date. ValueError: it is none."""
        Instant().read_text(text)
        return text[:10]

    def write(self, value: str) -> str:
        """Its midnight, UTC."""
        return f"{value}T00:00:00Z"


@dataclass(frozen=True, slots=True)
class Amount:
    """TM Forum's Money: {"unit": "EUR", "value": 9.99}. The number is read and written digit by digit, never as a float.

    unit, value   names of its two members; TMF654's Quantity has others
    """

    minimum_micros: int = -MICROS_MAX
    unit: str = "unit"
    value: str = "value"

    def schema(self) -> Schema:
        """JSON Schema."""
        return {
            "type": "object",
            "additionalProperties": False,
            "required": [self.unit, self.value],
            "properties": {
                self.unit: {"type": "string", "pattern": "^[A-Z]{3}$", "description": "currency, ISO 4217"},
                self.value: {
                    "type": "number",
                    "minimum": self.minimum_micros // MICROS_PER_UNIT,
                    "maximum": MICROS_MAX // MICROS_PER_UNIT,
                    "description": "at most six decimals, no exponent",
                },
            },
        }

    def read(self, value: Any, path: str, faults: list[Fault]) -> Any:
        """Money."""
        if not isinstance(value, dict) or set(value) != {self.unit, self.value}:
            return _refused(path, f'has to be an amount such as {{"{self.unit}": "EUR", "{self.value}": 9.99}}', faults)
        count = len(faults)
        if not isinstance(value[self.unit], str) or not _CURRENCY.fullmatch(value[self.unit]):
            faults.append(Fault(f"{path}.{self.unit}", "has to be a currency of three capital letters, such as EUR"))
        micros = _micros_of(value[self.value], f"{path}.{self.value}", faults)
        if len(faults) == count and not self.minimum_micros <= micros <= MICROS_MAX:
            faults.append(
                Fault(f"{path}.{self.value}", f"has to be {in_units(self.minimum_micros)} to {in_units(MICROS_MAX)}")
            )
        return Money(micros, value[self.unit]) if len(faults) == count else WRONG

    def write(self, value: Money) -> dict[str, Any]:
        """The amount; its number has the digits that it needs, and no others."""
        return {self.unit: value.currency, self.value: msgspec.Raw(in_units(value.micros).encode())}


def _micros_of(value: Any, path: str, faults: list[Fault]) -> int:
    """Micros of a number of units, exactly; 0 with its fault. JSON's floats are Decimals here."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        faults.append(Fault(path, "has to be a number, such as 9.99"))
        return 0
    sign, digits, exponent = Decimal(value).as_tuple()
    if (
        isinstance(value, WithExponent)
        or not isinstance(exponent, int)
        or exponent < -_FRACTION_DIGITS
        or len(digits) + exponent > 19
    ):
        faults.append(Fault(path, "has to be a number of at most six decimals, written without an exponent"))
        return 0
    micros: int = int("".join(map(str, digits))) * 10 ** (exponent + _FRACTION_DIGITS)
    return -micros if sign else micros


def in_units(micros: int) -> str:
    """Digits of an amount: 9990000 is 9.99, two decimals at least where there are any."""
    units, fraction = divmod(abs(micros), MICROS_PER_UNIT)
    text = f"{'-' if micros < 0 else ''}{units}"
    if not fraction:
        return text
    return f"{text}.{f'{fraction:06d}'.rstrip('0').ljust(2, '0')}"


@dataclass(frozen=True, slots=True)
class AnyValue:
    """The value of a characteristic: text, a number or a flag. Numbers with decimals are Decimals within."""

    length_max: int = 1024

    def schema(self) -> Schema:
        """JSON Schema."""
        return {"oneOf": [Text(self.length_max).schema(), {"type": "number"}, {"type": "boolean"}]}

    def read(self, value: Any, path: str, faults: list[Fault]) -> Any:
        """str, bool, int or Decimal."""
        if isinstance(value, str):
            return Text(self.length_max).read(value, path, faults)
        if isinstance(value, bool):
            return value
        if isinstance(value, int | Decimal) and -WHOLE_MAX <= value <= WHOLE_MAX and len(str(value)) <= 32:
            return Decimal(value) if isinstance(value, WithExponent) else value
        return _refused(path, "has to be text, a number of usual size, true or false", faults)

    def write(self, value: Any) -> Any:
        """The value; a Decimal digit by digit."""
        return msgspec.Raw(format(value, "f").encode()) if isinstance(value, Decimal) else value


def _refused(path: str, remedy: str, faults: list[Fault]) -> Any:
    faults.append(Fault(path, remedy))
    return WRONG


def is_filter_kind(kind: Kind) -> TypeGuard[FilterKind]:
    """May a list be filtered by members of it?"""
    return hasattr(kind, "read_text")


def money_columns(row: Mapping[str, Any], micros_column: str, currency_column: str) -> Money | None:
    """Money out of a row's two columns; None where there is none."""
    micros = row[micros_column]
    return None if micros is None else Money(micros, row[currency_column])

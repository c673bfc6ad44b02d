"""Amounts as people write them, to exact integers and back: "0.02 EUR", "10 GiB", "30 d". Never by way of a float."""

import re
from fractions import Fraction
from typing import Final

from catalog_loader.faults import near_match
from vocabulary.units import EVENTS_PER, OCTETS_PER, SECONDS_PER, UNIT_NAMES, Unit

MICROS_PER_UNIT: Final = 1_000_000
_DECIMALS_MAX: Final = 6
_TEXT_MAX: Final = 40
PERCENT_MAX: Final = 99
"""A part of something is less than all of it."""

_MONEY: Final = re.compile(r"([0-9]+)(?:\.([0-9]+))?(?: *([A-Z]{3}))?")
_SHARE: Final = re.compile(r"([0-9]{1,3}) *%")
_AMOUNT: Final = re.compile(r"([0-9]+)(?:\.([0-9]+))? *([A-Za-z]+)")

_LONG_WORDS: Final = {
    "octets": (Unit.OCTETS, 1),
    "second": (Unit.SECONDS, 1),
    "seconds": (Unit.SECONDS, 1),
    "minute": (Unit.SECONDS, 60),
    "minutes": (Unit.SECONDS, 60),
    "hour": (Unit.SECONDS, 3600),
    "hours": (Unit.SECONDS, 3600),
    "day": (Unit.SECONDS, 86400),
    "days": (Unit.SECONDS, 86400),
    "events": (Unit.EVENTS, 1),
}
WORDS: Final = (
    {word: (Unit.OCTETS, units) for word, units in OCTETS_PER.items()}
    | {word: (Unit.SECONDS, units) for word, units in SECONDS_PER.items()}
    | {word: (Unit.EVENTS, units) for word, units in EVENTS_PER.items()}
    | _LONG_WORDS
)
"""Word of an amount -> (unit, how many of it)."""

EXAMPLES: Final = {
    Unit.MONEY: "0.02 EUR",
    Unit.OCTETS: "10 MiB",
    Unit.SECONDS: "60 s",
    Unit.EVENTS: "1 event",
}


class AmountInvalid(ValueError):
    """A text that is no amount: what is wrong with it, and what to write."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy


def parse_money(text: str, currency: str | None) -> int:
    """Micros of "12.5" or "12.5 EUR", at least 0. `currency` is the one that must stand there, None where unknown."""
    match = _MONEY.fullmatch(text) if len(text) <= _TEXT_MAX else None
    example = f'Write a sum such as "0.02 {currency or "EUR"}"'
    if match is None:
        if text.startswith("-"):
            raise AmountInvalid(f"{_shown(text)} is below zero", "Write a sum of zero or more")
        if "," in text:
            raise AmountInvalid(f"{_shown(text)} has a comma", f"{example}, with a point and without grouping")
        raise AmountInvalid(f"{_shown(text)} is no sum of money", example)
    whole, decimals, letters = match[1], match[2] or "", match[3]
    if letters and currency and letters != currency:
        raise AmountInvalid(f"{text} is not in the release's currency {currency}", f"Write the sum in {currency}")
    if len(decimals.rstrip("0")) > _DECIMALS_MAX:
        raise AmountInvalid(f"{text} is finer than {_DECIMALS_MAX} decimals", "Round it, or price a larger block")
    return int(whole) * MICROS_PER_UNIT + int(decimals[:_DECIMALS_MAX].ljust(_DECIMALS_MAX, "0"))


def parse_units(text: str, wanted: Unit | None = None) -> tuple[Unit, int]:
    """(unit, count) of "10 GiB", "1.5 h", "1 event"; of `wanted` where that is given. Exact, or refused."""
    example = f"Write an amount such as {EXAMPLES[wanted or Unit.OCTETS]}"
    match = _AMOUNT.fullmatch(text) if len(text) <= _TEXT_MAX else None
    if match is None:
        if re.fullmatch(r"[0-9]+(\.[0-9]+)?", text):
            raise AmountInvalid(f"{_shown(text)} has no unit", example)
        raise AmountInvalid(f"{_shown(text)} is no amount", example)
    word = match[3]
    if word not in WORDS:
        match_word = near_match(word, WORDS)
        remedy = f"Did you mean {match_word}?" if match_word else f"Known are {', '.join(sorted(WORDS))}"
        raise AmountInvalid(f"the unit {word} is not known", remedy)
    unit, factor = WORDS[word]
    if wanted is not None and unit != wanted:
        raise AmountInvalid(f"{text} counts {UNIT_NAMES[unit]}, not {UNIT_NAMES[wanted]}", example)
    exact = Fraction(f"{match[1]}.{match[2] or 0}") * factor
    if exact.denominator != 1:
        raise AmountInvalid(f"{text} is no whole number of {UNIT_NAMES[unit]}", "Write an amount that comes out even")
    return unit, int(exact)


def parse_part(text: str, wanted: Unit | None = None) -> tuple[int, int]:
    """(units, percent) of "2 MiB" or "20 %": the other of the two is 0."""
    match = _SHARE.fullmatch(text)
    if match is None:
        if "%" in text:
            raise AmountInvalid(f"{_shown(text)} is no share", "Write a whole number of percent, such as 20 %")
        return parse_units(text, wanted)[1], 0
    if not 1 <= int(match[1]) <= PERCENT_MAX:
        raise AmountInvalid(f"{text} is no part of a grant", f"Write 1 % to {PERCENT_MAX} %, or leave it out")
    return 0, int(match[1])


def money_text(micros: int, currency: str) -> str:
    """ "0.02 EUR": at least two decimals, as many as are needed."""
    sign = "-" if micros < 0 else ""
    whole, part = divmod(abs(micros), MICROS_PER_UNIT)
    decimals = f"{part:06d}".rstrip("0").ljust(2, "0")
    return f"{sign}{whole}.{decimals} {currency}"


_SHORT: Final = {
    Unit.OCTETS: ("GiB", "MiB", "KiB"),
    Unit.SECONDS: ("d", "h", "min"),
    Unit.EVENTS: (),
}
_BASE: Final = {Unit.OCTETS: "octets", Unit.SECONDS: "s", Unit.EVENTS: "events"}


def units_text(unit: Unit, count: int) -> str:
    """ "10 GiB", "30 d", "5 events": the largest word that comes out even."""
    for word in _SHORT[unit]:
        factor = WORDS[word][1]
        if count >= factor and count % factor == 0:
            return f"{count // factor} {word}"
    word = _BASE[unit]
    return f"{count} {word[:-1] if count == 1 and word.endswith('s') and len(word) > 1 else word}"


def _shown(text: str) -> str:
    """The text in quotes, cut where it is long."""
    return f'"{text}"' if len(text) <= _TEXT_MAX else f'"{text[:_TEXT_MAX]}..."'

"""Values of the console as people read them: instants, money, amounts of units."""

from typing import Final

from vocabulary.currencies import CURRENCY_NUMBERS
from vocabulary.instants import FOREVER_NS, from_rfc3339, to_rfc3339
from vocabulary.units import Unit

MICROS: Final = 1_000_000
_CURRENCY_WORDS: Final = {number: word for word, number in CURRENCY_NUMBERS.items()}
_OCTET_UNITS: Final = (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10))
_SECONDS_A_MINUTE: Final = 60


def currency_of(number: int) -> str:
    """EUR of 978; the number where it isn't known."""
    return _CURRENCY_WORDS.get(number, str(number))


def money(micros: int, currency: str) -> str:
    """Two digits behind the point, more where there are micros: `12.50 EUR`."""
    sign = "-" if micros < 0 else ""
    whole, part = divmod(abs(micros), MICROS)
    digits = f"{part:06d}".rstrip("0").ljust(2, "0")
    return f"{sign}{whole:,}.{digits} {currency}"


def micros_of(text: str) -> int | None:
    """Micros of a sum that somebody typed, such as 12.50; None where it is none."""
    whole, _, part = text.strip().replace(",", ".").partition(".")
    sign = -1 if whole.startswith("-") else 1
    whole = whole.removeprefix("-")
    if (
        not (whole or part)
        or not (whole + part).isdigit()
        or not (whole + part).isascii()
        or len(part) > 6
        or len(whole) > 12
    ):
        return None
    return sign * (int(whole or 0) * MICROS + int(part.ljust(6, "0") or 0))


def amount(value: int, unit: Unit, currency: str) -> str:
    """Of a bucket, in its unit."""
    if unit == Unit.OCTETS:
        for word, octets in _OCTET_UNITS:
            if abs(value) >= octets:
                return f"{value / octets:,.2f} {word}"
        return f"{value:,} octets"
    if unit == Unit.SECONDS:
        minutes, seconds = divmod(abs(value), _SECONDS_A_MINUTE)
        return f"{'-' if value < 0 else ''}{minutes:,}:{seconds:02d} min"
    if unit == Unit.EVENTS:
        return f"{value:,} events"
    return money(value, currency)


def instant(at_ns: int | None) -> str:
    """UTC, to the second; `-` where there is none, `without end` of the end that never comes."""
    if at_ns is None or at_ns == 0:
        return "-"
    if at_ns == FOREVER_NS:
        return "without end"
    return to_rfc3339(at_ns)[:19].replace("T", " ") + " UTC"


def instant_of(text: str) -> int | None:
    """An instant that somebody typed (RFC 3339, such as 2026-03-01T12:00:00Z); None where it is none."""
    try:
        return from_rfc3339(text.strip())
    except ValueError:
        return None


def person(subject: str | None) -> str:
    """Who it was, as people call them: `user:ann` is ann; `-` where nobody is named."""
    return (subject or "-").removeprefix("user:")


def words_of(column: str, value: object) -> str:
    """A column's value: instants and sums are told by how the column is called."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and column.endswith("_ns"):
        return instant(value)
    if isinstance(value, int) and column.endswith("_micros"):
        return money(value, "").rstrip()
    return str(value)


def step_words(kind: str | None) -> str:
    """`assign resources` of assign_resources."""
    return kind.replace("_", " ") if kind else "-"


def digits_of(text: str | None) -> str:
    """The digits of what somebody typed as a number."""
    return "".join(sign for sign in text or "" if sign.isascii() and sign.isdigit())

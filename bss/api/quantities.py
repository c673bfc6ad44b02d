"""TM Forum's Quantity: an amount with its unit, of money or of a service."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import msgspec

from bss.api.kinds import MICROS_PER_UNIT, WRONG, Fault, Money, Schema, Text, in_units
from bss.api.resource import OF_SUBTYPES_WITHIN, Document, Structure
from bss.api.resource import Field as Member
from vocabulary.limits import MICROS_MAX
from vocabulary.units import MONEY_UNITS, UNIT_NAMES, Unit

_DECIMAL: Final = re.compile(r"-?\d{1,19}(\.\d{1,6})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Number:
    """A number that the server says: of money digit by digit, of a service whole. A query says it in digits, too, and asks for
    its micros.
    """

    maximum_micros: int = MICROS_MAX
    is_ordered: bool = True

    def schema(self) -> Schema:
        """JSON Schema."""
        return {"type": "number"}

    def read(self, value: Any, path: str, faults: list[Fault]) -> Any:
        """Clients don't say it."""
        faults.append(Fault(path, "is said by the server: leave it out"))
        return WRONG

    def read_text(self, text: str) -> int:
        """Micros. ValueError: no number of at most six decimals, or out of range."""
        if not _DECIMAL.fullmatch(text) or abs(Decimal(text) * MICROS_PER_UNIT) > self.maximum_micros:
            most = in_units(self.maximum_micros)
            raise ValueError(f"has to be a number from -{most} to {most} of at most six decimals, without an exponent")
        return int(Decimal(text) * MICROS_PER_UNIT)

    def write(self, value: Money | int) -> Any:
        """The number."""
        return msgspec.Raw(in_units(value.micros).encode()) if isinstance(value, Money) else value


QUANTITY: Final = Structure(
    "Quantity",
    (Member("amount", Number()), Member("units", Text(16), meaning="a currency, octets, seconds or events")),
    OF_SUBTYPES_WITHIN,
)


def quantity(unit: Unit, value: int, currency: str) -> Document:
    """A Quantity in an answer. `value` is micros where the unit is money's."""
    if unit in MONEY_UNITS:
        return QUANTITY.write({"amount": Money(value, currency), "units": currency})
    return QUANTITY.write({"amount": value, "units": UNIT_NAMES[unit]})

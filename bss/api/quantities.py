"""TM Forum's Quantity: an amount with its unit, of money or of a service."""

from dataclasses import dataclass
from typing import Any, Final

import msgspec

from bss.api.kinds import WRONG, Fault, Money, Schema, Text, in_units
from bss.api.resource import OF_SUBTYPES_WITHIN, Document, Structure
from bss.api.resource import Field as Member
from vocabulary.units import MONEY_UNITS, UNIT_NAMES, Unit


@dataclass(frozen=True, slots=True)
class Number:
    """A number that the server says: of money digit by digit, of a service whole."""

    def schema(self) -> Schema:
        """JSON Schema."""
        return {"type": "number"}

    def read(self, value: Any, path: str, faults: list[Fault]) -> Any:
        """Clients don't say it."""
        faults.append(Fault(path, "is said by the server: leave it out"))
        return WRONG

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

"""Amounts in bodies: "10 MiB" where a member wants octets, and "granted" for what the rating group was given last."""

from typing import Any, Final

from catalog_loader.amounts import EXAMPLES, AmountInvalid, parse_units, units_text
from vocabulary.units import Unit

MEMBERS: Final = {
    "totalVolume": Unit.OCTETS,
    "uplinkVolume": Unit.OCTETS,
    "downlinkVolume": Unit.OCTETS,
    "time": Unit.SECONDS,
    "serviceSpecificUnits": Unit.EVENTS,
}
"""Members with an amount, of RequestedUnit, GrantedUnit and UsedUnitContainer, by what they count."""
GRANTED: Final = "granted"


def amount_of(member: str, written: Any, *, may_be_granted: bool) -> int | str:
    """The number of a member, or GRANTED where that may stand. AmountInvalid."""
    unit = MEMBERS[member]
    if isinstance(written, int) and not isinstance(written, bool):
        return written
    words = f'Write a number, or an amount such as "{EXAMPLES[unit]}"'
    if written == GRANTED:
        if may_be_granted:
            return GRANTED
        raise AmountInvalid("only what is used can be what was granted", words)
    if not isinstance(written, str):
        raise AmountInvalid(f"{written!r} is no amount", words)
    return parse_units(written, unit)[1]


def amounts_text(units: Any) -> str:
    """For people: "10 MiB", "60 s", "2 MiB up 8 MiB down"; "any" of {}, "-" of none."""
    if not isinstance(units, dict):
        return "-"
    said = [
        units_text(MEMBERS[name], units[name]) + words
        for name, words in _WORDS.items()
        if isinstance(units.get(name), int) and not (name in _DIRECTIONS and "totalVolume" in units)
    ]
    return " ".join(said) or ("-" if units else "any")


_DIRECTIONS: Final = ("uplinkVolume", "downlinkVolume")
_WORDS: Final = {
    "totalVolume": "",
    "uplinkVolume": " up",
    "downlinkVolume": " down",
    "time": "",
    "serviceSpecificUnits": "",
}

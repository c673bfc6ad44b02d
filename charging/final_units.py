"""Texts that follow a last grant: where its user is redirected to, and by which filters the access is restricted.

A price and an answer name them by number, so that kernels and rows stay narrow; front ends are told the texts before an
answer names them (RFC 8506 §5.6, TS 32.291 §6.1.6.2).
"""

from collections.abc import Iterable
from enum import IntEnum
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vocabulary.ids import number_of_name


class RedirectAddressType(IntEnum):
    """Redirect-Address-Type (RFC 8506 §8.38); redirectAddressType of Nchf has the same four."""

    IPV4 = 0
    IPV6 = 1
    URL = 2
    SIP_URI = 3


class FinalUnit(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What follows, in words of the client; a text that is empty isn't said."""

    redirect_to: str = ""
    redirect_type: int = 0
    """RedirectAddressType, where redirect_to isn't empty"""
    filter_id: str = ""
    """of filters that the access device has"""
    filter_rule: str = ""
    """IPFilterRule (RFC 6733 §4.3.1)"""


NO_FINAL_UNIT: Final = 0
"""Number of a price without such texts."""
_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(tuple[FinalUnit, ...])


class FinalUnitsDamaged(ValueError):
    """Octets that are no texts of final units; the message says why."""


def number_of_final_unit(unit: FinalUnit) -> int:
    """Stable number, 1..2**31-1: the same texts have it in every release, process and tenant."""
    return number_of_name(_ENCODER.encode(unit).decode())


def by_number(units: Iterable[FinalUnit]) -> dict[int, FinalUnit]:
    """The texts by their number. ValueError where two have one number."""
    found: dict[int, FinalUnit] = {}
    for unit in units:
        if found.setdefault(number_of_final_unit(unit), unit) != unit:
            raise ValueError(f"{unit} has the number of another final unit: change one of its texts a little")
    return found


def pack_final_units(units: Iterable[FinalUnit]) -> NDArray[np.uint8]:
    """The texts as octets, each once, in order of their numbers: for tariff tables and for front ends."""
    texts = by_number(units)
    if not texts:
        return np.zeros(0, np.uint8)
    return np.frombuffer(_ENCODER.encode([texts[number] for number in sorted(texts)]), np.uint8).copy()


def read_final_units(octets: "NDArray[Any] | memoryview | bytes") -> dict[int, FinalUnit]:
    """The texts of packed octets by their number. FinalUnitsDamaged."""
    packed = bytes(octets)
    if not packed:
        return {}
    try:
        return by_number(_DECODER.decode(packed))
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError) as error:
        raise FinalUnitsDamaged(str(error)) from None

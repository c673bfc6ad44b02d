"""What numbers and cards may be called: MSISDNs (E.164), IMSIs (E.212), ICCIDs (E.118) with their check digit."""

import re
from typing import Final

from bss.errors import Invalid

_MSISDN: Final = re.compile(r"[1-9][0-9]{4,14}", re.ASCII)
_IMSI: Final = re.compile(r"[0-9]{6,15}", re.ASCII)
_ICCID: Final = re.compile(r"89[0-9]{16,18}", re.ASCII)
_POOL: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}", re.ASCII)


def luhn_digit(digits: str) -> str:
    """The check digit that follows these digits (ISO/IEC 7812-1 annex B, which E.118 takes)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (2 if place % 2 == 0 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return str(-total % 10)


def check_msisdn(number: str, *, field: str = "number") -> str:
    """The number; Invalid where it is none in international form without + or 00."""
    if not _MSISDN.fullmatch(number):
        raise Invalid(
            field, f"{number[:40]!r} is no MSISDN", "Write 5 to 15 digits with the country code, without + and 00"
        )
    return number


def check_imsi(imsi: str, *, field: str = "imsi") -> str:
    """The IMSI; Invalid where it is none."""
    if not _IMSI.fullmatch(imsi):
        raise Invalid(field, f"{imsi[:40]!r} is no IMSI", "Write 6 to 15 digits: country, network, subscriber")
    return imsi


def check_iccid(iccid: str, *, field: str = "iccid") -> str:
    """The ICCID; Invalid where it is none, or where its last digit isn't the check digit of the others."""
    if not _ICCID.fullmatch(iccid):
        raise Invalid(
            field, f"{iccid[:40]!r} is no ICCID", "Write the 18 to 20 digits on the card, which begin with 89"
        )
    expected = luhn_digit(iccid[:-1])
    if iccid[-1] != expected:
        raise Invalid(
            field, f"{iccid} ends with {iccid[-1]}, and its check digit is {expected}", "Look for a mistyped digit"
        )
    return iccid


def check_pool(name: str, *, field: str = "pool") -> str:
    """The name of a pool, category or kind; Invalid where it can't be one."""
    if not _POOL.fullmatch(name):
        raise Invalid(
            field, f"{name[:40]!r} can't be a name here", "Write a-z, 0-9, dots and dashes, at most 32 characters"
        )
    return name

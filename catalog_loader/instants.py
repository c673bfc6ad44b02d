"""Instants as people write them in files and options: a date in a time zone, or date and time with an offset."""

import re
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from vocabulary.instants import NS_PER_S, from_rfc3339

_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class InstantInvalid(ValueError):
    """A text that is no instant since 1970: what is wrong with it, and what to write."""

    remedy = "Write a date, or date and time with an offset, such as 2026-01-01T00:00:00+01:00"


def parse_instant(text: str, zone: str) -> int:
    """Instant in ns since the Unix epoch; a date is its midnight in the zone. InstantInvalid where it is none."""
    try:
        if _DATE.fullmatch(text):
            midnight = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))
            instant_ns = int(midnight.timestamp()) * NS_PER_S
        else:
            instant_ns = from_rfc3339(text)
    except (ValueError, OverflowError):
        instant_ns = -1
    if not 0 <= instant_ns < 2**63:
        raise InstantInvalid(f'"{text[:40]}" is no instant since 1970')
    return instant_ns

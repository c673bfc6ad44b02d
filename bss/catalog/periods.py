"""Periods of recurring charges, by the calendar of the catalogue's time zone."""

from calendar import monthrange
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from vocabulary.instants import NS_PER_S

_MONTHS: Final = {"month": 1, "year": 12}
_DAYS: Final = {"day": 1, "week": 7}
_HOUR_S: Final = 3600


def add_period(from_ns: int, length: int, period_type: str, zone: str) -> int:
    """The end of a period that begins at `from_ns`: the same time of day where days or months are added.

    A month from the 31st ends on the last day of a shorter month. KeyError where the type is no type of period.
    """
    if period_type == "hour":
        return from_ns + length * _HOUR_S * NS_PER_S
    seconds, fraction_ns = divmod(from_ns, NS_PER_S)
    begin = datetime.fromtimestamp(seconds, UTC).astimezone(ZoneInfo(zone))
    if period_type in _DAYS:
        end = begin + timedelta(days=length * _DAYS[period_type])
    else:
        months = begin.month - 1 + length * _MONTHS[period_type]
        year, month = begin.year + months // 12, months % 12 + 1
        end = begin.replace(year=year, month=month, day=min(begin.day, monthrange(year, month)[1]))
    return int(end.timestamp()) * NS_PER_S + fraction_ns


def period_words(length: int | None, period_type: str | None) -> str:
    """Such as `each month` or `each 30 days`; '' of what is taken once."""
    if length is None or period_type is None:
        return ""
    return f"each {period_type}" if length == 1 else f"each {length} {period_type}s"

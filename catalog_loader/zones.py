"""A time zone as the kernels read it: the instants at which its clocks are changed, and how far they are from UTC then.

The rows follow from the zone alone, not from the day on which they are made: a price is the same on each engine, and after
each restart, as long as these have the same time zone data (docs/decisions/0021).
"""

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from charging.tariff_tables import BEGINNING_NS
from vocabulary.instants import NS_PER_S

FIRST: Final = datetime(2020, 1, 1, tzinfo=UTC)
"""Before it clocks stood as they did then: nobody is charged for the past."""
LAST: Final = datetime(2116, 1, 1, tzinfo=UTC)
"""Behind it clocks are changed no more: instants end then (vocabulary.instants)."""
_DAY: Final = timedelta(days=1)
_SECOND: Final = timedelta(seconds=1)


class Offset(NamedTuple):
    """A row of OFFSET_DTYPE (charging.tariff_tables)."""

    from_ns: int
    offset_s: int


def _offset_s(zone: ZoneInfo, moment: datetime) -> int:
    offset = moment.astimezone(zone).utcoffset()
    assert offset is not None, "a zone has an offset at each instant"
    return int(offset.total_seconds())


@cache
def offsets_of(name: str) -> tuple[Offset, ...]:
    """The offsets of an IANA zone that is known here, from FIRST to LAST; clocks are changed once a day at most."""
    zone = ZoneInfo(name)
    moment, offset_s = FIRST, _offset_s(zone, FIRST)
    offsets = [Offset(BEGINNING_NS, offset_s)]
    while moment < LAST:
        later = moment + _DAY
        later_s = _offset_s(zone, later)
        if later_s != offset_s:
            low, high = moment, later
            while high - low > _SECOND:
                middle = low + ((high - low) // 2 // _SECOND) * _SECOND
                low, high = (middle, high) if _offset_s(zone, middle) == offset_s else (low, middle)
            offsets.append(Offset(int(high.timestamp()) * NS_PER_S, later_s))
            offset_s = later_s
        moment = later
    return tuple(offsets)

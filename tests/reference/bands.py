"""Prices by the time of the week, plainly: the clock on the wall is asked, and every instant at which it may say another price.

Nothing here counts seconds of a week in UTC, as the kernels do: an instant becomes a local date and time, and back.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

from vocabulary.instants import NS_PER_S

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Band:
    """From this time of this day of the week on (0 is Monday), until the next band begins."""

    day: int
    hour: int
    minute: int
    micros: int


def local_of(zone: str, at_ns: int) -> datetime:
    """Date and time on the wall."""
    return (EPOCH + timedelta(seconds=at_ns // NS_PER_S)).astimezone(ZoneInfo(zone))


def ns_of(moment: datetime) -> int:
    """The instant of a moment that is whole seconds."""
    return (moment - EPOCH) // timedelta(seconds=1) * NS_PER_S


def band_micros(bands: tuple[Band, ...], zone: str, at_ns: int) -> int:
    """What the band costs that the wall's clock is in."""
    local = local_of(zone, at_ns)
    now = (local.weekday(), local.hour, local.minute)
    begun = [band for band in bands if (band.day, band.hour, band.minute) <= now]
    return (begun or bands)[-1].micros


@cache
def _changed_clocks(zone: str, day: datetime) -> tuple[int, ...]:
    """Instants of a UTC day at which the zone's clocks are changed."""
    minutes = [day + timedelta(minutes=minute) for minute in range(-1, 24 * 60)]
    offsets = [moment.astimezone(ZoneInfo(zone)).utcoffset() for moment in minutes]
    return tuple(
        ns_of(later) for later, before, after in zip(minutes[1:], offsets, offsets[1:], strict=False) if before != after
    )


def changes_between(bands: tuple[Band, ...], zone: str, since_ns: int, until_ns: int) -> list[int]:
    """The instants in (since_ns, until_ns) at which the price becomes another."""
    first = local_of(zone, since_ns).replace(hour=0, minute=0, second=0, tzinfo=None, fold=0) - DAY
    candidates: set[int] = set()
    for number in range((until_ns - since_ns) // (86400 * NS_PER_S) + 4):
        midnight = first + number * DAY
        candidates.update(_changed_clocks(zone, midnight.replace(tzinfo=UTC)))
        for band in bands:
            if band.day == midnight.weekday():
                for fold in (0, 1):
                    wall = midnight.replace(hour=band.hour, minute=band.minute, fold=fold, tzinfo=ZoneInfo(zone))
                    candidates.add(ns_of(wall.astimezone(UTC)))
    return [
        instant
        for instant in sorted(candidates)
        if since_ns < instant < until_ns and band_micros(bands, zone, instant) != band_micros(bands, zone, instant - 1)
    ]

"""The week of a price: days and times of day as people write them, and what each minute of the week costs."""

import re
from collections.abc import Sequence
from itertools import groupby
from typing import Final

from catalog_loader.release import Band, Price

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_MIN: Final = 24 * 60
WEEK_MIN: Final = 7 * DAY_MIN
_TIME: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|24:00")


def parse_days(text: str) -> tuple[int, ...]:
    """The days of `fri` or `fri-mon`, 0 is Monday; nothing where it is neither."""
    first, dash, last = text.partition("-")
    if first not in DAYS or (dash and last not in DAYS):
        return ()
    begin, end = DAYS.index(first), DAYS.index(last or first)
    return tuple((begin + day) % 7 for day in range((end - begin) % 7 + 1))


def parse_time(text: str) -> int | None:
    """Minutes since midnight of `08:30`, up to 24:00; None where it is none."""
    if not _TIME.fullmatch(text):
        return None
    return 60 * int(text[:2]) + int(text[3:])


def band_text(band: Band) -> str:
    """The band as people write it, such as "mon-fri 08:00-20:00"."""
    runs = [[day for _, day in run] for _, run in groupby(enumerate(band.days), lambda pair: pair[1] - pair[0])]
    days = ",".join(DAYS[run[0]] if len(run) == 1 else f"{DAYS[run[0]]}-{DAYS[run[-1]]}" for run in runs)
    return f"{days} {time_text(band.from_min)}-{time_text(band.to_min)}"


def time_text(minutes: int) -> str:
    """ "08:30" of minutes since midnight."""
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def minutes_of(band: Band) -> list[int]:
    """The minutes of the week that it covers; one over midnight goes on in the next day, and that of Sunday on Monday."""
    length = band.to_min - band.from_min + (DAY_MIN if band.to_min <= band.from_min else 0)
    return [
        (day * DAY_MIN + minute) % WEEK_MIN
        for day in band.days
        for minute in range(band.from_min, band.from_min + length)
    ]


def owners_of_week(bands: Sequence[Band]) -> list[list[int]]:
    """By minute of the week: the bands, by their place, that cover it."""
    owners: list[list[int]] = [[] for _ in range(WEEK_MIN)]
    for place, band in enumerate(bands):
        for minute in minutes_of(band):
            owners[minute].append(place)
    return owners


def changes_of_week(price: Price) -> list[tuple[int, int]]:
    """(minute of the week, micros of a block from there on) wherever the price becomes another; nothing where it never does.

    The last holds into the next week, up to the first.
    """
    if not price.bands:
        return []
    micros = [price.price_micros or 0] * WEEK_MIN
    for band in price.bands:
        for minute in minutes_of(band):
            micros[minute] = band.price_micros
    return [(minute, micros[minute]) for minute in range(WEEK_MIN) if micros[minute] != micros[minute - 1]]

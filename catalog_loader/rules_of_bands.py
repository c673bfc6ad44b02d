"""Rules of prices by the time of the week: a minute has one price, and each band has a sense."""

from collections.abc import Iterator

from catalog_loader.faults import Finding, Path
from catalog_loader.release import Band, Price, Release
from catalog_loader.week import DAY_MIN, DAYS, band_text, owners_of_week
from vocabulary.limits import BANDS_PER_PRICE_MAX, PRICE_MICROS_MAX


def check_bands(release: Release) -> Iterator[Finding]:
    """Bands are times of a week, don't overlap, and cost something else than the price outside of them."""
    for index, price in enumerate(release.prices):
        path: Path = ("prices", index, "bands")
        if not price.bands:
            continue
        if price.price_micros is None:
            yield Finding(
                path, "bands without a price: nothing says what holds outside of them", "Write price and block"
            )
        if len(price.bands) > BANDS_PER_PRICE_MAX:
            problem = f"{len(price.bands)} bands, more than {BANDS_PER_PRICE_MAX}"
            yield Finding(path, problem, "Name several days in one band, such as mon-fri")
            continue
        faults = [fault for place, band in enumerate(price.bands) for fault in _check_band((*path, place), price, band)]
        yield from faults or _check_week(path, price)


def _check_band(path: Path, price: Price, band: Band) -> Iterator[Finding]:
    if not band.days or not set(band.days) <= set(range(len(DAYS))) or len(set(band.days)) < len(band.days):
        yield Finding(
            (*path, "days"), "the band is on no days of a week", "Write days such as mon-fri, or leave it out"
        )
    if not (0 <= band.from_min < DAY_MIN and 0 < band.to_min <= DAY_MIN):
        yield Finding(
            (*path, "from"), "the band has no times of a day", 'Write from: "00:00" and to: "24:00", or others'
        )
    elif band.from_min == band.to_min:
        yield Finding((*path, "to"), "the band ends where it begins", "Leave from and to out where it is the whole day")
    if not 0 <= band.price_micros <= PRICE_MICROS_MAX:
        problem = f"price is {band.price_micros} micros, not in 0 to {PRICE_MICROS_MAX}"
        yield Finding((*path, "price"), problem, "Choose one that fits")
    elif band.price_micros == price.price_micros:
        yield Finding((*path, "price"), "the band costs what the price says anyway", "Remove it, or correct its price")


def _check_week(path: Path, price: Price) -> Iterator[Finding]:
    owners = owners_of_week(price.bands)
    said: set[tuple[int, ...]] = set()
    for minute, places in enumerate(owners):
        if len(places) > 1 and tuple(places[:2]) not in said:
            said.add((places[0], places[1]))
            day, time = divmod(minute, DAY_MIN)
            when = f"{DAYS[day]} {time // 60:02d}:{time % 60:02d}"
            problem = f"overlap: {band_text(price.bands[places[1]])} has a price already"
            problem += f" on {when}, by {band_text(price.bands[places[0]])}"
            yield Finding((*path, places[1]), problem, "Shorten one of the two")
    if all(owners):
        problem = "unreachable: the bands fill the week, so that the price outside of them never holds"
        yield Finding(path, problem, "Remove one of them: what it costs is then price")

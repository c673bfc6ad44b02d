"""The times of the week at which a price is another, read from `bands` of its mapping."""

from msgspec import UNSET, UnsetType

from catalog_loader.faults import FaultList
from catalog_loader.fields import Fields
from catalog_loader.release import Band
from catalog_loader.week import DAY_MIN


def read_bands(fields: Fields, currency: str | None, faults: FaultList) -> tuple[Band, ...] | UnsetType:
    """The bands of a price, UNSET where it has none; one that can't be read is on no day."""
    bands = tuple(_read_band(Fields(node, "band", path, faults), currency) for node, path in fields.items("bands"))
    if fields.has("bands") and not bands:
        fields.fault("bands", "bands is an empty list", "Leave it out: the price is then the same at all times")
    return bands or UNSET


def _read_band(fields: Fields, currency: str | None) -> Band:
    days = fields.days("days") if fields.has("days") else tuple(range(7))
    begins, ends = fields.time_of_day("from"), fields.time_of_day("to")
    micros = fields.money("price", currency)
    if begins == DAY_MIN:
        fields.fault("from", "from is 24:00, which is the next day's beginning", 'Write "00:00", of the next day')
    is_read = micros is not None and not any(
        fields.has(key) and value is None for key, value in (("from", begins), ("to", ends))
    )
    if not is_read:
        fields.excuse("days")
    return Band(
        days=days if is_read else (),
        from_min=(begins or 0) % DAY_MIN,
        to_min=ends or DAY_MIN,
        price_micros=micros or 0,
    )

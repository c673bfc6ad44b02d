"""What a price says of its grants beside their size and validity, read from its mapping and from `grant` in it."""

from msgspec import UNSET, UnsetType

from catalog_loader.fields import Fields
from catalog_loader.release import NO_TERMS, Terms
from catalog_loader.schema import UNITS
from vocabulary.limits import FINAL_TEXT_OCTETS_MAX


def read_terms(fields: Fields, grant: Fields | None, unit: str) -> Terms | UnsetType:
    """The terms of a price, UNSET where it says none.

    fields   of the price
    grant    of its `grant`, None where it has none
    unit     what it counts; a threshold has to count the same
    """
    threshold = grant.part("threshold", UNITS.get(unit)) if grant is not None else None
    holding_s = fields.duration("holding_time")
    if holding_s == 0:
        fields.fault("holding_time", "holding_time is no time at all", "Write 1 s or more, or leave it out")
    units, percent = threshold or (0, 0)
    if threshold == (0, 0) and grant is not None:
        grant.fault("threshold", "threshold is nothing: quota that is used up is asked for anyway", "Leave it out")
    terms = Terms(
        threshold_units=units,
        threshold_percent=percent,
        holding_s=holding_s or 0,
        **{key: fields.name(key, FINAL_TEXT_OCTETS_MAX) for key in ("redirect_to", "filter_id", "filter_rule")},
    )
    return UNSET if terms == NO_TERMS else terms

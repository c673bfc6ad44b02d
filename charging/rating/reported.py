"""What an MSCC reports: units of which kind, used until when."""

import numpy as np

from charging.batch import HAS_EVENT_TIMESTAMP, HAS_USED_EVENTS, HAS_USED_OCTETS, HAS_USED_SECONDS
from vocabulary.instants import NS_PER_S
from vocabulary.kernel import inlined_kernel, kernel
from vocabulary.limits import EVENT_TIME_SKEW_S_MAX
from vocabulary.units import Unit

HAS_USED_UNITS = HAS_USED_OCTETS | HAS_USED_SECONDS | HAS_USED_EVENTS
_OCTETS = int(Unit.OCTETS)
_SECONDS = int(Unit.SECONDS)
_EVENTS = int(Unit.EVENTS)
_SKEW_NS = EVENT_TIME_SKEW_S_MAX * NS_PER_S


@inlined_kernel
def reported_until(request):
    """When the reported usage ended: Event-Timestamp where it is believed, else receipt."""
    if request.presence & HAS_EVENT_TIMESTAMP and abs(request.event_ns - request.received_ns) <= _SKEW_NS:
        return request.event_ns
    return request.received_ns


@inlined_kernel
def _names(mscc, unit):
    """Do the Used-Service-Units name `unit`, be it 0 of it?"""
    if unit == _OCTETS:
        return mscc.presence & HAS_USED_OCTETS != 0
    return mscc.presence & (HAS_USED_SECONDS if unit == _SECONDS else HAS_USED_EVENTS) != 0


@kernel
def used_units(mscc, unit):
    """Units of `unit` that the Used-Service-Units name; 0 where they name none."""
    if not _names(mscc, unit):
        return np.int64(0)
    if unit == _OCTETS:
        return mscc.used_octets
    return mscc.used_seconds if unit == _SECONDS else mscc.used_events


@kernel
def _first_unit(mscc):
    """The first unit that the Used-Service-Units name; events where they name none."""
    if mscc.presence & HAS_USED_OCTETS:
        return _OCTETS
    return _SECONDS if mscc.presence & HAS_USED_SECONDS else _EVENTS


@kernel
def record_unpriced(mscc, usage):
    """Write what an MSCC reports where no price charges it: in the first unit that it names, paid by nothing."""
    if mscc.presence & HAS_USED_UNITS:
        usage.unit = _first_unit(mscc)
        usage.used_units = used_units(mscc, usage.unit)
        usage.uncharged_units = usage.used_units


@kernel
def reported_unit(mscc, unit):
    """The unit in which a report at a price of `unit` is on record: that, or the first named where that isn't."""
    first = _first_unit(mscc)
    return unit if _names(mscc, unit) or used_units(mscc, first) == 0 else first

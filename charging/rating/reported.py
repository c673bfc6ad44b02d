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
_SKEW_NS = EVENT_TIME_SKEW_S_MAX * NS_PER_S


@inlined_kernel
def reported_until(request):
    """When the reported usage ended: Event-Timestamp where it is believed, else receipt."""
    if request.presence & HAS_EVENT_TIMESTAMP and abs(request.event_ns - request.received_ns) <= _SKEW_NS:
        return request.event_ns
    return request.received_ns


@kernel
def used_units(mscc, unit):
    """Units of `unit` that the Used-Service-Units name; 0 where they name none."""
    if unit == _OCTETS:
        return mscc.used_octets if mscc.presence & HAS_USED_OCTETS else np.int64(0)
    if unit == _SECONDS:
        return mscc.used_seconds if mscc.presence & HAS_USED_SECONDS else np.int64(0)
    return mscc.used_events if mscc.presence & HAS_USED_EVENTS else np.int64(0)


@inlined_kernel
def used_of_any_unit(mscc):
    """What an MSCC without a price reports, in the first unit that it names."""
    if mscc.presence & HAS_USED_OCTETS:
        return mscc.used_octets
    return mscc.used_seconds if mscc.presence & HAS_USED_SECONDS else mscc.used_events

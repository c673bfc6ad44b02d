"""What usages ask for and report, summed by rating group and UPF: the MSCCs of a request."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from charging.batch import (
    HAS_REQUESTED,
    HAS_REQUESTED_EVENTS,
    HAS_REQUESTED_OCTETS,
    HAS_REQUESTED_SECONDS,
    HAS_USED,
    HAS_USED_BEFORE,
    HAS_USED_EVENTS,
    HAS_USED_OCTETS,
    HAS_USED_SECONDS,
    IS_OFFLINE,
)
from chf_http2.errors import RequestRefused
from chf_http2.numbering import upf_of
from chf_http2.problems import invalid
from chf_http2.schema import ChargingDataRequest, MultipleUnitUsage, RequestedUnit, UsedUnitContainer
from chf_http2.triggers import is_before_change
from chf_http2.usual_members import OFFLINE_CHARGING
from vocabulary.limits import MSCCS_PER_REQUEST_MAX, UNITS_MAX

_REQUESTED_BITS: Final = (HAS_REQUESTED_OCTETS, HAS_REQUESTED_SECONDS, HAS_REQUESTED_EVENTS)
_ANY_REQUESTED: Final = HAS_REQUESTED_OCTETS | HAS_REQUESTED_SECONDS | HAS_REQUESTED_EVENTS
_NO_BITS: Final = (0, 0, 0)
_USED_BITS: Final = (HAS_USED_OCTETS, HAS_USED_SECONDS, HAS_USED_EVENTS)
_WRAP: Final = 2**32
_NOTHING: Final = "a one-time event debits more than 0 units; with an empty requestedUnit the price says how many"
_NEGATIVE: Final = "a volume is negative: where the consumer counts in 32 bits set chf.wraps_volumes"
_TOO_MANY_GROUPS: Final = (
    f"more rating groups, or UPFs of them, than one request may have, which is {MSCCS_PER_REQUEST_MAX}; nothing was charged:"
    " send the others in a request of their own"
)


class Units:
    """What one UPF of a rating group asks for and reports in a request, its containers summed."""

    __slots__ = ("before", "presence", "rating_group", "requested", "upf", "upf_id", "used")

    def __init__(self, rating_group: int) -> None:
        self.rating_group = rating_group
        self.presence = IS_OFFLINE
        self.requested = [0, 0, 0]
        """octets, seconds, events"""
        self.used = [0, 0, 0]
        self.before = [0, 0, 0]
        """of it: before a tariff change"""
        self.upf_id = ""
        """it is echoed; empty where none is named"""
        self.upf = 0
        """its digest"""


class UnitsReader:
    """Sums the usages of requests.

    secret          of the digests of UPFs
    wraps_volumes   a negative volume is one that passed 2 GiB in 32 bits; else it is refused
    """

    def __init__(self, secret: NDArray[np.uint64], *, wraps_volumes: bool) -> None:
        self._secret = secret
        self._wraps_volumes = wraps_volumes

    def read(self, said: ChargingDataRequest, *, gives_quota: bool, is_event: bool) -> list[Units]:
        """Wishes and reports by rating group and UPF. A usage that names no UPF is of the rating group's first. RequestRefused.

        gives_quota   of the offline-only service not
        is_event      what is asked for is debited at once
        """
        units: list[Units] = []
        for index, usage in enumerate(said.multiple_unit_usage or ()):
            upf_id = usage.upf_id or ""
            upf = upf_of(upf_id, self._secret)
            one = _first_for(units, usage.rating_group, upf)
            if one is None:
                if len(units) == MSCCS_PER_REQUEST_MAX:
                    raise RequestRefused(invalid("/multipleUnitUsage", _TOO_MANY_GROUPS))
                one = Units(usage.rating_group)
                units.append(one)
            if not one.upf:
                one.upf, one.upf_id = upf, upf_id
            self._add(one, usage, f"/multipleUnitUsage/{index}", gives_quota=gives_quota)
        if is_event and not gives_quota:
            # The engine debits a unit of an event that names none; here what isn't reported isn't charged.
            return [one for one in units if one.presence & HAS_USED]
        if is_event:
            self._check_debiting(said, units)
        return units

    def _check_debiting(self, said: ChargingDataRequest, units: list[Units]) -> None:
        """What a one-time event asks for is debited at once, so that 0 units must not become one. RequestRefused."""
        for index, usage in enumerate(said.multiple_unit_usage or ()):
            one = _first_for(units, usage.rating_group, upf_of(usage.upf_id or "", self._secret))
            if one is None or not one.presence & _ANY_REQUESTED or any(one.requested) or any(one.used):
                continue
            for _, name, amount in _amounts_of(usage.requested_unit or RequestedUnit()):
                if amount is not None:
                    raise RequestRefused(invalid(f"/multipleUnitUsage/{index}/requestedUnit/{name}", _NOTHING))

    def _add(self, one: Units, usage: MultipleUnitUsage, place: str, *, gives_quota: bool) -> None:
        asked = usage.requested_unit if gives_quota else None
        containers = usage.used_unit_container or ()
        is_offline = all(used.quota_management_indicator == OFFLINE_CHARGING for used in containers)
        if asked is not None and not (containers and is_offline):  # free5GC's SMF asks for `{}` of offline usage, too
            one.presence |= HAS_REQUESTED | self._sum(one.requested, asked, _REQUESTED_BITS, place, "requestedUnit")
            is_offline = False
        if not is_offline:
            one.presence &= ~IS_OFFLINE
        for index, used in enumerate(containers):
            one.presence |= HAS_USED | self._sum(one.used, used, _USED_BITS, place, f"usedUnitContainer/{index}")
        changed = max((index for index, used in enumerate(containers) if is_before_change(used)), default=-1)
        for index, used in enumerate(containers[: changed + 1]):  # they are in the order of time
            one.presence |= HAS_USED_BEFORE | self._sum(one.before, used, _NO_BITS, place, f"usedUnitContainer/{index}")

    def _sum(
        self,
        sums: list[int],
        amounts: RequestedUnit | UsedUnitContainer,
        bits: tuple[int, ...],
        place: str,
        member: str,
    ) -> int:
        """Add the amounts that are said; the bits of these."""
        presence = 0
        for index, name, amount in _amounts_of(amounts):
            if amount is None:
                continue
            presence |= bits[index]
            if amount < 0:
                if not self._wraps_volumes:
                    raise RequestRefused(invalid(f"{place}/{member}/{name}", _NEGATIVE))
                amount += _WRAP
            sums[index] += amount
            if sums[index] > UNITS_MAX:
                raise RequestRefused(invalid(f"{place}/{member}/{name}", f"units together at most {UNITS_MAX}"))
        return presence


def _amounts_of(amounts: RequestedUnit | UsedUnitContainer) -> tuple[tuple[int, str, int | None], ...]:
    """(octets, seconds or events; member; amount) of all that may be said: the total volume, else both directions."""
    others = ((1, "time", amounts.time), (2, "serviceSpecificUnits", amounts.service_specific_units))
    if amounts.total_volume is not None:
        return (0, "totalVolume", amounts.total_volume), *others
    return (0, "uplinkVolume", amounts.uplink_volume), (0, "downlinkVolume", amounts.downlink_volume), *others


def _first_for(units: list[Units], rating_group: int, upf: int) -> Units | None:
    """The units of a rating group and UPF; where one of the two names no UPF the group alone says it."""
    for one in units:
        if one.rating_group == rating_group and (one.upf == upf or 0 in (one.upf, upf)):
            return one
    return None

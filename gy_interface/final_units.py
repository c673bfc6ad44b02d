"""What stands in a Final-Unit-Indication behind its action, written once for all answers (RFC 8506 §8.34)."""

from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from charging.final_units import FinalUnit
from gy_interface.avp import write_value
from gy_interface.avp_codes import (
    FILTER_ID,
    FINAL_UNIT_ACTION,
    FINAL_UNIT_INDICATION,
    REDIRECT_ADDRESS_TYPE,
    REDIRECT_SERVER,
    REDIRECT_SERVER_ADDRESS,
    RESTRICTION_FILTER_RULE,
)
from gy_interface.avp_writer import put_header, put_unsigned32
from vocabulary.kernel import kernel
from vocabulary.octets import copy_octets

_TERMINATE = 0


class FinalAvps(NamedTuple):
    """AVPs of final units by number (`new_final_avps`)."""

    numbers: NDArray[np.int64]  # (k,): sorted
    firsts: NDArray[np.int64]  # (k + 1,): those of numbers[i] are octets[firsts[i]:firsts[i + 1]]
    octets: NDArray[np.uint8]
    longest: NDArray[np.int64]  # (1,): octets of the longest


def avps_of_final_unit(unit: FinalUnit) -> bytes:
    """Restriction-Filter-Rule, Filter-Id and Redirect-Server, as far as the final unit has them."""
    avps = b""
    if unit.filter_rule:
        avps += write_value(RESTRICTION_FILTER_RULE, unit.filter_rule)
    if unit.filter_id:
        avps += write_value(FILTER_ID, unit.filter_id)
    if unit.redirect_to:
        address = write_value(REDIRECT_ADDRESS_TYPE, unit.redirect_type)
        avps += write_value(REDIRECT_SERVER, address + write_value(REDIRECT_SERVER_ADDRESS, unit.redirect_to))
    return avps


def new_final_avps(units: Mapping[int, FinalUnit]) -> FinalAvps:
    """AVPs of the final units that answers may name."""
    avps = [avps_of_final_unit(units[number]) for number in sorted(units)]
    lengths = np.array([0, *map(len, avps)], np.int64)
    return FinalAvps(
        np.array(sorted(units), np.int64),
        np.cumsum(lengths),
        np.frombuffer(b"".join(avps), np.uint8).copy(),
        np.array([lengths.max()], np.int64),
    )


NO_FINAL_AVPS: Final = new_final_avps({})


@kernel
def _find(finals, number):
    """Place of the AVPs of a final unit, -1 where they aren't known."""
    low, high = 0, finals.numbers.shape[0]
    while low < high:
        middle = (low + high) >> 1
        if finals.numbers[middle] < number:
            low = middle + 1
        else:
            high = middle
    return low if low < finals.numbers.shape[0] and finals.numbers[low] == number else -1


@kernel
def put_final_unit(out, start, final_action, number, finals):
    """Final-Unit-Indication at out[start:]; the place after it.

    final_action   FinalAction of charging.tariff_tables, above 0
    number         of the final unit, 0 where it has no texts
    Texts that nobody told us can't be sent: then the service ends with the quota (RFC 8506 §5.6.1, the default handling).
    """
    action = np.int64(final_action) - 1
    place = _find(finals, np.int64(number)) if number > 0 else -1
    if number > 0 and place < 0:
        action = _TERMINATE
    at = put_unsigned32(out, start + 8, FINAL_UNIT_ACTION, action)
    if place >= 0:
        first = finals.firsts[place]
        at = copy_octets(finals.octets, first, out, at, finals.firsts[place + 1] - first)
    put_header(out, start, FINAL_UNIT_INDICATION, at - start)
    return at

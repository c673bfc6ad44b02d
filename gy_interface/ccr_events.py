"""What a direct debiting asks to be debited: it has to be something, in units that are served (RFC 8506 §6.3, §8.18).

An empty Requested-Service-Unit leaves the amount to the server. One that says 0, or money, must not become that amount: an
event is debited once and for all, where a session would correct itself by its reports.
"""

import numpy as np

from charging.batch import EVENT, HAS_REQUESTED_ACTION, UNITS_AT_COMMAND_LEVEL
from gy_interface.avp_codes import (
    CC_INPUT_OCTETS,
    CC_MONEY,
    CC_OUTPUT_OCTETS,
    CC_SERVICE_SPECIFIC_UNITS,
    CC_TIME,
    CC_TOTAL_OCTETS,
    MULTIPLE_SERVICES_CREDIT_CONTROL,
    REQUESTED_SERVICE_UNIT,
)
from gy_interface.avp_header import BAD_SIZE, read_avp_header
from gy_interface.ccr_faults import fail
from vocabulary.kernel import kernel
from vocabulary.outcomes import Outcome

_UNDECIDED = int(Outcome.UNDECIDED)
_INVALID_AVP_VALUE = int(Outcome.INVALID_AVP_VALUE)
_DIRECT_DEBITING = 0
_UNITS = (CC_TOTAL_OCTETS, CC_INPUT_OCTETS, CC_OUTPUT_OCTETS, CC_SERVICE_SPECIFIC_UNITS, CC_TIME)


@kernel
def check_debiting(batch, row, at, end):
    """Fault a direct debiting of money, or of 0 units, in the AVPs of the command, octets[at:end].

    The row has no other fault yet, so that each AVP can be read, and its MSCCs are those of the command.
    """
    octets, request = batch.octets, batch.requests[row]
    is_debiting = request.presence & HAS_REQUESTED_ACTION and request.requested_action == _DIRECT_DEBITING
    if request.outcome != _UNDECIDED or request.request_type != EVENT or not is_debiting:
        return
    place = np.int64(request.mscc_first)
    if request.presence & UNITS_AT_COMMAND_LEVEL:
        _check_requested(request, batch.msccs[place], octets, at, end)
        return
    while at < end:
        key, header, size = read_avp_header(octets, at, end)
        if size == BAD_SIZE:
            return
        if key == MULTIPLE_SERVICES_CREDIT_CONTROL:
            _check_requested(request, batch.msccs[place], octets, at + header, at + size)
            place += 1
        at += (size + 3) & ~3


@kernel
def _check_requested(request, mscc, octets, at, end):
    """The Requested-Service-Unit among octets[at:end], if there is one, of this MSCC."""
    while at < end:
        key, header, size = read_avp_header(octets, at, end)
        if size == BAD_SIZE:
            return
        if key == REQUESTED_SERVICE_UNIT:
            _check_units(request, mscc, octets, at + header, at + size)
        at += (size + 3) & ~3


@kernel
def _check_units(request, mscc, octets, at, end):
    """Its units: 5004 at money; at the first AVP of units where none is above 0, and none was used either."""
    first, length, code = np.int64(-1), np.int64(0), np.int64(0)
    while at < end:
        key, _, size = read_avp_header(octets, at, end)
        if size == BAD_SIZE:
            return
        if key == CC_MONEY:
            fail(request, _INVALID_AVP_VALUE, at, size, key)
            return
        if first < 0 and key in _UNITS:
            first, length, code = at, size, key
        at += (size + 3) & ~3
    asked = max(mscc.requested_octets, mscc.requested_seconds, mscc.requested_events)
    used = max(mscc.used_octets, mscc.used_seconds, mscc.used_events)
    if first >= 0 and asked == 0 and used == 0:
        fail(request, _INVALID_AVP_VALUE, first, length, code)

"""What a CCR reports and nothing charges: beside its MSCCs, and in a request that is refused.

Both go to the engine, which records them as uncharged: a client told of use, and no other record has it.
"""

import numpy as np

from charging.batch import (
    COUNT_IDENTITIES,
    COUNT_MSCCS,
    HAS_USED,
    HAS_USED_BEFORE,
    HAS_USED_EVENTS,
    HAS_USED_OCTETS,
    HAS_USED_SECONDS,
)
from gy_interface.avp_codes import SERVICE_IDENTIFIER, USED_SERVICE_UNIT
from gy_interface.avp_header import BAD_SIZE, read_avp_header
from gy_interface.ccr_faults import fail, has_length
from gy_interface.ccr_mscc import add_used, begin_mscc
from gy_interface.octets import load32
from vocabulary.kernel import inlined_kernel, kernel
from vocabulary.limits import MSCCS_PER_REQUEST_MAX, SESSION_ID_OCTETS_MAX
from vocabulary.outcomes import Outcome

_UNDECIDED = int(Outcome.UNDECIDED)
_INVALID_AVP_VALUE = int(Outcome.INVALID_AVP_VALUE)
_TOO_MANY_TIMES = int(Outcome.AVP_OCCURS_TOO_MANY_TIMES)
_UNABLE_TO_DELIVER = int(Outcome.UNABLE_TO_DELIVER)
_OF_USE = HAS_USED | HAS_USED_OCTETS | HAS_USED_SECONDS | HAS_USED_EVENTS | HAS_USED_BEFORE


@inlined_kernel
def _is_of_use(mscc):
    """Does it report anything?"""
    return max(mscc.used_octets, mscc.used_seconds, mscc.used_events) > 0


@kernel
def add_units_beside(batch, row, at, end):
    """Append an MSCC of the Used-Service-Units that stand beside the MSCCs of the command, octets[at:end].

    It is recorded and not charged, since the MSCCs may say the same again (docs/diameter.md). 5009 where no MSCC more fits;
    nothing is appended where nothing was used.
    """
    octets, request = batch.octets, batch.requests[row]
    if request.mscc_count == MSCCS_PER_REQUEST_MAX:
        fail(request, _TOO_MANY_TIMES, at, 0, USED_SERVICE_UNIT)
        return
    mscc = batch.msccs[begin_mscc(batch, row)]
    mscc.outcome = _INVALID_AVP_VALUE
    while at < end:
        key, header, size = read_avp_header(octets, at, end)
        if size == BAD_SIZE:
            break
        if key == USED_SERVICE_UNIT:
            add_used(request, mscc, octets, at, header, size)
        elif key == SERVICE_IDENTIFIER and mscc.service_identifier < 0:
            if has_length(request, at, header, size, key, 4):
                mscc.service_identifier = load32(octets, at + header)
        at += (size + 3) & ~3
    if not _is_of_use(mscc):
        batch.counts[COUNT_MSCCS] -= 1
        request.mscc_count -= 1


@inlined_kernel
def _has_session(request):
    """Is it told whose session the request is of? What was sent to another server is that one's."""
    return (
        request.outcome != _UNABLE_TO_DELIVER
        and request.request_type != 0
        and 0 < request.session_id_length <= SESSION_ID_OCTETS_MAX
    )


@kernel
def keep_report(batch, request):
    """Keep of a request at fault, the last one of the batch, the MSCCs that report use; its outcome is then its `refusal`.

    One that reports nothing, or of no session, keeps its outcome, and has neither MSCCs nor identities.
    """
    first, kept = np.int64(request.mscc_first), 0
    if _has_session(request):
        for place in range(first, first + request.mscc_count):
            if _is_of_use(batch.msccs[place]):
                batch.msccs[first + kept] = batch.msccs[place]
                mscc = batch.msccs[first + kept]
                mscc.presence &= np.uint32(_OF_USE)
                mscc.requested_octets = 0
                mscc.requested_seconds = 0
                mscc.requested_events = 0
                kept += 1
    request.mscc_count = kept
    batch.counts[COUNT_MSCCS] = first + kept
    if kept > 0:
        request.refusal = request.outcome
        request.outcome = _UNDECIDED
    else:
        batch.counts[COUNT_IDENTITIES] = request.identity_first
        request.identity_count = 0

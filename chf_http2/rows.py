"""Requests that Python read, packed, to rows of a batch by one kernel a tick: digests and places cost no Python.

requests.py packs a request into a NCHF_REQUEST row, a NCHF_MSCC row for each rating group, and its texts next to each other:
session id, consumer's name, notifyUri, each identity, carried information. What the rows of a batch say besides is the same
for all requests of the front end.
"""

from struct import Struct
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from charging.batch import (
    COUNT_IDENTITIES,
    COUNT_MSCCS,
    COUNT_OCTETS,
    COUNT_REQUESTS,
    UsageBatch,
    new_usage_batch,
)
from charging.batch_rows import name_session_and_identity
from vocabulary.held import held, kind_of
from vocabulary.kernel import kernel
from vocabulary.limits import BATCH_IDENTITIES_MAX, BATCH_MSCCS_MAX, BATCH_OCTETS_MAX, BATCH_REQUESTS_MAX
from vocabulary.octets import copy_octets
from vocabulary.outcomes import Outcome

_UNDECIDED = int(Outcome.UNDECIDED)

NCHF_REQUEST_DTYPE: Final = np.dtype(
    [
        ("waiting", np.uint32),  # who waits for the answer: comes back as hop_by_hop
        ("request_number", np.uint32),
        ("presence", np.uint32),
        ("body_hash", np.uint32),
        ("information_hash", np.uint32),
        ("service_context", np.int32),
        ("event_ns", np.int64),
        ("account_id", np.int64),  # -1 where an identity is to lead to it
        ("mscc_count", np.int32),
        ("identity_count", np.int32),
        ("session_id_length", np.int32),
        ("consumer_length", np.int32),
        ("notify_uri_length", np.int32),
        ("information_length", np.int32),
        ("request_type", np.uint8),
    ]
)
REQUEST_PACKER: Final = Struct("<IIIIIiqqiiiiiiB")
NCHF_MSCC_DTYPE: Final = np.dtype(
    [
        ("rating_group", np.int64),
        ("requested_octets", np.int64),
        ("requested_seconds", np.int64),
        ("requested_events", np.int64),
        ("used_octets", np.int64),
        ("used_seconds", np.int64),
        ("used_events", np.int64),
        ("presence", np.uint32),
    ]
)
MSCC_PACKER: Final = Struct("<qqqqqqqI")
NCHF_IDENTITY_DTYPE: Final = np.dtype([("kind", np.int32), ("length", np.int32)])
IDENTITY_PACKER: Final = Struct("<ii")

assert REQUEST_PACKER.size == NCHF_REQUEST_DTYPE.itemsize
assert MSCC_PACKER.size == NCHF_MSCC_DTYPE.itemsize
assert IDENTITY_PACKER.size == NCHF_IDENTITY_DTYPE.itemsize


class PackedRows(NamedTuple):
    """What requests.py packs for one tick."""

    requests: NDArray[np.void]  # NCHF_REQUEST_DTYPE
    msccs: NDArray[np.void]  # NCHF_MSCC_DTYPE
    identities: NDArray[np.void]  # NCHF_IDENTITY_DTYPE
    octets: NDArray[np.uint8]


class TickMemory(NamedTuple):
    """What placing needs of a front end."""

    packed: PackedRows
    batch: UsageBatch
    secret: NDArray[np.uint64]  # (2,)


def new_packed_rows(
    requests_max: int = BATCH_REQUESTS_MAX,
    msccs_max: int = BATCH_MSCCS_MAX,
    identities_max: int = BATCH_IDENTITIES_MAX,
    octets_max: int = BATCH_OCTETS_MAX,
) -> PackedRows:
    """Room for the requests of a tick, as much as a batch has."""
    return PackedRows(
        np.zeros(requests_max, NCHF_REQUEST_DTYPE),
        np.zeros(msccs_max, NCHF_MSCC_DTYPE),
        np.zeros(identities_max, NCHF_IDENTITY_DTYPE),
        np.zeros(octets_max, np.uint8),
    )


HELD_TICK: Final = kind_of(TickMemory(new_packed_rows(1, 1, 1, 1), new_usage_batch(1, 1, 1), np.zeros(2, np.uint64)))


@kernel
def place_packed(tick_octets, count, tenant, now_ns):
    """The first `count` packed requests as the rows of the tick's batch, which is emptied before."""
    tick = held(tick_octets, HELD_TICK)
    batch, packed = tick.batch, tick.packed
    for index in range(batch.counts.shape[0]):
        batch.counts[index] = 0
    for row in range(count):
        _place_request(batch, packed, row, tick.secret, tenant, now_ns)
        batch.counts[COUNT_REQUESTS] = row + 1


@kernel
def _place_request(batch, packed, row, secret, tenant, now_ns):
    said, request = packed.requests[row], batch.requests[row]
    at = batch.counts[COUNT_OCTETS]
    _place_facts(request, said, tenant, now_ns)
    request.message_offset = at
    request.session_id_offset = at
    request.session_id_length = said.session_id_length
    request.origin_host_offset = request.session_id_offset + request.session_id_length
    request.origin_host_length = said.consumer_length
    request.origin_realm_offset = request.origin_host_offset + request.origin_host_length
    request.origin_realm_length = said.notify_uri_length
    behind = np.int64(request.origin_realm_offset + request.origin_realm_length)
    behind = _place_identities(batch, packed, request, row, behind)
    request.service_information_offset = behind
    request.service_information_length = said.information_length
    behind += said.information_length
    request.message_length = behind - at
    copy_octets(packed.octets, at, batch.octets, at, behind - at)
    batch.counts[COUNT_OCTETS] = behind
    _place_msccs(batch, packed, request, said, row)
    request.identity_high = np.uint64(0)
    request.identity_low = np.uint64(0)
    name_session_and_identity(batch, request, secret)


@kernel
def _place_facts(request, said, tenant, now_ns):
    """What is said of the request itself, and what is the same for all."""
    request.account_id = said.account_id
    request.event_ns = said.event_ns
    request.received_ns = now_ns
    request.hop_by_hop = said.waiting
    request.end_to_end = 0
    request.request_number = said.request_number
    request.body_hash = said.body_hash
    request.service_information_hash = said.information_hash
    request.presence = said.presence
    request.connection = -1
    request.front_end = 0
    request.handed_tick = 0
    request.handed_row = 0
    request.connection_epoch = 0
    request.peer = 0
    request.tenant = tenant
    request.identity_epoch = 0
    request.service_context = said.service_context
    request.requested_action = 0
    request.termination_cause = 0
    request.slot = -1
    request.credit_first = 0
    request.credit_count = 0
    request.failed_offset = 0
    request.failed_length = 0
    request.failed_code = 0
    request.failed_vendor = 0
    request.answered = -1
    request.command_id = -1
    request.kind = 0
    request.request_type = said.request_type
    request.command = 0
    request.outcome = _UNDECIDED
    request.moves = 0


@kernel
def _place_identities(batch, packed, request, row, behind):
    first = batch.counts[COUNT_IDENTITIES]
    count = np.int64(packed.requests[row].identity_count)
    request.identity_first = first
    request.identity_count = count
    for index in range(first, first + count):
        identity = batch.identities[index]
        identity.offset = behind
        identity.length = packed.identities[index].length
        identity.kind = packed.identities[index].kind
        identity.request = row
        behind += identity.length
    batch.counts[COUNT_IDENTITIES] = first + count
    return behind


@kernel
def _place_msccs(batch, packed, request, said, row):
    first = batch.counts[COUNT_MSCCS]
    request.mscc_first = first
    request.mscc_count = said.mscc_count
    for index in range(first, first + said.mscc_count):
        source, mscc = packed.msccs[index], batch.msccs[index]
        mscc.rating_group = source.rating_group
        mscc.service_identifier = -1
        mscc.requested_octets = source.requested_octets
        mscc.requested_seconds = source.requested_seconds
        mscc.requested_events = source.requested_events
        mscc.used_octets = source.used_octets
        mscc.used_seconds = source.used_seconds
        mscc.used_events = source.used_events
        mscc.presence = source.presence
        mscc.request = row
        mscc.reporting_reason = -1
        mscc.outcome = _UNDECIDED
    batch.counts[COUNT_MSCCS] = first + said.mscc_count

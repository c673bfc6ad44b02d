"""The memory of a front end's tick: requests as they arrived, then packed, then rows of a batch.

Who reads a body, usual_bodies.py or requests.py, packs a PACKED_REQUEST row, a PACKED_MSCC row for each rating group and UPF, a
PACKED_IDENTITY row for each identity, and its texts next to each other: session id, consumer's name, notifyUri, each
identity, carried information, echo. rows.py places them.

The echo is what an answer repeats and nobody decides by: `invocationSequenceNumber` and the features that both sides support,
NO_FEATURES where the consumer says nothing of them, each uint32 little-endian; then for each MSCC row an octet that says
how long its uPFID is, and that.
"""

from struct import Struct
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from charging.batch import UsageBatch, new_usage_batch
from chf_http2.carried import CARRIED
from vocabulary.held import kind_of
from vocabulary.limits import (
    BATCH_IDENTITIES_MAX,
    BATCH_MSCCS_MAX,
    BATCH_OCTETS_MAX,
    BATCH_REQUESTS_MAX,
    MSCCS_PER_REQUEST_MAX,
)

NOTIFY_URI_OCTETS_MAX: Final = 1024
CARRIED_MAX: Final = 1 + len(CARRIED)
"""Members of a body that can be carried; usage is one more."""
KNOWN_VALUES_MAX: Final = 1 << 16
UPF_ID_OCTETS_MAX: Final = 255
ECHO_PACKER: Final = Struct("<II")
NO_FEATURES: Final = 0xFFFFFFFF
REQUEST_TEXTS_MAX: Final = 1 << 19
"""More octets than the texts of one body can have, and what else is written behind them on the way."""
ARRIVED_OCTETS_MAX: Final = 1 << 21

# Columns of `counts`
TICK_REQUESTS: Final = 0
TICK_MSCCS: Final = 1
TICK_IDENTITIES: Final = 2
TICK_OCTETS: Final = 3
TICK_ARRIVED: Final = 4

ARRIVED_DTYPE: Final = np.dtype(
    [
        ("waiting", np.uint32),  # who waits for the answer: comes back as hop_by_hop
        ("ref_at", np.int32),
        ("ref_length", np.int32),
        ("body_at", np.int32),
        ("body_length", np.int32),
        ("request_type", np.uint8),  # INITIAL of a create, also of one that is an event
        ("gives_quota", np.uint8),  # not where usage is reported alone
    ]
)
ARRIVED_PACKER: Final = Struct("<IiiiiBB")
PACKED_REQUEST_DTYPE: Final = np.dtype(
    [
        ("waiting", np.uint32),
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
        ("echo_length", np.int32),
        ("request_type", np.uint8),
    ]
)
REQUEST_PACKER: Final = Struct("<IIIIIiqqiiiiiiiB")
PACKED_MSCC_DTYPE: Final = np.dtype(
    [
        ("rating_group", np.int64),
        ("requested_octets", np.int64),
        ("requested_seconds", np.int64),
        ("requested_events", np.int64),
        ("used_octets", np.int64),
        ("used_seconds", np.int64),
        ("used_events", np.int64),
        ("before_octets", np.int64),
        ("before_seconds", np.int64),
        ("before_events", np.int64),
        ("presence", np.uint32),
        ("upf", np.uint32),  # digest of the uPFID; 0: none is named
    ]
)
MSCC_PACKER: Final = Struct("<qqqqqqqqqqII")
PACKED_IDENTITY_DTYPE: Final = np.dtype([("kind", np.int32), ("length", np.int32)])
IDENTITY_PACKER: Final = Struct("<ii")
FACTS_DTYPE: Final = np.dtype(
    [
        ("subscriber_at", np.int64),  # places in arrived.octets; length -1 where a member is absent
        ("subscriber_length", np.int64),
        ("consumer_at", np.int64),
        ("consumer_length", np.int64),
        ("notify_uri_at", np.int64),
        ("notify_uri_length", np.int64),
        ("specification_at", np.int64),
        ("specification_length", np.int64),
        ("event_type_at", np.int64),
        ("event_type_length", np.int64),
        ("gpsi_at", np.int64),
        ("gpsi_length", np.int64),
        ("function_context", np.int64),
        ("charging_id", np.int64),
        ("sequence_number", np.int64),
        ("features", np.int64),
        ("invocation_ns", np.int64),
        ("last_trigger_ns", np.int64),
        ("is_retransmission", np.int64),
        ("is_event", np.int64),
        ("carried_count", np.int64),
        (
            "has_details",
            np.int64,
        ),  # multipleUnitUsage has members that charging doesn't interpret: it is carried, first
        ("mscc_count", np.int64),
        ("rating_group", np.int64),  # of the usage that is being read
        ("upf_at", np.int64),
        ("upf_length", np.int64),
        ("upf", np.uint32),
        ("containers", np.int64),  # of that usage; of these are offline
        ("offline_containers", np.int64),
        ("presence", np.uint32),
    ]
)

assert ARRIVED_PACKER.size == ARRIVED_DTYPE.itemsize
assert REQUEST_PACKER.size == PACKED_REQUEST_DTYPE.itemsize
assert MSCC_PACKER.size == PACKED_MSCC_DTYPE.itemsize
assert IDENTITY_PACKER.size == PACKED_IDENTITY_DTYPE.itemsize


class ArrivedRequests(NamedTuple):
    """What came, unread: `octets` has the ref of each request, empty for a create, and its body."""

    heads: NDArray[np.void]  # ARRIVED_DTYPE
    octets: NDArray[np.uint8]


class PackedRows(NamedTuple):
    """What was read of a tick's requests."""

    requests: NDArray[np.void]  # PACKED_REQUEST_DTYPE
    msccs: NDArray[np.void]  # PACKED_MSCC_DTYPE
    identities: NDArray[np.void]  # PACKED_IDENTITY_DTYPE
    octets: NDArray[np.uint8]
    mscc_octets: NDArray[np.uint8]  # those of msccs


class TickMemory(NamedTuple):
    """Arrays of one front end."""

    arrived: ArrivedRequests
    packed: PackedRows
    batch: UsageBatch
    counts: NDArray[np.int64]  # (5,) TICK_REQUESTS ...
    secret: NDArray[np.uint64]  # (2,) of the store
    tenant: NDArray[np.int64]  # (1,) whose subscribers are asked for
    known: NDArray[np.uint64]  # (KNOWN_VALUES_MAX, 2) digests of values that the schema accepted
    stop: NDArray[np.int64]  # (3,) member, place and end of the value that is to be accepted
    facts: NDArray[np.void]  # (1,) FACTS_DTYPE of the request that is being read
    carried: NDArray[np.int64]  # (CARRIED_MAX, 3) row of the member, place and end of its value
    upf_ids: NDArray[np.int64]  # (MSCCS_PER_REQUEST_MAX, 2) place and length
    amounts: NDArray[np.int64]  # (3,) octets, seconds, events of what is being read
    requested: NDArray[np.int64]  # (3,) sums of the usage that is being read
    used: NDArray[np.int64]  # (3,)


def new_packed_rows(
    requests_max: int = BATCH_REQUESTS_MAX,
    msccs_max: int = BATCH_MSCCS_MAX,
    identities_max: int = BATCH_IDENTITIES_MAX,
    octets_max: int = BATCH_OCTETS_MAX,
) -> PackedRows:
    """Room for the requests of a tick, as much as a batch has."""
    msccs = np.zeros(msccs_max, PACKED_MSCC_DTYPE)
    return PackedRows(
        np.zeros(requests_max, PACKED_REQUEST_DTYPE),
        msccs,
        np.zeros(identities_max, PACKED_IDENTITY_DTYPE),
        np.zeros(octets_max, np.uint8),
        msccs.view(np.uint8),
    )


def new_tick_memory(
    batch: UsageBatch,
    packed: PackedRows,
    secret: NDArray[np.uint64],
    tenant: int,
    *,
    arrived_octets: NDArray[np.uint8] | None = None,
    known_values_max: int = KNOWN_VALUES_MAX,
) -> TickMemory:
    """Memory of a front end whose rows go to `batch`.

    arrived_octets   what the heads of requests point into; None: an array of its own
    """
    if arrived_octets is None:
        arrived_octets = np.zeros(ARRIVED_OCTETS_MAX, np.uint8)
    return TickMemory(
        ArrivedRequests(np.zeros(packed.requests.size, ARRIVED_DTYPE), arrived_octets),
        packed,
        batch,
        np.zeros(5, np.int64),
        secret,
        np.full(1, tenant, np.int64),
        np.zeros((known_values_max, 2), np.uint64),
        np.zeros(3, np.int64),
        np.zeros(1, FACTS_DTYPE),
        np.zeros((CARRIED_MAX, 3), np.int64),
        np.zeros((MSCCS_PER_REQUEST_MAX, 2), np.int64),
        *(np.zeros(3, np.int64) for _ in range(3)),
    )


HELD_TICK: Final = kind_of(
    new_tick_memory(
        new_usage_batch(1, 1, 1),
        new_packed_rows(1, 1, 1, 1),
        np.zeros(2, np.uint64),
        0,
        arrived_octets=np.zeros(1, np.uint8),
        known_values_max=1,
    )
)

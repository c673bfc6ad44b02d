"""Bodies of create, update and release to packed rows: who, which session, what was used, what is asked for.

What can't be charged is refused here, with the member's place in the body, before a row is made of it.
"""

from datetime import datetime
from typing import Final, NamedTuple
from zlib import crc32

import msgspec

from charging.batch import (
    EVENT,
    HAS_EVENT_TIMESTAMP,
    HAS_REQUESTED,
    HAS_REQUESTED_ACTION,
    HAS_REQUESTED_EVENTS,
    HAS_REQUESTED_OCTETS,
    HAS_REQUESTED_SECONDS,
    HAS_USED,
    HAS_USED_EVENTS,
    HAS_USED_OCTETS,
    HAS_USED_SECONDS,
    INITIAL,
    IS_RETRANSMISSION,
    RENEWS_ROUTE,
    TERMINATION,
    UPDATE,
)
from chf_http2.carried import carried_information
from chf_http2.charging_data_ref import SESSION_PREFIX, Refs, SessionName
from chf_http2.errors import RequestRefused
from chf_http2.identities import identities_of
from chf_http2.problems import invalid, missing, problem
from chf_http2.routes import Operation, Route
from chf_http2.rows import IDENTITY_PACKER, MSCC_PACKER, REQUEST_PACKER, PackedRows
from chf_http2.schema import ChargingDataRequest, MultipleUnitUsage, RequestedUnit, UsedUnitContainer
from vocabulary.instants import INSTANT_NS_MAX
from vocabulary.limits import (
    DIAMETER_MESSAGE_OCTETS_MAX,
    IDENTITY_OCTETS_MAX,
    MSCCS_PER_REQUEST_MAX,
    SESSION_ID_OCTETS_MAX,
    UNITS_MAX,
)

SERVICE_CONTEXTS: Final = {"SMF": 32255, "SMSF": 32274, "IMS_Node": 32260, "AMF": 32256}
"""Middle tier specification by the consumer's function, where `serviceSpecificationInfo` doesn't name it."""
NO_SERVICE_CONTEXT: Final = -1
NOTIFY_URI_OCTETS_MAX: Final = 1024
_REQUEST_TYPES: Final = {Operation.CREATE: INITIAL, Operation.UPDATE: UPDATE, Operation.RELEASE: TERMINATION}
_FOR_RECORDS: Final = "information of services and names together at most"
"""The texts of a row, which has no more room for them than a Diameter message (DIAMETER_MESSAGE_OCTETS_MAX)."""
_WRAP: Final = 2**32
_MICROS_PER_S: Final = 1_000_000
_NS_PER_MICRO: Final = 1000


class Units:
    """What one rating group of a request asks for and reports, its containers and UPFs summed."""

    __slots__ = ("presence", "requested", "upf_id", "used")

    def __init__(self) -> None:
        self.presence = 0
        self.requested = [0, 0, 0]
        """octets, seconds, events"""
        self.used = [0, 0, 0]
        self.upf_id: str | None = None
        """the first that is named: it is echoed"""


class Packed(NamedTuple):
    """A request that was packed: the name of its session, its rating groups in the order of its MSCC rows."""

    name: str
    units: dict[int, Units]


def _octets_of(amounts: RequestedUnit | UsedUnitContainer) -> int | None:
    """The total, or both directions together; None where no volume is said."""
    if amounts.total_volume is not None:
        return amounts.total_volume
    if amounts.uplink_volume is None and amounts.downlink_volume is None:
        return None
    return (amounts.uplink_volume or 0) + (amounts.downlink_volume or 0)


class RequestReader:
    """Packs the requests of a front end.

    wraps_volumes   a negative volume is one that passed 2 GiB in 32 bits; else it is refused
    """

    def __init__(self, refs: Refs, packed: PackedRows, *, wraps_volumes: bool) -> None:
        self._refs = refs
        self._wraps_volumes = wraps_volumes
        self._decoder = msgspec.json.Decoder(ChargingDataRequest)
        self._requests = packed.requests.view("u1").data
        self._msccs = packed.msccs.view("u1").data
        self._identities = packed.identities.view("u1").data
        self._octets = packed.octets.data
        self._msccs_max = packed.msccs.shape[0]
        self._identities_max = packed.identities.shape[0]
        self.request_count = self._mscc_count = self._identity_count = self._octet_count = 0

    def clear(self) -> None:
        """Begin a tick."""
        self.request_count = self._mscc_count = self._identity_count = self._octet_count = 0

    @property
    def is_full(self) -> bool:
        """Might the next request find no room? Then the tick is over."""
        return (
            (self.request_count + 1) * REQUEST_PACKER.size >= len(self._requests)
            or self._mscc_count + MSCCS_PER_REQUEST_MAX > self._msccs_max
            or self._identity_count + 2 > self._identities_max
            or self._octet_count + (1 << 19) > len(self._octets)
        )

    def decode(self, body: bytes) -> ChargingDataRequest:
        """The body by the schema. msgspec.ValidationError names the member, msgspec.DecodeError the place."""
        return self._decoder.decode(body)

    def pack(
        self, route: Route, session: SessionName | None, said: ChargingDataRequest, body: bytes, waiting: int
    ) -> Packed:
        """Pack a request. RequestRefused.

        session   whose ref the path has; None for a create
        waiting   comes back with the answer
        """
        units = self._units_of(said, gives_quota=not route.service.is_offline_only)
        msccs = b"".join(
            [MSCC_PACKER.pack(group, *one.requested, *one.used, one.presence) for group, one in units.items()]
        )
        consumer = (said.nf_consumer_identification.nf_name or "").encode()
        notify_uri = (said.notify_uri or "").encode()
        if len(consumer) > SESSION_ID_OCTETS_MAX:
            raise RequestRefused(invalid("/nfConsumerIdentification/nFName", f"at most {SESSION_ID_OCTETS_MAX} octets"))
        if len(notify_uri) > NOTIFY_URI_OCTETS_MAX:
            raise RequestRefused(invalid("/notifyUri", f"at most {NOTIFY_URI_OCTETS_MAX} octets"))
        identities: list[tuple[int, bytes]] = []
        if session is None:
            identities = _subscribers(said)
            name, account_id = self._refs.name_of(_unlike_others(said, consumer, notify_uri, msccs)), -1
        else:
            name, account_id = session
        number = _number_of(route.operation, said, msccs)
        information = carried_information(body)
        session_id = f"{SESSION_PREFIX}{name}".encode()
        texts = b"".join((session_id, consumer, notify_uri, *(value for _, value in identities), information))
        if len(texts) > DIAMETER_MESSAGE_OCTETS_MAX:
            raise RequestRefused(
                problem(413, "INVALID_MSG_FORMAT", f"{_FOR_RECORDS} {DIAMETER_MESSAGE_OCTETS_MAX} octets")
            )
        REQUEST_PACKER.pack_into(
            self._requests,
            self.request_count * REQUEST_PACKER.size,
            waiting,
            number.request_number,
            number.presence | (RENEWS_ROUTE if notify_uri else 0),
            number.body_hash,
            crc32(information),
            _service_context(said),
            _reported_ns(said),
            account_id,
            len(units),
            len(identities),
            len(session_id),
            len(consumer),
            len(notify_uri),
            len(information),
            number.request_type,
        )
        self._append(msccs, identities, texts)
        self.request_count += 1
        return Packed(name, units)

    def _append(self, msccs: bytes, identities: list[tuple[int, bytes]], texts: bytes) -> None:
        at = self._mscc_count * MSCC_PACKER.size
        self._msccs[at : at + len(msccs)] = msccs
        self._mscc_count += len(msccs) // MSCC_PACKER.size
        for kind, value in identities:
            IDENTITY_PACKER.pack_into(self._identities, self._identity_count * IDENTITY_PACKER.size, kind, len(value))
            self._identity_count += 1
        self._octets[self._octet_count : self._octet_count + len(texts)] = texts
        self._octet_count += len(texts)

    def _units_of(self, said: ChargingDataRequest, *, gives_quota: bool) -> dict[int, Units]:
        """Wishes and reports by rating group: quota is the rating group's, however many UPFs and containers there are."""
        units: dict[int, Units] = {}
        for index, usage in enumerate(said.multiple_unit_usage or ()):
            one = units.get(usage.rating_group)
            if one is None:
                if len(units) == MSCCS_PER_REQUEST_MAX:
                    raise RequestRefused(
                        invalid("/multipleUnitUsage", f"at most {MSCCS_PER_REQUEST_MAX} rating groups")
                    )
                one = units[usage.rating_group] = Units()
            self._add(one, usage, f"/multipleUnitUsage/{index}", gives_quota=gives_quota)
        return units

    def _add(self, one: Units, usage: MultipleUnitUsage, place: str, *, gives_quota: bool) -> None:
        asked = usage.requested_unit if gives_quota else None
        if asked is not None:
            one.presence |= HAS_REQUESTED | self._sum(one.requested, asked, _REQUESTED_BITS, place, "requestedUnit")
        if one.upf_id is None:
            one.upf_id = usage.upf_id
        for index, used in enumerate(usage.used_unit_container or ()):
            one.presence |= HAS_USED | self._sum(one.used, used, _USED_BITS, place, f"usedUnitContainer/{index}")

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
        for index, amount in enumerate((_octets_of(amounts), amounts.time, amounts.service_specific_units)):
            if amount is None:
                continue
            presence |= bits[index]
            if amount < 0:
                if not self._wraps_volumes:
                    reason = "a volume is negative: where the consumer counts in 32 bits set chf.wraps_volumes"
                    raise RequestRefused(invalid(f"{place}/{member}", reason))
                amount += _WRAP
            sums[index] += amount
            if sums[index] > UNITS_MAX:
                raise RequestRefused(invalid(f"{place}/{member}", f"units together at most {UNITS_MAX}"))
        return presence


_REQUESTED_BITS: Final = (HAS_REQUESTED_OCTETS, HAS_REQUESTED_SECONDS, HAS_REQUESTED_EVENTS)
_USED_BITS: Final = (HAS_USED_OCTETS, HAS_USED_SECONDS, HAS_USED_EVENTS)


def _subscribers(said: ChargingDataRequest) -> list[tuple[int, bytes]]:
    """Whom a create charges. RequestRefused: it names nobody, or too long."""
    identities = identities_of(said)
    if not identities:
        raise RequestRefused(missing("/subscriberIdentifier", "a create names whom to charge"))
    for _, value in identities:
        if len(value) > IDENTITY_OCTETS_MAX:
            raise RequestRefused(invalid("/subscriberIdentifier", f"at most {IDENTITY_OCTETS_MAX} octets"))
    return identities


class _Number(NamedTuple):
    """How a request is known again within its session."""

    request_type: int
    request_number: int
    body_hash: int
    presence: int


def _number_of(operation: Operation, said: ChargingDataRequest, msccs: bytes) -> _Number:
    """The consumer's number; of one that doesn't count, a number made of the request.

    Who counts is past 0 behind its create. Who sends 0 again (free5GC's SMF) has requests that are told apart by units and
    time alone; a number made of these lets the same request have the same number, and no flag is needed to know it again.
    """
    request_type = _REQUEST_TYPES[operation]
    body_hash = crc32(msccs, request_type)
    presence = HAS_EVENT_TIMESTAMP | (IS_RETRANSMISSION if said.retransmission_indicator else 0)
    if operation is Operation.CREATE:
        if said.one_time_event:
            presence |= HAS_REQUESTED_ACTION
            request_type = EVENT
    elif said.invocation_sequence_number == 0:
        body_hash = crc32(said.invocation_time_stamp.isoformat().encode(), body_hash)
        return _Number(request_type, body_hash, body_hash, HAS_EVENT_TIMESTAMP)
    return _Number(request_type, said.invocation_sequence_number, body_hash, presence)


def _unlike_others(said: ChargingDataRequest, consumer: bytes, notify_uri: bytes, msccs: bytes) -> bytes:
    """What makes a create unlike any other, and like itself when it is sent again."""
    facts = (
        said.subscriber_identifier,
        said.charging_id,
        said.invocation_sequence_number,
        said.invocation_time_stamp.isoformat(),
        said.one_time_event_type,
    )
    return b"\0".join((repr(facts).encode(), consumer, notify_uri, msccs))


def _service_context(said: ChargingDataRequest) -> int:
    """The number in `32255@3gpp.org`, else that of the consumer's function."""
    number = (said.service_specification_info or "").partition("@")[0]
    if number.isascii() and number.isdigit() and len(number) <= 9:
        return int(number)
    return SERVICE_CONTEXTS.get(said.nf_consumer_identification.node_functionality, NO_SERVICE_CONTEXT)


def _reported_ns(said: ChargingDataRequest) -> int:
    """When the usage that is reported ended, in ns: the last container's trigger, else the request itself."""
    last: datetime | None = None
    for usage in said.multiple_unit_usage or ():
        for used in usage.used_unit_container or ():
            stamp = used.trigger_timestamp
            if stamp is not None and (last is None or stamp > last):
                last = stamp
    reported_ns = int((last or said.invocation_time_stamp).timestamp() * _MICROS_PER_S) * _NS_PER_MICRO
    return max(-INSTANT_NS_MAX, min(reported_ns, INSTANT_NS_MAX))  # a year that nobody believes anyway

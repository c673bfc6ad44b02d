"""Bodies of create, update and release to packed rows: who, which session, what was used, what is asked for.

What can't be charged is refused here, with the member's place in the body, before a row is made of it.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from charging.batch import (
    EVENT,
    HAS_EVENT_TIMESTAMP,
    HAS_REQUESTED_ACTION,
    HAS_USED,
    INITIAL,
    IS_RETRANSMISSION,
    REPORTS_ALONE,
    TERMINATION,
    UPDATE,
)
from chf_http2.carried import Carried, carried_information, omitted_information, other_members
from chf_http2.charging_data_ref import SESSION_PREFIX, Refs, SessionName
from chf_http2.errors import RequestRefused
from chf_http2.features import common_features
from chf_http2.identities import identities_of, identity_of
from chf_http2.json_octets import nesting_of
from chf_http2.notify_uris import EXPECTED, is_notify_uri
from chf_http2.numbering import STAMP_PACKER, UNLIKE_PACKER, information_digest, information_hash, units_hash
from chf_http2.problems import invalid, missing, problem, refusal_problem, validation_problem
from chf_http2.routes import Operation, Route
from chf_http2.schema import ChargingDataRequest
from chf_http2.service_contexts import service_context
from chf_http2.tick_memory import (
    ECHO_PACKER,
    IDENTITY_PACKER,
    MSCC_PACKER,
    NOTIFY_URI_OCTETS_MAX,
    REQUEST_PACKER,
    TICK_IDENTITIES,
    TICK_MSCCS,
    TICK_OCTETS,
    TICK_REQUESTS,
    UPF_ID_OCTETS_MAX,
    TickMemory,
)
from chf_http2.triggers import concerns_record, is_before_change
from chf_http2.units import Units, UnitsReader
from chf_http2.usual_members import BODY, MEMBERS
from chf_http2.whole_numbers import in_usual_form
from vocabulary.instants import INSTANT_NS_MAX
from vocabulary.limits import (
    DIAMETER_MESSAGE_OCTETS_MAX,
    IDENTITY_OCTETS_MAX,
    JSON_NESTING_MAX,
    SESSION_ID_OCTETS_MAX,
)
from vocabulary.outcomes import Outcome

REQUEST_TYPES: Final = {Operation.CREATE: INITIAL, Operation.UPDATE: UPDATE, Operation.RELEASE: TERMINATION}
_FOR_RECORDS: Final = "information of services and names together at most"
"""The texts of a row, which has no more room for them than a Diameter message (DIAMETER_MESSAGE_OCTETS_MAX)."""
_SUPI: Final = "/subscriberIdentifier"
_GPSI: Final = "/pDUSessionChargingInformation/userInformation/servedGPSI"
_ODD_FORMS: Final = ("got `float`", "RFC3339")
"""What the decoder says of a number or an instant that may only be written in another way."""
_TOLD: Final = frozenset(one.name for one in MEMBERS if one.of == BODY)
"""Members of a body whose values tell creates apart, or don't; those of others do, as they are written."""
_NS_PER_MICRO: Final = 1000
_EPOCH: Final = datetime.fromtimestamp(0, UTC)
_MICRO: Final = timedelta(microseconds=1)


class RequestReader:
    """Packs requests of any form into the tick of a front end.

    wraps_volumes   a negative volume is one that passed 2 GiB in 32 bits; else it is refused
    """

    def __init__(self, refs: Refs, tick: TickMemory, *, wraps_volumes: bool) -> None:
        packed = tick.packed
        self._refs = refs
        self._secret = tick.secret
        self._units = UnitsReader(tick.secret, wraps_volumes=wraps_volumes)
        self._decoder = msgspec.json.Decoder(ChargingDataRequest)
        self._counts = tick.counts
        self._requests = packed.requests.view("u1").data
        self._msccs = packed.mscc_octets.data
        self._identities = packed.identities.view("u1").data
        self._octets = packed.octets.data

    def take(self, route: Route, body: bytes, waiting: int) -> None:
        """Pack a request as it came; `waiting` comes back with the answer. RequestRefused."""
        session = None
        if route.operation is not Operation.CREATE:
            session = self._refs.read(route.ref, gives_quota=route.service.gives_quota)
            if session is None:
                raise RequestRefused(refusal_problem(Outcome.UNKNOWN_SESSION_ID))
        try:
            said = self.decode(body)
        except msgspec.ValidationError as error:
            raise RequestRefused(validation_problem(error)) from None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise RequestRefused(problem(400, "INVALID_MSG_FORMAT", str(error))) from None
        self.pack(route, session, said, body, waiting)

    def decode(self, body: bytes) -> ChargingDataRequest:
        """The body by the schema. msgspec.ValidationError names the member, msgspec.DecodeError the place; RequestRefused."""
        depth = int(nesting_of(np.frombuffer(bytearray(body), np.uint8)))
        if depth > JSON_NESTING_MAX:
            detail = f"{depth} lists and objects within one another, at most {JSON_NESTING_MAX}; nothing was charged"
            raise RequestRefused(problem(400, "INVALID_MSG_FORMAT", detail))
        try:
            return self._decoder.decode(body)
        except msgspec.ValidationError as error:
            if not any(word in str(error) for word in _ODD_FORMS):
                raise
        return self._decoder.decode(in_usual_form(body))

    def pack(
        self, route: Route, session: SessionName | None, said: ChargingDataRequest, body: bytes, waiting: int
    ) -> None:
        """Pack a request into the tick, which has room for it. RequestRefused.

        session   whose ref the path has; None for a create
        waiting   comes back with the answer
        """
        request_type = _request_type(route.operation, said)
        units = self._units.read(said, gives_quota=route.service.gives_quota, is_event=request_type == EVENT)
        msccs = b"".join(
            [
                MSCC_PACKER.pack(one.rating_group, *one.requested, *one.used, *one.before, one.presence, one.upf)
                for one in units
            ]
        )
        consumer = _consumer_of(said)
        notify_uri = _notify_uri_of(said)
        stamp_ns = _instant_ns(said.invocation_time_stamp)
        carried = carried_information(body, opens=session is None, has_conditions=_has_conditions(said))
        identities: list[tuple[int, bytes]] = []
        if session is None:
            identities = _subscribers(said)
            unlike = _unlike_others(said, stamp_ns, msccs, information_digest(carried.octets, self._secret))
            unlike += other_members(body, _TOLD)
            name, account_id = self._refs.name_of(unlike, gives_quota=route.service.gives_quota), -1
        else:
            name, account_id = session
        session_id = f"{SESSION_PREFIX}{name}".encode()
        names = b"".join((session_id, consumer, notify_uri, *(value for _, value in identities)))
        room = DIAMETER_MESSAGE_OCTETS_MAX - len(names)
        if len(carried.octets) > room:
            carried = _cut(carried, body, opens=session is None, room=room, reports=_reports(units))
        information = carried.octets
        number = _number_of(route, said, stamp_ns, msccs, self._secret)
        echo = _echo(said, units)
        REQUEST_PACKER.pack_into(
            self._requests,
            int(self._counts[TICK_REQUESTS]) * REQUEST_PACKER.size,
            waiting,
            *number,
            information_hash(information, self._secret) ^ (number[0] if carried.has_reports else 0),
            service_context(said),
            _reported_ns(said, stamp_ns),
            account_id,
            len(units),
            len(identities),
            len(session_id),
            len(consumer),
            len(notify_uri),
            len(information),
            len(echo),
            request_type,
        )
        self._append(msccs, identities, names + information + echo)

    def _append(self, msccs: bytes, identities: list[tuple[int, bytes]], texts: bytes) -> None:
        counts = self._counts
        at = int(counts[TICK_MSCCS]) * MSCC_PACKER.size
        self._msccs[at : at + len(msccs)] = msccs
        for index, (kind, value) in enumerate(identities, int(counts[TICK_IDENTITIES])):
            IDENTITY_PACKER.pack_into(self._identities, index * IDENTITY_PACKER.size, kind, len(value))
        at = int(counts[TICK_OCTETS])
        self._octets[at : at + len(texts)] = texts
        counts[TICK_REQUESTS] += 1
        counts[TICK_MSCCS] += len(msccs) // MSCC_PACKER.size
        counts[TICK_IDENTITIES] += len(identities)
        counts[TICK_OCTETS] += len(texts)


def _reports(units: Sequence[Units]) -> bool:
    """Is something of it used?"""
    return any(one.presence & HAS_USED for one in units)


def _cut(carried: Carried, body: bytes, *, opens: bool, room: int, reports: bool) -> Carried:
    """What a record has of it in at most `room` octets. RequestRefused: there is no room, and no report hangs on it."""
    less = carried_information(
        body, opens=opens, has_conditions=False
    )  # what triggered a report may not cost the report
    if len(less.octets) <= room:
        return less
    if reports:  # nor may its details
        return omitted_information(len(carried.octets))
    detail = f"{_FOR_RECORDS} {DIAMETER_MESSAGE_OCTETS_MAX} octets"
    raise RequestRefused(problem(413, "INVALID_MSG_FORMAT", detail))


def _has_conditions(said: ChargingDataRequest) -> bool:
    """Is usage reported for something that its record is to say?"""
    usages = said.multiple_unit_usage or ()
    return any(concerns_record(used) for usage in usages for used in usage.used_unit_container or ())


def _subscribers(said: ChargingDataRequest) -> list[tuple[int, bytes]]:
    """Whom a create charges. RequestRefused: it names nobody, or too long."""
    identities = identities_of(said)
    if not identities:
        raise RequestRefused(missing(_SUPI, "a create names whom to charge"))
    for identity in identities:
        if len(identity[1]) > IDENTITY_OCTETS_MAX:
            is_supi = identity == identity_of(said.subscriber_identifier or "")
            raise RequestRefused(invalid(_SUPI if is_supi else _GPSI, f"at most {IDENTITY_OCTETS_MAX} octets"))
    return identities


def _consumer_of(said: ChargingDataRequest) -> bytes:
    """The consumer's name; empty where it says none. RequestRefused."""
    consumer = (said.nf_consumer_identification.nf_name or "").encode()
    if len(consumer) > SESSION_ID_OCTETS_MAX:
        raise RequestRefused(invalid("/nfConsumerIdentification/nFName", f"at most {SESSION_ID_OCTETS_MAX} octets"))
    return consumer


def _notify_uri_of(said: ChargingDataRequest) -> bytes:
    """Where it is notified; empty where it doesn't say. RequestRefused: nobody could be notified there."""
    if said.notify_uri is None:
        return b""
    octets = said.notify_uri.encode()
    if len(octets) > NOTIFY_URI_OCTETS_MAX:
        raise RequestRefused(invalid("/notifyUri", f"at most {NOTIFY_URI_OCTETS_MAX} octets"))
    if not is_notify_uri(said.notify_uri):
        raise RequestRefused(invalid("/notifyUri", EXPECTED))
    return octets


def _request_type(operation: Operation, said: ChargingDataRequest) -> int:
    return EVENT if operation is Operation.CREATE and said.one_time_event else REQUEST_TYPES[operation]


def _number_of(
    route: Route, said: ChargingDataRequest, stamp_ns: int, msccs: bytes, secret: NDArray[np.uint64]
) -> tuple[int, int, int]:
    """(number, presence bits, body hash): the consumer's number, or one made of the request; see numbering.py."""
    operation, request_type = route.operation, REQUEST_TYPES[route.operation]
    presence = HAS_EVENT_TIMESTAMP | (0 if route.service.gives_quota else REPORTS_ALONE)
    if said.retransmission_indicator:
        presence |= IS_RETRANSMISSION
    if operation is not Operation.CREATE and said.invocation_sequence_number == 0:
        body_hash = units_hash(msccs + STAMP_PACKER.pack(stamp_ns), secret, request_type)
        return body_hash, presence, body_hash
    if operation is Operation.CREATE and said.one_time_event:
        presence |= HAS_REQUESTED_ACTION
    return said.invocation_sequence_number, presence, units_hash(msccs, secret, request_type)


def _unlike_others(said: ChargingDataRequest, stamp_ns: int, msccs: bytes, carried: tuple[int, int]) -> bytes:
    """What makes a create unlike any other, and like itself when it is sent again. `carried` is a digest (numbering.py)."""
    texts = (
        said.subscriber_identifier,
        said.one_time_event_type,
        said.service_specification_info,
        said.nf_consumer_identification.nf_name,
        said.notify_uri,
    )
    charging_id = -1 if said.charging_id is None else said.charging_id
    facts = UNLIKE_PACKER.pack(charging_id, said.invocation_sequence_number, stamp_ns, *carried)
    return b"\0".join((*((text or "").encode() for text in texts), facts + msccs))


def _echo(said: ChargingDataRequest, units: list[Units]) -> bytes:
    """What an answer repeats; see tick_memory.py. RequestRefused."""
    echo = ECHO_PACKER.pack(said.invocation_sequence_number, common_features(said.supported_features))
    for one in units:
        upf_id = one.upf_id.encode()
        if len(upf_id) > UPF_ID_OCTETS_MAX:
            place = next(
                place for place, usage in enumerate(said.multiple_unit_usage or ()) if usage.upf_id == one.upf_id
            )
            raise RequestRefused(invalid(f"/multipleUnitUsage/{place}/uPFID", f"at most {UPF_ID_OCTETS_MAX} octets"))
        echo += bytes((len(upf_id),)) + upf_id
    return echo


def _reported_ns(said: ChargingDataRequest, stamp_ns: int) -> int:
    """When the usage that is reported ended, in ns: the last container's trigger, else the request itself.

    A container that a tariff change closed doesn't say: what was used since has the same report, in a container that may not.
    """
    last: datetime | None = None
    for usage in said.multiple_unit_usage or ():
        for used in usage.used_unit_container or ():
            stamp = used.trigger_timestamp
            if stamp is not None and (last is None or stamp > last) and not is_before_change(used):
                last = stamp
    return stamp_ns if last is None else _instant_ns(last)


def _instant_ns(moment: datetime) -> int:
    """Its ns; of a year that nobody believes anyway the first or the last that there is."""
    return max(-INSTANT_NS_MAX, min((moment - _EPOCH) // _MICRO * _NS_PER_MICRO, INSTANT_NS_MAX))

"""Members of a body that the kernel of usual_bodies.py knows, as tables: a member more is a row.

KNOWN members are read by nobody here or are the same again and again: their octets are compared with those that the schema
accepted before, of which the front end keeps digests. The first time their type decodes them.
"""

from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from chf_http2.carried import ALONG, CARRIED, REPORTS, reports_in
from chf_http2.schema import ChargingDataRequest, MultipleUnitUsage, RequestedUnit, UsedUnitContainer
from chf_http2.triggers import is_before_change

# What the kernel does with a member's value
KNOWN: Final = 0
"""Look whether its octets were accepted before."""
CONSUMER: Final = 2
"""The same, and the consumer's name and function are read."""
SUBSCRIBER: Final = 3
NOTIFY_URI: Final = 4
SPECIFICATION: Final = 5
EVENT_TYPE: Final = 6
FEATURES_TEXT: Final = 24
"""Known, and what both sides support is answered."""
CHARGING_ID: Final = 7
SEQUENCE_NUMBER: Final = 8
TIME_STAMP: Final = 9
RETRANSMISSION: Final = 10
ONE_TIME_EVENT: Final = 11
USAGES: Final = 12
RATING_GROUP: Final = 13
UPF_ID: Final = 14
REQUESTED: Final = 15
CONTAINERS: Final = 16
OCTETS_TOTAL: Final = 17
OCTETS_UP: Final = 18
OCTETS_DOWN: Final = 19
SECONDS: Final = 20
EVENTS: Final = 21
LOCAL_NUMBER: Final = 22
TRIGGER_TIME: Final = 23
INDICATOR: Final = 25
"""Any text, and usage that is offline asks for no quota."""
DETAIL: Final = 26
"""Known, and multipleUnitUsage goes to the charging record as it came."""
CONDITIONS: Final = 27
"""Known, and the same where one of them isn't of quota (triggers.py)."""

OFFLINE_CHARGING: Final = "OFFLINE_CHARGING"
"""quotaManagementIndicator of usage that no quota is for. What was used while quota management was suspended is debited when
it is reported, as any; a request for quota beside it ends the suspension."""

# Objects
BODY: Final = 0
USAGE: Final = 1
UNITS: Final = 2
CONTAINER: Final = 3
_TYPES: Final[tuple[type[msgspec.Struct], ...]] = (
    ChargingDataRequest,
    MultipleUnitUsage,
    RequestedUnit,
    UsedUnitContainer,
)


class Member(NamedTuple):
    """One member of one object."""

    of: int
    name: str
    does: int


_AMOUNTS: Final = (
    ("time", SECONDS),
    ("totalVolume", OCTETS_TOTAL),
    ("uplinkVolume", OCTETS_UP),
    ("downlinkVolume", OCTETS_DOWN),
    ("serviceSpecificUnits", EVENTS),
)
_OF_BODY: Final = (
    #      object,    member,                     what is done
    Member(BODY, "subscriberIdentifier", SUBSCRIBER),
    Member(BODY, "nfConsumerIdentification", CONSUMER),
    Member(BODY, "invocationTimeStamp", TIME_STAMP),
    Member(BODY, "invocationSequenceNumber", SEQUENCE_NUMBER),
    Member(BODY, "notifyUri", NOTIFY_URI),
    Member(BODY, "chargingId", CHARGING_ID),
    Member(BODY, "multipleUnitUsage", USAGES),
    Member(BODY, "retransmissionIndicator", RETRANSMISSION),
    Member(BODY, "oneTimeEvent", ONE_TIME_EVENT),
    Member(BODY, "oneTimeEventType", EVENT_TYPE),
    Member(BODY, "serviceSpecificationInfo", SPECIFICATION),
    Member(BODY, "supportedFeatures", FEATURES_TEXT),
)
_READ_OF_BODY: Final = frozenset(one.name for one in _OF_BODY)
MEMBERS: Final = (
    *_OF_BODY,
    *(Member(BODY, name, KNOWN) for name in CARRIED if name not in _READ_OF_BODY),
    Member(USAGE, "ratingGroup", RATING_GROUP),
    Member(USAGE, "requestedUnit", REQUESTED),
    Member(USAGE, "usedUnitContainer", CONTAINERS),
    Member(USAGE, "uPFID", UPF_ID),
    Member(USAGE, "multihomedPDUAddress", DETAIL),
    *(Member(UNITS, name, does) for name, does in _AMOUNTS),
    Member(CONTAINER, "localSequenceNumber", LOCAL_NUMBER),
    Member(CONTAINER, "quotaManagementIndicator", INDICATOR),
    Member(CONTAINER, "triggers", CONDITIONS),
    Member(CONTAINER, "triggerTimestamp", TRIGGER_TIME),
    *(Member(CONTAINER, name, does) for name, does in _AMOUNTS),
    Member(CONTAINER, "serviceId", DETAIL),
    Member(CONTAINER, "pDUContainerInformation", DETAIL),
)


def row_of(of: int, name: str) -> int:
    """The row of a member of an object."""
    return next(row for row, one in enumerate(MEMBERS) if (one.of, one.name) == (of, name))


PDU_SESSION: Final = row_of(BODY, "pDUSessionChargingInformation")
"""It may name a further identity."""


def word(text: str) -> NDArray[np.uint8]:
    """A text as kernels compare it."""
    return np.frombuffer(text.encode(), np.uint8)


def words(texts: list[str]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Texts as rows of octets, and their lengths."""
    rows = np.zeros((len(texts), max(map(len, texts))), np.uint8)
    for row, text in enumerate(texts):
        rows[row, : len(text)] = word(text)
    return rows, np.array([len(text) for text in texts], np.int64)


NAMES, NAME_LENGTHS = words([one.name for one in MEMBERS])
IS_CARRIED: Final = np.array([one.of == BODY and one.name in CARRIED for one in MEMBERS], np.bool_)
"""It goes to the charging record as it came."""
IS_ALONG: Final = np.array([one.of == BODY and one.name in ALONG for one in MEMBERS], np.bool_)
"""It isn't carried alone, but by a create."""
DOES: Final = np.array([one.does for one in MEMBERS], np.int64)
FIRST: Final = np.array([min(row for row, one in enumerate(MEMBERS) if one.of == of) for of in range(4)], np.int64)
BEHIND: Final = np.array([1 + max(row for row, one in enumerate(MEMBERS) if one.of == of) for of in range(4)], np.int64)


def _decoder_of(member: Member) -> Any:
    """What accepts the values of a member, by the schema."""
    fields = {field.encode_name: field.type for field in msgspec.structs.fields(_TYPES[member.of])}
    return msgspec.json.Decoder(fields[member.name])


class _UsualTriggers:
    """Accepts the triggers of a container but those of a tariff change, so that requests.py reads all bodies with one."""

    def __init__(self, decoder: Any) -> None:
        self._decoder = decoder

    def decode(self, octets: memoryview) -> None:
        """msgspec.DecodeError: not accepted."""
        if is_before_change(UsedUnitContainer(local_sequence_number=0, triggers=self._decoder.decode(octets))):
            raise msgspec.ValidationError("usage is split at a tariff change")


class _UsualInformation:
    """Accepts a member of a body but where it has reports: no two are the same, and requests.py carries them elsewhere."""

    def __init__(self, name: str, decoder: Any) -> None:
        self._name = name
        self._decoder = decoder

    def decode(self, octets: memoryview) -> None:
        """msgspec.DecodeError: not accepted."""
        self._decoder.decode(octets)
        if reports_in(self._name, bytes(octets)):
            raise msgspec.ValidationError(f"{self._name} has reports")


def _decoders_of(member: Member) -> Any:
    decoder = _decoder_of(member)
    if member.of == CONTAINER and member.name == "triggers":
        return _UsualTriggers(decoder)
    return _UsualInformation(member.name, decoder) if member.of == BODY and member.name in REPORTS else decoder


DECODERS: Final = tuple(_decoders_of(one) for one in MEMBERS)
"""By row of MEMBERS. ValidationError, DecodeError: not accepted."""

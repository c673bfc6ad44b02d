"""What charging doesn't interpret, carried to the charging record as it came, member by member.

What holds for a session is a state: the record has the last that was said of each. What tells of a time, as usage does, is a
report: the next adds to it, so that each is to be on record, and its request ends one.
"""

from typing import Final, NamedTuple

import msgspec

from chf_http2.schema import ChargingDataRequest

INTERPRETED: Final = frozenset(
    {
        "subscriberIdentifier",  # the record's identity
        "invocationTimeStamp",
        "invocationSequenceNumber",
        "retransmissionIndicator",
        "oneTimeEvent",  # its record_kind
        "notifyUri",
        "supportedFeatures",
    }
)
"""Members of a ChargingDataRequest that are read, and of which nothing is left to carry."""
DETAILED: Final = "multipleUnitUsage"
"""Read, too; carried whole behind all other reports, empty where a request has these and no usage. So whoever reads a record
sees by it that there are reports, and where they end."""
CARRIED: Final = tuple(
    field.encode_name
    for field in msgspec.structs.fields(ChargingDataRequest)
    if field.encode_name not in INTERPRETED and field.encode_name != DETAILED
)
ALONG: Final = frozenset(
    {"triggers", "nfConsumerIdentification", "chargingId", "serviceSpecificationInfo", "oneTimeEventType"}
)
"""Carried by what opens a session or is an event; later only where another member is: most requests repeat them, and those that
say nothing else shall cost nothing."""
DETAILS: Final = (
    b'"pDUContainerInformation"',
    b'"nSPAContainerInformation"',
    b'"pC5ContainerInformation"',
    b'"eventTimeStamps"',
    b'"serviceId"',
    b'"multihomedPDUAddress"',
)
"""Members of usage, or of its containers, that charging doesn't interpret."""
REPORTS: Final = {
    "roamingQBCInformation": (b'"multipleQFIcontainer"',),
    "pDUSessionChargingInformation": (b'"rANSecondaryRATUsageReport"',),
    "proSeChargingInformation": (
        b'"pFIContainerInformation"',
        b'"transmissionDataContainer"',
        b'"receptionDataContainer"',
    ),
    "iMSChargingInformation": (
        b'"earlyMediaDescription"',
        b'"messageBodies"',
        b'"calledIdentityChanges"',
        b'"accessTransferInformation"',
        b'"accessNetworkInfoChange"',
    ),
    "mMTelChargingInformation": (b'"supplementaryServices"',),
    "edgeInfrastructureUsageChargingInformation": (b'"durationStartTime"',),
}
"""Members that have reports within: the lists and periods of TS 32.291 §6.1.6.2 that a later request goes on with instead of
repeating them. What stands beside them is a state, so that each is carried by itself, as `<member>.<report>`: the reports
before usage, and the member with what is left of it behind."""
PERIODS: Final = frozenset({"edgeInfrastructureUsageChargingInformation"})
"""Of these, all that stands beside is of the report, too."""
OMITTED: Final = "omittedOctets"
"""Stands for what a record has no room for: how much it would have been."""
_DECODER: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Carried(NamedTuple):
    """A JSON object of members of a body, each octet for octet; empty where there is none."""

    octets: bytes
    has_reports: bool
    """its request ends a record, and is news to the journal also where it says the same as the one before"""


def reports_in(name: str, value: bytes) -> bool:
    """Has a member reports within? Words of its texts may look like one."""
    return any(word in value for word in REPORTS.get(name, ()))


def carried_information(body: bytes, *, opens: bool, has_conditions: bool) -> Carried:
    """What of a body goes to the charging record.

    opens            of a create
    has_conditions   a trigger of its usage concerns the record (triggers.py), which counts as a detail
    """
    members = _DECODER.decode(body)
    states = {name: value for name, value in members.items() if name in CARRIED}
    reports: dict[str, msgspec.Raw] = {}
    for name in REPORTS:
        if name in states and reports_in(name, bytes(states[name])):
            reports |= _take_reports(states, name)
    usage = members.get(DETAILED)
    has_details = usage is not None and (has_conditions or any(detail in bytes(usage) for detail in DETAILS))
    if reports or has_details:
        usage = msgspec.Raw(b"[]") if usage is None else usage
        return Carried(_object_of({**reports, DETAILED: usage, **states}), True)
    if not states or (not opens and ALONG.issuperset(states)):
        return Carried(b"", False)
    return Carried(_object_of(states), False)


def _take_reports(states: dict[str, msgspec.Raw], name: str) -> dict[str, msgspec.Raw]:
    """The reports within a member; what is left of it stays among the states, where anything is."""
    if name in PERIODS:
        return {name: states.pop(name)}
    left = _DECODER.decode(states[name])
    found = [word for word in left if msgspec.json.encode(word) in REPORTS[name]]
    reports = {f"{name}.{word}": left.pop(word) for word in found}
    if reports and left:
        states[name] = msgspec.Raw(_object_of(left))
    elif reports:
        del states[name]
    return reports


def _object_of(members: dict[str, msgspec.Raw]) -> bytes:
    return b"{%s}" % b",".join(b"%s:%s" % (msgspec.json.encode(name), value) for name, value in members.items())


def omitted_information(octets: int) -> Carried:
    """In place of so many octets of a request that reports use: that is charged, what it says besides is in no record."""
    return Carried(b'{"%s":%d,"%s":[]}' % (OMITTED.encode(), octets, DETAILED.encode()), True)


def other_members(body: bytes, known: frozenset[str]) -> bytes:
    """Members of the body beside the known ones, with their names, each as it came."""
    members = _DECODER.decode(body)
    return b"".join(b'"%s":%s' % (name.encode(), members[name]) for name in members if name not in known)

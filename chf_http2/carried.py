"""What charging doesn't interpret, carried to the charging record as it came, member by member."""

from typing import Final

import msgspec

ALONG: Final = "triggers"
"""Carried where another member is: alone it would take the place of what the session had said before."""
CARRIED: Final = frozenset(
    {
        ALONG,
        "pDUSessionChargingInformation",
        "roamingQBCInformation",
        "sMSChargingInformation",
        "nEFChargingInformation",
        "registrationChargingInformation",
        "n2ConnectionChargingInformation",
        "locationReportingChargingInformation",
        "nSPAChargingInformation",
        "nSMChargingInformation",
        "mMTelChargingInformation",
        "iMSChargingInformation",
        "edgeInfrastructureUsageChargingInformation",
        "eASDeploymentChargingInformation",
        "directEdgeEnablingServiceChargingInformation",
        "exposedEdgeEnablingServiceChargingInformation",
        "proSeChargingInformation",
        "mMSChargingInformation",
    }
)
"""Members of a ChargingDataRequest, as TS 32.291 names them."""
DETAILED: Final = "multipleUnitUsage"
"""Carried whole, before all others, where it has one of DETAILS."""
DETAILS: Final = (
    b'"pDUContainerInformation"',
    b'"nSPAContainerInformation"',
    b'"pC5ContainerInformation"',
    b'"eventTimeStamps"',
    b'"serviceId"',
    b'"multihomedPDUAddress"',
)
"""Members of usage, or of its containers, that charging doesn't interpret."""
_BEGINNING: Final = b'{"%s":' % DETAILED.encode()
_DECODER: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


def carried_information(body: bytes, *, has_conditions: bool) -> bytes:
    """A JSON object of these members of the body, each octet for octet; empty where it has none.

    has_conditions   a trigger of its usage concerns the record (triggers.py), which counts as a detail
    """
    members = _DECODER.decode(body)
    names = [name for name in members if name in CARRIED]
    usage = members.get(DETAILED)
    if usage is not None and (has_conditions or any(detail in bytes(usage) for detail in DETAILS)):
        names.insert(0, DETAILED)
    if not names or names == [ALONG]:
        return b""
    return b"{%s}" % b",".join(b'"%s":%s' % (name.encode(), members[name]) for name in names)


def other_members(body: bytes, known: frozenset[str]) -> bytes:
    """Members of the body beside the known ones, with their names, each as it came."""
    members = _DECODER.decode(body)
    return b"".join(b'"%s":%s' % (name.encode(), members[name]) for name in members if name not in known)


def has_details(information: bytes) -> bool:
    """Does what is carried begin with usage that has details? Its request then ends a record."""
    return information.startswith(_BEGINNING)

"""What charging doesn't interpret, carried to the charging record as it came, member by member."""

from typing import Final

import msgspec

CARRIED: Final = frozenset(
    {
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


def carried_information(body: bytes) -> bytes:
    """A JSON object of these members of the body, each octet for octet; empty where it has none."""
    members = _DECODER.decode(body)
    found = [b'"%s":%s' % (name.encode(), part) for name, part in members.items() if name in CARRIED]
    usage = members.get(DETAILED)
    if usage is not None and any(detail in bytes(usage) for detail in DETAILS):
        found.insert(0, b'"%s":%s' % (DETAILED.encode(), usage))
    return b"{%s}" % b",".join(found) if found else b""


def has_details(information: bytes) -> bool:
    """Does what is carried begin with usage that has details? Its request then ends a record."""
    return information.startswith(_BEGINNING)

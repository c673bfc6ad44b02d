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
_DECODER: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


def carried_information(body: bytes) -> bytes:
    """A JSON object of these members of the body, each octet for octet; empty where it has none."""
    found = [b'"%s":%s' % (name.encode(), part) for name, part in _DECODER.decode(body).items() if name in CARRIED]
    return b"{%s}" % b",".join(found) if found else b""

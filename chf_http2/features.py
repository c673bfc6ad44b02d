"""Optional features of Nchf_ConvergedCharging, and which of them we support (TS 32.291 §6.1.8, TS 29.500 §6.6.2).

What a feature asks of a charging function that only has to read and record what comes with it is done by the schema and the
charging record. Those that want something decided or answered are supported once that is done.
"""

from typing import Final, NamedTuple

import numpy as np

from chf_http2.tick_memory import NO_FEATURES
from vocabulary.kernel import kernel


class Feature(NamedTuple):
    """A row of table 6.1.8-1."""

    number: int
    """the first is the lowest bit"""
    name: str
    read_as: str = ""
    """the member that comes with it, as `<type>.<member>` of the schema; empty: the feature isn't supported"""


FEATURES: Final = (
    Feature(1, "CHFCQM"),
    Feature(2, "AF_Charging_Identifier", "PDUContainerInformation.afChargingIdString"),
    Feature(3, "5GIEPC_CH", "PDUSessionInformation.servingNetworkFunctionID"),
    Feature(4, "ATSSS", "PDUSessionInformation.mAPDUSessionInformation"),
    Feature(5, "ETSUN", "MultipleUnitUsage.uPFID"),
    Feature(6, "EnhancedDiagnostics", "PDUSessionInformation.enhancedDiagnostics"),
    Feature(7, "AMF_subs_PRA"),
    Feature(8, "FilterRuleList"),
    Feature(9, "TEI17_NIESGU", "UserLocation.utraLocation"),
    Feature(10, "IMS", "ChargingDataRequest.iMSChargingInformation"),
    Feature(11, "QoSMonitoring", "PDUContainerInformation.qosMonitoringReport"),
    Feature(12, "Announcement"),
    Feature(13, "5GLAN", "PDUSessionInformation.5GLANTypeService"),
    Feature(14, "URLLC", "PDUSessionInformation.redundantTransmissionType"),
    Feature(15, "NotifyInfoResponse"),
    Feature(16, "ES4xx"),
    Feature(17, "ES3xx"),
    Feature(18, "EdgeComputing", "ChargingDataRequest.edgeInfrastructureUsageChargingInformation"),
)

SUPPORTED: Final = sum(1 << (feature.number - 1) for feature in FEATURES if feature.read_as)
_DIGITS: Final = (len(FEATURES) + 3) // 4
_NINE = 57
SUPPORTED_TEXT: Final = f"{SUPPORTED:X}"
"""As the type SupportedFeatures has it (TS 29.571 §5.2.2)."""


def common_features(said: str | None) -> int:
    """What both sides support, a bit each; NO_FEATURES where the consumer says nothing of it.

    said   digits without a limit to their number, of which those in front stand for features that we have never heard of
    """
    if said is None:
        return NO_FEATURES
    return int(said[-_DIGITS:] or "0", 16) & SUPPORTED


@kernel
def features_of_digits(octets, at, length):
    """The same of digits at octets[at:]."""
    value = np.int64(0)
    for index in range(max(length - _DIGITS, 0), length):
        octet = np.int64(octets[at + index])
        value = 16 * value + (octet & 15) + (9 if octet > _NINE else 0)
    return value & SUPPORTED

"""Bodies as clients send them: free5GC's SMF, and one in the shape that tests of sigscale's charging function have."""

from typing import Any


def free5gc_create() -> dict[str, Any]:
    """A create: it has no multipleUnitUsage, and its sequence number is 0 each time."""
    return {
        "chargingId": 1,
        "subscriberIdentifier": "imsi-208930000000001",
        "nfConsumerIdentification": {
            "nFName": "SMF",
            "nFIPv4Address": "127.0.0.2",
            "nodeFunctionality": "SMF",
        },
        "invocationTimeStamp": "2024-05-04T10:00:00.123456789+08:00",
        "invocationSequenceNumber": 0,
        "notifyUri": "http://127.0.0.2:8000/nsmf-callback/notify_urn:uuid:7f0d4a4e-6d34-4a4e-9d0c-0d1f8d3c7a11",
        "triggers": [{"triggerType": "START_OF_SERVICE_DATA_FLOW", "triggerCategory": "IMMEDIATE_REPORT"}],
        "pDUSessionChargingInformation": {
            "chargingId": 1,
            "userInformation": {"servedGPSI": "msisdn-0900000000", "servedPEI": "imeisv-4370816125816151"},
            "userLocationinfo": {
                "nrLocation": {
                    "tai": {"plmnId": {"mcc": "208", "mnc": "93"}, "tac": "000001"},
                    "ncgi": {"plmnId": {"mcc": "208", "mnc": "93"}, "nrCellId": "000000010"},
                    "ueLocationTimestamp": "2024-05-04T02:00:00Z",
                }
            },
            "pduSessionInformation": {
                "networkSlicingInfo": {"sNSSAI": {"sst": 1, "sd": "010203"}},
                "pduSessionID": 1,
                "pduType": "IPV4",
                "servingNetworkFunctionID": {
                    "servingNetworkFunctionInformation": {"nodeFunctionality": "AMF", "nFName": "AMF"}
                },
                "dnnId": "internet",
            },
        },
    }


def free5gc_update() -> dict[str, Any]:
    """An update for one rating group, whose counts in int32 have wrapped."""
    return free5gc_create() | {
        "triggers": None,
        "multipleUnitUsage": [
            {
                "ratingGroup": 1,
                "uPFID": "7f0d4a4e-6d34-4a4e-9d0c-0d1f8d3c7a11",
                "requestedUnit": {"totalVolume": 1000, "uplinkVolume": 1000, "downlinkVolume": 1000},
                "usedUnitContainer": [
                    {
                        "quotaManagementIndicator": "ONLINE_CHARGING",
                        "triggers": [{"triggerType": "QUOTA_EXHAUSTED", "triggerCategory": "IMMEDIATE_REPORT"}],
                        "triggerTimestamp": "2024-05-04T10:05:00.5+08:00",
                        "downlinkVolume": -(2**31),
                        "uplinkVolume": 2**31 - 1,
                        "totalVolume": -1,
                        "localSequenceNumber": 0,
                    }
                ],
            }
        ],
    }


def free5gc_release() -> dict[str, Any]:
    """A release: the last usage, nothing asked for."""
    body = free5gc_update()
    (usage,) = body["multipleUnitUsage"]
    usage["requestedUnit"] = {}
    usage["usedUnitContainer"][0]["triggers"] = [{"triggerType": "FINAL", "triggerCategory": "IMMEDIATE_REPORT"}]
    return body


def sigscale_update() -> dict[str, Any]:
    """Its sequence counts, a unit is asked for without an amount, and an address names the gateway."""
    return {
        "nfConsumerIdentification": {
            "nFName": "f8c1d2b8-5b0f-4d32-8d55-6a3f0a6bd8d4",
            "nFPLMNID": {"mcc": "001", "mnc": "001"},
            "nodeFunctionality": "SMF",
        },
        "invocationTimeStamp": "2024-05-04T10:00:00Z",
        "invocationSequenceNumber": 2,
        "subscriberIdentifier": "imsi-001001123456789",
        "serviceSpecificationInfo": "32255@3gpp.org",
        "multipleUnitUsage": [
            {
                "ratingGroup": 32,
                "requestedUnit": {},
                "uPFID": "10.10.10.10",
                "usedUnitContainer": [{"serviceId": 1, "totalVolume": 2**64 - 1, "localSequenceNumber": 1}],
            }
        ],
    }

"""Bodies as consumers send them, for tests."""

import json
from typing import Any


def usage(
    rating_group: int, *, asks: dict[str, int] | None = None, used: tuple[dict[str, Any], ...] = ()
) -> dict[str, Any]:
    """A MultipleUnitUsage."""
    said: dict[str, Any] = {"ratingGroup": rating_group}
    if asks is not None:
        said["requestedUnit"] = asks
    if used:
        said["usedUnitContainer"] = [{"localSequenceNumber": index, **one} for index, one in enumerate(used)]
    return said


def request(number: int = 0, usages: tuple[dict[str, Any], ...] = (), **members: Any) -> dict[str, Any]:
    """A ChargingDataRequest of an SMF."""
    said: dict[str, Any] = {
        "subscriberIdentifier": "imsi-001010000000001",
        "nfConsumerIdentification": {"nodeFunctionality": "SMF", "nFName": "smf-1"},
        "invocationTimeStamp": "2026-11-28T10:00:00Z",
        "invocationSequenceNumber": number,
        "notifyUri": "http://127.0.0.5:8000/notify/1",
    }
    if usages:
        said["multipleUnitUsage"] = list(usages)
    return said | members


def octets(said: dict[str, Any]) -> bytes:
    """As a body."""
    return json.dumps(said).encode()

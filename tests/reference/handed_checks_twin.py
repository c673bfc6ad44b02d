"""Plain-Python twin of charging/handed_checks.py: is every row one that a codec could have written?"""

from typing import Any

from charging.batch import KIND_USAGE, UsageBatch
from vocabulary.limits import (
    BATCH_REQUESTS_MAX,
    DIAMETER_MESSAGE_OCTETS_MAX,
    HANDED_MOVES_MAX,
    IDENTITIES_PER_REQUEST_MAX,
    IDENTITY_OCTETS_MAX,
    MSCCS_PER_REQUEST_MAX,
    SESSION_ID_OCTETS_MAX,
    TENANTS_MAX,
    UNITS_MAX,
)
from vocabulary.outcomes import Outcome

RANGES = {
    "kind": (KIND_USAGE, KIND_USAGE),
    "command": (0, 0),
    "outcome": (0, 0),
    "credit_count": (0, 0),
    "request_type": (1, 4),
    "account_id": (-1, 2**63 - 1),
    "tenant": (1, TENANTS_MAX),
    "received_ns": (0, 2**62),
    "event_ns": (-(2**62), 2**62),
    "handed_row": (0, BATCH_REQUESTS_MAX - 1),
    "moves": (0, HANDED_MOVES_MAX),
    "refusal": (0, len(Outcome) - 1),
    "command_id": (-1, -1),
    "session_id_length": (0, SESSION_ID_OCTETS_MAX),
    "message_length": (0, DIAMETER_MESSAGE_OCTETS_MAX),
    "mscc_count": (0, MSCCS_PER_REQUEST_MAX),
    "identity_count": (0, IDENTITIES_PER_REQUEST_MAX),
}
UNITS = ("octets", "seconds", "events")
MSCC_RANGES = {
    "rating_group": (-1, 2**32 - 1),
    "service_identifier": (-1, 2**32 - 1),
    "outcome": (0, len(Outcome) - 1),
    **{f"{what}_{unit}": (0, UNITS_MAX) for what in ("requested", "used") for unit in UNITS},
}
TEXTS = ("session_id", "origin_host", "origin_realm", "service_information", "failed")


def _fits(row: Any, ranges: dict[str, tuple[int, int]]) -> bool:
    return all(low <= int(row[name]) <= high for name, (low, high) in ranges.items())


def is_sound(usage: UsageBatch) -> bool:
    """All rows, and nothing beside them."""
    requests, msccs, identities, credits, octets = usage.counts.tolist()
    places = [0, 0, 0]
    for number, row in enumerate(usage.requests[:requests]):
        firsts = [int(row[name]) for name in ("message_offset", "mscc_first", "identity_first")]
        if not _fits(row, RANGES) or firsts != places:
            return False
        begin, end = firsts[0], firsts[0] + int(row["message_length"])

        def is_inside(offset: int, length: int, begin: int = begin, end: int = end) -> bool:
            return length == 0 or (length > 0 and begin <= offset and offset + length <= end)

        if not all(is_inside(int(row[f"{text}_offset"]), int(row[f"{text}_length"])) for text in TEXTS):
            return False
        places = [end, firsts[1] + int(row["mscc_count"]), firsts[2] + int(row["identity_count"])]
        if places[0] > octets or places[1] > msccs or places[2] > identities:
            return False
        for mscc in usage.msccs[firsts[1] : places[1]]:
            if int(mscc["request"]) != number or not _fits(mscc, MSCC_RANGES):
                return False
        for identity in usage.identities[firsts[2] : places[2]]:
            length = int(identity["length"])
            if int(identity["request"]) != number or not 0 <= int(identity["kind"]) <= 4:
                return False
            if length > IDENTITY_OCTETS_MAX or not is_inside(int(identity["offset"]), length):
                return False
    return places == [octets, msccs, identities] and credits == 0

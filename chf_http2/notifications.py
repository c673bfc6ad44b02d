"""What we send to a session's notifyUri (TS 32.291 §5.2.2.5), and what an answer's status says of the session."""

from collections.abc import Sequence
from enum import Enum
from typing import Final

import msgspec

from chf_http2.schema import ChargingNotifyRequest, ReauthorizationDetails

REAUTHORIZATION: Final = "REAUTHORIZATION"
ABORT_CHARGING: Final = "ABORT_CHARGING"
_encode = msgspec.json.Encoder().encode


class Heard(Enum):
    """What an answer says."""

    TAKEN = "taken"
    MOVED = "moved"
    """the notification is to go to its Location"""
    GONE = "gone"
    LATER = "later"
    REFUSED = "refused"


_BY_STATUS: Final = {
    200: Heard.TAKEN,
    204: Heard.TAKEN,
    307: Heard.MOVED,
    308: Heard.MOVED,
    404: Heard.GONE,
    410: Heard.GONE,
    408: Heard.LATER,
    425: Heard.LATER,
    429: Heard.LATER,
}


def heard(status: int) -> Heard:
    """What a status says: of those that the table lacks, 5xx may pass, all others won't."""
    return _BY_STATUS.get(status, Heard.LATER if status >= 500 else Heard.REFUSED)


def reauthorization(rating_groups: Sequence[int]) -> bytes:
    """The body that asks for re-authorisation of these rating groups; none: of the whole session."""
    details = tuple(ReauthorizationDetails(rating_group=group) for group in rating_groups)
    return _encode(ChargingNotifyRequest(notification_type=REAUTHORIZATION, reauthorization_details=details or None))


def abort_charging() -> bytes:
    """The body that ends a session's charging."""
    return _encode(ChargingNotifyRequest(notification_type=ABORT_CHARGING))

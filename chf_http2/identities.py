"""Who a body names: SUPI and GPSI to the identities that accounts are found by (TS 23.003 §2.2A, §28.7; TS 29.571 §5.3)."""

from typing import Final

from chf_http2.schema import ChargingDataRequest
from vocabulary.ids import IdentityKind

PREFIXES: Final = {
    "imsi-": IdentityKind.IMSI,
    "msisdn-": IdentityKind.E164,
    "nai-": IdentityKind.NAI,
    "extid-": IdentityKind.NAI,
}
"""What stands before the value, and the kind that it says."""


def identity_of(text: str) -> tuple[int, bytes]:
    """(kind, value) of a SUPI or GPSI; of another form it is a private identity, as it stands."""
    for prefix, kind in PREFIXES.items():
        if text.startswith(prefix):
            return int(kind), text[len(prefix) :].encode()
    return int(IdentityKind.PRIVATE), text.encode()


def identities_of(said: ChargingDataRequest) -> list[tuple[int, bytes]]:
    """The subscriber, then the public number that the session's user has."""
    texts = [said.subscriber_identifier, _served_gpsi(said)]
    return [identity_of(text) for text in texts if text]


def _served_gpsi(said: ChargingDataRequest) -> str | None:
    session = said.pdu_session_charging_information
    user = None if session is None else session.user_information
    return None if user is None else user.served_gpsi

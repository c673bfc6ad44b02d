"""Who a body names: SUPI and GPSI to the identities that accounts are found by (TS 23.003 §2.2A, §28.7; TS 29.571 §5.3)."""

from typing import Final

import numpy as np

from chf_http2.schema import ChargingDataRequest
from vocabulary.ids import IdentityKind
from vocabulary.kernel import kernel

PREFIXES: Final = {
    "imsi-": IdentityKind.IMSI,
    "msisdn-": IdentityKind.E164,
    "nai-": IdentityKind.NAI,
    "extid-": IdentityKind.NAI,
}
"""What stands before the value, and the kind that it says."""
_OTHER = int(IdentityKind.PRIVATE)
_TEXTS = np.array([text.encode().ljust(8, b"\0") for text in PREFIXES], "S8").view(np.uint8).reshape(len(PREFIXES), 8)
_LENGTHS = np.array([len(text) for text in PREFIXES], np.int64)
_KINDS = np.array([int(kind) for kind in PREFIXES.values()], np.int64)


def identity_of(text: str) -> tuple[int, bytes]:
    """(kind, value) of a SUPI or GPSI; of another form it is a private identity, as it stands."""
    for prefix, kind in PREFIXES.items():
        if text.startswith(prefix):
            return int(kind), text[len(prefix) :].encode()
    return _OTHER, text.encode()


@kernel
def kind_of_identity(octets, at, length):
    """(kind, how long its prefix is) of a SUPI or GPSI, as identity_of."""
    for row in range(_LENGTHS.shape[0]):
        index = 0
        while index < _LENGTHS[row] and index < length and octets[at + index] == _TEXTS[row, index]:
            index += 1
        if index == _LENGTHS[row]:
            return _KINDS[row], _LENGTHS[row]
    return np.int64(_OTHER), np.int64(0)


def identities_of(said: ChargingDataRequest) -> list[tuple[int, bytes]]:
    """The subscriber, then the public number that the session's user has."""
    texts = [said.subscriber_identifier, _served_gpsi(said)]
    return [identity_of(text) for text in texts if text]


def _served_gpsi(said: ChargingDataRequest) -> str | None:
    session = said.pdu_session_charging_information
    user = None if session is None else session.user_information
    return None if user is None else user.served_gpsi

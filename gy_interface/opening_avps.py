"""What the answer that opens a session says for its whole life, by peer (RFC 8506 §5.7, §8.4, §8.14); written once."""

from collections.abc import Iterable
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gy_interface.avp import write_value
from gy_interface.avp_codes import CC_SESSION_FAILOVER, CREDIT_CONTROL_FAILURE_HANDLING
from gy_interface.config import PeerConfig

SESSION_FAILOVER: Final = {"not_supported": 0, "supported": 1}
"""CC-Session-Failover by the setting's word; another word isn't said."""
FAILURE_HANDLING: Final = {"terminate": 0, "continue": 1, "retry_and_terminate": 2}
"""Credit-Control-Failure-Handling, the same."""


class OpeningAvps(NamedTuple):
    """AVPs of opening answers: those of peer i are octets[firsts[i]:firsts[i + 1]]; a peer beyond has none."""

    firsts: NDArray[np.int64]
    octets: NDArray[np.uint8]


def avps_of_peer(peer: PeerConfig) -> bytes:
    """What a peer is told when a session opens."""
    avps = b""
    for key, values, word in (
        (CC_SESSION_FAILOVER, SESSION_FAILOVER, peer.session_failover),
        (CREDIT_CONTROL_FAILURE_HANDLING, FAILURE_HANDLING, peer.failure_handling),
    ):
        if word in values:
            avps += write_value(key, values[word])
    return avps


def new_opening_avps(peers: Iterable[PeerConfig]) -> OpeningAvps:
    """AVPs of the peers in the order of their numbers."""
    avps = [avps_of_peer(peer) for peer in peers]
    return OpeningAvps(
        np.cumsum(np.array([0, *map(len, avps)], np.int64)), np.frombuffer(b"".join(avps), np.uint8).copy()
    )


NO_OPENING_AVPS: Final = new_opening_avps(())

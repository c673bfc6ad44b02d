"""States of a peer connection as the responder, a table (RFC 6733 §5.6). What is absent is an error: the connection ends.

We accept connections and open none, so the initiator's states and the election have no rows.
"""

from enum import Enum
from typing import Final


class PeerState(Enum):
    """Where a connection stands."""

    WAIT_CER = "wait for capabilities"
    OPEN = "open"
    SUSPECT = "open, watchdog unanswered"
    CLOSING = "disconnect sent"
    CLOSED = "closed"


class PeerInput(Enum):
    """What happens to a connection."""

    CER_ACCEPTED = "CER accepted"
    CER_REFUSED = "CER refused"
    MESSAGE = "any other message"
    WATCHDOG_DUE = "no traffic for Tw"
    DPR = "DPR received"
    DPA = "DPA received"
    STOP = "we stop"
    DEADLINE = "deadline of the state passed"
    FAULT = "the stream can't be framed"
    DISCONNECTED = "transport closed"


_S, _I = PeerState, PeerInput

NEXT_STATE: Final = {
    (_S.WAIT_CER, _I.CER_ACCEPTED): _S.OPEN,
    (_S.WAIT_CER, _I.CER_REFUSED): _S.CLOSED,
    (_S.WAIT_CER, _I.STOP): _S.CLOSED,
    (_S.WAIT_CER, _I.DEADLINE): _S.CLOSED,
    (_S.WAIT_CER, _I.FAULT): _S.CLOSED,
    (_S.WAIT_CER, _I.DISCONNECTED): _S.CLOSED,
    (_S.OPEN, _I.MESSAGE): _S.OPEN,
    (_S.OPEN, _I.WATCHDOG_DUE): _S.SUSPECT,
    (_S.OPEN, _I.DPR): _S.CLOSED,
    (_S.OPEN, _I.STOP): _S.CLOSING,
    (_S.OPEN, _I.FAULT): _S.CLOSED,
    (_S.OPEN, _I.DISCONNECTED): _S.CLOSED,
    (_S.SUSPECT, _I.MESSAGE): _S.OPEN,
    (_S.SUSPECT, _I.DPR): _S.CLOSED,
    (_S.SUSPECT, _I.STOP): _S.CLOSING,
    (_S.SUSPECT, _I.DEADLINE): _S.CLOSED,
    (_S.SUSPECT, _I.FAULT): _S.CLOSED,
    (_S.SUSPECT, _I.DISCONNECTED): _S.CLOSED,
    (_S.CLOSING, _I.MESSAGE): _S.CLOSING,
    (_S.CLOSING, _I.DPR): _S.CLOSED,
    (_S.CLOSING, _I.DPA): _S.CLOSED,
    (_S.CLOSING, _I.STOP): _S.CLOSING,
    (_S.CLOSING, _I.DEADLINE): _S.CLOSED,
    (_S.CLOSING, _I.FAULT): _S.CLOSED,
    (_S.CLOSING, _I.DISCONNECTED): _S.CLOSED,
}

TAKES_REQUESTS: Final = frozenset({_S.OPEN, _S.SUSPECT})
"""States in which CCRs are decoded."""

"""States of a peer connection as the responder, a table (RFC 6733 §5.6). What is absent can't happen: a fault of ours.

We accept connections and open none, so the initiator's states and the election have no rows. OPEN, WATCHED and SUSPECT
are its R-Open with the watchdog of RFC 3539 §3.4.1: traffic, a DWR after Tw of silence, a second Tw, and a third ends it.
"""

from enum import Enum
from typing import Final


class PeerState(Enum):
    """Where a connection stands."""

    WAIT_CER = "wait for capabilities"
    OPEN = "open"
    WATCHED = "open, watchdog sent"
    SUSPECT = "open, watchdog unanswered"
    CLOSING = "disconnect sent or answered"
    CLOSED = "closed"


class PeerInput(Enum):
    """What happens to a connection."""

    CER_ACCEPTED = "CER accepted"
    CER_REFUSED = "CER refused"
    MESSAGE = "any message"
    DPR = "DPR received"
    DPA = "DPA received"
    STOP = "we stop"
    DEADLINE = "deadline of the state passed: Tw, or that for a CER or DPA"
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
    (_S.OPEN, _I.DPR): _S.CLOSING,
    (_S.OPEN, _I.STOP): _S.CLOSING,
    (_S.OPEN, _I.DEADLINE): _S.WATCHED,
    (_S.OPEN, _I.FAULT): _S.CLOSED,
    (_S.OPEN, _I.DISCONNECTED): _S.CLOSED,
    (_S.WATCHED, _I.MESSAGE): _S.OPEN,
    (_S.WATCHED, _I.STOP): _S.CLOSING,
    (_S.WATCHED, _I.DEADLINE): _S.SUSPECT,
    (_S.WATCHED, _I.FAULT): _S.CLOSED,
    (_S.WATCHED, _I.DISCONNECTED): _S.CLOSED,
    (_S.SUSPECT, _I.MESSAGE): _S.OPEN,
    (_S.SUSPECT, _I.STOP): _S.CLOSING,
    (_S.SUSPECT, _I.DEADLINE): _S.CLOSED,
    (_S.SUSPECT, _I.FAULT): _S.CLOSED,
    (_S.SUSPECT, _I.DISCONNECTED): _S.CLOSED,
    (_S.CLOSING, _I.MESSAGE): _S.CLOSING,
    (_S.CLOSING, _I.DPR): _S.CLOSING,
    (_S.CLOSING, _I.DPA): _S.CLOSED,
    (_S.CLOSING, _I.STOP): _S.CLOSING,
    (_S.CLOSING, _I.DEADLINE): _S.CLOSED,
    (_S.CLOSING, _I.FAULT): _S.CLOSED,
    (_S.CLOSING, _I.DISCONNECTED): _S.CLOSED,
}
"""A DPR is a message first, so that it meets OPEN or CLOSING alone."""

OPEN_STATES: Final = frozenset({_S.OPEN, _S.WATCHED, _S.SUSPECT})
"""States in which requests go both ways."""
TAKES_REQUESTS: Final = OPEN_STATES | {_S.CLOSING}
"""States in which CCRs are decoded: what was on its way when good-bye was said is answered as any other."""

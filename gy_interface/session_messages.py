"""Requests that we begin: RAR and ASR of a session (RFC 6733 §8.3, §8.5; RFC 8506 §5.5), and what their answers say."""

from dataclasses import dataclass
from typing import Final

from gy_interface.avp import read_value, walk, write_value
from gy_interface.base_messages import CREDIT_CONTROL_APPLICATION, Identity
from gy_interface.framing import FLAG_PROXIABLE, FLAG_REQUEST, HEADER_OCTETS, Header, Message, write_message

RE_AUTH: Final = 258
ABORT_SESSION: Final = 274
SESSION_COMMANDS: Final = frozenset({RE_AUTH, ABORT_SESSION})

_SESSION_ID: Final = 263
_ORIGIN_HOST: Final = 264
_RESULT_CODE: Final = 268
_AUTH_APPLICATION_ID: Final = 258
_DESTINATION_REALM: Final = 283
_RE_AUTH_REQUEST_TYPE: Final = 285
_DESTINATION_HOST: Final = 293
_ORIGIN_REALM: Final = 296
_EXPERIMENTAL_RESULT: Final = 297
_EXPERIMENTAL_RESULT_CODE: Final = 298
_RATING_GROUP: Final = 432
_SERVICE_IDENTIFIER: Final = 439
_AUTHORIZE_ONLY: Final = 0

NO_RESULT: Final = 0
"""Of an answer that has no result code, or none that can be read."""


@dataclass(frozen=True, slots=True)
class SessionRequest:
    """An RAR or ASR.

    rating_group, service_identifier   what is to be re-authorised; both None: everything. Not of an ASR
    """

    command: int
    session_id: str
    destination_host: str
    destination_realm: str
    rating_group: int | None = None
    service_identifier: int | None = None


def write_session_request(asked: SessionRequest, identity: Identity, hop_by_hop: int, end_to_end: int) -> bytes:
    """The request's octets. Session-Id first (RFC 6733 §8.3.1, §8.5.1)."""
    parts = [
        write_value(_SESSION_ID, asked.session_id),
        write_value(_ORIGIN_HOST, identity.origin_host),
        write_value(_ORIGIN_REALM, identity.origin_realm),
        write_value(_DESTINATION_REALM, asked.destination_realm),
        write_value(_DESTINATION_HOST, asked.destination_host),
        write_value(_AUTH_APPLICATION_ID, CREDIT_CONTROL_APPLICATION),
    ]
    if asked.command == RE_AUTH:
        parts.append(write_value(_RE_AUTH_REQUEST_TYPE, _AUTHORIZE_ONLY))
        if asked.service_identifier is not None:
            parts.append(write_value(_SERVICE_IDENTIFIER, asked.service_identifier))
        if asked.rating_group is not None:
            parts.append(write_value(_RATING_GROUP, asked.rating_group))
    flags = FLAG_REQUEST | FLAG_PROXIABLE
    header = Header(0, flags, asked.command, CREDIT_CONTROL_APPLICATION, hop_by_hop, end_to_end)
    return write_message(header, b"".join(parts))


def read_result_code(message: Message) -> int:
    """Result-Code of an answer, else its Experimental-Result-Code, else NO_RESULT. PeerError where an AVP is damaged."""
    experimental = NO_RESULT
    for avp in walk(message.octets, HEADER_OCTETS):
        if avp.key == _RESULT_CODE:
            value = read_value(avp)
            assert isinstance(value, int), "the dictionary says so"
            return value
        if avp.key == _EXPERIMENTAL_RESULT:
            for inner in walk(avp.data):
                if inner.key == _EXPERIMENTAL_RESULT_CODE:
                    value = read_value(inner)
                    assert isinstance(value, int), "the dictionary says so"
                    experimental = value
    return experimental

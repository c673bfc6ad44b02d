"""Messages of the base protocol: capabilities exchange, watchdog, disconnect, and answers that say an error (RFC 6733 §5, §7).

Reads and writes octets; what they mean for the connection is in peer.py. Requests are read by the table REQUEST_RULES:
less than the RFC's grammar, because peers in the field leave out what nobody uses.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

from gy_interface.avp import Avp, read_value, walk, write, write_example, write_value
from gy_interface.dictionary import AVPS, name_of
from gy_interface.errors import PeerError
from gy_interface.framing import FLAG_ERROR, FLAG_PROXIABLE, FLAG_REQUEST, HEADER_OCTETS, Header, Message, write_message

CAPABILITIES_EXCHANGE: Final = 257
CREDIT_CONTROL: Final = 272
DEVICE_WATCHDOG: Final = 280
DISCONNECT_PEER: Final = 282

BASE_APPLICATION: Final = 0
CREDIT_CONTROL_APPLICATION: Final = 4
RELAY_APPLICATION: Final = 0xFFFFFFFF
VENDOR_3GPP: Final = 10415

SUCCESS: Final = 2001
COMMAND_UNSUPPORTED: Final = 3001
APPLICATION_UNSUPPORTED: Final = 3007
UNKNOWN_PEER: Final = 3010
AVP_UNSUPPORTED: Final = 5001
INVALID_AVP_VALUE: Final = 5004
MISSING_AVP: Final = 5005
TOO_MANY_TIMES: Final = 5009
NO_COMMON_APPLICATION: Final = 5010
NO_COMMON_SECURITY: Final = 5017

_HOST_IP_ADDRESS: Final = 257
_AUTH_APPLICATION_ID: Final = 258
_ACCT_APPLICATION_ID: Final = 259
_VENDOR_SPECIFIC_APPLICATION_ID: Final = 260
_SESSION_ID: Final = 263
_ORIGIN_HOST: Final = 264
_SUPPORTED_VENDOR_ID: Final = 265
_VENDOR_ID: Final = 266
_FIRMWARE_REVISION: Final = 267
_RESULT_CODE: Final = 268
_PRODUCT_NAME: Final = 269
_DISCONNECT_CAUSE: Final = 273
_ORIGIN_STATE_ID: Final = 278
_FAILED_AVP: Final = 279
_ERROR_MESSAGE: Final = 281
_PROXY_INFO: Final = 284
_ORIGIN_REALM: Final = 296
_INBAND_SECURITY_ID: Final = 299
_CC_REQUEST_NUMBER: Final = 415
_CC_REQUEST_TYPE: Final = 416

_APPLICATION_IDS: Final = frozenset({_AUTH_APPLICATION_ID, _ACCT_APPLICATION_ID})
_NO_INBAND_SECURITY: Final = 0
_ERROR_MESSAGE_CHARACTERS_MAX: Final = 200


class RequestRule(NamedTuple):
    """What a request of the base protocol has to look like; codes are of vendor 0.

    needed   AVPs that it must have: 5005 without
    once     AVPs that it may have once: 5009 with the second; their values are read
    many     AVPs that it may have again and again, and whose values are read
    """

    needed: tuple[int, ...]
    once: frozenset[int]
    many: frozenset[int] = frozenset()


_WHO: Final = (_ORIGIN_HOST, _ORIGIN_REALM)
REQUEST_RULES: Final = {
    CAPABILITIES_EXCHANGE: RequestRule(
        _WHO,
        frozenset({*_WHO, _ORIGIN_STATE_ID, _VENDOR_ID, _PRODUCT_NAME, _FIRMWARE_REVISION}),
        many=frozenset({_HOST_IP_ADDRESS}),
    ),
    DEVICE_WATCHDOG: RequestRule(_WHO, frozenset({*_WHO, _ORIGIN_STATE_ID})),
    DISCONNECT_PEER: RequestRule((*_WHO, _DISCONNECT_CAUSE), frozenset({*_WHO, _ORIGIN_STATE_ID, _DISCONNECT_CAUSE})),
}
"""The requests of application 0 that are served, by command."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who we are in every message that we send. `addresses` are IPv4 or IPv6 in text."""

    origin_host: str
    origin_realm: str
    origin_state_id: int
    addresses: tuple[str, ...]
    product_name: str = "Farebox"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a CER says."""

    origin_host: str
    origin_realm: str
    origin_state_id: int | None
    applications: frozenset[int]


# --- read -------------------------------------------------------------------------------------------------------------
def check_request(message: Message, *, lenient: bool = False) -> None:
    """PeerError 5001, 5004, 5005, 5009, 5014 where a base request isn't one (REQUEST_RULES), naming the first AVP at fault.

    lenient   unrecognised AVPs with the M bit are passed over
    """
    rule = REQUEST_RULES[message.header.command]
    seen = set()
    for avp in walk(message.octets, HEADER_OCTETS):
        if avp.key not in AVPS:
            if avp.is_mandatory and not lenient:
                raise PeerError(AVP_UNSUPPORTED, f"{name_of(avp.key)} is not known here", avp.octets)
        elif avp.key in rule.once:
            if avp.key in seen:
                raise PeerError(TOO_MANY_TIMES, f"{name_of(avp.key)} is there twice", avp.octets)
            if read_value(avp) == "" and avp.key in rule.needed:
                raise PeerError(INVALID_AVP_VALUE, f"{name_of(avp.key)} is empty", avp.octets)
        elif avp.key in rule.many:
            read_value(avp)
        seen.add(avp.key)
    for code in rule.needed:
        if code not in seen:
            raise PeerError(MISSING_AVP, f"{name_of(code)} is missing", write_example(code))


def read_capabilities(message: Message) -> Capabilities:
    """A CER's contents (RFC 6733 §5.3.1). PeerError as `check_request`, and 5017 where the peer insists on TLS inside.

    An application counts wherever it is named: on its own, for authorisation or accounting, or beside a vendor, whose
    id says nothing about it (§5.3).
    """
    check_request(message, lenient=True)
    values: dict[int, int | str] = {}
    applications: set[int] = set()
    securities: set[int] = set()
    for avp in walk(message.octets, HEADER_OCTETS):
        if avp.key in _APPLICATION_IDS:
            applications.add(_number(avp))
        elif avp.key == _VENDOR_SPECIFIC_APPLICATION_ID:
            applications.update(_number(inner) for inner in walk(avp.data) if inner.key in _APPLICATION_IDS)
        elif avp.key == _INBAND_SECURITY_ID:
            securities.add(_number(avp))
        elif avp.key in (_ORIGIN_HOST, _ORIGIN_REALM, _ORIGIN_STATE_ID):
            value = read_value(avp)
            assert isinstance(value, int | str), "the dictionary says so"
            values[avp.key] = value
    if securities and _NO_INBAND_SECURITY not in securities:
        raise PeerError(NO_COMMON_SECURITY, "TLS inside of the connection is not served: connect without")
    state = values.get(_ORIGIN_STATE_ID)
    return Capabilities(
        origin_host=str(values[_ORIGIN_HOST]),
        origin_realm=str(values[_ORIGIN_REALM]),
        origin_state_id=state if isinstance(state, int) else None,
        applications=frozenset(applications),
    )


def _number(avp: Avp) -> int:
    value = read_value(avp)
    assert isinstance(value, int), f"{name_of(avp.key)} is a number in the dictionary"
    return value


# --- write ------------------------------------------------------------------------------------------------------------
def _origin(identity: Identity) -> bytes:
    return write_value(_ORIGIN_HOST, identity.origin_host) + write_value(_ORIGIN_REALM, identity.origin_realm)


def _state(identity: Identity) -> bytes:
    return write_value(_ORIGIN_STATE_ID, identity.origin_state_id)


def _failed(octets: bytes) -> bytes:
    """Failed-AVP with the AVP `octets`, as received or made up; nothing for b"" (RFC 6733 §7.5)."""
    return write_value(_FAILED_AVP, octets + b"\0" * (-len(octets) % 4)) if octets else b""


def _error_message(reason: str) -> bytes:
    return write_value(_ERROR_MESSAGE, reason[:_ERROR_MESSAGE_CHARACTERS_MAX]) if reason else b""


def _request_header(command: int, identifier: int) -> Header:
    return Header(0, FLAG_REQUEST, command, BASE_APPLICATION, identifier, identifier)


def _answer_header(request: Header, result_code: int = SUCCESS) -> Header:
    """The header of an answer: command, application, ids and P bit of the request; E for 3xxx (RFC 6733 §6.2, §7.2)."""
    error = FLAG_ERROR if 3000 <= result_code < 4000 else 0
    return request._replace(flags=(request.flags & FLAG_PROXIABLE) | error)


def write_capabilities_answer(
    request: Header, identity: Identity, result_code: int = SUCCESS, reason: str = "", failed_avp: bytes = b""
) -> bytes:
    """A CEA (RFC 6733 §5.3.2): we serve credit control (4) with 3GPP's AVPs, and say no more than that.

    reason, failed_avp   of a refusal
    """
    parts = (
        write_value(_RESULT_CODE, result_code),
        _origin(identity),
        *(write_value(_HOST_IP_ADDRESS, address) for address in identity.addresses),
        write_value(_VENDOR_ID, 0),
        write_value(_PRODUCT_NAME, identity.product_name),
        _state(identity),
        _error_message(reason),
        _failed(failed_avp),
        write_value(_SUPPORTED_VENDOR_ID, VENDOR_3GPP),
        write_value(_AUTH_APPLICATION_ID, CREDIT_CONTROL_APPLICATION),
    )
    return write_message(_answer_header(request, result_code), b"".join(parts))


def write_watchdog_request(identity: Identity, identifier: int) -> bytes:
    """A DWR (RFC 6733 §5.5.1); `identifier` is its hop-by-hop and end-to-end id."""
    return write_message(_request_header(DEVICE_WATCHDOG, identifier), _origin(identity) + _state(identity))


def write_watchdog_answer(request: Header, identity: Identity) -> bytes:
    """A DWA (RFC 6733 §5.5.2)."""
    body = write_value(_RESULT_CODE, SUCCESS) + _origin(identity) + _state(identity)
    return write_message(_answer_header(request), body)


def write_disconnect_request(identity: Identity, identifier: int, cause: int) -> bytes:
    """A DPR (RFC 6733 §5.4.1); cause 0 REBOOTING, 1 BUSY, 2 DO_NOT_WANT_TO_TALK_TO_YOU."""
    body = _origin(identity) + write_value(_DISCONNECT_CAUSE, cause)
    return write_message(_request_header(DISCONNECT_PEER, identifier), body)


def write_disconnect_answer(request: Header, identity: Identity) -> bytes:
    """A DPA (RFC 6733 §5.4.2)."""
    return write_message(_answer_header(request), write_value(_RESULT_CODE, SUCCESS) + _origin(identity))


def write_error_answer(
    message: Message, identity: Identity, result_code: int, reason: str, failed_avp: bytes = b""
) -> bytes:
    """An answer of the generic grammar (RFC 6733 §7.2): Session-Id first, Proxy-Info in order, E bit for 3xxx.

    CC-Request-Type and -Number of a credit-control request come back, too: clients match answers by them.
    """
    session_id, counted, proxies = b"", b"", b""
    is_credit_control = message.header.command == CREDIT_CONTROL
    try:
        for avp in walk(message.octets, HEADER_OCTETS):
            if avp.key == _SESSION_ID and not session_id:
                session_id = write(_SESSION_ID, avp.data)
            elif avp.key in (_CC_REQUEST_TYPE, _CC_REQUEST_NUMBER) and is_credit_control and len(avp.data) == 4:
                counted += write(avp.code, avp.data)
            elif avp.key == _PROXY_INFO:
                proxies += avp.octets + b"\0" * (-len(avp.octets) % 4)
    except PeerError:
        pass  # what could be read before the fault is echoed
    parts = (
        session_id,
        write_value(_RESULT_CODE, result_code),
        _origin(identity),
        _state(identity),
        counted,
        _error_message(reason),
        _failed(failed_avp),
        proxies,
    )
    return write_message(_answer_header(message.header, result_code), b"".join(parts))

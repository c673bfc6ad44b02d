"""Messages of the base protocol: capabilities exchange, watchdog, disconnect, and answers that say an error (RFC 6733 §5, §7).

Reads and writes octets; what they mean for the connection is in peer.py.
"""

from dataclasses import dataclass
from typing import Final

from gy_interface.avp import Avp, read_text, read_unsigned32, walk, write, write_address, write_text, write_unsigned32
from gy_interface.errors import PeerError
from gy_interface.framing import (
    FLAG_ERROR,
    FLAG_PROXIABLE,
    FLAG_REQUEST,
    HEADER_OCTETS,
    Header,
    Message,
    write_message,
)

CAPABILITIES_EXCHANGE: Final = 257
RE_AUTH: Final = 258
CREDIT_CONTROL: Final = 272
ABORT_SESSION: Final = 274
DEVICE_WATCHDOG: Final = 280
DISCONNECT_PEER: Final = 282

CREDIT_CONTROL_APPLICATION: Final = 4
RELAY_APPLICATION: Final = 0xFFFFFFFF
VENDOR_3GPP: Final = 10415

SUCCESS: Final = 2001
COMMAND_UNSUPPORTED: Final = 3001
UNABLE_TO_DELIVER: Final = 3002
TOO_BUSY: Final = 3004
APPLICATION_UNSUPPORTED: Final = 3007
UNKNOWN_PEER: Final = 3010
MISSING_AVP: Final = 5005
NO_COMMON_APPLICATION: Final = 5010

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
_DESTINATION_HOST: Final = 293
_DESTINATION_REALM: Final = 283

_MINIMUM_OCTETS: Final = {_ORIGIN_HOST: 0, _ORIGIN_REALM: 0, _DISCONNECT_CAUSE: 4}


@dataclass(frozen=True, slots=True)
class Identity:
    """Who we are in every message that we send."""

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


def _origin(identity: Identity) -> bytes:
    return write_text(_ORIGIN_HOST, identity.origin_host) + write_text(_ORIGIN_REALM, identity.origin_realm)


def _required(found: dict[int, Avp], code: int) -> Avp:
    """The AVP, or PeerError 5005 with an example of it."""
    if code not in found:
        example = write(code, b"\0" * _MINIMUM_OCTETS.get(code, 0))
        raise PeerError(MISSING_AVP, f"AVP {code} is missing", example)
    return found[code]


def _first_of_each(message: Message) -> dict[int, Avp]:
    """The first AVP of each code of vendor 0."""
    found: dict[int, Avp] = {}
    for avp in walk(message.octets, HEADER_OCTETS):
        if avp.vendor == 0:
            found.setdefault(avp.code, avp)
    return found


def read_capabilities(message: Message) -> Capabilities:
    """A CER's contents (RFC 6733 §5.3.1). PeerError 5005, 5014 where it isn't one."""
    found = _first_of_each(message)
    applications = set()
    for avp in walk(message.octets, HEADER_OCTETS):
        if avp.vendor == 0 and avp.code in (_AUTH_APPLICATION_ID, _ACCT_APPLICATION_ID):
            applications.add(read_unsigned32(avp))
        elif avp.vendor == 0 and avp.code == _VENDOR_SPECIFIC_APPLICATION_ID:
            applications.update(
                read_unsigned32(part)
                for part in walk(avp.data)
                if part.code in (_AUTH_APPLICATION_ID, _ACCT_APPLICATION_ID)
            )
    state = found.get(_ORIGIN_STATE_ID)
    return Capabilities(
        origin_host=read_text(_required(found, _ORIGIN_HOST)),
        origin_realm=read_text(_required(found, _ORIGIN_REALM)),
        origin_state_id=read_unsigned32(state) if state else None,
        applications=frozenset(applications),
    )


def write_capabilities_answer(request: Header, identity: Identity, result_code: int, failed_avp: bytes = b"") -> bytes:
    """A CEA (RFC 6733 §5.3.2): we serve credit control (4) with 3GPP's AVPs, and say no more than that."""
    body = write_unsigned32(_RESULT_CODE, result_code) + _origin(identity)
    body += b"".join(write_address(_HOST_IP_ADDRESS, address) for address in identity.addresses)
    body += write_unsigned32(_VENDOR_ID, 0) + write_text(_PRODUCT_NAME, identity.product_name, mandatory=False)
    body += write_unsigned32(_ORIGIN_STATE_ID, identity.origin_state_id)
    if failed_avp:
        body += _write_failed(failed_avp)
    body += write_unsigned32(_SUPPORTED_VENDOR_ID, VENDOR_3GPP)
    body += write_unsigned32(_AUTH_APPLICATION_ID, CREDIT_CONTROL_APPLICATION)
    flags = FLAG_ERROR if 3000 <= result_code < 4000 else 0
    return write_message(_answer_header(request, flags), body)


def _write_failed(octets: bytes) -> bytes:
    return write(_FAILED_AVP, octets + b"\0" * (-len(octets) % 4))


def _answer_header(request: Header, flags: int = 0) -> Header:
    """The header of an answer: same command, application and ids; the P bit as in the request (RFC 6733 §6.2)."""
    return request._replace(flags=(request.flags & FLAG_PROXIABLE) | flags)


def write_watchdog_request(identity: Identity, hop_by_hop: int) -> bytes:
    """A DWR (RFC 6733 §5.5.1)."""
    header = Header(0, FLAG_REQUEST, DEVICE_WATCHDOG, 0, hop_by_hop, hop_by_hop)
    return write_message(header, _origin(identity) + write_unsigned32(_ORIGIN_STATE_ID, identity.origin_state_id))


def write_watchdog_answer(request: Header, identity: Identity) -> bytes:
    """A DWA (RFC 6733 §5.5.2)."""
    body = write_unsigned32(_RESULT_CODE, SUCCESS) + _origin(identity)
    body += write_unsigned32(_ORIGIN_STATE_ID, identity.origin_state_id)
    return write_message(_answer_header(request), body)


def write_disconnect_request(identity: Identity, hop_by_hop: int, cause: int) -> bytes:
    """A DPR (RFC 6733 §5.4.1); cause 0 REBOOTING, 1 BUSY, 2 DO_NOT_WANT_TO_TALK_TO_YOU."""
    header = Header(0, FLAG_REQUEST, DISCONNECT_PEER, 0, hop_by_hop, hop_by_hop)
    return write_message(header, _origin(identity) + write_unsigned32(_DISCONNECT_CAUSE, cause))


def write_disconnect_answer(request: Header, identity: Identity) -> bytes:
    """A DPA (RFC 6733 §5.4.2)."""
    return write_message(_answer_header(request), write_unsigned32(_RESULT_CODE, SUCCESS) + _origin(identity))


def check_origin(message: Message) -> None:
    """PeerError where a base request lacks Origin-Host or Origin-Realm."""
    found = _first_of_each(message)
    _required(found, _ORIGIN_HOST)
    _required(found, _ORIGIN_REALM)


def destination_of(message: Message) -> tuple[str | None, str | None]:
    """(Destination-Host, Destination-Realm) of a request, None where absent."""
    found = _first_of_each(message)
    host, realm = found.get(_DESTINATION_HOST), found.get(_DESTINATION_REALM)
    return read_text(host) if host else None, read_text(realm) if realm else None


def write_error_answer(
    message: Message, identity: Identity, result_code: int, reason: str, failed_avp: bytes = b""
) -> bytes:
    """An answer of the generic grammar: E bit for 3xxx, Session-Id first, Proxy-Info in order (RFC 6733 §7.2)."""
    session_id = b""
    proxies = b""
    try:
        for avp in walk(message.octets, HEADER_OCTETS):
            if avp.vendor == 0 and avp.code == _SESSION_ID and not session_id:
                session_id = write(_SESSION_ID, avp.data)
            elif avp.vendor == 0 and avp.code == _PROXY_INFO:
                proxies += avp.octets + b"\0" * (-len(avp.octets) % 4)
    except PeerError:
        pass  # what could be read before the fault is echoed
    body = session_id + _origin(identity) + write_unsigned32(_RESULT_CODE, result_code)
    body += write_text(_ERROR_MESSAGE, reason[:200], mandatory=False)
    if failed_avp:
        body += _write_failed(failed_avp)
    flags = FLAG_ERROR if 3000 <= result_code < 4000 else 0
    return write_message(_answer_header(message.header, flags), body + proxies)

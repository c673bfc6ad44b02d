"""The answers that we send, as RFC 6733 and RFC 8506 write them: which AVPs, how often, where, with which flags.

Written down from the RFCs' command forms, not from our dictionary. `{ AVP }` is (1, 1), `[ AVP ]` (0, 1), `* [ AVP ]`
(0, MANY). What stands in no row is no part of the form; the extras that `* [ AVP ]` lets us add are named as such, those of
TS 32.299 by vendor << 32 | code.
"""

from typing import Final, NamedTuple

from tests.gy_interface.diameter_octets import avps_of

MANY: Final = 1 << 30
V, M, NO_FLAGS = 0x80, 0x40, 0x00
_3GPP = 10415 << 32


class Form(NamedTuple):
    """A command or group: (least, most) by vendor << 32 | code; `first` stands at a fixed place, the first."""

    clause: str
    avps: dict[int, tuple[int, int]]
    first: int | None = None


_ONE, _MAY, _ANY = (1, 1), (0, 1), (0, MANY)
_WHO = {264: _ONE, 296: _ONE}

GROUPS: Final = {
    456: Form(
        "RFC 8506 §8.16",
        {431: _MAY, 437: _MAY, 446: _ANY, 452: _MAY, 439: _ANY, 432: _MAY, 457: _ANY, 448: _MAY, 268: _MAY, 430: _MAY}
        | {_3GPP | code: _MAY for code in (868, 869, 1226, 871)},
    ),
    431: Form("RFC 8506 §8.17", {451: _MAY, 420: _MAY, 413: _MAY, 421: _MAY, 412: _MAY, 414: _MAY, 417: _MAY}),
    430: Form("RFC 8506 §8.34", {449: _ONE, 438: _ANY, 11: _ANY, 434: _MAY}),
    284: Form("RFC 6733 §6.7.2", {280: _ONE, 33: _ONE}),
}
"""Failed-AVP (279) is left out: it holds what the peer sent."""

CREDIT_CONTROL_ANSWER: Final = Form(
    "RFC 8506 §3.2",
    {
        263: _ONE,
        268: _ONE,
        **_WHO,
        258: _ONE,
        416: _ONE,
        415: _ONE,
        418: _MAY,
        427: _MAY,
        278: _MAY,
        431: _MAY,
        456: _ANY,
        430: _MAY,
        448: _MAY,
        284: _ANY,
        279: _ANY,
    },
    first=263,
)
CAPABILITIES_ANSWER: Final = Form(
    "RFC 6733 §5.3.2",
    {
        268: _ONE,
        **_WHO,
        257: (1, MANY),
        266: _ONE,
        269: _ONE,
        278: _MAY,
        281: _MAY,
        279: _MAY,
        265: _ANY,
        258: _ANY,
        299: _ANY,
        259: _ANY,
        260: _ANY,
        267: _MAY,
    },
)
WATCHDOG_REQUEST: Final = Form("RFC 6733 §5.5.1", {**_WHO, 278: _MAY})
WATCHDOG_ANSWER: Final = Form("RFC 6733 §5.5.2", {268: _ONE, **_WHO, 281: _MAY, 279: _MAY, 278: _MAY})
DISCONNECT_REQUEST: Final = Form("RFC 6733 §5.4.1", {**_WHO, 273: _ONE})
DISCONNECT_ANSWER: Final = Form("RFC 6733 §5.4.2", {268: _ONE, **_WHO, 281: _MAY, 279: _MAY})
ERROR_ANSWER: Final = Form(
    "RFC 6733 §7.2",
    {
        263: _MAY,
        **_WHO,
        268: _ONE,
        278: _MAY,
        281: _MAY,
        294: _MAY,
        279: _MAY,
        284: _ANY,
        416: _MAY,  # an extra: clients match answers by it
        415: _MAY,  # the same
    },
    first=263,
)
"""Of protocol errors, and of requests that lack what the command's own answer has to echo."""

WITHOUT_M: Final = frozenset({269, 267, 281, 294})
"""What must not have the M bit (RFC 6733 §4.5); all else that we send must."""


def misfits(octets: bytes, form: Form) -> list[str]:
    """What of a message isn't as its form says."""
    found = avps_of(octets[20:])
    if form.first is not None and form.first in {code for code, *_ in found} and found[0][0] != form.first:
        return [f"AVP {form.first} isn't the first"]
    return _misfits(found, form)


def _misfits(found: list[tuple[int, int, int, bytes]], form: Form) -> list[str]:
    faults = []
    codes = [vendor << 32 | code for code, vendor, *_ in found]
    for code, (least, most) in form.avps.items():
        if not least <= codes.count(code) <= most:
            faults.append(f"AVP {code} is there {codes.count(code)} times ({form.clause})")
    for code, vendor, flags, data in found:
        if vendor << 32 | code not in form.avps:
            faults.append(f"AVP {code} of vendor {vendor} is no part of it ({form.clause})")
        if code != 284 and flags != (NO_FLAGS if code in WITHOUT_M else M | (V if vendor else NO_FLAGS)):
            faults.append(f"AVP {code} has the flags {flags:#04x}")
        if code in GROUPS and code != 284:
            faults += _misfits(avps_of(data), GROUPS[code])
        elif code == 284:
            faults += [fault for fault in _misfits(avps_of(data), GROUPS[code]) if "flags" not in fault]
    return faults

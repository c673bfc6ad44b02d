"""The AVPs that are recognised: names, types and flags by (vendor, code).

The rows come from the dictionary of python-diameter, which knows RFC 6733, RFC 8506, TS 29.061 and TS 32.299 and is kept
by people who do nothing else; ours is only the list of those that we handle (gy_interface/avp_codes.py). An AVP with the
M bit that isn't recognised at command or MSCC level is answered 5001 (RFC 6733 §7.1.5).
"""

from typing import Final, NamedTuple

from diameter.message import avp as _avp
from diameter.message.avp.dictionary import AVP_DICTIONARY, AVP_VENDOR_DICTIONARY


class AvpRow(NamedTuple):
    """One AVP."""

    vendor: int
    code: int
    name: str
    type_name: str
    """Unsigned32, UTF8String, Grouped ... of RFC 6733 §4.2 and §4.3"""
    mandatory: bool


_TYPE_NAMES: Final = {
    _avp.AvpAddress: "Address",
    _avp.AvpEnumerated: "Enumerated",
    _avp.AvpFloat32: "Float32",
    _avp.AvpFloat64: "Float64",
    _avp.AvpGrouped: "Grouped",
    _avp.AvpInteger32: "Integer32",
    _avp.AvpInteger64: "Integer64",
    _avp.AvpOctetString: "OctetString",
    _avp.AvpTime: "Time",
    _avp.AvpUnsigned32: "Unsigned32",
    _avp.AvpUnsigned64: "Unsigned64",
    _avp.AvpUtf8String: "UTF8String",
}


def _rows() -> dict[tuple[int, int], AvpRow]:
    rows = {}
    tables = [(0, AVP_DICTIONARY), *AVP_VENDOR_DICTIONARY.items()]
    for vendor, table in tables:
        for code, entry in table.items():
            type_name = _TYPE_NAMES.get(entry["type"], "OctetString")
            rows[vendor, code] = AvpRow(vendor, code, entry["name"], type_name, bool(entry.get("mandatory")))
    return rows


AVPS: Final = _rows()
"""Every recognised AVP by (vendor, code)."""


def recognised_keys() -> list[int]:
    """vendor << 32 | code of every recognised AVP, for the codec's kernels."""
    return sorted(vendor << 32 | code for vendor, code in AVPS)


def name_of(vendor: int, code: int) -> str:
    """The AVP's name, or its numbers where it isn't recognised."""
    row = AVPS.get((vendor, code))
    return row.name if row else f"AVP {code} of vendor {vendor}"

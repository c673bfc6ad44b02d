"""The AVPs that are recognised: the tables of dictionary_rfc.py and dictionary_3gpp.py, by vendor << 32 | code.

An AVP with the M bit that isn't recognised, at command or MSCC level, is answered 5001 (RFC 6733 §7.1.5); one that is
recognised but not handled is passed over. Kernels see the same rows as arrays: `RECOGNISED_CODES`.
"""

from enum import Enum
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gy_interface.dictionary_3gpp import TABLES as TABLES_3GPP
from gy_interface.dictionary_rfc import TABLES as TABLES_RFC


class AvpType(Enum):
    """Formats of an AVP's data, RFC 6733 §4.2 and §4.3."""

    ADDRESS = "Address"
    DIAMETER_IDENTITY = "DiameterIdentity"
    DIAMETER_URI = "DiameterURI"
    ENUMERATED = "Enumerated"
    FLOAT32 = "Float32"
    FLOAT64 = "Float64"
    GROUPED = "Grouped"
    INTEGER32 = "Integer32"
    INTEGER64 = "Integer64"
    IP_FILTER_RULE = "IPFilterRule"
    OCTET_STRING = "OctetString"
    QOS_FILTER_RULE = "QoSFilterRule"
    TIME = "Time"
    UNSIGNED32 = "Unsigned32"
    UNSIGNED64 = "Unsigned64"
    UTF8_STRING = "UTF8String"


LEAST_OCTETS: Final = {
    AvpType.ADDRESS: 6,
    AvpType.ENUMERATED: 4,
    AvpType.FLOAT32: 4,
    AvpType.FLOAT64: 8,
    AvpType.INTEGER32: 4,
    AvpType.INTEGER64: 8,
    AvpType.TIME: 4,
    AvpType.UNSIGNED32: 4,
    AvpType.UNSIGNED64: 8,
}
"""The shortest data of a type, where that isn't 0. All but Address have no other length."""


class AvpRow(NamedTuple):
    """One AVP.

    is_mandatory   it must have the M bit when we send it; peers may leave it away
    clause         document and clause that define it
    is_handled     we read or write it; the others are only recognised
    """

    vendor: int
    code: int
    name: str
    type: AvpType
    is_mandatory: bool
    clause: str
    is_handled: bool

    @property
    def key(self) -> int:
        """vendor << 32 | code."""
        return self.vendor << 32 | self.code


def _rows() -> dict[int, AvpRow]:
    rows: dict[int, AvpRow] = {}
    for document, vendor, table in TABLES_RFC + TABLES_3GPP:
        for code, name, type_name, flags, clause, is_handled in table:
            where = f"{document} §{clause}" if clause else document
            row = AvpRow(vendor, code, name, AvpType(type_name), "M" in flags, where, is_handled)
            assert row.key not in rows, f"{name} and {rows[row.key].name} have one code"
            rows[row.key] = row
    return rows


AVPS: Final = _rows()
"""Every recognised AVP by vendor << 32 | code."""


class RecognisedCodes(NamedTuple):
    """The dictionary for kernels: a row of each array is one AVP, keys ascending."""

    keys: NDArray[np.int64]  # vendor << 32 | code
    is_mandatory: NDArray[np.uint8]
    is_handled: NDArray[np.uint8]
    least_octets: NDArray[np.int64]  # shortest data of its type


def _recognised_codes() -> RecognisedCodes:
    rows = [AVPS[key] for key in sorted(AVPS)]
    return RecognisedCodes(
        np.array([row.key for row in rows], np.int64),
        np.array([row.is_mandatory for row in rows], np.uint8),
        np.array([row.is_handled for row in rows], np.uint8),
        np.array([LEAST_OCTETS.get(row.type, 0) for row in rows], np.int64),
    )


RECOGNISED_CODES: Final = _recognised_codes()


def recognised_keys() -> list[int]:
    """vendor << 32 | code of every recognised AVP, ascending."""
    return sorted(AVPS)


def name_of(key: int) -> str:
    """Name of the AVP `key` (vendor << 32 | code), or its numbers where it isn't recognised."""
    row = AVPS.get(key)
    if row:
        return row.name
    vendor, code = key >> 32, key & 0xFFFFFFFF
    return f"AVP {code} of vendor {vendor}" if vendor else f"AVP {code}"


def least_octets_of(key: int) -> int:
    """Shortest data that the AVP `key` may have; 0 where it isn't recognised."""
    row = AVPS.get(key)
    return LEAST_OCTETS.get(row.type, 0) if row else 0


def failed_avp_examples() -> dict[int, int]:
    """Shortest data by vendor << 32 | code, where that isn't 0: for a Failed-AVP that is made up."""
    return {key: least_octets_of(key) for key in AVPS if least_octets_of(key)}

"""The dictionary against what others wrote down: the RFCs' own tables, four dictionaries of the field, python-diameter."""

import csv
import re
from pathlib import Path
from typing import Final

import pytest
from diameter.message.avp.dictionary import AVP_DICTIONARY, AVP_VENDOR_DICTIONARY

from gy_interface import dictionary_rfc
from gy_interface.dictionary import (
    AVPS,
    LEAST_OCTETS,
    RECOGNISED_CODES,
    AvpType,
    failed_avp_examples,
    least_octets_of,
    name_of,
    recognised_keys,
)
from tests.reference.specifications import specifications

VENDOR_3GPP: Final = 10415
VENDOR_3GPP2: Final = 5535
OTHER_NAMES: Final = {
    "Service-Type": "Service-Type-nasreq",
    "TWAN-Identifier": "3GPP-TWAN-Identifier",
    "RAN-End-Time": "RAN-End-Timestamp",
    "RAN-Start-Time": "RAN-Start-Timestamp",
}
"""Names that another dictionary spells in its own way."""
SHORT_TYPES: Final = {"DiamIdent": "DiameterIdentity", "DiamURI": "DiameterURI", "IPAddress": "Address"}
KIN: Final = (
    {"Address", "OctetString"},
    {"Enumerated", "Unsigned32", "Integer32"},
    {"UTF8String", "OctetString", "DiameterIdentity", "DiameterURI", "IPFilterRule", "QoSFilterRule"},
)
"""Formats that dictionaries write for one another; the octets are the same but for what is checked."""
TABLE_ROW = re.compile(r"^   (\S+)\s+(\d+)\s+(\d+\.[\d.]+)\s+(\w+) *\| *(M?) *\|")
TABLE_REST = re.compile(r"^ {4,6}(\S+) +\|")


def letters(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


def rows_of_rfc(path: Path) -> list[tuple[str, int, str, str, bool]]:
    """(name, code, clause, type, M) of an RFC's table of AVPs; names go on in the next line."""
    rows: list[tuple[str, int, str, str, bool]] = []
    for line in path.read_text().splitlines():
        if found := TABLE_ROW.match(line):
            name, code, clause, kind, must = found.groups()
            rows.append((name, int(code), clause.rstrip("."), SHORT_TYPES.get(kind, kind), must == "M"))
        elif rows and rows[-1][0].endswith("-") and (found := TABLE_REST.match(line)):
            rows[-1] = (rows[-1][0] + found[1], *rows[-1][1:])
    return rows


@pytest.mark.parametrize(("name", "count"), [("rfc6733.txt", 48), ("rfc8506.txt", 67)])
def test_every_row_of_the_rfc(name: str, count: int) -> None:
    rows = rows_of_rfc(specifications() / "rfc" / name)
    assert len(rows) >= count
    for avp_name, code, clause, kind, is_mandatory in rows:
        row = AVPS.get(code)
        assert row is not None, f"{avp_name} ({code}) is missing"
        assert (letters(row.name), row.type.value) == (letters(avp_name), kind)
        assert row.is_mandatory == is_mandatory, avp_name
        assert row.clause.endswith(f"§{clause}"), f"{avp_name} is defined in {clause}, not {row.clause}"


def test_dictionaries_of_the_field_agree() -> None:
    with (specifications() / "3gpp" / "diameter" / "avps_merged.csv").open() as file:
        theirs = {int(row["vendor"]) << 32 | int(row["code"]): row for row in csv.DictReader(file)}
    shared = [row for key, row in AVPS.items() if key in theirs]
    assert len(shared) > 1000
    for row in shared:
        other = theirs[row.key]
        assert letters(OTHER_NAMES.get(row.name, row.name)) == letters(other["name"])
        types = {
            SHORT_TYPES.get(other[name], other[name]) for name in ("fd_type", "ws_type", "go_type", "sigscale_type")
        }
        assert is_kin(row.type.value, types - {""}), f"{row.name} is {row.type.value} here and {types} there"


def is_kin(kind: str, others: set[str]) -> bool:
    return kind in others or any(kind in family and family & others for family in KIN)


def test_mandatory_where_the_field_says_so() -> None:
    """The M bit that we set where two dictionaries or more say it must be set, and no vote is against it."""
    with (specifications() / "3gpp" / "diameter" / "avps_merged.csv").open() as file:
        for row in csv.DictReader(file):
            ours = AVPS.get(int(row["vendor"]) << 32 | int(row["code"]))
            votes = [row[name] for name in ("fd_must", "go_must", "sig_flags") if row[name]]
            if ours is not None and ours.is_handled and len(votes) > 1:
                assert ours.is_mandatory == ("M" in votes[0]) or len({"M" in vote for vote in votes}) > 1, ours.name


def test_python_diameter_agrees_on_what_we_handle() -> None:
    handled = [row for row in AVPS.values() if row.is_handled]
    assert len(handled) > 40
    for row in handled:
        known = AVP_VENDOR_DICTIONARY[VENDOR_3GPP] if row.vendor else AVP_DICTIONARY
        other = known[row.code]
        kind = other["type"].__name__.removeprefix("Avp").replace("Utf8", "UTF8")
        assert letters(other["name"]).removeprefix("3gpp") == letters(row.name).removeprefix("3gpp")
        assert is_kin(row.type.value, {kind}), f"{row.name} is {row.type.value} here and {kind} there"


def test_kernels_see_the_same_rows() -> None:
    assert RECOGNISED_CODES.keys.tolist() == recognised_keys() == sorted(AVPS)
    for place, key in enumerate(recognised_keys()):
        row = AVPS[key]
        assert (RECOGNISED_CODES.is_mandatory[place], RECOGNISED_CODES.is_handled[place]) == (
            row.is_mandatory,
            row.is_handled,
        )
        assert RECOGNISED_CODES.least_octets[place] == LEAST_OCTETS.get(row.type, 0) == least_octets_of(key)
    assert set(failed_avp_examples()) == {key for key in AVPS if least_octets_of(key)}


def test_every_row_says_where_it_is_defined() -> None:
    for row in AVPS.values():
        assert row.clause
        assert 0 < row.code < 2**32
        assert row.vendor in (0, VENDOR_3GPP, VENDOR_3GPP2), row.name
    names = [row.name for row in AVPS.values()]
    assert len(set(names)) == len(names)


def test_names_of_what_is_and_is_not_known() -> None:
    assert name_of(263) == "Session-Id"
    assert name_of(VENDOR_3GPP << 32 | 873) == "Service-Information"
    assert (name_of(9999), name_of(9 << 32 | 5)) == ("AVP 9999", "AVP 5 of vendor 9")
    assert least_octets_of(9999) == 0


def test_types_of_rows_are_formats_of_the_rfc() -> None:
    for _, _, table in dictionary_rfc.TABLES:
        for row in table:
            assert AvpType(row[2])

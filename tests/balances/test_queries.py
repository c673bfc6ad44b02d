"""The readable view against records that plain Python wrote, and octets that are no record."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from balances.queries import FIELDS_OF, RecordError, decode_record, decode_rows
from balances.record import (
    FINAL_LAST,
    GSU_LAST,
    GSU_PREVIOUS,
    HEADER_DIRECTORY,
    HEADER_LAYOUT,
    HEADER_WORDS,
    LAYOUT_VERSION,
    PRESENT_RATING_GROUP,
    STRIDES,
    Section,
)
from tests.reference.record_octets import encode_rows
from vocabulary.outcomes import Outcome
from vocabulary.units import Unit

SIGNED = {"service_context"}
UNSIGNED = {"key_high", "key_low"}


def values_of(field):
    """All that a field can hold."""
    bits = 8 * field.width
    if field.name in SIGNED or (field.width == 8 and field.name not in UNSIGNED):
        return st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return st.integers(0, 2**bits - 1)


def rows_of(section, most):
    row = st.fixed_dictionaries({field.name: values_of(field) for field in FIELDS_OF[section]})
    return st.lists(row, min_size=1 if section == "header" else 0, max_size=most)


records = st.fixed_dictionaries({section: rows_of(section, 1 if section == "header" else 3) for section in FIELDS_OF})


@settings(max_examples=75)
@given(rows=records)
def test_every_field_of_every_row_comes_back(rows):
    rows["header"][0]["layout_version"] = LAYOUT_VERSION
    assert decode_rows(encode_rows(rows)) == rows


def test_view_nests_what_the_record_keeps_side_by_side():
    session = {"tag": 3, "key_high": 2**64 - 1, "answers": 2, "last_answered": 2, "last_number": 1, "last_hash": 77}
    service = {
        "tag": 9,
        "session_tag": 3,
        "rating_group": 10,
        "presence": PRESENT_RATING_GROUP,
        "unit": int(Unit.OCTETS),
        "last_granted": 100,
        "previous_granted": 50,
        "finals": GSU_LAST | FINAL_LAST,
    }
    record = encode_rows(
        {
            "header": [{"layout_version": LAYOUT_VERSION, "account_id": 7, "tenant": 2, "status": 1, "currency": 978}],
            "products": [{"offer": 5, "release": 1}],
            "buckets": [
                {"bucket_id": 1, "unit": int(Unit.MONEY), "remaining": -30, "reserved": 4},
                {"bucket_id": 2, "unit": int(Unit.OCTETS), "allowance": 11, "remaining": 9},
                {"bucket_id": 3, "unit": int(Unit.MONEY), "remaining": 5},
            ],
            "sessions": [session, {"tag": 4}],
            "services": [service, service | {"tag": 10, "session_tag": 4, "presence": 0, "finals": GSU_PREVIOUS}],
            "reservations": [{"service_tag": 9, "bucket_id": 1, "amount": 4}, {"service_tag": 8, "amount": 1}],
            "ended": [{"mark": 5}],
        }
    )
    view = decode_record(record, {5: "Mini", 11: "1 GB"})
    assert (view.account_id, view.tenant, view.products[0].name) == (7, 2, "Mini")
    assert [bucket.name for bucket in view.buckets] == ["money", "1 GB", "money"]
    assert view.total() == (-25, 4)
    assert view.total(Unit.OCTETS) == (9, 0)
    assert view.bucket(2).remaining == 9
    assert view.bucket(99) is None
    first, second = view.sessions
    assert (first.key_high, first.last.number, first.last.body_hash) == (2**64 - 1, 1, 77)
    (found,) = first.services
    assert (found.rating_group, found.service_identifier) == (10, None)
    assert (found.last.granted, found.last.is_final, found.previous.granted) == (100, True, None)
    assert [(held.bucket_id, held.amount) for held in found.reservations] == [(1, 4)]
    (other,) = second.services
    assert (other.rating_group, other.last.granted, other.previous.granted) == (None, None, 50)
    assert other.last.outcome == Outcome.UNDECIDED
    assert json.loads(json.dumps(view.to_dict()))["sessions"][0]["services"][0]["reservations"] == [
        {"bucket_id": 1, "amount": 4}
    ]


GOOD = encode_rows({"header": [{"layout_version": LAYOUT_VERSION}], "buckets": [{"bucket_id": 1}]})


def with_octet(record, at, value):
    return record[:at] + bytes([value]) + record[at + 1 :]


@pytest.mark.parametrize(
    ("record", "told"),
    [
        (b"", "record of 0 octets: a record is whole words, at least 10"),
        (GOOD[:-1], "whole words"),
        (GOOD[: 8 * HEADER_WORDS - 8], "at least 10"),
        (with_octet(GOOD, HEADER_LAYOUT, 9), "record has layout 9, this release reads 3: use the one that wrote it"),
        (GOOD[:-8], "record is cut off: 1 buckets of 6 words do not fit"),
        (GOOD + bytes(8), f"record has {len(GOOD) + 8} octets, its directory says {len(GOOD)}"),
    ],
)
def test_octets_that_are_no_record_are_named(record, told):
    with pytest.raises(RecordError, match=told):
        decode_record(record)


@settings(max_examples=150)
@given(octets=st.binary(max_size=300), head=st.sampled_from((b"", GOOD, GOOD[: 8 * HEADER_WORDS])))
def test_any_octets_are_rows_or_a_record_error(octets, head):
    try:
        rows = decode_rows(head + octets)
    except RecordError:
        return
    assert set(rows) == set(FIELDS_OF)


def test_narrower_rows_of_an_older_layout_read_as_zero_and_unknown_kinds_are_passed_over():
    strides = list(STRIDES)
    strides[Section.SESSIONS] = 3
    narrow = encode_rows(
        {"header": [{"layout_version": LAYOUT_VERSION}], "sessions": [{"key_high": 1, "tag": 4}]}, strides
    )
    (row,) = decode_rows(narrow)["sessions"]
    assert (row["key_high"], row["tag"], row["expires_ns"], row["last_answered"]) == (1, 4, 0, 0)
    unknown = with_octet(with_octet(GOOD, HEADER_DIRECTORY + 12, 2), HEADER_DIRECTORY + 13, 1) + bytes(16)
    assert decode_rows(unknown)["buckets"] == decode_rows(GOOD)["buckets"]

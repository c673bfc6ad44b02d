"""The order of buckets against Python's sort: by priority, then end, then place in the record, those valid alone."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from balances.arena import new_arena
from balances.record import LAYOUT_VERSION
from balances.selection import find_bucket, order_allowances, order_money, order_payers
from balances.stored_record import to_stored
from tests.reference.placing import place_records
from tests.reference.record_octets import encode_rows
from vocabulary.limits import BUCKETS_PER_ACCOUNT_MAX
from vocabulary.units import MONEY_UNITS, Unit

NOW_NS = 1000

buckets = st.lists(
    st.builds(
        lambda unit, allowance, priority, from_ns, to_ns, remaining: {
            "unit": int(unit),
            "allowance": 0 if unit in MONEY_UNITS else allowance,
            "priority": priority,
            "from_ns": from_ns,
            "to_ns": to_ns,
            "remaining": remaining,
        },
        st.sampled_from(Unit),
        st.sampled_from((11, 12, 2**31 - 1)),
        st.sampled_from((0, 1, 1, 127, 128, 255)),
        st.sampled_from((0, 0, NOW_NS - 1, NOW_NS, NOW_NS + 1)),
        st.sampled_from((NOW_NS - 1, NOW_NS, NOW_NS + 1, NOW_NS + 2, 2**63 - 1)),
        st.sampled_from((-1, 0, 1, 50)),
    ),
    max_size=BUCKETS_PER_ACCOUNT_MAX,
)


def laid(rows):
    """(arena, first word of each bucket) of a record with these buckets."""
    for number, row in enumerate(rows):
        row["bucket_id"] = 2**31 - number
    record = encode_rows(
        {"header": [{"layout_version": LAYOUT_VERSION}], "products": [{}], "buckets": rows, "ended": [{}]}
    )
    arena = new_arena(1, len(record) // 8 + 64)
    source = np.frombuffer(bytearray(to_stored(record)), np.uint8)
    assert place_records(arena, source, np.zeros(1, np.int64), np.array([len(source)]), np.zeros(1, np.int64), 1) == -1
    first = int(arena.section_at[0, 1])
    return arena, [first + 6 * place for place in range(len(rows))]


def expected(rows, places, wanted):
    chosen = [(row["priority"], row["to_ns"], at) for row, at in zip(rows, places, strict=True) if wanted(row)]
    return [at for _, _, at in sorted(chosen)]


def is_valid(row):
    return row["from_ns"] <= NOW_NS < row["to_ns"]


@settings(max_examples=100)
@given(rows=buckets, unit=st.sampled_from((Unit.MONEY, Unit.BILL)))
def test_money_in_order(rows, unit):
    arena, places = laid(rows)
    order = np.zeros(BUCKETS_PER_ACCOUNT_MAX, np.int64)
    count = order_money(arena, 0, int(unit), NOW_NS, order)
    assert order[:count].tolist() == expected(rows, places, lambda row: row["unit"] == unit and is_valid(row))


@settings(max_examples=150)
@given(
    rows=st.one_of(buckets, buckets.map(lambda rows: [row | {"unit": 0, "allowance": 0} for row in rows])),
    unit=st.sampled_from((Unit.MONEY, Unit.MONEY, Unit.BILL)),
)
def test_payers_are_what_is_over_then_valid_money_or_the_first(rows, unit):
    arena, places = laid(rows)
    order = np.zeros(BUCKETS_PER_ACCOUNT_MAX, np.int64)
    count = order_payers(arena, 0, int(unit), NOW_NS, order)
    money = [(row, at) for row, at in zip(rows, places, strict=True) if row["unit"] == unit]
    valid = expected(rows, places, lambda row: row["unit"] == unit and is_valid(row))
    last = valid or [at for _, at in money[:1]]
    over = [at for row, at in money if row["to_ns"] <= NOW_NS and row["remaining"] > 0 and at not in last]
    assert order[:count].tolist() == over + last


@settings(max_examples=100)
@given(
    rows=buckets,
    unit=st.sampled_from([unit for unit in Unit if unit not in MONEY_UNITS]),
    before=st.integers(0, 2),
    allowances=st.lists(st.sampled_from((11, 12, 13, 2**31 - 1)), max_size=3, unique=True),
)
def test_allowances_in_order(rows, unit, before, allowances):
    arena, places = laid(rows)
    order = np.zeros(BUCKETS_PER_ACCOUNT_MAX, np.int64)
    numbers = np.array([99] * before + allowances + [12], np.int32)
    count = order_allowances(arena, 0, int(unit), numbers, before, len(allowances), NOW_NS, order)
    wanted = expected(
        rows, places, lambda row: row["unit"] == unit and row["allowance"] in allowances and is_valid(row)
    )
    assert order[:count].tolist() == wanted


@settings(max_examples=50)
@given(rows=buckets, number=st.integers(0, 2 * BUCKETS_PER_ACCOUNT_MAX))
def test_buckets_are_found_by_id(rows, number):
    arena, places = laid(rows)
    assert find_bucket(arena, 0, 2**31 - number) == (places[number] if number < len(rows) else -1)

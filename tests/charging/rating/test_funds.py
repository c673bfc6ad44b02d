"""What several money buckets give together, against plain sums: in order, within places, held to the last micro."""

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from balances.arena import new_arena
from balances.queries import decode_rows
from balances.record import LAYOUT_VERSION, RESERVATION_WORDS
from balances.reservations import RESERVATIONS_PER_SERVICE_MAX, new_ledger
from balances.selection import order_money
from balances.stored_record import to_stored
from charging.rating.funds import free_micros, places_left, reserve_money
from tests.reference.placing import place_records
from tests.reference.record_octets import encode_rows
from vocabulary.limits import BUCKETS_PER_ACCOUNT_MAX, MICROS_MAX
from vocabulary.units import Unit

TAG = 5
remainings = st.lists(
    st.one_of(st.integers(-20, 60), st.integers(0, 60), st.just(MICROS_MAX)),
    min_size=1,
    max_size=BUCKETS_PER_ACCOUNT_MAX,
)
limits = st.sampled_from((0, 0, 20, MICROS_MAX))


def laid(amounts: list[int], limit_micros: int, unit: Unit = Unit.MONEY) -> tuple[Any, Any]:
    """(arena, order) of an account whose buckets of the unit remain so, in the order of their priority."""
    record = encode_rows(
        {
            "header": [{"layout_version": LAYOUT_VERSION, "credit_limit_micros": limit_micros}],
            "buckets": [
                {"bucket_id": place + 1, "unit": unit, "priority": place, "remaining": amount, "to_ns": 2**63 - 1}
                for place, amount in enumerate(amounts)
            ],
            "ended": [{"mark": -1}],
        }
    )
    arena = new_arena(1, len(record) // 8 + 256)
    source, zero = np.frombuffer(bytearray(to_stored(record)), np.uint8), np.zeros(1, np.int64)
    assert place_records(arena, source, zero, np.array([len(source)]), zero, 1) == -1
    order = np.zeros(BUCKETS_PER_ACCOUNT_MAX, np.int64)
    assert order_money(arena, 0, unit, 1, order) == len(amounts)
    assert order_money(arena, 0, Unit.MONEY + Unit.BILL - unit, 1, order.copy()) == 0, "the other pays nothing of it"
    return arena, order


def shares_of(amounts: list[int], credit_micros: int, places: int) -> list[tuple[int, int]]:
    """(bucket id, micros that it gives)"""
    above_zero = [(place + 1, amount) for place, amount in enumerate(amounts[:-1]) if amount > 0]
    last = max(amounts[-1] + credit_micros, 0)
    return [*above_zero[: places - 1], (len(amounts), last)] if places > 0 else []


@settings(max_examples=150)
@given(
    amounts=remainings,
    limit_micros=limits,
    unit=st.sampled_from((Unit.MONEY, Unit.BILL)),
    places=st.integers(0, RESERVATIONS_PER_SERVICE_MAX),
    percent=st.sampled_from((1, 50, 99, 100)),
)
def test_money_is_held_as_far_as_each_bucket_gives(
    amounts: list[int], limit_micros: int, unit: Unit, places: int, percent: int
) -> None:
    """What is said to be free can be held, in order, and nothing else changes."""
    arena, order = laid(amounts, limit_micros, unit)
    arena.capacity[0] = arena.length[0] + RESERVATION_WORDS * RESERVATIONS_PER_SERVICE_MAX
    shares = shares_of(amounts, limit_micros if unit == Unit.BILL else 0, places)
    free = free_micros(arena, 0, unit, order, len(amounts), places)
    assert free == min(sum(micros for _, micros in shares), MICROS_MAX)
    wanted = left = free * percent // 100
    if wanted == 0:
        return
    reserve_money(arena, 0, new_ledger(), TAG, order, len(amounts), places, wanted)
    expected = []
    for bucket_id, micros in shares:
        part = min(left, micros)
        left -= part
        expected += [(bucket_id, part)] if part else []
    rows = decode_rows(arena.words[arena.first[0] : arena.first[0] + arena.length[0]].tobytes())
    assert [(held["bucket_id"], held["amount"]) for held in rows["reservations"]] == expected
    assert {held["service_tag"] for held in rows["reservations"]} == {TAG}
    held = dict(expected)
    for place, bucket in enumerate(rows["buckets"]):
        part = held.get(place + 1, 0)
        assert (bucket["remaining"], bucket["reserved"]) == (amounts[place] - part, part)
    assert rows["ended"] == [{"mark": -1}], "what lies behind is whole"


def test_places_end_with_the_room_of_the_record() -> None:
    """A record that is nearly full leaves fewer places than a service may have, down to none."""
    arena, order = laid([10, 10, 10], 0)
    for room_words, places in ((100, 6), (5, 2), (3, 1), (1, 0)):
        arena.capacity[0] = arena.length[0] + room_words
        assert places_left(arena, 0, 2) == places
    assert [free_micros(arena, 0, Unit.MONEY, order, 3, places) for places in (3, 2, 1, 0)] == [30, 20, 10, 0]

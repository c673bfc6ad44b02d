"""Reserve, commit, release, debit, expire against plain Python: same buckets, same holds, same movements, nothing lost."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from balances.arena import new_arena
from balances.journal import MOVEMENT_DTYPE, MovementKind
from balances.queries import decode_rows
from balances.record import BUCKET_WORDS, LAYOUT_VERSION, Section
from balances.reservations import (
    commit_reservations,
    debit,
    expire_buckets,
    new_ledger,
    post,
    remove_empty_buckets,
    reserve,
)
from balances.stored_record import to_stored
from tests.reference.placing import place_records
from tests.reference.record_octets import encode_rows
from vocabulary.limits import BUCKETS_PER_ACCOUNT_MAX, MICROS_MAX
from vocabulary.units import MONEY_UNITS, Unit

NOW_NS = 1000
REQUEST_ROW, USAGE_ROW = 5, 9
ROOM_WORDS = 24
"""Twelve reservations: sequences run out of room."""


@dataclass
class PlainLedger:
    """The account in plain Python: buckets, holds in the order of the record, and what happened to each bucket."""

    buckets: list[dict]
    words_left: int
    holds: list[list[int]] = field(default_factory=list)
    """[service tag, bucket id, amount]"""
    events: list[dict[str, int]] = field(default_factory=list)

    def __post_init__(self):
        self.events = [{"charged": 0, "expired": 0, "held": 0} for _ in self.buckets]

    def row_of(self, bucket_id):
        return next(row for row, bucket in enumerate(self.buckets) if bucket["bucket_id"] == bucket_id)

    def debit(self, row, amount):
        self.buckets[row]["remaining"] -= amount
        self.events[row]["charged"] += amount

    def reserve(self, tag, row, amount):
        if self.words_left < 2:
            return False
        self.words_left -= 2
        self.holds.append([tag, self.buckets[row]["bucket_id"], amount])
        self.buckets[row]["remaining"] -= amount
        self.buckets[row]["reserved"] += amount
        self.events[row]["held"] += amount
        return True

    def commit(self, tag, used):
        kept = []
        for hold in self.holds:
            if hold[0] != tag:
                kept.append(hold)
                continue
            self.words_left += 2
            row = self.row_of(hold[1])
            bucket, events = self.buckets[row], self.events[row]
            bucket["reserved"] -= hold[2]
            events["held"] -= hold[2]
            if bucket["unit"] in MONEY_UNITS:
                bucket["remaining"] += hold[2]
                continue
            take = min(used, hold[2]) if bucket["unit"] == Unit.OCTETS else 0
            used -= take
            events["charged"] += take
            if bucket["to_ns"] <= NOW_NS:
                events["expired"] += hold[2] - take
            else:
                bucket["remaining"] += hold[2] - take
        self.holds = kept
        return used

    def expire(self):
        for bucket, events in zip(self.buckets, self.events, strict=True):
            if bucket["to_ns"] <= NOW_NS and bucket["remaining"] > 0:
                events["expired"] += bucket["remaining"]
                bucket["remaining"] = 0

    def post(self):
        """(bucket id, kind, amount, held) of each movement, and an empty ledger."""
        moves = []
        for bucket, events in zip(self.buckets, self.events, strict=True):
            held = events["held"]
            for kind, name in ((MovementKind.CHARGED, "charged"), (MovementKind.EXPIRED, "expired")):
                if events[name]:
                    moves.append((bucket["bucket_id"], kind, events[name], held))
                    held = 0
            if held:
                moves.append((bucket["bucket_id"], MovementKind.HELD, 0, held))
            events |= {"charged": 0, "expired": 0, "held": 0}
        return moves

    def remove_empty(self):
        gone = [
            row
            for row, bucket in enumerate(self.buckets)
            if bucket["to_ns"] <= NOW_NS
            and bucket["unit"] not in MONEY_UNITS
            and not bucket["remaining"]
            and not bucket["reserved"]
        ]
        for row in reversed(gone):
            del self.buckets[row], self.events[row]
            self.words_left += BUCKET_WORDS


buckets = st.lists(
    st.fixed_dictionaries(
        {
            "unit": st.sampled_from([int(unit) for unit in Unit]),
            "remaining": st.one_of(st.integers(0, 100), st.just(MICROS_MAX)),
            "from_ns": st.just(0),
            "to_ns": st.sampled_from((NOW_NS - 1, NOW_NS, NOW_NS + 1, 2**63 - 1)),
        }
    ),
    min_size=1,
    max_size=6,
)
steps = st.lists(
    st.tuples(
        st.sampled_from(("reserve", "reserve", "reserve", "commit", "commit", "debit", "expire", "post", "remove")),
        st.integers(0, 5),
        st.integers(1, 3),
        st.one_of(st.integers(0, 120), st.just(2**53)),
    ),
    max_size=40,
)


def place(rows):
    record = encode_rows({"header": [{"layout_version": LAYOUT_VERSION}], "buckets": rows, "ended": [{"mark": -1}]})
    arena = new_arena(1, 1024)
    source, zero = np.frombuffer(bytearray(to_stored(record)), np.uint8), np.zeros(1, np.int64)
    assert place_records(arena, source, zero, np.array([len(source)]), zero, 1) == -1
    arena.capacity[0] = arena.length[0] + ROOM_WORDS
    return arena


def rows_of(arena):
    return decode_rows(arena.words[int(arena.first[0]) :][: int(arena.length[0])].tobytes())


def movements_of(movements, count):
    for row in movements[:count]:
        assert (row["request"], row["usage"]) == (REQUEST_ROW, USAGE_ROW)
    return [
        (int(row["bucket_id"]), MovementKind(row["kind"]), int(row["amount"]), int(row["held"]))
        for row in movements[:count]
    ]


def step_both(arena, ledger, plain, movements, step):
    """One step on both sides; movements that it posted."""
    name, bucket, tag, amount = step
    row = bucket % len(plain.buckets) if plain.buckets else -1
    at = int(arena.section_at[0, Section.BUCKETS]) + row * BUCKET_WORDS
    if name == "commit":
        assert commit_reservations(arena, 0, ledger, tag, Unit.OCTETS, amount, NOW_NS) == plain.commit(tag, amount)
    elif name == "expire":
        expire_buckets(arena, 0, ledger, NOW_NS)
        plain.expire()
    elif name in ("post", "remove"):
        count = post(arena, 0, ledger, movements, 3, REQUEST_ROW, USAGE_ROW) - 3
        moves = plain.post()
        assert movements_of(movements[3:], count) == moves
        if name == "remove":
            remove_empty_buckets(arena, 0, NOW_NS)
            plain.remove_empty()
        return moves
    elif row >= 0 and amount <= max(plain.buckets[row]["remaining"], 0):
        if name == "reserve" and amount == 0:
            return []
        if name == "reserve":
            assert reserve(arena, 0, ledger, tag, at, amount) == plain.reserve(tag, row, amount)
        else:
            debit(arena, 0, ledger, at, amount)
            plain.debit(row, amount)
    return []


@settings(max_examples=150)
@given(rows=buckets, steps=steps)
def test_ledger_and_record_are_what_plain_python_says(rows, steps):
    for number, row in enumerate(rows):
        row |= {"bucket_id": 100 + number, "reserved": 0, "allowance": 0 if row["unit"] in MONEY_UNITS else 7}
    arena = place(rows)
    plain = PlainLedger([dict(row) for row in rows], ROOM_WORDS)
    ledger = new_ledger()
    movements = np.zeros(256, MOVEMENT_DTYPE)
    moves = []
    for step in [*steps, ("post", 0, 1, 0)]:
        moves += step_both(arena, ledger, plain, movements, step)
        found = rows_of(arena)
        assert [
            {name: bucket[name] for name in row} for bucket, row in zip(found["buckets"], plain.buckets, strict=True)
        ] == [dict(row) for row in plain.buckets]
        held = [[hold["service_tag"], hold["bucket_id"], hold["amount"]] for hold in found["reservations"]]
        assert held == plain.holds
        assert found["ended"] == [{"mark": -1}], "what lies behind is whole"
    for columns in ledger:
        assert not columns.any(), "everything was posted"
    for row in rows:
        own = [(amount, held) for bucket_id, _, amount, held in moves if bucket_id == row["bucket_id"]]
        left = next(
            (each for each in plain.buckets if each["bucket_id"] == row["bucket_id"]), {"remaining": 0, "reserved": 0}
        )
        assert left["remaining"] == row["remaining"] - sum(amount + held for amount, held in own)
        assert left["reserved"] == sum(held for _, held in own)


def test_reservation_without_room_holds_nothing():
    arena = place([{"bucket_id": 1, "remaining": 10, "to_ns": 2**63 - 1, "unit": int(Unit.OCTETS)}])
    arena.capacity[0] = arena.length[0] + 1
    ledger = new_ledger()
    before = rows_of(arena)
    assert not reserve(arena, 0, ledger, 1, int(arena.section_at[0, Section.BUCKETS]), 5)
    assert rows_of(arena) == before
    assert not any(columns.any() for columns in ledger)


def test_reservation_of_a_bucket_that_is_gone_stops_the_process():
    """It can't be; wrong money would be worse."""
    record = encode_rows(
        {
            "header": [{"layout_version": LAYOUT_VERSION}],
            "buckets": [{"bucket_id": 1}],
            "reservations": [{"service_tag": 1, "bucket_id": 2, "amount": 5}],
        }
    )
    arena = new_arena(1, 256)
    zero = np.zeros(1, np.int64)
    source = np.frombuffer(bytearray(to_stored(record)), np.uint8)
    assert place_records(arena, source, zero, np.array([len(source)]), zero, 1) == -1
    with pytest.raises(AssertionError):
        commit_reservations(arena, 0, new_ledger(), 1, Unit.OCTETS, 0, NOW_NS)


def test_ledger_has_a_row_for_every_bucket():
    assert all(len(columns) > BUCKETS_PER_ACCOUNT_MAX for columns in new_ledger())

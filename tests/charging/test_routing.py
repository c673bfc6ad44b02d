"""Where the requests of a tick go, and who is refused first when a queue is full."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from charging.batch import EVENT, INITIAL, TERMINATION, UPDATE, new_usage_batch
from charging.routing import order_by_place, refuse_excess
from tests.reference.engine_alone import fill_batch
from tests.reference.requests import CreditControl
from vocabulary.outcomes import Outcome

ROWS = 40
BATCH = new_usage_batch(ROWS, ROWS, 64)
tick = st.lists(
    st.tuples(
        st.one_of(st.none(), st.integers(0, 9)),
        st.sampled_from((INITIAL, UPDATE, TERMINATION, EVENT)),
        st.sampled_from((Outcome.UNDECIDED, Outcome.UNDECIDED, Outcome.INVALID_AVP_VALUE)),
    ),
    max_size=ROWS,
)


def fill(rows: list[tuple[int | None, int, Outcome]]) -> None:
    """Lay a tick into the batch."""
    fill_batch(BATCH, [CreditControl(account, (1, 1), type_, 0, 0, 0, outcome=out) for account, type_, out in rows])


@settings(max_examples=75)
@given(tick, st.integers(1, 4), st.data())
def test_rows_are_ordered_by_the_place_of_their_owner_and_stay_in_order(
    rows: list[tuple[int | None, int, Outcome]], count: int, data: st.DataObject
) -> None:
    """Each place's rows, then those of unknown accounts, then those that have an outcome; each in order of arrival."""
    fill(rows)
    places = data.draw(st.lists(st.integers(0, count - 1), min_size=1, max_size=5))
    order, firsts = np.full(ROWS, -1, np.int32), np.full(count + 3, -1, np.int64)
    order_by_place(BATCH, np.array(places, np.int32), count, order, firsts)
    expected: list[list[int]] = [[] for _ in range(count + 2)]
    for row, (account, _, outcome) in enumerate(rows):
        if outcome != Outcome.UNDECIDED:
            expected[count + 1].append(row)
        elif account is None:
            expected[count].append(row)
        else:
            expected[places[account % len(places)]].append(row)
    found = [order[firsts[place] : firsts[place + 1]].tolist() for place in range(count + 2)]
    assert found == expected


@settings(max_examples=75)
@given(tick, st.booleans(), st.data())
def test_new_sessions_and_events_are_refused_before_reports(
    rows: list[tuple[int | None, int, Outcome]], refuse_all: bool, data: st.DataObject
) -> None:
    """Reports are kept in their order, all others of the span have 3004; nothing outside of the span is touched."""
    fill(rows)
    first = data.draw(st.integers(0, len(rows)))
    count = data.draw(st.integers(0, len(rows) - first))
    order = np.arange(ROWS, dtype=np.int32)
    kept = refuse_excess(BATCH, order, first, count, refuse_all)
    span = list(range(first, first + count))
    reports = [row for row in span if rows[row][1] in (UPDATE, TERMINATION) and not refuse_all]
    assert order[first : first + kept].tolist() == reports
    outside = [*range(first), *range(first + count, ROWS)]
    assert order[outside].tolist() == outside
    outcomes = BATCH.requests["outcome"].tolist()
    for row, (_, _, outcome) in enumerate(rows):
        assert outcomes[row] == (Outcome.TOO_BUSY if row in span and row not in reports else outcome)

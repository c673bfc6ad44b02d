"""Rows that move between batches keep all that belongs to them, and nothing of a batch is written past its end."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from charging.batch import (
    COUNT_MSCCS,
    COUNT_OCTETS,
    COUNT_REQUESTS,
    AnswerBatch,
    UsageBatch,
    new_answer_batch,
    new_usage_batch,
)
from charging.batch_rows import answer_refused, refuse_undecided, take_rows
from tests.reference.engine_alone import fill_batch
from tests.reference.requests import Credit, CreditControl, Mscc, Open, Request
from vocabulary.outcomes import Outcome
from vocabulary.units import Unit

ROWS = 24
requests_drawn = st.lists(
    st.one_of(
        st.builds(
            lambda number, msccs: CreditControl(
                1, (number, 1), 2, number, number, 5, msccs=tuple(Mscc(n, used={Unit.OCTETS: n}) for n in range(msccs))
            ),
            st.integers(0, 99),
            st.integers(0, 3),
        ),
        st.builds(lambda number: Open(number + 1, 5, offer=number, credits=(Credit(number + 1),)), st.integers(0, 99)),
    ),
    max_size=ROWS,
)


def with_octets(batch: UsageBatch, requests: list[Request]) -> None:
    """Lay the requests with a message of their own each: row n has n + 1 octets of value n."""
    fill_batch(batch, requests)
    at = 0
    for row in range(len(requests)):
        columns = batch.requests[row]
        columns["message_offset"], columns["message_length"] = at, row + 1
        columns["session_id_offset"], columns["session_id_length"] = at, 1
        batch.octets[at : at + row + 1] = row
        at += row + 1
    batch.counts[COUNT_OCTETS] = at


def described(batch: UsageBatch, row: int) -> tuple[object, ...]:
    """All that a request brings with it."""
    columns = batch.requests[row]
    first, msccs = int(columns["mscc_first"]), int(columns["mscc_count"])
    start, credits = int(columns["credit_first"]), int(columns["credit_count"])
    offset = int(columns["message_offset"])
    return (
        int(columns["request_number"]),
        int(columns["kind"]),
        [int(own["rating_group"]) for own in batch.msccs[first : first + msccs]],
        [int(own["request"]) == row for own in batch.msccs[first : first + msccs]],
        [int(own["amount"]) for own in batch.credits[start : start + credits]],
        int(batch.changes[row]["offer"]) if credits else 0,
        batch.octets[offset : offset + int(columns["message_length"])].tolist(),
        batch.octets[int(columns["session_id_offset"])],
    )


@settings(max_examples=60)
@given(requests_drawn, st.data())
def test_taken_rows_are_whole_and_the_target_is_never_overfilled(requests: list[Request], data: st.DataObject) -> None:
    """Any choice of rows, into a batch of any size that may hold rows already: what fits is equal to its source."""
    source = new_usage_batch(ROWS, 4 * ROWS, 1024)
    with_octets(source, requests)
    rows = data.draw(st.lists(st.integers(0, max(len(requests) - 1, 0)), max_size=2 * ROWS if requests else 0))
    sizes = data.draw(st.tuples(st.integers(1, ROWS), st.integers(1, ROWS), st.integers(1, 200)))
    target = new_usage_batch(*sizes)
    taken = 0
    order = np.array(rows, np.int32)
    while taken < len(rows):
        some = take_rows(target, source, order, taken, min(3, len(rows) - taken))
        taken += some
        if some < 3:
            break
    assert target.counts[COUNT_REQUESTS] == taken
    for place in range(taken):
        assert described(target, place) == described(source, rows[place])
    assert target.counts[COUNT_MSCCS] <= sizes[1]
    assert target.counts[COUNT_OCTETS] <= sizes[2]
    if taken < len(rows):
        wanted = source.requests[rows[taken]]
        assert (
            taken == sizes[0]
            or target.counts[COUNT_MSCCS] + wanted["mscc_count"] > sizes[1]
            or target.counts[COUNT_OCTETS] + wanted["message_length"] > sizes[2]
        )


def refusable() -> tuple[UsageBatch, AnswerBatch]:
    """A request that nobody decided and one that the codec refused, and answers that hold those of another batch."""
    batch, answers = new_usage_batch(4, 8, 64), new_answer_batch(4, 8)
    for name in ("is_silent", "is_duplicate", "opened_session", "ended_session"):
        answers.answers[name] = 1
    answers.msccs["has_grant"] = 1
    sent = [
        CreditControl(1, (1, 1), 1, 0, 0, 0, msccs=(Mscc(1), Mscc(2))),
        CreditControl(1, (1, 1), 1, 0, 0, 0, msccs=(Mscc(3),), outcome=Outcome.MISSING_AVP),
    ]
    fill_batch(batch, sent)
    return batch, answers


def test_refusing_keeps_the_outcome_that_a_request_has() -> None:
    """The undecided get the refusal, at command level and in each MSCC, without quota; the codec's findings stay."""
    batch, answers = refusable()
    refuse_undecided(batch, answers, int(Outcome.TOO_BUSY))
    assert answers.answers["outcome"][:2].tolist() == [Outcome.TOO_BUSY, Outcome.MISSING_AVP]
    assert answers.msccs["outcome"][:3].tolist() == [Outcome.TOO_BUSY, Outcome.TOO_BUSY, Outcome.MISSING_AVP]
    assert not answers.msccs["has_grant"][:3].any()
    for name in ("is_silent", "is_duplicate", "opened_session", "ended_session"):
        assert not answers.answers[name][:2].any()


def test_only_what_has_an_outcome_is_answered_undecided() -> None:
    """The others are silent: somebody else decides them."""
    batch, answers = refusable()
    assert answer_refused(batch, answers) == 1
    assert answers.answers["is_silent"][:2].tolist() == [1, 0]
    assert answers.answers["outcome"][1] == answers.msccs["outcome"][2] == Outcome.MISSING_AVP
    assert not answers.answers["opened_session"][:2].any()
    assert not answers.msccs["has_grant"][:3].any()

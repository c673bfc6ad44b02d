"""Rows that are handed to another process, against a plain twin: kept, sent, moved, answered, given up."""

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from charging.batch import COUNT_REQUESTS, UsageBatch, new_answer_batch, new_usage_batch
from charging.batch_rows import hold_answered
from charging.handed_checks import FAULT_ANSWER, FAULT_ANSWER_MSCCS, SOUND, find_answer_fault, take_handed
from charging.handed_rows import (
    HELD_HANDED,
    HELD_KEPT,
    MOVED,
    NOT_OWNED,
    REFUSED,
    UNSENT,
    HandedAnswers,
    KeptTick,
    end_overdue,
    gather_answers,
    keep_rows,
    mark_sent,
    new_handed_answers,
    new_kept_tick,
    place_answers,
    refuse_some,
    send_rest,
    skip_answers,
    take_back,
)
from tests.reference.engine_alone import fill_batch
from tests.reference.handed_twin import TwinAnswer, TwinRow, TwinTick
from tests.reference.handed_twin import refuse_some as refuse_some_twin
from tests.reference.requests import CreditControl, Mscc
from vocabulary.held import Held
from vocabulary.outcomes import Outcome
from vocabulary.units import Unit

ROWS, MSCCS = 12, 24
NUMBER = 77
OUTCOMES = (Outcome.GRANTED, Outcome.TOO_BUSY, Outcome.USER_UNKNOWN)

drawn_rows = st.lists(st.tuples(st.integers(0, 99), st.integers(0, 2), st.integers(0, 9)), max_size=ROWS)
owners = st.lists(st.integers(0, 2), min_size=1, max_size=3)
drawn_steps = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.none()),
        st.tuples(st.just("rest"), st.none()),
        st.tuples(st.just("back"), st.tuples(owners, st.integers(0, 2), st.booleans())),
        st.tuples(st.just("overdue"), st.tuples(st.integers(0, 10), st.integers(0, 10))),
        st.tuples(
            st.just("answer"),
            st.lists(
                st.tuples(st.integers(0, ROWS), st.integers(0, 2), st.sampled_from(OUTCOMES), st.integers(0, 2)),
                max_size=ROWS,
            ),
        ),
    ),
    max_size=8,
)


def source_of(rows: list[tuple[int, int, int]], outcomes: list[int] | None = None) -> UsageBatch:
    """A tick of (request number, MSCCs, received) rows, each with a message of its own."""
    batch = new_usage_batch(ROWS, MSCCS, 256)
    requests = [
        CreditControl(n, (n, 1), 2, n, n, at, msccs=tuple(Mscc(g, used={Unit.OCTETS: n}) for g in range(msccs)))
        for n, msccs, at in rows
    ]
    fill_batch(batch, requests)
    for row in range(len(rows)):
        batch.requests["message_offset"][row], batch.requests["message_length"][row] = 4 * row, 4
        batch.octets[4 * row : 4 * row + 4] = row
        if outcomes is not None:
            batch.requests["outcome"][row] = outcomes[row]
    batch.counts[4] = 4 * len(rows)
    return batch


def handed_of(answers: list[TwinAnswer]) -> Held[HandedAnswers]:
    """Answers as they come over a link."""
    handed = new_handed_answers(4 * ROWS, 4 * MSCCS)
    mscc = 0
    for place, answer in enumerate(answers):
        head = handed.heads[place]
        head["tick"], head["row"], head["account_id"] = answer.tick, answer.row, answer.account_id
        head["mscc_count"], head["outcome"] = len(answer.granted), answer.request_outcome
        head["is_refused"] = answer.refused
        handed.answers[place]["outcome"] = answer.outcome
        for granted in answer.granted:
            handed.msccs[mscc]["granted"] = granted
            mscc += 1
    handed.counts[:] = len(answers), mscc
    return Held(handed, HELD_HANDED)


def compare(kept: KeptTick, twin: TwinTick) -> None:
    """Every row and every answer that is out."""
    assert kept.usage.counts[COUNT_REQUESTS] == len(twin.rows)
    for place, row in enumerate(twin.rows):
        request, answer = kept.usage.requests[place], kept.answers.answers[place]
        assert (request["request_number"], request["handed_tick"], request["handed_row"]) == (
            row.number,
            twin.number,
            place,
        )
        assert (kept.states[place], request["moves"]) == (row.state, row.moves), place
        assert (request["account_id"], request["outcome"]) == (row.account_id, row.outcome)
        assert (answer["is_silent"] == 0) == (row.answer is not None), place
        if row.answer is not None:
            first = request["mscc_first"]
            granted = kept.answers.msccs["granted"][first : first + row.mscc_count].tolist()
            assert (answer["outcome"], granted) == row.answer


def kept_tick() -> tuple[KeptTick, Held[KeptTick]]:
    kept = new_kept_tick(ROWS, MSCCS, 256)
    return kept, Held(kept, HELD_KEPT)


ALL_ROWS = np.arange(ROWS, dtype=np.int32)


@settings(max_examples=75, deadline=None)
@given(drawn_rows, drawn_steps, st.integers(0, 3))
def test_the_life_of_a_tick_is_that_of_its_twin(
    rows: list[tuple[int, int, int]], steps: list[tuple[str, Any]], moves: int
) -> None:
    kept, held = kept_tick()
    source = source_of(rows)
    source.requests["moves"] = moves
    state = MOVED if moves else UNSENT
    twin = TwinTick(NUMBER, [TwinRow(*row, state=state, moves=moves, account_id=row[0]) for row in rows])
    kept.answers.answers["is_silent"] = 1
    assert keep_rows(held.octets, NUMBER, source, ALL_ROWS, 0, len(rows), False) == len(rows)
    for step, argument in steps:
        batch = new_usage_batch(ROWS, MSCCS, 256)
        if step == "send":
            if all(row.state in (UNSENT, MOVED) for row in twin.rows):
                mark_sent(held.octets)
                twin.mark_sent()
        elif step == "rest":
            send_rest(held.octets, batch)
            assert batch.requests["handed_row"][: batch.counts[COUNT_REQUESTS]].tolist() == twin.send_rest()
            assert take_handed(hold_answered(batch, new_answer_batch(ROWS, MSCCS)).octets, 1, 1) == SOUND
        elif step == "back":
            found = take_back(held.octets, batch, np.array(argument[0], np.int32), *argument[1:])
            places, given_up = twin.take_back(*argument)
            assert found == (len(places), given_up)
            assert batch.requests["handed_row"][: batch.counts[COUNT_REQUESTS]].tolist() == places
        elif step == "overdue":
            assert end_overdue(held.octets, *argument) == twin.end_overdue(*argument)
        elif argument:
            answers = [
                TwinAnswer(NUMBER, row, 5 + row, Outcome.UNDECIDED, outcome, [row + 1] * msccs, refused)
                for row, msccs, outcome, refused in argument
            ]
            handed = handed_of([*answers, TwinAnswer(NUMBER + 1, 0, 1, 0, Outcome.GRANTED, [])])
            mscc_count = sum(len(answer.granted) for answer in answers)
            done = place_answers(handed.octets, 0, 0, held.octets)
            assert done == (len(answers), mscc_count, *twin.place(answers))
            assert skip_answers(handed.octets, 0, 0) == done[:2]
        compare(kept, twin)


def test_rows_that_no_link_had_are_new_whatever_they_say() -> None:
    kept, held = kept_tick()
    source = source_of([(1, 0, 0)])
    source.requests["moves"] = 2
    assert keep_rows(held.octets, NUMBER, source, ALL_ROWS, 0, 1, True) == 1
    assert (kept.states[0], kept.usage.requests["moves"][0]) == (UNSENT, 0)


@given(st.lists(st.tuples(st.integers(1, 4), st.sampled_from((0, 2, 6))), max_size=ROWS), st.integers(0, 2))
def test_refusals(rows: list[tuple[int, int]], refusal: int) -> None:
    batch = source_of([(number, 0, 0) for number in range(len(rows))], [outcome for _, outcome in rows])
    batch.requests["request_type"][: len(rows)] = [kind for kind, _ in rows]
    expected = refuse_some_twin([kind for kind, _ in rows], [outcome for _, outcome in rows], refusal)
    assert refuse_some(batch, refusal) == sum(outcome != 0 for outcome in expected)
    assert batch.requests["outcome"][: len(rows)].tolist() == expected


@settings(max_examples=60, deadline=None)
@given(drawn_rows, st.data())
def test_the_rows_that_are_named_are_kept_as_far_as_there_is_room(
    rows: list[tuple[int, int, int]], data: st.DataObject
) -> None:
    kept = new_kept_tick(4, 5, 256)
    held = Held(kept, HELD_KEPT)
    order = np.array(data.draw(st.permutations(range(ROWS))), np.int32)
    order = order[order < len(rows)]
    first = data.draw(st.integers(0, len(rows)))
    count = int(keep_rows(held.octets, NUMBER, source_of(rows), order, first, len(rows) - first, True))
    wanted = [rows[place] for place in order[first:].tolist()]
    assert kept.usage.requests["request_number"][:count].tolist() == [number for number, _, _ in wanted[:count]]
    if count < len(wanted):
        assert count == 4 or sum(msccs for _, msccs, _ in wanted[: count + 1]) > 5


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 2), st.booleans(), st.sampled_from(OUTCOMES)),
        max_size=ROWS,
    )
)
def test_answers_of_one_link_are_gathered(rows: list[tuple[int, int, bool, Outcome]]) -> None:
    """Each link gets its own rows in order with their MSCCs, and none that is silent; refused ones say whose they are."""
    epochs = np.array([7, 0], np.int64)
    batch, answers = source_of([(n, row[1], 0) for n, row in enumerate(rows)]), new_answer_batch(ROWS, MSCCS)
    for place, (link, _, is_silent, outcome) in enumerate(rows):
        request = batch.requests[place]
        request["front_end"], request["handed_tick"], request["handed_row"] = link, 9, 100 + place
        request["account_id"] = place
        answers.answers[place]["is_silent"], answers.answers[place]["outcome"] = is_silent, outcome
    answers.msccs["granted"] = np.arange(MSCCS)
    answered, handed = hold_answered(batch, answers), new_handed_answers(ROWS, MSCCS)
    for link in (1, 2):
        wanted = [place for place, row in enumerate(rows) if row[0] == link and not row[2]]
        held = Held(handed, HELD_HANDED)
        assert gather_answers(answered.octets, link, held.octets, epochs) == len(wanted) == handed.counts[0]
        assert handed.heads["row"][: len(wanted)].tolist() == [100 + place for place in wanted]
        assert handed.heads["account_id"][: len(wanted)].tolist() == wanted
        refused = handed.heads["is_refused"][: len(wanted)].tolist()
        by_account = {0: REFUSED, 1: NOT_OWNED}
        assert refused == [by_account[place % 2] * (rows[place][3] == Outcome.TOO_BUSY) for place in wanted]
        returned = [place for place, what in zip(wanted, refused, strict=True) if what == NOT_OWNED]
        assert answers.answers["is_silent"][returned].all(), "they are no answers of this engine"
        spans = [(int(batch.requests["mscc_first"][place]), rows[place][1]) for place in wanted]
        expected = [mscc for first, count in spans for mscc in range(first, first + count)]
        assert handed.msccs["granted"][: handed.counts[1]].tolist() == expected
        assert find_answer_fault(held.octets) == SOUND


def test_answers_with_numbers_out_of_range_are_faults() -> None:
    """An outcome beyond the table would be read beside it; a count that differs would shift every answer behind it."""
    for column, name, value, fault in (
        ("heads", "outcome", len(Outcome), FAULT_ANSWER),
        ("answers", "outcome", 255, FAULT_ANSWER),
        ("heads", "row", -1, FAULT_ANSWER),
        ("heads", "tick", -1, FAULT_ANSWER),
        ("heads", "mscc_count", 33, FAULT_ANSWER),
        ("heads", "is_refused", 3, FAULT_ANSWER),
        ("heads", "mscc_count", 1, FAULT_ANSWER_MSCCS),
        ("msccs", "unit", 4, FAULT_ANSWER),
        ("msccs", "outcome", 17, FAULT_ANSWER),
    ):
        held = handed_of([TwinAnswer(1, 0, 1, 0, Outcome.GRANTED, [5, 5])])
        getattr(held.value, column)[name][0] = value
        assert find_answer_fault(held.octets) == fault, (column, name)

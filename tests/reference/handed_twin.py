"""Plain-Python twin of charging/handed_rows.py: a kept tick as a list of rows, answers as a list."""

from dataclasses import dataclass, field

from charging.batch import EVENT, INITIAL
from charging.handed_rows import DONE, REFUSE_ALL, REFUSE_NEW, SENT, UNSENT
from vocabulary.limits import HANDED_MOVES_MAX
from vocabulary.outcomes import Outcome


@dataclass
class TwinRow:
    """A request that is kept: what names it, how many MSCCs it has, and what became of it."""

    number: int
    mscc_count: int
    received_ns: int
    state: int = UNSENT
    moves: int = 0
    account_id: int = -1
    outcome: int = Outcome.UNDECIDED
    answer: tuple[int, list[int]] | None = None
    """(outcome, what each MSCC is granted) of the answer that is out now; None: the row is silent"""


@dataclass
class TwinAnswer:
    """An answer on its way: which row of which tick, of which account, what was found, and what each MSCC is granted."""

    tick: int
    row: int
    account_id: int
    request_outcome: int
    outcome: int
    granted: list[int]


@dataclass
class TwinTick:
    """Rows in order."""

    number: int
    rows: list[TwinRow] = field(default_factory=list)

    def keep(self, row: TwinRow) -> None:
        """A row more, of which nothing is known."""
        self.rows.append(row)

    def mark_sent(self) -> None:
        """All of them."""
        for row in self.rows:
            row.state = SENT

    def take_unanswered(self) -> tuple[list[int], int]:
        """(Places of the rows that go to a link, how many are given up.)"""
        places, given_up = [], 0
        for place, row in enumerate(self.rows):
            if row.state == SENT and row.moves == HANDED_MOVES_MAX:
                row.state = DONE
                given_up += 1
            elif row.state != DONE:
                row.moves += row.state == SENT
                row.state = SENT
                places.append(place)
        return places, given_up

    def end_overdue(self, unsent_before_ns: int, sent_before_ns: int) -> tuple[int, int]:
        """(Refused, given up.)"""
        refused = [row for row in self.rows if row.state == UNSENT and row.received_ns < unsent_before_ns]
        given_up = [row for row in self.rows if row.state == SENT and row.received_ns < sent_before_ns]
        self._silence()
        for row in refused:
            row.answer = (Outcome.TOO_BUSY, [0] * row.mscc_count)
        for row in (*refused, *given_up):
            row.state = DONE
        return len(refused), len(given_up)

    def place(self, answers: list[TwinAnswer]) -> int:
        """Lay answers of this tick; how many rows are done by them."""
        self._silence()
        done = 0
        for answer in answers:
            row = self.rows[answer.row] if answer.row < len(self.rows) else None
            if row is None or row.state != SENT or len(answer.granted) != row.mscc_count:
                continue
            row.state = DONE
            done += 1
            if answer.outcome != Outcome.TOO_BUSY or row.moves == 0:
                row.account_id, row.outcome = answer.account_id, answer.request_outcome
                row.answer = (answer.outcome, answer.granted)
        return done

    def _silence(self) -> None:
        for row in self.rows:
            row.answer = None


def refuse_some(types: list[int], outcomes: list[int], refusal: int) -> list[int]:
    """Outcomes by row."""
    return [
        Outcome.TOO_BUSY
        if outcome == Outcome.UNDECIDED
        and (refusal == REFUSE_ALL or (refusal == REFUSE_NEW and kind in (INITIAL, EVENT)))
        else outcome
        for kind, outcome in zip(types, outcomes, strict=True)
    ]

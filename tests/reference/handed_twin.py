"""Plain-Python twin of charging/handed_rows.py: a kept tick as a list of rows, answers as a list."""

from dataclasses import dataclass, field

from charging.batch import EVENT, INITIAL
from charging.handed_rows import DONE, MOVED, NOT_OWNED, REFUSE_ALL, REFUSE_NEW, REFUSED, RETURNED, SENT, UNSENT
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
    refused: int = 0
    """ANSWERED, REFUSED or NOT_OWNED"""


@dataclass
class TwinTick:
    """Rows in order."""

    number: int
    rows: list[TwinRow] = field(default_factory=list)

    def mark_sent(self) -> None:
        """All of them."""
        for row in self.rows:
            row.state = SENT

    def send_rest(self) -> list[int]:
        """Places of the rows that go to the link."""
        places = [place for place, row in enumerate(self.rows) if row.state != DONE]
        for place in places:
            self.rows[place].state = SENT
        return places

    def take_back(self, owners: list[int], place: int, leaves_all: bool) -> tuple[list[int], int]:
        """(Places of the rows that are to wait elsewhere, how many are given up.)"""
        taken, given_up = [], 0
        for number, row in enumerate(self.rows):
            owner = owners[row.account_id % len(owners)]
            stays = owner == place or (owner == 0 and not leaves_all)
            if row.state == DONE or (row.state != RETURNED and stays):
                continue
            was_sent, row.state = row.state == SENT, DONE
            if was_sent and row.moves == HANDED_MOVES_MAX:
                given_up += 1
            else:
                row.moves += was_sent
                taken.append(number)
        return taken, given_up

    def end_overdue(self, unsent_before_ns: int, sent_before_ns: int) -> tuple[int, int]:
        """(Refused, given up.)"""
        refused = [row for row in self.rows if row.state == UNSENT and row.received_ns < unsent_before_ns]
        given_up = [row for row in self.rows if row.state in (SENT, MOVED) and row.received_ns < sent_before_ns]
        self._silence()
        for row in refused:
            row.answer = (Outcome.TOO_BUSY, [0] * row.mscc_count)
        for row in (*refused, *given_up):
            row.state = DONE
        return len(refused), len(given_up)

    def place(self, answers: list[TwinAnswer]) -> tuple[int, int]:
        """Lay answers of this tick: (how many rows are done by them, how many came back)."""
        self._silence()
        done = returned = 0
        for answer in answers:
            row = self.rows[answer.row] if answer.row < len(self.rows) else None
            if row is None or row.state != SENT:
                continue
            if answer.refused == NOT_OWNED:
                row.state = RETURNED
                returned += 1
            elif len(answer.granted) == row.mscc_count:
                row.state = DONE
                done += 1
                if answer.refused != REFUSED or row.moves == 0:
                    row.account_id, row.outcome = answer.account_id, answer.request_outcome
                    row.answer = (answer.outcome, answer.granted)
        return done, returned

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

"""The rows that a front end has handed to one engine, or is about to: in order, until each is answered or given up."""

from collections import deque
from collections.abc import Container, Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from charging.batch import COUNT_OCTETS, COUNT_REQUESTS, AnsweredBatch, UsageBatch
from charging.batch_rows import hold_answered
from charging.handed_rows import HELD_KEPT, keep_rows, new_kept_tick
from runtime.handoff_frames import row_columns
from vocabulary.held import Held
from vocabulary.limits import HANDED_TICKS_MAX

_NUMBERS: Final = 2**31


class Tick:
    """Rows that are handed over together, and how many of them wait."""

    __slots__ = (
        "answered",
        "columns",
        "held",
        "is_fresh",
        "left",
        "number",
        "octets",
        "received_ns",
        "usage",
        "was_handed",
    )

    def __init__(self) -> None:
        kept = new_kept_tick()
        self.usage = kept.usage
        self.held = Held(kept, HELD_KEPT)
        self.answered: Held[AnsweredBatch] = hold_answered(kept.usage, kept.answers)
        """rows and answers, as front ends know them"""
        self.columns = row_columns(kept.usage)
        self.number = 0
        self.left = 0
        """rows that are neither answered nor given up"""
        self.octets = 0
        self.received_ns = 0
        """when the oldest row came"""
        self.is_fresh = True
        """no row of it was sent, and none is done"""
        self.was_handed = False
        """a row of it was written to another link before"""


class TickSource:
    """Ticks that are used again, and their numbers: no two of one front end have the same while rows of them wait."""

    def __init__(self) -> None:
        self._free: list[Tick] = []
        self._last_number = 0

    def take(self, is_taken: Container[int]) -> Tick:
        """An empty tick."""
        tick = self._free.pop() if self._free else Tick()
        self._last_number = (self._last_number + 1) % _NUMBERS
        assert self._last_number not in is_taken, "a tick is answered or given up before its number comes again"
        tick.number = self._last_number
        return tick

    def give_back(self, tick: Tick) -> None:
        """Nobody waits for rows of it any more."""
        tick.octets = tick.left = 0
        tick.is_fresh, tick.was_handed = True, False
        tick.usage.counts[:] = 0
        self._free.append(tick)


class KeptTicks:
    """Ticks by number, in the order in which their rows came; those that are to be sent are at the end."""

    def __init__(self, source: TickSource) -> None:
        self.rows = 0
        self.octets = 0
        """of the messages of ticks with rows that wait"""
        self._ticks: dict[int, Tick] = {}
        self._to_send: deque[Tick] = deque()
        self._source = source

    def __iter__(self) -> Iterator[Tick]:
        return iter(list(self._ticks.values()))

    def __len__(self) -> int:
        return len(self._ticks)

    def find(self, number: int) -> Tick | None:
        """The tick of a number, while rows of it wait."""
        return self._ticks.get(number)

    def keep(self, batch: UsageBatch, rows: NDArray[np.int32], first: int, count: int, *, is_new: bool) -> None:
        """Copy rows[first:first + count] of a batch, into the last tick where that isn't sent yet; see keep_rows."""
        while count:
            tick = self._to_send[-1] if self._to_send and self._to_send[-1].is_fresh else self._begin()
            before = int(tick.usage.counts[COUNT_REQUESTS])
            kept = int(keep_rows(tick.held.octets, tick.number, batch, rows, first, count, is_new))
            if before == 0 and kept:
                tick.received_ns = int(tick.usage.requests["received_ns"][0])
            if not is_new and tick.usage.requests["moves"][before : before + kept].any():
                tick.was_handed = True
            octets = int(tick.usage.counts[COUNT_OCTETS])
            tick.left += kept
            self.rows += kept
            self.octets += octets - tick.octets
            tick.octets = octets
            first, count = first + kept, count - kept
            if count:
                assert before or kept, "a row must fit into an empty tick"
                self._begin()

    def _begin(self) -> Tick:
        """An empty tick behind all others."""
        tick = self._source.take(self._ticks)
        self._ticks[tick.number] = tick
        self._to_send.append(tick)
        return tick

    def next_to_send(self) -> Tick | None:
        """The first tick that is to be sent; None where there is none, or as many are under way as may be."""
        if not self._to_send or len(self._ticks) - len(self._to_send) >= HANDED_TICKS_MAX:
            return None
        return self._to_send.popleft()

    def count_done(self, tick: Tick, count: int) -> None:
        """So many rows more are answered or given up; a tick with none left is used again."""
        tick.left -= count
        self.rows -= count
        if count:
            tick.is_fresh = False

    def drop_if_done(self, tick: Tick) -> None:
        """Use the tick again where no row of it is left."""
        if tick.left:
            return
        del self._ticks[tick.number]
        if tick in self._to_send:
            self._to_send.remove(tick)
        self.octets -= tick.octets
        self._source.give_back(tick)

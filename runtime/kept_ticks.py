"""The rows that a front end has handed to an engine, or is about to: in order, until each is answered or given up."""

from collections import deque
from collections.abc import Iterator
from typing import Final

from charging.batch import COUNT_OCTETS, COUNT_REQUESTS, AnsweredBatch, UsageBatch
from charging.batch_rows import hold_answered
from charging.handed_rows import HELD_KEPT, keep_undecided, new_kept_tick
from runtime.handoff_frames import row_columns
from vocabulary.held import Held
from vocabulary.limits import HANDED_TICKS_MAX

_NUMBERS: Final = 2**31


class Tick:
    """Rows that are handed over together, and how many of them wait."""

    __slots__ = ("answered", "columns", "held", "is_fresh", "left", "number", "octets", "received_ns", "usage")

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
        """no row of it was sent or answered yet"""


class KeptTicks:
    """Ticks by number, in the order in which their rows came; those that are to be sent are at the end, or all."""

    def __init__(self) -> None:
        self.rows = 0
        self.octets = 0
        """of the messages of ticks with rows that wait"""
        self._ticks: dict[int, Tick] = {}
        self._to_send: deque[Tick] = deque()
        self._free: list[Tick] = []
        self._last_number = 0

    def __iter__(self) -> Iterator[Tick]:
        return iter(list(self._ticks.values()))

    def __len__(self) -> int:
        return len(self._ticks)

    def find(self, number: int) -> Tick | None:
        """The tick of a number, while rows of it wait."""
        return self._ticks.get(number)

    def keep(self, batch: UsageBatch) -> None:
        """Copy the undecided rows of a batch, into the last tick where that isn't sent yet."""
        end, first = int(batch.counts[COUNT_REQUESTS]), 0
        while first < end:
            tick = self._to_send[-1] if self._to_send and self._to_send[-1].is_fresh else self._begin()
            before = int(tick.usage.counts[COUNT_REQUESTS])
            first = int(keep_undecided(tick.held.octets, tick.number, batch, first))
            after = int(tick.usage.counts[COUNT_REQUESTS])
            if before == 0 and after:
                tick.received_ns = int(tick.usage.requests["received_ns"][0])
            octets = int(tick.usage.counts[COUNT_OCTETS])
            tick.left += after - before
            self.rows += after - before
            self.octets += octets - tick.octets
            tick.octets = octets
            if first < end:
                assert after, "a row must fit into an empty tick"
                self._begin()

    def _begin(self) -> Tick:
        """An empty tick behind all others."""
        tick = self._free.pop() if self._free else Tick()
        self._last_number = (self._last_number + 1) % _NUMBERS
        assert self._last_number not in self._ticks, "a tick is answered or given up before its number comes again"
        tick.number = self._last_number
        self._ticks[tick.number] = tick
        self._to_send.append(tick)
        return tick

    def next_to_send(self) -> Tick | None:
        """The first tick that is to be sent; None where there is none, or as many are under way as may be."""
        if not self._to_send or len(self._ticks) - len(self._to_send) >= HANDED_TICKS_MAX:
            return None
        return self._to_send.popleft()

    def send_all_again(self) -> None:
        """What was sent is to be sent again, before what wasn't: the engine that had it is gone."""
        self._to_send = deque(self._ticks.values())

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
        tick.octets = 0
        tick.is_fresh = True
        tick.usage.counts[:] = 0
        self._free.append(tick)

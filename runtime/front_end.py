"""What every front-end process has: the link to the engine, its health, and its counters, which are named after it."""

import asyncio
from collections.abc import Callable, Mapping

from balances.edge.embedded_socket import socket_path
from charging.answer_tally import TALLY_OPENED, new_tally, tally_answers
from charging.batch import AnsweredBatch
from charging.final_units import FinalUnit
from runtime.clock import Clock
from runtime.data_folder import DataFolder
from runtime.handoff_client import EngineLink
from runtime.handoff_server import SOCKET_NAME
from runtime.kill_points import reached
from runtime.settings import Settings
from runtime.telemetry import Health, Telemetry
from vocabulary.held import Held
from vocabulary.outcomes import RESULT_CODES


class FrontEnd:
    """The engine's side of a front end: rows go out through `link`, answers are counted by `tally`.

    name   of the process: its metrics are `<name>_link_up` and so on
    """

    def __init__(self, name: str, settings: Settings, telemetry: Telemetry, clock: Clock) -> None:
        self.link: EngineLink | None = None
        self.final_units: dict[int, FinalUnit] = {}
        """texts that answers may name, by their numbers, as engines told them"""
        self._name = name
        self._settings = settings
        self._telemetry = telemetry
        self._clock = clock
        self._tally, self._counted = new_tally(), new_tally()
        self._link_counted = (0, 0, 0)
        telemetry.before_scrape(self._count)

    def health(self) -> Health:
        """Ready while an engine takes what is handed over."""
        if self.link is None or not self.link.is_up:
            return Health(False, ("starting" if self.link is None else self.link.why_down,))
        return Health(True, ())

    async def link_up(
        self,
        store: int,
        deliver: Callable[[Held[AnsweredBatch]], None],
        stopping: asyncio.Event,
        use_final_units: Callable[[Mapping[int, FinalUnit]], None],
    ) -> EngineLink | None:
        """The link, once an engine is found; None where the process is told to stop before.

        store             number of the store that the front end works on
        use_final_units   told of further texts, `final_units` has them already
        """

        def take_texts(units: Mapping[int, FinalUnit]) -> None:
            self.final_units |= units
            use_final_units(units)

        self.link = EngineLink(
            socket_path(DataFolder(self._settings.store.data_dir).run, SOCKET_NAME),
            store=store,
            name=self._name,
            deliver=deliver,
            now_ns=self._clock.now_ns,
            take_texts=take_texts,
            on_change=lambda is_up: self._telemetry.gauge(f"{self._name}_link_up").set(int(is_up)),
            reached=reached,
        )
        await self.link.start()
        ends = [asyncio.ensure_future(self.link.wait_up()), asyncio.ensure_future(stopping.wait())]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for task in ends:
            task.cancel()
        return None if stopping.is_set() else self.link

    def tally(self, answered: Held[AnsweredBatch]) -> None:
        """Answers that leave, those that no engine decided among them; once a delivery."""
        tally_answers(answered.octets, self._tally)

    def _count(self) -> None:
        """Raise the metrics by what was counted since they were read last."""
        tally = (self._tally - self._counted).tolist()
        self._counted[:] = self._tally
        for outcome, count in enumerate(tally[:TALLY_OPENED]):
            if count:
                self._telemetry.counter(f"{self._name}_answers_total", str(RESULT_CODES[outcome])).inc(count)
        if self.link is None:
            return
        self._telemetry.gauge(f"{self._name}_waiting_requests").set(self.link.waiting_rows)
        totals = (self.link.refused_total, self.link.moved_total, self.link.given_up_total)
        for word, total, counted in zip(("refused", "moved", "given_up"), totals, self._link_counted, strict=True):
            self._telemetry.counter(f"{self._name}_{word}_total").inc(total - counted)
        self._link_counted = totals

    async def close(self) -> None:
        """Wait a little for what is under way."""
        if self.link is not None:
            await self.link.close()

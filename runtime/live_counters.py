"""Counters of the processes of a `farebox up`, read where they serve their metrics: what the console's live page is made of."""

from typing import Final

import httpx
from prometheus_client.parser import text_string_to_metric_families

from bss.live_figures import Counters, Sample
from runtime.clock import Clock
from runtime.data_folder import DataFolder, read_up_state

TIMEOUT_S: Final = 1.0
_METRICS: Final = "_metrics"


class UpCounters:
    """Of the `farebox up` that serves on a data folder."""

    def __init__(self, folder: DataFolder, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._client = httpx.Client(timeout=TIMEOUT_S, trust_env=False)  # loopback has no proxy

    def read(self) -> Counters:
        """See bss.live_figures.CounterSource. A process that doesn't answer is named, and the others are read."""
        state = read_up_state(self._folder)
        if state is None:
            raise ConnectionError(f"no farebox up serves on {self._folder.path}: start one")
        values: dict[Sample, float] = {}
        processes = dict(state.states)
        for name, port in state.ports.items():
            if not name.endswith(_METRICS):
                continue
            process = name.removesuffix(_METRICS)
            try:
                text = self._client.get(f"http://127.0.0.1:{port}/metrics").raise_for_status().text
            except httpx.HTTPError as error:
                processes[process] = f"no metrics: {error}"
                continue
            for family in text_string_to_metric_families(text):
                for sample in family.samples:
                    if sample.name.startswith("farebox_"):
                        values[Sample(process, sample.name, tuple(sorted(sample.labels.items())))] = sample.value
        return Counters(self._clock.now_ns(), values, processes)

"""The life of a process, without one: a duty that writes down what is asked of it."""

import asyncio
import os
import signal
from pathlib import Path
from typing import ClassVar

import pytest

from balances.store import StoreError
from runtime.serving import serve
from runtime.settings import TelemetrySettings
from runtime.telemetry import RECORDS, Health, Telemetry

WITHOUT_PORT = TelemetrySettings(port=-1)


class Duty:
    """Ends by the signal that it sends itself; `ports` and `fault` are what its start has."""

    name: ClassVar = RECORDS
    ready_line: ClassVar = "ready"

    def __init__(self, ports: dict[str, int] | None, fault: Exception | None = None) -> None:
        self.telemetry = Telemetry(self.name)
        self.seen: list[str] = []
        self._ports = ports
        self._fault = fault

    def health(self) -> Health:
        return Health(True, ())

    async def start(self, stopping: asyncio.Event) -> dict[str, int] | None:
        self.seen.append("start")
        if self._fault is not None:
            raise self._fault
        return self._ports

    async def run(self, stopping: asyncio.Event) -> None:
        self.seen.append("run")
        os.kill(os.getpid(), signal.SIGTERM)
        await stopping.wait()
        self.seen.append("told to stop")

    async def close(self) -> None:
        self.seen.append("close")


def test_it_serves_until_it_is_told_to_stop(tmp_path: Path) -> None:
    duty = Duty({"gy_port": 3868})
    asyncio.run(serve(duty, WITHOUT_PORT, tmp_path / "duty.ready"))
    assert duty.seen == ["start", "run", "told to stop", "close"]
    assert (tmp_path / "duty.ready").read_text() == f"3868 0 {os.getpid()}\n"


def test_the_port_of_its_telemetry_is_the_last(tmp_path: Path) -> None:
    asyncio.run(serve(Duty({}), TelemetrySettings(port=0), tmp_path / "duty.ready"))
    port, pid = (int(word) for word in (tmp_path / "duty.ready").read_text().split())
    assert port > 0
    assert pid == os.getpid()


def test_one_that_is_stopped_before_it_serves_says_nothing(tmp_path: Path) -> None:
    duty = Duty(None)
    asyncio.run(serve(duty, WITHOUT_PORT, tmp_path / "duty.ready"))
    assert duty.seen == ["start", "close"]
    assert not (tmp_path / "duty.ready").exists()


def test_what_its_start_raises_ends_it(tmp_path: Path) -> None:
    duty = Duty({}, fault=StoreError("no store"))
    with pytest.raises(StoreError, match="no store"):
        asyncio.run(serve(duty, WITHOUT_PORT, tmp_path / "duty.ready"))
    assert not (tmp_path / "duty.ready").exists()

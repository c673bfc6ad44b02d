"""The life of a process that `farebox up` starts, the same for all: told by signals when to stop, begun, observed, announced,
at work, closed.

What a process does lies in engine_process.py, archiver_process.py and records_process.py; the order of it lies here.
"""

import asyncio
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Final, Protocol

import structlog

from runtime.ready_file import write_ready_file
from runtime.settings import TelemetrySettings
from runtime.telemetry import Health, Telemetry, serve_telemetry

STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class ServingProcess(Protocol):
    """What a process of one duty must be able to do."""

    name: ClassVar[str]
    ready_line: ClassVar[str]
    """what its log says once it serves"""
    telemetry: Telemetry

    def health(self) -> Health:
        """Whether it serves now, and why not."""

    async def start(self, stopping: asyncio.Event) -> Mapping[str, int] | None:
        """All that it needs before it can serve: its ports by name, or None where `stopping` was set first.

        StoreError says what the store lacks; then nothing is closed, the process ends.
        """

    async def run(self, stopping: asyncio.Event) -> None:
        """Its work until `stopping` is set, and what is to be done after that."""

    async def close(self) -> None:
        """Let go of what it holds."""


async def serve(process: ServingProcess, settings: TelemetrySettings, ready_file: Path | None) -> None:
    """From start to end. What it raises has ended the process.

    ready_file   gets `<ports by name ...> <telemetry port> <pid>` once it serves
    """
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, stopping.set)
    ports = await process.start(stopping)
    if ports is None:
        await process.close()
        return
    telemetry_port = 0
    if settings.port >= 0:
        server = await serve_telemetry(process.telemetry, process.health, settings.host, settings.port)
        telemetry_port = server.sockets[0].getsockname()[1]
    log = structlog.get_logger(process=process.name)
    log.info(process.ready_line, **ports, telemetry_port=telemetry_port, pid=os.getpid())
    if ready_file is not None:
        write_ready_file(ready_file, *ports.values(), telemetry_port)
    try:
        await process.run(stopping)
    finally:
        await process.close()

"""A front end's side: it tells the notifier which Diameter hosts it can reach, sends what it is handed, returns answers."""

import asyncio
from pathlib import Path
from typing import Any, Final

import structlog

from gy_interface.edge.session_teller import SessionTeller
from gy_interface.session_messages import SessionRequest
from runtime.notices.gy_frames import VERSION, FrameError, read_frame, request_of, write_frame

RECONNECT_S: Final = (0.1, 0.2, 0.5, 1.0, 2.0)
LOOK_S: Final = 0.2
"""How often it is looked whether other hosts can be reached than was said."""


class GyLink:
    """Connects to the notifier of the data directory, for ever.

    path    of its socket
    store   a number that is the store's own
    """

    def __init__(self, path: Path, teller: SessionTeller, *, store: int, name: str) -> None:
        self._path = path
        self._teller = teller
        self._store = store
        self._name = name
        self._task: asyncio.Task[None] | None = None
        self._asked: set[asyncio.Task[None]] = set()
        self._log = structlog.get_logger(process=name)

    def start(self) -> None:
        """Begin to connect."""
        self._task = asyncio.ensure_future(self._run())

    async def _run(self) -> None:
        tries = 0
        while True:
            try:
                reader, writer = await asyncio.open_unix_connection(str(self._path))
            except OSError:
                await asyncio.sleep(RECONNECT_S[min(tries, len(RECONNECT_S) - 1)])
                tries += 1
                continue
            tries = 0
            try:
                await self._serve(reader, writer)
            except (OSError, asyncio.IncompleteReadError, FrameError) as error:
                self._log.info("notifier gone", reason=str(error))
            finally:
                writer.close()
            await asyncio.sleep(RECONNECT_S[0])

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until it ends."""
        write_frame(writer, hello=VERSION, store=self._store, name=self._name)
        looking = asyncio.ensure_future(self._tell_hosts(writer))
        try:
            while True:
                words = await read_frame(reader)
                task = asyncio.ensure_future(self._ask(request_of(words.get("request")), words, writer))
                self._asked.add(task)
                task.add_done_callback(self._asked.discard)
        finally:
            looking.cancel()

    async def _tell_hosts(self, writer: asyncio.StreamWriter) -> None:
        """Say whom we reach, at once and whenever that changes."""
        said = None
        while True:
            hosts = self._teller.ready_hosts()
            if hosts != said:
                write_frame(writer, hosts=sorted(hosts))
                said = hosts
            await asyncio.sleep(LOOK_S)

    async def _ask(self, asked: SessionRequest, words: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        """One request of the notifier."""
        seconds = words.get("seconds")
        result = await self._teller.ask(asked, float(seconds) if isinstance(seconds, int | float) else 1.0)
        if not writer.is_closing():
            write_frame(writer, answer=words.get("ask"), result=result)

    async def close(self) -> None:
        """End the link; what was asked goes unanswered."""
        tasks = [*self._asked, *([self._task] if self._task is not None else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

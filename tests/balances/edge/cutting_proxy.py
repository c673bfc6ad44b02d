"""Stands between a client and the store: passes everything on, and can cut the connection once a reply is there.

So the store has surely done what it was asked, and the client surely doesn't know it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

_READ_OCTETS = 1 << 20


class CuttingProxy:
    """`cut_reply_to(word)` has the next request that holds the word lose its reply, and its connection."""

    def __init__(self, target: str, path: Path) -> None:
        self.url = f"unix://{path}"
        self._target = target
        self._path = path
        self._word = b""
        self.passed: list[bytes] = []
        """what clients sent, since the last `cut_reply_to`"""
        self.cuts = 0

    def cut_reply_to(self, word: str) -> None:
        """The next request with this word gets no reply, though the store answers it."""
        self._word = word.encode()
        self.passed = []
        self.cuts = 0

    def times_passed(self, word: str) -> int:
        """How often requests with this word went to the store."""
        return b"".join(self.passed).count(word.encode())

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client's connection."""
        store_reader, store_writer = await asyncio.open_unix_connection(self._target)
        is_cut = asyncio.Event()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._pass_requests(reader, store_writer, is_cut))
                tasks.create_task(self._pass_replies(store_reader, writer, is_cut))
        except* (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            for each in (writer, store_writer):
                each.close()

    async def _pass_requests(self, reader: Any, store_writer: Any, is_cut: asyncio.Event) -> None:
        while octets := await reader.read(_READ_OCTETS):
            self.passed.append(octets)
            if self._word and self._word in octets:
                self._word = b""
                is_cut.set()
            store_writer.write(octets)
            await store_writer.drain()
        store_writer.close()

    async def _pass_replies(self, store_reader: Any, writer: Any, is_cut: asyncio.Event) -> None:
        while octets := await store_reader.read(_READ_OCTETS):
            if is_cut.is_set():
                self.cuts += 1
                raise ConnectionResetError("cut on purpose")
            writer.write(octets)
            await writer.drain()
        writer.close()


@asynccontextmanager
async def cutting_proxy(target_url: str, path: Path) -> AsyncIterator[CuttingProxy]:
    """A proxy that listens at `path`."""
    proxy = CuttingProxy(target_url.removeprefix("unix://"), path)
    server = await asyncio.start_unix_server(proxy.serve, str(path))
    try:
        yield proxy
    finally:
        server.close()

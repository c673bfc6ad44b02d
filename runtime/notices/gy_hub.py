"""The notifier's side of the links to front ends: which of them leads to a Diameter host, and requests handed to it."""

import asyncio
from pathlib import Path
from typing import Any, Final

import structlog

from gy_interface.session_messages import SessionRequest
from runtime.notices.gy_frames import VERSION, FrameError, read_frame, words_of, write_frame
from runtime.private_socket import PrivateSocket, private_socket

GRACE_S: Final = 0.5
"""How much longer than the front end the notifier waits for an answer."""


class _Link:
    """One front end."""

    def __init__(self, name: str, writer: asyncio.StreamWriter) -> None:
        self.name = name
        self.writer = writer
        self.hosts: dict[str, bool] = {}
        """whether it is a relay, by Origin-Host in lower case"""


class GyHub:
    """Listens for front ends.

    path    of the socket; whatever lies there is replaced
    store   a number that is the store's own: a front end of another store is refused
    """

    def __init__(self, path: Path, *, store: int) -> None:
        self._path = path
        self._store = store
        self._links: set[_Link] = set()
        self._serving: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._waiting: dict[int, tuple[_Link, asyncio.Future[int | None]]] = {}
        self._last_id = 0
        self._server: asyncio.Server | None = None
        self._socket: PrivateSocket | None = None
        self._log = structlog.get_logger(process="notifier")

    async def start(self) -> None:
        """Listen. OSError where the socket can't be made."""
        with private_socket(self._path) as made:  # whoever may write here learns of sessions
            self._server = await asyncio.start_unix_server(self._serve, sock=made.listening)
        self._socket = made

    def leads_to(self, host: str) -> bool:
        """Is there a front end that can reach the host now?"""
        return self._link_to(host) is not None

    async def ask(self, asked: SessionRequest, wait_s: float) -> int | None:
        """Have the request sent: its result code, None where there is no way, or no answer in time."""
        link = self._link_to(asked.destination_host)
        if link is None:
            return None
        self._last_id += 1
        identifier = self._last_id
        answered: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
        self._waiting[identifier] = (link, answered)
        try:
            write_frame(link.writer, ask=identifier, seconds=wait_s, request=words_of(asked))
            return await asyncio.wait_for(answered, wait_s + GRACE_S)
        except TimeoutError:
            return None
        finally:
            self._waiting.pop(identifier, None)

    def _link_to(self, host: str) -> _Link | None:
        """A front end with a connection of the host, else one with a relay's."""
        host = host.lower()
        for link in self._links:
            if host in link.hosts:
                return link
        return next((link for link in self._links if any(link.hosts.values())), None)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One front end, until it goes."""
        task = asyncio.current_task()
        assert task is not None
        self._serving[task] = writer
        link: _Link | None = None
        try:
            link = self._greet(await read_frame(reader), writer)
            while True:
                self._take(link, await read_frame(reader))
        except (FrameError, OSError, TypeError, ValueError) as error:
            self._log.warning("front end refused", front_end=link.name if link else "-", reason=str(error))
        except asyncio.IncompleteReadError:
            pass  # it is gone
        finally:
            if link is not None:
                self._forget(link)
            writer.close()
            del self._serving[task]

    def _greet(self, words: dict[str, Any], writer: asyncio.StreamWriter) -> _Link:
        if words.get("hello") != VERSION:
            raise FrameError(f"it speaks version {words.get('hello')}, not {VERSION}: start both from the same release")
        if words.get("store") != self._store:
            raise FrameError("it works on another store: give both the same --store")
        link = _Link(str(words.get("name")), writer)
        self._links.add(link)
        self._log.info("front end connected", front_end=link.name)
        return link

    def _take(self, link: _Link, words: dict[str, Any]) -> None:
        """Whom it reaches now, or an answer."""
        if "hosts" in words:
            link.hosts = {str(host).lower(): bool(is_relay) for host, is_relay in words["hosts"]}
            return
        waiting = self._waiting.get(words.get("answer", 0))
        if waiting is not None and waiting[0] is link and not waiting[1].done():
            result = words.get("result")
            waiting[1].set_result(result if isinstance(result, int) else None)

    def _forget(self, link: _Link) -> None:
        self._links.discard(link)
        for owner, answered in self._waiting.values():
            if owner is link and not answered.done():
                answered.set_result(None)
        self._log.info("front end gone", front_end=link.name)

    async def close(self) -> None:
        """Take no front end more, and let go of those that are there."""
        if self._socket is not None:
            self._socket.remove()
        if self._server is not None:
            self._server.close()
        for writer in self._serving.values():
            writer.close()  # what reads from it comes to its end
        await asyncio.gather(*self._serving, return_exceptions=True)

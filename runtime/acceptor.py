"""One port for several front ends: connections are accepted in one process and handed to the front end that has fewest.

`farebox up` has the Acceptor; a front end's process says that it takes connections by connecting to the acceptor's unix
socket (TakenConnections), over which the kernel passes them. So connections are spread evenly even where they are few
and stay for days, as Diameter's do; they wait in the port's queue while no front end serves, and none is reset with a
front end that ends.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

import structlog

from balances.edge.embedded_socket import socket_path
from runtime.private_socket import PrivateSocket, private_socket

BACKLOG: Final = 512
AGAIN_S: Final = 0.01
_CONNECTION: Final = b"c"
_BEYOND_LIMIT: Final = b"b"
"""a connection that needs another to end for it"""
_ENDED: Final = b"-"
_NO_MORE: Final = b"."
_READ_OCTETS: Final = 4096


def acceptor_socket(run_folder: Path, name: str) -> Path:
    """Where front ends of a name find their acceptor, in the run folder of the data directory; for this user alone."""
    return socket_path(run_folder, f"{name}.acceptor")


class ConnectionsLimit(NamedTuple):
    """How many connections all front ends of a name may have together, and the setting that allows more.

    gives_way   what comes beyond is handed over, too: the front end ends another for it, or refuses it
    """

    most: int
    setting: str
    gives_way: bool = False


class Acceptor:
    """Accepts on a port, and hands over.

    listening   bound to the port; it is closed with this
    path        of the socket at which front ends say that they serve
    limit       what comes beyond is closed at once, or has to be made room for
    report      is told when that begins
    """

    def __init__(
        self, listening: socket.socket, path: Path, *, limit: ConnectionsLimit, report: Callable[[str], None]
    ) -> None:
        self._listening = listening
        self._path = path
        self._limit = limit
        self._report = report
        self._is_full = False
        self._front_ends: dict[socket.socket, int] = {}
        """connections of each that takes some"""
        self._meeting: PrivateSocket | None = None
        self._waiting: socket.socket | None = None
        """a connection that no front end could be handed yet"""
        self._is_accepting = False

    @property
    def port(self) -> int:
        """The port."""
        port: int = self._listening.getsockname()[1]
        return port

    def counts(self) -> list[int]:
        """Connections by front end, in the order in which these came."""
        return list(self._front_ends.values())

    def start(self) -> None:
        """Wait for front ends. OSError where the socket or the port can't be had."""
        with private_socket(self._path) as made:  # whoever connects here gets packet cores' connections
            made.listening.listen(BACKLOG)
        self._listening.listen(BACKLOG)
        self._listening.setblocking(False)
        self._meeting = made
        asyncio.get_running_loop().add_reader(made.listening, self._meet)

    def _meet(self) -> None:
        """A front end takes connections from now on."""
        assert self._meeting is not None
        with suppress(BlockingIOError):
            front_end, _ = self._meeting.listening.accept()
            front_end.setblocking(False)
            self._front_ends[front_end] = 0
            asyncio.get_running_loop().add_reader(front_end, self._hear, front_end)
            self._accept_or_not()

    def _hear(self, front_end: socket.socket) -> None:
        """A front end's connections ended, or it takes no more, or is gone."""
        try:
            said = front_end.recv(_READ_OCTETS)
        except BlockingIOError:
            return
        except OSError:
            said = b""
        if not said or _NO_MORE in said:
            self._part(front_end)
        else:
            self._front_ends[front_end] -= said.count(_ENDED)

    def _part(self, front_end: socket.socket) -> None:
        self._front_ends.pop(front_end, None)
        asyncio.get_running_loop().remove_reader(front_end)
        front_end.close()
        self._accept_or_not()

    def _accept_or_not(self) -> None:
        """Accept while there is who takes it; what comes meanwhile waits in the port's queue."""
        loop = asyncio.get_running_loop()
        wanted = bool(self._front_ends) and self._waiting is None
        if wanted and not self._is_accepting:
            loop.add_reader(self._listening, self._accept)
        elif self._is_accepting and not wanted:
            loop.remove_reader(self._listening)
        self._is_accepting = wanted

    def _accept(self) -> None:
        try:
            accepted, _ = self._listening.accept()
        except OSError:  # it ended before it was accepted, or there are no descriptors left: the next round tries again
            return
        was_full, self._is_full = self._is_full, sum(self._front_ends.values()) >= self._limit.most
        if self._is_full and not was_full:
            self._report(
                f"connections are refused: {self._limit.most} are open, more need {self._limit.setting} raised"
            )
        if self._is_full and not self._limit.gives_way:
            accepted.close()
            return
        self._hand_over(accepted)

    def _hand_over(self, accepted: socket.socket) -> None:
        """To the front end with the fewest connections that can take it; beyond the limit to the one that has most to end."""
        self._waiting = None
        is_beyond = sum(self._front_ends.values()) >= self._limit.most
        said = _BEYOND_LIMIT if is_beyond else _CONNECTION
        for front_end in sorted(self._front_ends, key=lambda each: self._front_ends[each], reverse=is_beyond):
            try:
                socket.send_fds(front_end, [said], [accepted.fileno()])
            except BlockingIOError:
                continue
            except OSError:
                self._part(front_end)
                continue
            self._front_ends[front_end] += 1
            accepted.close()
            break
        else:
            self._waiting = accepted
            asyncio.get_running_loop().call_later(AGAIN_S, self._hand_over_waiting)
        self._accept_or_not()

    def _hand_over_waiting(self) -> None:
        if self._waiting is not None:
            self._hand_over(self._waiting)

    def close(self) -> None:
        """Accept nothing more."""
        loop = asyncio.get_running_loop()
        for front_end in list(self._front_ends):
            self._part(front_end)
        if self._meeting is not None:
            loop.remove_reader(self._meeting.listening)
            self._meeting.listening.close()
            self._meeting.remove()
        if self._waiting is not None:
            self._waiting.close()
            self._waiting = None
        loop.remove_reader(self._listening)
        self._listening.close()


class TakenConnections:
    """A front end's side: connections that the acceptor hands over.

    path         of the acceptor's socket
    adopt        serves a connection; OSError where that one has ended meanwhile
    name         of the front end, for its log
    makes_room   ends a connection for one beyond the limit; False where none may end, and the new one is refused
    """

    def __init__(
        self,
        path: Path,
        adopt: Callable[[socket.socket], Awaitable[None]],
        name: str,
        makes_room: Callable[[], bool] = lambda: False,
    ) -> None:
        self._path = path
        self._adopt = adopt
        self._makes_room = makes_room
        self._acceptor: socket.socket | None = None
        self._over = asyncio.Event()
        self._adopting: set[asyncio.Task[None]] = set()
        self._log = structlog.get_logger(process=name)

    async def start(self) -> None:
        """Take connections from now on. OSError where no acceptor is there."""
        loop = asyncio.get_running_loop()
        self._acceptor = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._acceptor.setblocking(False)
        await loop.sock_connect(self._acceptor, str(self._path))
        loop.add_reader(self._acceptor, self._take)

    def _take(self) -> None:
        """An octet and a connection at a time: so each belongs to its own."""
        assert self._acceptor is not None
        while True:
            try:
                octets, descriptors, _, _ = socket.recv_fds(self._acceptor, 1, 1)
            except BlockingIOError:
                return
            except OSError:
                octets, descriptors = b"", []
            for descriptor in descriptors:
                accepted = socket.socket(fileno=descriptor)
                if octets == _BEYOND_LIMIT and not self._makes_room():
                    accepted.close()
                    self.note_ended()
                else:
                    self._serve(accepted)
            if not octets:
                self._end()
                return

    def _serve(self, accepted: socket.socket) -> None:
        accepted.setblocking(False)
        task = asyncio.get_running_loop().create_task(self._adopt_or_count(accepted))
        self._adopting.add(task)
        task.add_done_callback(self._adopting.discard)

    async def _adopt_or_count(self, accepted: socket.socket) -> None:
        try:
            await self._adopt(accepted)
        except OSError as error:
            self._log.info("a connection ended before it was served", reason=str(error))
            accepted.close()
            self.note_ended()

    def note_ended(self) -> None:
        """A connection ended: the acceptor counts it no more."""
        if self._acceptor is not None:
            with suppress(OSError):
                self._acceptor.send(_ENDED)

    def _end(self) -> None:
        if self._acceptor is not None:
            asyncio.get_running_loop().remove_reader(self._acceptor)
            self._acceptor.close()
            self._acceptor = None
        self._over.set()

    async def stop(self, wait_s: float = 1.0) -> None:
        """Take no more; those that are on the way are served, as far as they are begun within `wait_s`."""
        if self._acceptor is None:
            return
        with suppress(OSError):
            self._acceptor.send(_NO_MORE)
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._over.wait()
        self._end()
        if self._adopting:
            await asyncio.wait(list(self._adopting), timeout=wait_s)

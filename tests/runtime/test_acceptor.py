"""The acceptor: connections go to the front end that has fewest, wait where there is none, and are counted when they end."""

import asyncio
import socket
from pathlib import Path

from runtime.acceptor import Acceptor, ConnectionsLimit, TakenConnections
from tests.runtime.handed_over import until

reported: list[str] = []
"""what acceptors said"""


class StubFrontEnd:
    """Keeps the connections that it is handed."""

    def __init__(self, path: Path) -> None:
        self.connections: list[socket.socket] = []
        self.silent = 0
        self.taken = TakenConnections(path, self._adopt, "gy", self._makes_room)

    async def _adopt(self, accepted: socket.socket) -> None:
        self.connections.append(accepted)

    def _makes_room(self) -> bool:
        """Of so many connections one may end for another."""
        if not self.silent:
            return False
        self.silent -= 1
        self.connections.pop(0).close()
        self.taken.note_ended()
        return True

    def end_one(self) -> None:
        self.connections.pop().close()
        self.taken.note_ended()

    def close(self) -> None:
        while self.connections:
            self.connections.pop().close()


def an_acceptor(folder: Path, connections_max: int = 100, *, gives_way: bool = False) -> Acceptor:
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    limit = ConnectionsLimit(connections_max, "gy.connections_max", gives_way)
    acceptor = Acceptor(listening, folder / "acceptor", limit=limit, report=reported.append)
    acceptor.start()
    return acceptor


def connect(acceptor: Acceptor) -> socket.socket:
    """A packet core's connection, which is made when the port's queue has it."""
    return socket.create_connection(("127.0.0.1", acceptor.port), 5)


def test_connections_are_spread_evenly_and_go_where_there_are_fewest(tmp_path: Path) -> None:
    async def play() -> None:
        acceptor = an_acceptor(tmp_path)
        assert (tmp_path / "acceptor").stat().st_mode & 0o077 == 0, "for this user alone"
        one, two = StubFrontEnd(tmp_path / "acceptor"), StubFrontEnd(tmp_path / "acceptor")
        await one.taken.start()
        await two.taken.start()
        peers = []
        for number in range(10):
            peers.append(connect(acceptor))
            await until(lambda number=number: len(one.connections) + len(two.connections) == number + 1)  # type: ignore[misc]
        assert (len(one.connections), len(two.connections)) == (5, 5)
        for _ in range(3):
            two.end_one()
        await until(lambda: sorted(acceptor.counts()) == [2, 5])
        peers += [connect(acceptor) for _ in range(2)]
        await until(lambda: len(two.connections) == 4)
        peers[-1].sendall(b"octets")
        assert b"octets" in [await read(each) for each in (two.connections[-1], two.connections[-2])]
        for front_end in (one, two):
            await front_end.taken.stop()
            front_end.close()
        for peer in peers:
            peer.close()
        acceptor.close()
        assert not (tmp_path / "acceptor").exists()

    asyncio.run(play())


async def read(connection: socket.socket) -> bytes:
    """What was sent over a connection, b'' where nothing comes."""
    try:
        async with asyncio.timeout(0.3):
            return await asyncio.get_running_loop().sock_recv(connection, 100)
    except TimeoutError:
        return b""


def test_connections_wait_while_no_front_end_serves_and_pass_by_one_that_ends(tmp_path: Path) -> None:
    async def play() -> None:
        acceptor = an_acceptor(tmp_path)
        peers = [connect(acceptor)]
        stopped = StubFrontEnd(tmp_path / "acceptor")
        await stopped.taken.start()
        await until(lambda: stopped.connections)
        await stopped.taken.stop()
        await until(lambda: acceptor.counts() == [])
        peers.append(connect(acceptor))
        killed = StubFrontEnd(tmp_path / "acceptor")
        await killed.taken.start()
        await until(lambda: killed.connections)
        assert len(stopped.connections) == 1
        killed.taken._end()  # as its process's end does
        await until(lambda: acceptor.counts() == [])
        after = StubFrontEnd(tmp_path / "acceptor")
        await after.taken.start()
        peers.append(connect(acceptor))
        await until(lambda: after.connections)
        for front_end in (stopped, killed, after):
            front_end.close()
        await after.taken.stop()
        for peer in peers:
            peer.close()
        acceptor.close()

    asyncio.run(play())


def test_what_comes_beyond_the_most_over_all_front_ends_is_closed_at_once(tmp_path: Path) -> None:
    async def play() -> None:
        reported.clear()
        acceptor = an_acceptor(tmp_path, connections_max=3)
        front_ends = [StubFrontEnd(tmp_path / "acceptor") for _ in range(2)]
        for each in front_ends:
            await each.taken.start()
        peers = [connect(acceptor) for _ in range(3)]
        await until(lambda: sum(len(each.connections) for each in front_ends) == 3)
        with connect(acceptor) as beyond:
            assert await asyncio.to_thread(beyond.recv, 1) == b""
        assert sum(acceptor.counts()) == 3
        with connect(acceptor) as beyond:
            assert await asyncio.to_thread(beyond.recv, 1) == b""
        assert reported == ["connections are refused: 3 are open, more need gy.connections_max raised"], "once"
        max(front_ends, key=lambda each: len(each.connections)).end_one()
        await until(lambda: sum(acceptor.counts()) == 2)
        peers.append(connect(acceptor))
        await until(lambda: sum(len(each.connections) for each in front_ends) == 3)
        for each in front_ends:
            await each.taken.stop()
            each.close()
        for peer in peers:
            peer.close()
        acceptor.close()

    asyncio.run(play())


def test_beyond_the_most_a_front_end_makes_room_or_refuses(tmp_path: Path) -> None:
    async def play() -> None:
        acceptor = an_acceptor(tmp_path, connections_max=2, gives_way=True)
        front_end = StubFrontEnd(tmp_path / "acceptor")
        await front_end.taken.start()
        peers = [connect(acceptor) for _ in range(2)]
        await until(lambda: len(front_end.connections) == 2)
        front_end.silent = 1
        peers.append(connect(acceptor))
        assert await asyncio.to_thread(peers[0].recv, 1) == b"", "the oldest ended for it"
        await until(lambda: len(front_end.connections) == 2 and acceptor.counts() == [2])
        with connect(acceptor) as refused:
            assert await asyncio.to_thread(refused.recv, 1) == b""
        await until(lambda: len(front_end.connections) == 2 and acceptor.counts() == [2])
        await front_end.taken.stop()
        front_end.close()
        for peer in peers:
            peer.close()
        acceptor.close()

    asyncio.run(play())


def test_a_connection_that_ends_before_it_is_served_is_counted_no_more(tmp_path: Path) -> None:
    async def refuse(accepted: socket.socket) -> None:
        raise ConnectionResetError

    async def play() -> None:
        acceptor = an_acceptor(tmp_path)
        taken = TakenConnections(tmp_path / "acceptor", refuse, "gy")
        await taken.start()
        await until(lambda: acceptor.counts() == [0])
        with connect(acceptor) as peer:
            assert await asyncio.to_thread(peer.recv, 1) == b"", "it is closed"
        await until(lambda: acceptor.counts() == [0])
        await taken.stop()
        acceptor.close()

    asyncio.run(play())

"""Notifications to real targets: their answers, where they may go, those that hang, names that lead elsewhere."""

import asyncio
import socket
import ssl
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import RequestReceived, StreamEnded

from chf_http2.edge.notify_client import REDIRECTS_MAX, Notified, NotifyClient, target_of
from chf_http2.notifications import Heard, abort_charging
from tests.chf_http2.edge.notify_target import Notification, NotifyTarget, Reply, notify_target
from vocabulary.networks import AllowedNetworks, read_networks

LOOPBACK = read_networks(["127.0.0.0/8"])
BODY = abort_charging()
CERTIFICATES = Path(__file__).with_name("certificates")


def notify(
    *uris: str, allowed: AllowedNetworks = LOOPBACK, timeout_s: float = 10.0, tls_ca: str = ""
) -> list[Notified]:
    """What notifications to these URIs come to, all at once."""

    async def run() -> list[Notified]:
        client = NotifyClient(allowed, timeout_s=timeout_s, now_ns=time.time_ns, tls_ca=tls_ca)
        try:
            return list(await asyncio.gather(*(client.notify(uri, BODY) for uri in uris)))
        finally:
            await client.close()

    return asyncio.run(run())


def in_turn(*uris: str) -> list[Notified]:
    """The same one after the other, by one client."""

    async def run() -> list[Notified]:
        client = NotifyClient(LOOPBACK, timeout_s=10.0, now_ns=time.time_ns)
        try:
            return [await client.notify(uri, BODY) for uri in uris]
        finally:
            await client.close()

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("status", "said"),
    [(204, Heard.TAKEN), (200, Heard.TAKEN), (404, Heard.GONE), (503, Heard.LATER), (403, Heard.REFUSED)],
)
def test_an_answer_is_heard(status: int, said: Heard) -> None:
    body = b'{"invocationResult":{}}' if status == 200 else b""
    with notify_target(lambda notification: Reply(status, body=body)) as target:
        assert notify(target.uri("one")) == [Notified(said, f"answered {status}")]
        assert target.next().body == {"notificationType": "ABORT_CHARGING"}


def test_many_to_one_target_share_its_connections() -> None:
    with notify_target() as target:
        found = notify(*(target.uri(str(number)) for number in range(50)))
        assert {each.heard for each in found} == {Heard.TAKEN}
        assert target.connection_count <= 2


def redirecting(status: int) -> Callable[[Notification], Reply]:
    """Answers the path /nsmf-callback/old with a redirection, all others with 204."""

    def answer(notification: Notification) -> Reply:
        if notification.path.endswith("old"):
            return Reply(status, (("location", "/nsmf-callback/new"),))
        return Reply(204)

    return answer


@pytest.mark.parametrize(("status", "asked_again"), [(307, 2), (308, 1)])
def test_a_redirection_is_followed_and_a_permanent_one_remembered(status: int, asked_again: int) -> None:
    with notify_target(redirecting(status)) as target:
        assert [each.heard for each in in_turn(target.uri("old"), target.uri("old"))] == [Heard.TAKEN] * 2
        paths = [target.next().path for _ in range(target.got.qsize())]
    assert paths.count("/nsmf-callback/old") == asked_again
    assert paths.count("/nsmf-callback/new") == 2


def test_redirections_have_an_end_and_a_checked_target() -> None:
    with notify_target(lambda notification: Reply(307, (("location", notification.path),))) as target:
        assert notify(target.uri("round"))[0].heard is Heard.LATER
        assert target.got.qsize() == REDIRECTS_MAX + 1
        target.answer = lambda notification: Reply(307, (("location", "http://169.254.169.254/"),))
        (found,) = notify(target.uri("away"))
    assert found.heard is Heard.REFUSED
    assert "169.254.169.254" in found.words


def test_a_target_that_hangs_costs_its_own_time_alone() -> None:
    with notify_target(lambda notification: None) as silent, notify_target() as good:
        began = time.monotonic()
        hanging, taken = notify(silent.uri("1"), good.uri("2"), timeout_s=1.0)
    assert (hanging.heard, taken.heard) == (Heard.LATER, Heard.TAKEN)
    assert "within 1 s" in hanging.words
    assert time.monotonic() - began < 5


def test_nobody_there_may_be_there_later() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    (found,) = notify(f"http://127.0.0.1:{port}/")
    assert found.heard is Heard.LATER


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "0.0.0.0", "[::ffff:127.0.0.1]", "2130706433"])
def test_no_name_or_form_of_this_host_is_used_by_default(host: str) -> None:
    target: NotifyTarget
    with notify_target() as target:
        (found,) = notify(f"http://{host}:{target.port}/", allowed=read_networks(["default"]))
        assert found.heard is Heard.REFUSED, found
        assert target.connection_count == 0


@pytest.mark.parametrize("uri", ["", "nowhere", "ftp://127.0.0.1/", "http://", "http://[::1", "//x/y"])
def test_what_is_no_uri_is_given_up(uri: str) -> None:
    (found,) = notify(uri)
    assert found.heard is Heard.REFUSED, found


def test_tls_needs_an_authority_that_is_trusted() -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(CERTIFICATES / "server.pem", CERTIFICATES / "server-key.pem")
    context.set_alpn_protocols(["h2"])
    with notify_target(tls=context) as target:
        uri = target.uri("one").replace("http:", "https:")
        (known,) = notify(uri, tls_ca=str(CERTIFICATES / "authority.pem"))
        (strange,) = notify(uri, tls_ca=str(CERTIFICATES / "strange-authority.pem"))
        assert (known.heard, strange.heard) == (Heard.TAKEN, Heard.LATER)
        assert "certificate" in strange.words.lower()
        assert target.got.qsize() == 1


def test_a_target_is_scheme_and_authority() -> None:
    assert target_of("HTTP://Smf.Example:8000/nsmf-callback/1") == "http://smf.example:8000"
    assert target_of("nowhere") == target_of("http://[") == ""


class SilentTarget:
    """Answers 204 where `answers(connection, path)` says so, and is silent else; `connections` counts those that were made."""

    def __init__(self, answers: Callable[[int, str], bool]) -> None:
        self._answers = answers
        self._writers: list[asyncio.StreamWriter] = []

    @property
    def connections(self) -> int:
        return len(self._writers)

    async def start(self) -> str:
        """Its URI."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = len(self._writers)
        self._writers.append(writer)
        state = H2Connection(H2Configuration(client_side=False))
        state.initiate_connection()
        paths: dict[int, str] = {}
        writer.write(state.data_to_send())
        while octets := await reader.read(65536):
            for event in state.receive_data(octets):
                if isinstance(event, RequestReceived):
                    paths[event.stream_id] = dict(event.headers)[b":path"].decode()
                elif isinstance(event, StreamEnded) and self._answers(number, paths[event.stream_id]):
                    state.send_headers(event.stream_id, [(":status", "204")], end_stream=True)
            writer.write(state.data_to_send())
        writer.close()

    async def close(self) -> None:
        self._server.close()
        for writer in self._writers:
            writer.close()
        await asyncio.sleep(0)


def talk_to(target: SilentTarget, talk: Callable[[NotifyClient, str], Awaitable[None]]) -> None:
    async def run() -> None:
        client = NotifyClient(LOOPBACK, timeout_s=0.3, now_ns=time.time_ns)
        uri = await target.start()
        try:
            await talk(client, uri)
        finally:
            await client.close()
            await target.close()

    asyncio.run(run())


def test_what_isnt_answered_doesnt_use_up_the_streams_of_a_target() -> None:
    """As many as a connection may have, and more: who answers at the same target is told."""
    target = SilentTarget(lambda connection, path: path == "/answers")

    async def talk(client: NotifyClient, uri: str) -> None:
        for _ in range(3):
            hanging = await asyncio.gather(*(client.notify(f"{uri}/hangs", BODY) for _ in range(60)))
            assert {one.heard for one in hanging} == {Heard.LATER}
            assert (await client.notify(f"{uri}/answers", BODY)).heard is Heard.TAKEN

    talk_to(target, talk)


def test_a_connection_that_died_silently_is_left_after_one_try() -> None:
    target = SilentTarget(lambda connection, path: connection > 0 or path == "/first")

    async def talk(client: NotifyClient, uri: str) -> None:
        said = [(await client.notify(f"{uri}/{path}", BODY)).heard for path in ("first", "second", "third", "fourth")]
        assert said == [Heard.TAKEN, Heard.LATER, Heard.TAKEN, Heard.TAKEN]
        assert target.connections == 2

    talk_to(target, talk)


class LeavingTarget:
    """Does what `plays(connection, request)` says of each request, both counted from 0."""

    def __init__(self, plays: Callable[[int, int], str]) -> None:
        self._plays = plays
        self.connections = 0
        self.ended = asyncio.Event()
        """a connection was ended from here"""

    async def start(self) -> str:
        """Its URI."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number, count = self.connections, 0
        self.connections += 1
        state = H2Connection(H2Configuration(client_side=False))
        state.initiate_connection()
        writer.write(state.data_to_send())
        while octets := await reader.read(65536):
            for event in state.receive_data(octets):
                if not isinstance(event, StreamEnded):
                    continue
                play, count = self._plays(number, count), count + 1
                if "answers" in play:
                    state.send_headers(event.stream_id, [(":status", "204")], end_stream=True)
                if "refuses" in play:
                    state.reset_stream(event.stream_id, ErrorCodes.REFUSED_STREAM)
                if "cancels" in play:
                    state.reset_stream(event.stream_id, ErrorCodes.CANCEL)
                if "good-bye" in play:
                    state.close_connection(last_stream_id=event.stream_id if "answers" in play else 0)
                writer.write(state.data_to_send())
                if "ends" in play:
                    writer.close()
                    await writer.wait_closed()
                    self.ended.set()
                    return
            writer.write(state.data_to_send())
        writer.close()

    async def close(self) -> None:
        self._server.close()
        await self._server.wait_closed()


LEAVES: list[tuple[str, Callable[[int, int], str], list[Heard], int]] = [
    ("an idle connection is ended", lambda c, r: "answers, ends", [Heard.TAKEN, Heard.TAKEN], 2),
    ("behind a good-bye", lambda c, r: "answers, good-bye, ends", [Heard.TAKEN, Heard.TAKEN], 2),
    ("a good-bye before the first", lambda c, r: "answers" if c else "good-bye, ends", [Heard.TAKEN, Heard.TAKEN], 2),
    ("used before, ended at a request", lambda c, r: "ends" if (c, r) == (0, 1) else "answers", [Heard.TAKEN] * 3, 2),
    ("refused", lambda c, r: "answers" if c else "refuses", [Heard.TAKEN, Heard.TAKEN], 2),
    ("refused again and again", lambda c, r: "refuses", [Heard.LATER], 2),
    ("taken and cancelled", lambda c, r: "cancels", [Heard.LATER], 1),
    ("ended at the first request", lambda c, r: "ends", [Heard.LATER], 1),
]


@pytest.mark.parametrize(("plays", "said", "connections"), [row[1:] for row in LEAVES], ids=[row[0] for row in LEAVES])
def test_what_an_ended_connection_did_not_carry_is_sent_over_a_new_one_once(
    plays: Callable[[int, int], str], said: list[Heard], connections: int
) -> None:
    async def run() -> None:
        target = LeavingTarget(plays)
        uri = await target.start()
        client = NotifyClient(LOOPBACK, timeout_s=10, now_ns=time.time_ns)
        began = asyncio.get_running_loop().time()
        heard = []
        for _ in said:
            heard.append((await client.notify(f"{uri}/nsmf-callback", BODY)).heard)
            if plays(0, 0).startswith("answers, "):
                await target.ended.wait()
        assert (heard, target.connections) == (said, connections)
        assert asyncio.get_running_loop().time() - began < 5, "at once"
        await client.close()
        await target.close()

    asyncio.run(run())

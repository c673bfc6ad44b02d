"""Notifications over HTTP/2, with prior knowledge or TLS: to addresses that are allowed, each name resolved here and the
checked address connected to, so that a name can't lead elsewhere between check and connection.

A target's connections are kept and used again, one carries many streams, until something on them isn't answered: they may
have died without saying so, and a stream that was given up would count against the target's limit for ever. One that had
ended before it was used again costs nobody a back-off: what it didn't carry is sent over a new one at once. An answer's
body is read no further than BODY_OCTETS_MAX.
"""

import asyncio
import socket
import ssl
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Any, Final, NamedTuple
from urllib.parse import urljoin, urlsplit

import httpcore
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated, StreamReset

from chf_http2.notifications import Heard, heard
from chf_http2.sbi_headers import notification_headers
from vocabulary.networks import AllowedNetworks

BODY_OCTETS_MAX: Final = 64 * 1024
REDIRECTS_MAX: Final = 3
_PERMANENT: Final = 308
_MS_PER_S: Final = 1000
_MOVES_KEPT: Final = 10_000
_TARGETS_MAX: Final = 512
_CONNECTIONS_PER_TARGET_MAX: Final = 8
_IDLE_S: Final = 60.0


class Forbidden(httpcore.ConnectError):
    """The target's addresses may not be used; trying again can't help."""


class Notified(NamedTuple):
    """What a notification came to, and that in words."""

    heard: Heard
    words: str


class _CheckedBackend(httpcore.AsyncNetworkBackend):
    """Connects to allowed addresses alone."""

    def __init__(self, allowed: AllowedNetworks) -> None:
        self._allowed = allowed
        self._backend = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's own signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """See httpcore. Forbidden where no address of the host is allowed."""
        loop = asyncio.get_running_loop()
        try:
            found = await asyncio.wait_for(loop.getaddrinfo(host, port, type=socket.SOCK_STREAM), timeout)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"{host} has no address: {error}") from error
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(f"{host} could not be resolved in time") from error
        addresses = list(dict.fromkeys(str(info[4][0]) for info in found))
        usable = self._allowed.first_allowed(addresses)
        if usable is None:
            raise Forbidden(f"{host} ({', '.join(addresses)}) is not in notify.allowed_networks")
        return await self._backend.connect_tcp(usable, port, timeout, local_address, socket_options)

    async def sleep(self, seconds: float) -> None:
        """See httpcore."""
        await asyncio.sleep(seconds)


class _Connections:
    """Those of one target. The last who uses them closes them, where they are to be used no more."""

    def __init__(self, pool: httpcore.AsyncConnectionPool) -> None:
        self.pool = pool
        self.users = 0
        self.used_s = 0.0
        """when the last user came, by the loop's time"""
        self.has_answered = False
        self.is_given_up = False

    async def close_unused(self) -> None:
        """Close them where they are given up and nobody waits for an answer on them."""
        if self.is_given_up and not self.users:
            with suppress(httpcore.NetworkError, httpcore.ProtocolError, OSError):
                await self.pool.aclose()


class NotifyClient:
    """Sends notifications.

    tls_ca   PEM file with the authorities of targets' certificates; '': those that the system trusts
    """

    def __init__(
        self, allowed: AllowedNetworks, *, timeout_s: float, now_ns: Callable[[], int], tls_ca: str = ""
    ) -> None:
        self._tls = ssl.create_default_context(cafile=tls_ca or None)
        self._backend = _CheckedBackend(allowed)
        self._connections: OrderedDict[str, _Connections] = OrderedDict()
        """by target, those that were used last at the end"""
        self._timeout_s = timeout_s
        self._now_ns = now_ns
        self._moved: OrderedDict[str, str] = OrderedDict()
        """where a 308 sent us, by the URI that was asked"""

    async def notify(self, uri: str, body: bytes) -> Notified:
        """POST the body there, at most timeout_s long in all."""
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._follow(uri, body)
        except TimeoutError:
            return Notified(Heard.LATER, f"no answer within {self._timeout_s:g} s")
        except Forbidden as error:
            return Notified(Heard.REFUSED, str(error))
        except (httpcore.UnsupportedProtocol, ValueError) as error:
            return Notified(Heard.REFUSED, f"notifyUri can't be used: {error}")
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, OSError) as error:
            return Notified(Heard.LATER, f"not reached: {str(error) or type(error).__name__}")

    async def _follow(self, uri: str, body: bytes) -> Notified:
        """The answer behind at most REDIRECTS_MAX redirections; one that is permanent is remembered."""
        target = self._moved.get(uri, uri)
        for _ in range(REDIRECTS_MAX + 1):
            status, location = await self._post(target, body)
            said = heard(status)
            if said is not Heard.MOVED:
                return Notified(said, f"answered {status}")
            if not location:
                return Notified(Heard.LATER, f"answered {status} without Location")
            target = urljoin(target, location)
            if status == _PERMANENT:
                self._moved[uri] = target
                if len(self._moved) > _MOVES_KEPT:
                    self._moved.popitem(last=False)
        return Notified(Heard.LATER, f"redirected more than {REDIRECTS_MAX} times")

    async def _post(self, uri: str, body: bytes) -> tuple[int, str]:
        """(status, Location). What ended connections didn't carry is sent once more, over a new one."""
        parts = urlsplit(uri)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{uri[:200]!r} is no http or https URI")
        known = self._connections.get(target_of(uri))
        had_answered = known is not None and known.has_answered
        try:
            return await self._exchange(uri, body)
        except (httpcore.ReadError, httpcore.WriteError, httpcore.RemoteProtocolError) as error:
            if not _was_not_carried(error, had_answered):
                raise
        return await self._exchange(uri, body)

    async def _exchange(self, uri: str, body: bytes) -> tuple[int, str]:
        """One try over the target's connections: (status, Location)."""
        wait_ms = int(self._timeout_s * _MS_PER_S)
        headers = [("content-type", "application/json"), *notification_headers(self._now_ns(), wait_ms)]
        limits = dict.fromkeys(("connect", "read", "write", "pool"), self._timeout_s)
        async with (
            self._connections_of(target_of(uri)) as used,
            used.pool.stream("POST", uri, headers=headers, content=body, extensions={"timeout": limits}) as response,
        ):
            used.has_answered = True
            octets = 0
            async for part in response.aiter_stream():
                octets += len(part)
                if octets > BODY_OCTETS_MAX:
                    break
            location = next((value for name, value in response.headers if name.lower() == b"location"), b"")
            return response.status, location.decode("ascii", errors="replace")

    @asynccontextmanager
    async def _connections_of(self, target: str) -> AsyncIterator[_Connections]:
        """The target's connections, for one request; one that fails or isn't answered in time is the last on them."""
        await self._forget_idle()
        used = self._connections.setdefault(target, _Connections(self._new_pool()))
        self._connections.move_to_end(target)
        used.users += 1
        used.used_s = asyncio.get_running_loop().time()
        try:
            yield used
        except BaseException:
            self._give_up(target, used)
            raise
        finally:
            used.users -= 1
            await used.close_unused()

    def _give_up(self, target: str, used: _Connections) -> None:
        used.is_given_up = True
        if self._connections.get(target) is used:
            del self._connections[target]

    async def _forget_idle(self) -> None:
        """Close what wasn't used for long, and what is too much."""
        idle_since_s = asyncio.get_running_loop().time() - _IDLE_S
        for target, used in list(self._connections.items()):
            is_too_much = len(self._connections) >= _TARGETS_MAX
            if used.used_s > idle_since_s and not is_too_much:
                return
            self._give_up(target, used)
            await used.close_unused()

    def _new_pool(self) -> httpcore.AsyncConnectionPool:
        return httpcore.AsyncConnectionPool(
            ssl_context=self._tls,
            max_connections=_CONNECTIONS_PER_TARGET_MAX,
            http1=False,
            http2=True,
            retries=0,
            network_backend=self._backend,
        )

    async def close(self) -> None:
        """End every connection."""
        while self._connections:
            _, used = self._connections.popitem()
            await used.pool.aclose()


def target_of(uri: str) -> str:
    """Scheme and authority of a URI: what a slot is taken of. '' where it has none."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}".lower() if parts.netloc else ""


def _was_not_carried(error: Exception, had_answered: bool) -> bool:
    """Did a request fail for its connection alone: refused, or lost with one that had answered before?

    What is lost behind its last use may have reached the target before the connection ended. It is told twice then, as it
    would be after the back-off.
    """
    said = error.args[0] if error.args else None
    if isinstance(said, StreamReset):
        return said.error_code == ErrorCodes.REFUSED_STREAM
    if isinstance(said, ConnectionTerminated):  # httpcore itself sends again what is above a last stream other than 0
        return had_answered or not said.last_stream_id
    return had_answered

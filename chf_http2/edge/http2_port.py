"""The port of an HTTP/2 server, with TLS where it is asked for; none where another process accepts for it."""

import asyncio
import errno
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from chf_http2.config import ChfConfig

BACKLOG: Final = 1024
HANDSHAKE_S: Final = 10.0
QUEUED_S: Final = 0.25
"""How long connections that waited at a port that closes may take to be begun."""
_REMEDIES: Final = {errno.EADDRINUSE: "choose another port, or stop what listens there"}
"""Of a port that can't be had."""


class Http2Port:
    """Connections begin here.

    protocol       makes the protocol of a new one
    is_listening   False: nothing is listened on, connections are adopted
    """

    def __init__(
        self, config: ChfConfig, protocol: Callable[[], asyncio.BufferedProtocol], *, is_listening: bool
    ) -> None:
        """OSError: the port can't be had, or certificate and key don't fit."""
        self._protocol = protocol
        self._tls = _tls_of(config)
        self._socket = _bind(config.host, config.port) if is_listening else None
        self.number: int = config.port if self._socket is None else self._socket.getsockname()[1]
        self._listening: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen."""
        if self._socket is not None:
            self._listening = await asyncio.get_running_loop().create_server(
                self._protocol, sock=self._socket, ssl=self._tls, backlog=BACKLOG
            )

    async def adopt(self, accepted: socket.socket) -> None:
        """Begin a connection that somebody else accepted. OSError where it has ended meanwhile."""
        await asyncio.get_running_loop().connect_accepted_socket(
            self._protocol, accepted, ssl=self._tls, ssl_handshake_timeout=HANDSHAKE_S if self._tls else None
        )

    async def close(self) -> None:
        """Listen no more. Connections that nobody has accepted yet are begun first: the kernel would reset them."""
        if self._socket is None:
            return
        if self._listening is not None:
            await self._begin_queued(self._socket)
            self._listening.close()
        self._socket.close()

    async def _begin_queued(self, listening: socket.socket) -> None:
        beginning = set()
        with suppress(OSError):  # there is none left, or no descriptor for one
            for _ in range(BACKLOG):
                accepted, _ = listening.accept()
                accepted.setblocking(False)
                beginning.add(asyncio.ensure_future(self.adopt(accepted)))
        if not beginning:
            return
        done, late = await asyncio.wait(beginning, timeout=QUEUED_S)
        for one in late:
            one.cancel()
        for one in done:
            one.exception()  # it ended before it was begun


def _tls_of(config: ChfConfig) -> ssl.SSLContext | None:
    """TS 33.210 §6.2 profiles 1.2 and 1.3; HTTP/2 is agreed on by ALPN (RFC 9113 §3.2)."""
    if not config.tls_certificate:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["h2"])
    context.load_cert_chain(config.tls_certificate, config.tls_key)
    if config.tls_client_ca:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(config.tls_client_ca)
    return context


def _bind(host: str, port: int) -> socket.socket:
    """A port that other processes of ours may share. OSError: says which address, and what helps."""
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    with suppress(OSError):
        bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        remedy = _REMEDIES.get(error.errno or 0, "choose an address of this host, and a port from 1024 on")
        raise OSError(f"{host}:{port} can't be listened on ({error.strerror}): {remedy}") from error
    return bound

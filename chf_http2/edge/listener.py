"""Granian in this process's loop: HTTP/2, with TLS or with prior knowledge, on one port, which other processes may share."""

import asyncio
import socket
from pathlib import Path
from typing import Any, Final

from granian.constants import HTTPModes, Interfaces, SSLProtocols
from granian.http import HTTP2Settings
from granian.server.embed import Server

from chf_http2.config import ChfConfig

STREAMS_MAX: Final = 4096
"""Streams of one connection at a time; those beyond wait at the client."""
LISTENS_WITHIN_S: Final = 10.0
LOOK_S: Final = 0.01
HEADERS_OCTETS_MAX: Final = 16 * 1024


class Listener:
    """Serves an RSGI application until it is closed."""

    def __init__(self, application: Any, config: ChfConfig) -> None:
        """OSError: the port can't be had, or certificate and key don't fit."""
        self._reserved = _reserve(config.host, config.port)
        self.port: int = self._reserved.getsockname()[1]
        self._server = Server(
            application,
            address=config.host,
            port=self.port,
            interface=Interfaces.RSGI,
            http=HTTPModes.http2,
            http2_settings=HTTP2Settings(max_concurrent_streams=STREAMS_MAX, max_headers_size=HEADERS_OCTETS_MAX),
            websockets=False,
            log_enabled=False,
            **_tls(config),
        )
        self._serving: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen; done once connections are taken. OSError: they aren't."""
        self._serving = asyncio.ensure_future(self._server.serve())
        ends = asyncio.get_running_loop().time() + LISTENS_WITHIN_S
        while not await _takes_connections(*self._reserved.getsockname()[:2]):
            if self._serving.done() or asyncio.get_running_loop().time() > ends:
                raise OSError(f"no HTTP/2 on port {self.port}")
            await asyncio.sleep(LOOK_S)

    async def close(self) -> None:
        """Take no request more, let those under way be answered, end."""
        if self._serving is not None:
            self._server.stop()  # type: ignore[no-untyped-call]
            await self._serving
        self._reserved.close()


def _tls(config: ChfConfig) -> dict[str, Any]:
    """What Granian is told of TLS (TS 33.210 §6.2 profiles 1.2 and 1.3)."""
    if not config.tls_certificate:
        return {}
    return {
        "ssl_cert": Path(config.tls_certificate),
        "ssl_key": Path(config.tls_key),
        "ssl_protocol_min": SSLProtocols.tls12,
        "ssl_ca": Path(config.tls_client_ca) if config.tls_client_ca else None,
        "ssl_client_verify": bool(config.tls_client_ca),
    }


async def _takes_connections(host: str, port: int) -> bool:
    """Granian tells nobody when it listens."""
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    return True


def _reserve(host: str, port: int) -> socket.socket:
    """A socket that holds the port, without listening, so that a free one is known before Granian binds it too."""
    reserved = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        reserved.bind((host, port))
    except OSError:
        reserved.close()
        raise
    return reserved

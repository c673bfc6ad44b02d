"""Posts webhooks: each callback's name is resolved here once, its addresses are checked, and one that passed is connected to,
so that a name can't lead elsewhere between check and connection. No redirect is followed; what is answered is not read
further than BODY_OCTETS_MAX; all of it is done within TIMEOUT_S.
"""

import asyncio
import socket
import ssl
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import httpcore

from bss.deliveries import Delivered, Failed, GivenUp, Outcome
from vocabulary.networks import AllowedNetworks

TIMEOUT_S: Final = 5.0
BODY_OCTETS_MAX: Final = 64 * 1024
CONNECTIONS_MAX: Final = 256
_RESOLVERS: Final = 64
_GONE: Final = 410
_RETRY_AFTER_S_MAX: Final = 24 * 3600


class AddressRefused(httpcore.ConnectError):
    """None of the target's addresses may be used."""


class _CheckedBackend(httpcore.AsyncNetworkBackend):
    """Connects to allowed addresses alone."""

    def __init__(self, allowed: AllowedNetworks) -> None:
        self._allowed = allowed
        self._backend = httpcore.AnyIOBackend()
        # Resolvers that hang would keep everybody else's from the loop's few threads.
        self._resolvers = ThreadPoolExecutor(_RESOLVERS, thread_name_prefix="webhook-dns")

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's own signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """See httpcore. AddressRefused."""
        addresses = await self._resolved(host, port)
        usable = self._allowed.first_allowed(addresses)
        if usable is None:
            raise AddressRefused(f"{host} ({', '.join(addresses)}) is not in webhooks.allowed_networks")
        return await self._backend.connect_tcp(usable, port, timeout, local_address, socket_options)

    async def _resolved(self, host: str, port: int) -> list[str]:
        def ask() -> list[str]:
            return [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]

        try:
            found = await asyncio.get_running_loop().run_in_executor(self._resolvers, ask)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"{host} has no address: {error}") from error
        return list(dict.fromkeys(found))

    async def sleep(self, seconds: float) -> None:
        """See httpcore."""
        await asyncio.sleep(seconds)

    def close(self) -> None:
        """Wait for no resolver."""
        self._resolvers.shutdown(wait=False, cancel_futures=True)


class WebhookClient:
    """Posts messages.

    tls_ca   PEM file with the authorities of targets' certificates; '': those that the system trusts
    """

    def __init__(self, allowed: AllowedNetworks, *, timeout_s: float = TIMEOUT_S, tls_ca: str = "") -> None:
        self._backend = _CheckedBackend(allowed)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl.create_default_context(cafile=tls_ca or None),
            max_connections=CONNECTIONS_MAX,
            # A connection a message: on one that is kept, a second answer would be taken for that of the next message.
            max_keepalive_connections=0,
            retries=0,
            network_backend=self._backend,
        )
        self._timeout_s = timeout_s

    async def post(self, callback: str, headers: Mapping[str, str], body: bytes) -> Outcome:
        """What a message comes to, within the time-out."""
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._post(callback, headers, body)
        except TimeoutError:
            return Failed(f"no answer within {self._timeout_s:g} s")
        except AddressRefused as error:
            return Failed(str(error))
        except (httpcore.UnsupportedProtocol, httpcore.LocalProtocolError, ValueError) as error:
            return GivenUp(f"the callback can't be used: {error}")
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, OSError) as error:
            return Failed(f"not reached: {str(error) or type(error).__name__}")

    async def _post(self, callback: str, headers: Mapping[str, str], body: bytes) -> Outcome:
        sent = [("content-type", "application/json"), ("user-agent", "farebox"), *headers.items()]
        limits = dict.fromkeys(("connect", "read", "write", "pool"), self._timeout_s)
        async with self._pool.stream(
            "POST", callback, headers=sent, content=body, extensions={"timeout": limits}
        ) as response:
            octets = 0
            async for part in response.aiter_stream():
                octets += len(part)
                if octets > BODY_OCTETS_MAX:
                    break
            return _outcome(response)

    async def close(self) -> None:
        """End every connection."""
        await self._pool.aclose()
        self._backend.close()


def _outcome(response: httpcore.Response) -> Outcome:
    said = f"answered {response.status}"
    if 200 <= response.status < 300:
        return Delivered(said)
    if response.status == _GONE:
        return GivenUp(f"{said}: gone")
    if 300 <= response.status < 400:
        return Failed(f"{said}: redirects are not followed, register the address that is meant")
    asked = next((value for name, value in response.headers if name.lower() == b"retry-after"), b"")
    return Failed(said, min(int(asked), _RETRY_AFTER_S_MAX) if asked.isdigit() and len(asked) < 10 else 0)

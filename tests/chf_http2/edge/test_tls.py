"""Nchf over TLS: HTTP/2 by ALPN, versions, and clients that must have a certificate."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from chf_http2.config import ChfConfig
from chf_http2.errors import ChfConfigError
from tests.chf_http2.charging_bodies import request
from tests.chf_http2.edge.chf_served import PATH, Served, grant_all

FILES = Path(__file__).parent / "certificates"
SERVER = {"tls_certificate": str(FILES / "server.pem"), "tls_key": str(FILES / "server-key.pem")}


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 60))


@asynccontextmanager
async def serving_tls(**settings: str) -> AsyncIterator[str]:
    """A server with a certificate; its URL."""
    served = Served(ChfConfig(port=0, **SERVER, **settings), grant_all)  # type: ignore[arg-type]
    await served.server.start()
    try:
        yield f"https://127.0.0.1:{served.server.port}{PATH}"
    finally:
        await served.server.close()


def context(who: str = "", version: ssl.TLSVersion | None = None) -> ssl.SSLContext:
    """Of a client that trusts our authority, with the certificate of `who`."""
    made = ssl.create_default_context(cafile=str(FILES / "authority.pem"))
    if who:
        made.load_cert_chain(FILES / f"{who}.pem", FILES / f"{who}-key.pem")
    if version is not None:
        made.minimum_version = made.maximum_version = version
    return made


async def create(url: str, verify: ssl.SSLContext) -> httpx.Response:
    async with httpx.AsyncClient(http2=True, verify=verify, trust_env=False, timeout=10) as client:
        return await client.post(url, json=request())


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_http2_is_agreed_on_by_alpn(version: ssl.TLSVersion) -> None:
    async def converse() -> None:
        async with serving_tls() as url:
            response = await create(url, context(version=version))
            assert (response.status_code, response.http_version) == (201, "HTTP/2")
            assert response.headers["location"].startswith(url)

    run(converse())


def test_connections_that_another_process_accepted_have_tls_and_each_end_is_told() -> None:
    async def converse() -> None:
        loop = asyncio.get_running_loop()
        gone: list[str] = []
        served = Served(ChfConfig(**SERVER), grant_all, lambda: gone.append("served"))  # type: ignore[arg-type]
        await served.server.start()
        with socket.create_server(("127.0.0.1", 0)) as listening:
            listening.setblocking(False)

            async def hand_over() -> None:
                accepted, _ = await loop.sock_accept(listening)
                try:
                    await served.server.adopt(accepted)
                except OSError:
                    gone.append("not begun")

            port = listening.getsockname()[1]
            handing = asyncio.ensure_future(hand_over())
            assert (await create(f"https://127.0.0.1:{port}{PATH}", context())).status_code == 201
            await handing
            handing = asyncio.ensure_future(hand_over())
            with socket.create_connection(("127.0.0.1", port)) as plain:
                plain.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
                await handing
            await served.server.close()
            assert gone == ["served", "not begun"]

    run(converse())


def test_clients_without_our_authoritys_certificate_are_turned_away() -> None:
    async def converse() -> None:
        async with serving_tls(tls_client_ca=str(FILES / "authority.pem")) as url:
            assert (await create(url, context("client"))).status_code == 201
            for who in ("", "stranger"):
                with pytest.raises(
                    (httpx.TransportError, ssl.SSLError)
                ):  # the latter where TLS 1.3 says it with the answer
                    await create(url, context(who))
            assert (await create(url, context("client"))).status_code == 201

    run(converse())


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({"tls_certificate": SERVER["tls_certificate"]}, "tls_key is empty"),
        ({"tls_key": SERVER["tls_key"]}, "tls_certificate is empty"),
        ({"tls_client_ca": str(FILES / "authority.pem")}, "tls_client_ca has no sense"),
        ({**SERVER, "tls_client_ca": "nowhere.pem"}, "tls_client_ca is 'nowhere.pem': no such file"),
        ({"port": 70_000}, "port is 70000: choose 0..65535"),
        ({"processes": 65}, "processes is 65"),
        ({"tenant": "A B"}, "tenant is 'A B'"),
        ({"api_prefix": "site"}, "api_prefix is 'site': write it as /site-1"),
        ({"api_root": "chf.example"}, "api_root is 'chf.example': write it as http://chf.example:80"),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, Any], fault: str) -> None:
    with pytest.raises(ChfConfigError, match=fault):
        ChfConfig(**settings)

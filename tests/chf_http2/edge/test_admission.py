"""Access tokens over real HTTP/2, with keys that change while the server runs."""

import asyncio
import os
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from chf_http2.edge import token_files
from chf_http2.schema import ProblemDetails
from tests.chf_http2.charging_bodies import octets, request
from tests.chf_http2.edge.chf_served import PATH, serving
from tests.chf_http2.token_signing import CONVERGED, NOW_S, OFFLINE_ONLY, bearer, ec_key, public_pem, token

LATER_S = NOW_S * 2
"""When tokens expire here, where the clock is the real one."""
OFFLINE_PATH = "/nchf-offlineonlycharging/v1/offlinechargingdata"


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 60))


async def create(client: httpx.AsyncClient, url: str, authorization: str | None) -> httpx.Response:
    headers = {"content-type": "application/json"} | ({"authorization": authorization} if authorization else {})
    return await client.post(url, content=octets(request()), headers=headers)


def write_key(path: Path, key: Any, age: int = 0) -> str:
    """The public key in a file, with another time each `age`, as an editor would leave it."""
    path.write_bytes(public_pem(key))
    os.utime(path, ns=(age * 10**9, age * 10**9))
    return str(path)


def test_without_keys_nobody_needs_a_token() -> None:
    async def converse() -> None:
        async with serving() as (served, client):
            for authorization in (None, "Bearer nonsense"):
                assert (await create(client, served.url, authorization)).status_code == 201

    run(converse())


def test_each_service_needs_a_token_for_it(tmp_path: Path) -> None:
    keys = (write_key(tmp_path / "nrf.pem", ec_key()),)

    async def converse() -> None:
        async with serving(token_keys=keys) as (served, client):
            good = bearer(token(exp=LATER_S))
            assert (await create(client, served.url, good)).status_code == 201
            for authorization, status in (
                (None, 401),
                ("Bearer a.b.c", 401),
                (bearer(token(exp=LATER_S, aud="AMF")), 401),
            ):
                refused = await create(client, served.url, authorization)
                assert refused.status_code == status
                assert refused.headers["content-type"] == "application/problem+json"
                said = msgspec.json.decode(refused.content, type=ProblemDetails)
                assert said.status == status
                assert refused.headers["www-authenticate"].startswith(f'Bearer realm="{CONVERGED}"')
            offline = served.url.replace(PATH, OFFLINE_PATH)
            refused = await create(client, offline, good)
            assert refused.status_code == 403
            assert 'error="insufficient_scope"' in refused.headers["www-authenticate"]
            both = bearer(token(exp=LATER_S, scope=f"{CONVERGED} {OFFLINE_ONLY}"))
            assert (await create(client, offline, both)).status_code == 201
            root = served.url.removesuffix(PATH)
            assert (await client.get(f"{root}/openapi")).status_code == 200
            assert sum(served.batches) == 2

    run(converse())


def test_keys_are_rolled_while_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_files, "LOOK_NS", 0)
    path = tmp_path / "nrf.pem"
    keys = (write_key(path, ec_key()),)
    former, latter = bearer(token(exp=LATER_S)), bearer(token(ec_key("next"), exp=LATER_S))

    async def becomes(client: httpx.AsyncClient, url: str, authorization: str, status: int) -> None:
        async with asyncio.timeout(20):
            while (await create(client, url, authorization)).status_code != status:
                await asyncio.sleep(0.05)

    async def converse() -> None:
        async with serving(token_keys=keys) as (served, client):
            assert (await create(client, served.url, former)).status_code == 201
            assert (await create(client, served.url, latter)).status_code == 401
            write_key(path, ec_key("next"), 1)
            await becomes(client, served.url, latter, 201)
            assert (await create(client, served.url, former)).status_code == 401
            path.write_bytes(b"half of a")
            served.server._look()
            assert (await create(client, served.url, latter)).status_code == 201, "the former keys stay"
            path.unlink()
            served.server._look()
            assert (await create(client, served.url, latter)).status_code == 201
            write_key(path, ec_key(), 2)
            await becomes(client, served.url, former, 201)

    run(converse())

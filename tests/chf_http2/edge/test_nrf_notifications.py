"""What the NRF tells of others, over real HTTP/2: who is there, and notifications that are wrong or of strangers."""

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from chf_http2.config import ChfConfig
from chf_http2.edge import nrf_notifications
from chf_http2.edge.listener import Listener
from chf_http2.edge.nrf_notifications import NrfNotifications
from chf_http2.nrf_profile import NOTIFY_PATH

URI = "http://nrf.example/nnrf-nfm/v1/nf-instances/"


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 60))


@asynccontextmanager
async def listening() -> AsyncIterator[tuple[NrfNotifications, httpx.AsyncClient, list[str]]]:
    events: list[str] = []
    notifications = NrfNotifications(("SMF", "AMF"), events.append)
    listener = Listener(notifications.answer, ChfConfig(port=0), now_ns=time.time_ns)
    await listener.start()
    base = f"http://127.0.0.1:{listener.port}"
    try:
        async with httpx.AsyncClient(base_url=base, http1=False, http2=True, trust_env=False) as client:
            yield notifications, client, events
    finally:
        await listener.close()


def told(event: str, name: str, nf_type: str = "", status: str = "REGISTERED") -> dict[str, Any]:
    said: dict[str, Any] = {"event": event, "nfInstanceUri": URI + name}
    return said | ({"nfProfile": {"nfType": nf_type, "nfStatus": status, "nfInstanceId": name}} if nf_type else {})


def test_who_comes_and_goes_is_counted() -> None:
    async def converse() -> None:
        async with listening() as (notifications, client, events):
            for said in (
                told("NF_REGISTERED", "a", "SMF"),
                told("NF_REGISTERED", "b", "SMF"),
                told("NF_REGISTERED", "c", "AMF"),
                told("NF_REGISTERED", "d", "UPF"),
                told("NF_PROFILE_CHANGED", "a"),
                told("NF_PROFILE_CHANGED", "c", "AMF", "SUSPENDED"),
                told("NF_DEREGISTERED", "b"),
                told("NF_DEREGISTERED", "never heard of"),
                told("SOMETHING_NEW", "a"),
            ):
                assert (await client.post(NOTIFY_PATH, json=said)).status_code == 204
            assert [notifications.count_of(nf_type) for nf_type in ("SMF", "AMF", "UPF")] == [1, 0, 0]
            assert events[-1] == "other"
            assert len(events) == 9

    run(converse())


def test_no_more_are_remembered_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nrf_notifications, "WATCHED_MAX", 3)

    async def converse() -> None:
        async with listening() as (notifications, client, _):
            for number in range(10):
                said = told("NF_REGISTERED", str(number), "SMF")
                assert (await client.post(NOTIFY_PATH, json=said)).status_code == 204
            assert notifications.count_of("SMF") == 3

    run(converse())


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", NOTIFY_PATH, b"{", 400),
        ("POST", NOTIFY_PATH, b"\xff", 400),
        ("POST", NOTIFY_PATH, b"{}", 400),
        ("POST", NOTIFY_PATH, b'{"event": 1, "nfInstanceUri": "x"}', 400),
        ("POST", NOTIFY_PATH, b'{"event": "NF_REGISTERED", "nfInstanceUri": "' + b"x" * 2000 + b'"}', 400),
        ("POST", "/", b"{}", 404),
        ("GET", NOTIFY_PATH, b"", 405),
    ],
)
def test_notifications_that_are_wrong(method: str, path: str, body: bytes, status: int) -> None:
    async def converse() -> None:
        async with listening() as (notifications, client, events):
            answer = await client.request(method, path, content=body, headers={"content-type": "application/json"})
            assert answer.status_code == status
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["status"] == status
            assert not notifications.present
            assert not events

    run(converse())

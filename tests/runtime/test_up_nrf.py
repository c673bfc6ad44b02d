"""`farebox up` with an NRF: one registration for all 5G front ends, and charging when the NRF is gone."""

import asyncio
import os
import signal
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.chf_http2.edge.nrf_served import nrf_listening
from tests.chf_http2.fake_nrf import FakeNrf
from tests.runtime.running_up import IMSI, farebox, open_account, running_up, wait_until

pytestmark = pytest.mark.timeout(240)
NAMES = ("chf-1", "chf-2")


@contextmanager
def nrf_in_a_thread(nrf: FakeNrf) -> Iterator[str]:
    """Its apiRoot; within, it answers."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    listening = nrf_listening(nrf)
    url = asyncio.run_coroutine_threadsafe(listening.__aenter__(), loop).result(20)
    try:
        yield url
    finally:
        asyncio.run_coroutine_threadsafe(listening.__aexit__(None, None, None), loop).result(20)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(20)
        loop.close()


def charge(client: httpx.Client, url: str, charging_id: int) -> None:
    """A session, from create to release."""
    said: dict[str, Any] = {
        "subscriberIdentifier": f"imsi-{IMSI}",
        "chargingId": charging_id,
        "nfConsumerIdentification": {"nodeFunctionality": "SMF", "nFName": "smf"},
        "invocationTimeStamp": "2026-11-28T10:00:00Z",
        "invocationSequenceNumber": 0,
        "multipleUnitUsage": [{"ratingGroup": 10, "requestedUnit": {"totalVolume": 1000}}],
    }
    created = client.post(url, json=said)
    assert created.status_code == 201, created.text
    said = said | {"invocationSequenceNumber": 1, "multipleUnitUsage": []}
    assert client.post(created.headers["location"] + "/release", json=said).status_code == 204


def metric(port: int, name: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as page:
        lines = [line for line in page.read().decode().splitlines() if line.startswith(f"{name} ")]
    return str(lines[0].split()[1])


def test_several_front_ends_are_registered_once_and_charge_without_an_nrf(tmp_path: Path) -> None:
    nrf = FakeNrf()
    settings = {"FAREBOX_CHF_PORT": "0", "FAREBOX_NRF_WATCHED": "SMF", "FAREBOX_NRF_NOTIFY_PORT": "0"}
    with nrf_in_a_thread(nrf) as url:
        with running_up(tmp_path / "data", "--chf", "2", FAREBOX_NRF_URL=url, **settings) as up:
            open_account(up, IMSI)
            wait_until("registered", lambda: nrf.profiles and nrf.subscriptions)
            state = up.state
            (profile,) = nrf.profiles.values()
            assert {service["ipEndPoints"][0]["port"] for service in profile["nfServices"]} == {state.ports["chf"]}
            (subscription,) = nrf.subscriptions.values()
            told = {"event": "NF_REGISTERED", "nfInstanceUri": "u", "nfProfile": {"nfType": "SMF"}}
            collection = f"http://127.0.0.1:{state.ports['chf']}/nchf-convergedcharging/v3/chargingdata"
            with httpx.Client(http1=False, http2=True, timeout=30, trust_env=False) as client:
                assert client.post(subscription["nfStatusNotificationUri"], json=told).status_code == 204
                charge(client, collection, 1)
                nrf.failing = lambda method, path: 503
                refused = len(nrf.asked)
                wait_until("the NRF refuses", lambda: len(nrf.asked) > refused)
                charge(client, collection, 2)
                os.kill(state.pids["nrf"], signal.SIGKILL)
                charge(client, collection, 3)
                before = len(nrf.asked)
                nrf.failing = lambda method, path: 0
                wait_until("it asks again", lambda: len(nrf.asked) > before, 60)
                metrics = up.wait_ready("nrf", but_not=state.pids).ports["nrf_metrics"]
                wait_until("it says so", lambda: metric(metrics, "farebox_nrf_registered") == "1.0")
            assert up.interrupt() == 0
        assert nrf.profiles == {}, "it takes its leave"
        assert len({path for method, path in nrf.asked if method == "PUT"}) == 1, "one registration for both"
    assert nrf.faults == []


def test_an_nrf_client_without_an_nrf_says_what_it_lacks(tmp_path: Path) -> None:
    ended = farebox("config", "show", FAREBOX_NRF_URL="nrf.example", FAREBOX_NRF_PRIORITY="-1", FAREBOX_CHF_PORT="x")
    assert ended.returncode == 2
    for part in ("nrf.url", "nrf.priority", "chf.port"):
        assert part in ended.stderr
    ended = farebox("config", "show", FAREBOX_NRF_URL="http://nrf.example", FAREBOX_CHF_HOST="0.0.0.0")
    assert "nrf.address: is empty and chf.host is 0.0.0.0" in ended.stderr

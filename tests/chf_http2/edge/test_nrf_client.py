"""The NRF client against an NRF that registers, forgets, refuses, moves, hangs and goes away."""

import asyncio
import time
from collections.abc import Coroutine
from typing import Any

import httpx
import pytest

from chf_http2.config import ChfConfig
from chf_http2.edge import nrf_client, nrf_requests
from tests.chf_http2.charging_bodies import octets, request
from tests.chf_http2.edge.chf_served import serving
from tests.chf_http2.edge.nrf_served import NOTIFY_URL, Registered, nrf_listening, registering
from tests.chf_http2.fake_nrf import BASE, FakeNrf
from tests.chf_http2.token_signing import CONVERGED, NF_INSTANCE_ID, SMF, ec_key, public_pem

PATH = f"{BASE}/nf-instances/{NF_INSTANCE_ID}"


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 60))


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tries and looks at the load follow each other quickly."""
    monkeypatch.setattr(nrf_client, "RETRY_S", (0.02, 0.05))
    monkeypatch.setattr(nrf_client, "LOOK_S", 0.02)


def test_it_registers_beats_and_takes_its_leave() -> None:
    async def converse() -> None:
        chf = ChfConfig(host="10.0.0.5", api_prefix="/site-1", plmns=("262-01",))
        settings: dict[str, Any] = {"supi_ranges": ("262010000000000-262019999999999",), "priority": 3, "capacity": 40}
        async with registering(chf, **settings) as client:
            nrf = client.nrf
            await client.until(lambda: len(nrf.patches) >= 2, "two heart-beats")
            said = client.profile
            assert (said["nfType"], said["nfStatus"], said["priority"], said["capacity"]) == (
                "CHF",
                "REGISTERED",
                3,
                40,
            )
            assert said["chfInfo"] == {"supiRangeList": [{"start": "262010000000000", "end": "262019999999999"}]}
            assert said["plmnList"] == [{"mcc": "262", "mnc": "01"}]
            assert {item["path"] for item in nrf.patches[0]} == {"/nfStatus", "/load", "/loadTimeStamp"}
            assert nrf.headers["user-agent"] == f"CHF-{NF_INSTANCE_ID}"
            assert nrf.headers["3gpp-sbi-max-rsp-time"] == "5000"
            assert client.client.why_away == ""
        assert nrf.asked[0] == ("PUT", PATH)
        assert nrf.asked[-1] == ("DELETE", PATH)
        assert client.profile == {}
        assert client.asked[-1] == ("deregister", 204)

    run(converse())


def test_the_nrfs_timer_holds() -> None:
    async def converse() -> None:
        async with registering(heartbeat_s=3600) as client:
            await client.until(
                lambda: client.nrf.patches, "a heart-beat by the NRF's timer of 1 s, not ours of an hour"
            )

    run(converse())


def test_who_is_lost_registers_again() -> None:
    async def converse() -> None:
        async with registering() as client:
            await client.until(lambda: client.profile, "registered")
            client.nrf.profiles.clear()
            await client.until(lambda: client.asked.count(("register", 201)) == 2, "registered again")
            assert ("heartbeat", 404) in client.asked
            assert client.profile

    run(converse())


def test_a_heart_beat_that_is_refused_leads_to_a_new_registration() -> None:
    async def converse() -> None:
        async with registering() as client:
            await client.until(lambda: client.profile, "registered")
            client.nrf.failing = lambda method, path: 409 if method == "PATCH" else 0
            await client.until(lambda: ("register", 200) in client.asked, "told everything again")
            client.nrf.failing = lambda method, path: 0
            await client.until(lambda: client.asked[-1] == ("heartbeat", 204), "heart-beats again")

    run(converse())


@pytest.mark.parametrize("status", [400, 403, 404, 429, 500, 503])
def test_an_nrf_that_refuses_is_asked_again(status: int) -> None:
    async def converse() -> None:
        async with registering() as client:
            client.nrf.failing = lambda method, path: status
            await client.until(lambda: client.asked.count(("register", status)) >= 3, "three tries")
            assert client.client.why_away == f"the NRF is away: it answered with status {status}"
            client.nrf.failing = lambda method, path: 0
            await client.until(lambda: client.profile, "registered")

    run(converse())


def test_a_change_of_load_or_of_who_serves_is_told_at_once() -> None:
    async def converse() -> None:
        async with registering() as client:
            nrf = client.nrf
            nrf.heartbeat_s = 600
            await client.until(lambda: client.profile, "registered")
            client.load = 9
            await asyncio.sleep(0.2)  # nothing is to happen
            assert nrf.patches == [], "a small change can wait"
            client.load = 42
            await client.until(lambda: client.profile["load"] == 42, "the load")
            client.load = None
            await client.until(lambda: client.profile["nfStatus"] == "UNDISCOVERABLE", "nobody serves")
            client.load = 7
            await client.until(lambda: client.profile["nfStatus"] == "REGISTERED", "somebody serves")
            assert len(nrf.patches) == 3

    run(converse())


def test_nobody_is_registered_before_anybody_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    async def converse() -> None:
        async with registering() as client:
            client.load = None
            await asyncio.sleep(0.2)  # nothing is to happen
            assert client.nrf.asked == []
            client.load = 0
            await client.until(lambda: client.profile, "registered")

    run(converse())


def test_a_permanent_redirection_is_followed_and_remembered() -> None:
    async def converse() -> None:
        async with registering() as client:
            client.nrf.moved_to = "/moved"
            await client.until(lambda: len(client.nrf.patches) >= 1, "registered elsewhere, and a heart-beat")
            assert client.nrf.asked[:2] == [("PUT", PATH), ("PUT", "/moved" + PATH)]
            assert all(path.startswith("/moved") for _, path in client.nrf.asked[1:])

    run(converse())


def test_subscriptions_are_made_renewed_and_given_up() -> None:
    async def converse() -> None:
        async with registering(watched=("SMF", "AMF")) as client:
            nrf = client.nrf
            nrf.validity = "2020-01-01T00:00:00Z"  # over as soon as it is given
            await client.until(lambda: ("renew", 200) in client.asked, "renewed")
            said = {held["subscrCond"]["nfType"]: held for held in nrf.subscriptions.values()}
            assert set(said) == {"SMF", "AMF"}
            assert said["SMF"]["nfStatusNotificationUri"] == f"{NOTIFY_URL}/farebox/nf-status"
            assert said["SMF"]["validityTime"] > "2026"
            nrf.subscriptions.clear()
            for held in said.values():
                held["validityTime"] = "2020-01-01T00:00:00Z"
        assert client.asked.count(("deregister", 204)) == 1
        assert nrf.subscriptions == {}

    run(converse())


def test_a_subscription_that_the_nrf_has_lost_is_made_again() -> None:
    async def converse() -> None:
        async with registering(watched=("SMF",)) as client:
            client.nrf.validity = "2020-01-01T00:00:00Z"
            await client.until(lambda: client.nrf.subscriptions, "subscribed")
            client.nrf.subscriptions.clear()
            await client.until(lambda: client.nrf.subscriptions, "subscribed again")
            assert ("renew", 404) in client.asked

    run(converse())


def test_an_nrf_that_hangs_holds_up_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nrf_requests, "WAIT_S", 0.2)

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.read()
        finally:
            writer.close()

    async def converse() -> None:
        server = await asyncio.start_server(hang, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        client = Registered(FakeNrf(), f"http://127.0.0.1:{port}", ChfConfig())
        await client.until(lambda: client.asked.count(("register", 0)) >= 2, "two tries")
        began = time.monotonic()
        await client.stop()
        assert time.monotonic() - began < 2
        server.close()

    run(converse())


def test_an_nrf_that_goes_away_and_comes_back_and_charging_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was registered is registered again with the new one, which knows nobody."""
    monkeypatch.setattr(nrf_requests, "WAIT_S", 0.5)

    async def converse() -> None:
        nrf = FakeNrf()
        async with nrf_listening(nrf) as url:
            port = int(url.rpartition(":")[2])
            client = Registered(nrf, url, ChfConfig())
            await client.until(lambda: client.profile, "registered")
        await client.until(lambda: ("heartbeat", 0) in client.asked, "a heart-beat without an answer")
        assert client.client.why_away.startswith("the NRF is away")
        async with serving() as (served, consumer):
            for number in range(5):
                answer = await consumer.post(served.url, content=octets(request(0, chargingId=number)), headers=JSON)
                assert answer.status_code == 201
        client.nrf = FakeNrf()
        async with nrf_listening(client.nrf, port):
            await client.until(lambda: client.profile, "registered with the new one")
            await client.stop()
        assert nrf.faults == client.nrf.faults == []

    run(converse())


JSON = {"content-type": "application/json"}


def test_a_consumer_charges_with_a_token_of_the_nrf(tmp_path: Any) -> None:
    """The whole way: the NRF issues, its key is configured, the token is taken; another scope isn't."""
    (tmp_path / "nrf.pem").write_bytes(public_pem(ec_key()))

    async def fetch(client: httpx.AsyncClient, url: str, scope: str, target: str = "CHF") -> httpx.Response:
        form = {
            "grant_type": "client_credentials",
            "nfInstanceId": SMF,
            "nfType": "SMF",
            "targetNfType": target,
            "scope": scope,
        }
        return await client.post(f"{url}/oauth2/token", data=form)

    async def converse() -> None:
        nrf = FakeNrf()
        nrf.token_life = lambda: int(time.time()) + 60
        async with nrf_listening(nrf) as url, serving(token_keys=(str(tmp_path / "nrf.pem"),)) as (served, client):
            for scope, status in ((CONVERGED, 201), ("nchf-spendinglimitcontrol", 403)):
                issued = await fetch(client, url, scope)
                assert issued.status_code == 200
                authorization = {"authorization": f"Bearer {issued.json()['access_token']}"}
                answer = await client.post(served.url, content=octets(request()), headers=JSON | authorization)
                assert answer.status_code == status
            assert (await fetch(client, url, CONVERGED, "AMF")).json() == {"error": "invalid_scope"}
        assert nrf.faults == []

    run(converse())

"""Front ends in processes of their own: those of a protocol share its port; one that dies comes back on it."""

import os
import signal
import time
import urllib.request
from pathlib import Path

import httpx
import pytest

from runtime.telemetry import METRICS
from tests.runtime.gy_client import gy_client
from tests.runtime.running_up import IMSI, MIB, ROLES, charge_session, is_alive, open_account, running_up, wait_until

pytestmark = pytest.mark.timeout(240)
FRONT_ENDS = ("gy-1", "gy-2")


def test_front_ends_share_the_port_and_come_back_on_it(tmp_path: Path) -> None:
    with running_up(tmp_path / "data", "--front-ends", "2") as up:
        open_account(up, IMSI)
        state = up.state
        assert set(state.pids) == {*ROLES, *FRONT_ENDS, "store"}
        assert set(state.ports) == {"gy", *(f"{name}_metrics" for name in (*ROLES, *FRONT_ENDS))}
        charge_session(up, "shared")
        for pid in state.pids.values():  # a first touch of a huge page would hold up all answers for milliseconds
            assert "THP_enabled:\t0" in Path(f"/proc/{pid}/status").read_text()
        for name in FRONT_ENDS:
            with urllib.request.urlopen(f"http://127.0.0.1:{state.ports[f'{name}_metrics']}/metrics") as page:
                text = page.read().decode()
            assert {row.name for row in METRICS if row.process == "gy"} <= set(text.replace("{", " ").split())
            assert "farebox_gy_link_up 1.0" in text
        os.kill(state.pids["gy-1"], signal.SIGKILL)
        wait_until("it takes no connection any more", lambda: not is_alive(state.pids["gy-1"]))
        with gy_client(state.ports["gy"]) as client:  # the other takes it, or the first once it is back
            assert client.ask(1, 0, "pgw1.example.net;meanwhile", IMSI, asked=MIB).result == 2001
            after = up.wait_ready("gy-1", but_not=state.pids)
            assert client.ask(3, 1, "pgw1.example.net;meanwhile", IMSI, used=MIB).result == 2001
        assert after.ports["gy"] == state.ports["gy"]
        assert {name for name in after.pids if after.pids[name] == state.pids[name]} == {*ROLES, "gy-2", "store"}
        charge_session(up, "after")
        assert up.interrupt() == 0
        wait_until("nothing is left", lambda: not any(map(is_alive, after.pids.values())))


def create(client: httpx.Client, url: str, charging_id: int) -> str:
    """A session of the subscriber that Gy's sessions are of; its URI."""
    body = {
        "subscriberIdentifier": f"imsi-{IMSI}",
        "chargingId": charging_id,
        "nfConsumerIdentification": {"nodeFunctionality": "SMF", "nFName": "smf"},
        "invocationTimeStamp": "2026-11-28T10:00:00Z",
        "invocationSequenceNumber": 0,
        "multipleUnitUsage": [{"ratingGroup": 10, "requestedUnit": {"totalVolume": MIB}}],
    }
    response = client.post(url, json=body)
    assert response.status_code == 201, response.text
    (unit,) = response.json()["multipleUnitInformation"]
    assert unit["grantedUnit"] == {"totalVolume": MIB}
    return str(response.headers["location"])


def release(client: httpx.Client, uri: str) -> int:
    """End a session that used everything; the status, asked for again while its front end is gone."""
    body = {
        "nfConsumerIdentification": {"nodeFunctionality": "SMF", "nFName": "smf"},
        "invocationTimeStamp": "2026-11-28T10:05:00Z",
        "invocationSequenceNumber": 1,
        "multipleUnitUsage": [
            {"ratingGroup": 10, "usedUnitContainer": [{"localSequenceNumber": 1, "totalVolume": MIB}]}
        ],
    }
    ends = time.monotonic() + 60
    while True:
        try:
            return client.post(f"{uri}/release", json=body).status_code
        except httpx.TransportError:
            assert time.monotonic() < ends
            time.sleep(0.05)  # tidy: a client that connects anew


def test_5g_front_ends_beside_gy_outlive_each_other_and_the_engine(tmp_path: Path) -> None:
    with running_up(tmp_path / "data", "--chf", "2", FAREBOX_CHF_PORT="0") as up:
        open_account(up, IMSI)
        state = up.state
        assert set(state.pids) == {*ROLES, "chf-1", "chf-2", "store"}
        url = f"http://127.0.0.1:{state.ports['chf']}/nchf-convergedcharging/v3/chargingdata"
        charge_session(up, "gy")
        with httpx.Client(http1=False, http2=True, timeout=30, trust_env=False) as client:
            first, second = create(client, url, 1), create(client, url, 2)
            os.kill(state.pids["chf-1"], signal.SIGKILL)
            assert release(client, first) == 204
            after = up.wait_ready("chf-1", but_not=state.pids)
            os.kill(state.pids["engine"], signal.SIGKILL)
            assert release(client, second) == 204  # kept by the front end until there is an engine again
            up.wait_ready("engine", but_not=state.pids)
        assert after.ports["chf"] == state.ports["chf"]
        charge_session(up, "after")
        assert up.interrupt() == 0

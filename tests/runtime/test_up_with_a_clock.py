"""`farebox up --test-clock` as it is started: a month passes for the engine, the business side and the commands, none of which
is started anew; another start goes on from there.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.runtime.gy_client import gy_client
from tests.runtime.running_up import IMSI, MIB, RunningUp, farebox, invoke, open_account, running_up, wait_until
from vocabulary.instants import NS_PER_S
from vocabulary.units import Unit

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(400)]

BUSINESS = {"FAREBOX_BSS_WEB": "1", "FAREBOX_BSS_WEB_PORT": "0", "FAREBOX_BSS_WORKERS": "1"}
NUMBER = "491700000001"


@pytest.fixture
def up(tmp_path: Path) -> Iterator[RunningUp]:
    with running_up(tmp_path / "data", "--test-clock", **BUSINESS) as running:
        open_account(running, IMSI)
        yield running


def told(up: RunningUp, *words: str) -> str:
    done = invoke(*words, "--data-dir", str(up.folder.path))
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def buckets(up: RunningUp) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(told(up, "subscriber", "show", IMSI, "--json"))["buckets"]
    return found


def is_free(up: RunningUp) -> bool:
    return "free" in told(up, "inventory", "show", "msisdn", NUMBER)


def test_a_month_passes_in_a_moment(up: RunningUp, tmp_path: Path) -> None:
    numbers = tmp_path / "numbers.csv"
    numbers.write_text(f"number\n{NUMBER}\n")
    told(up, "inventory", "import", "msisdn", str(numbers))
    told(up, "inventory", "reserve", "msisdn", "--name", NUMBER, "--for", "somebody")
    assert not is_free(up)
    with gy_client(up.state.ports["gy"]) as client:
        assert client.ask(1, 0, "pgw1.example.net;long", IMSI, asked=MIB).granted_octets == MIB
    assert any(bucket["reserved"] for bucket in buckets(up))
    pids = dict(up.state.pids)

    assert "31d ahead" in told(up, "clock", "advance", "31d")

    # nobody asks for the account: the sweeper finds that session and allowance have ended
    wait_until("nothing is held", lambda: not any(bucket["reserved"] for bucket in buckets(up)))
    wait_until("the allowance is gone", lambda: not any(bucket["unit"] == Unit.OCTETS for bucket in buckets(up)))
    wait_until("the reservation has ended", lambda: is_free(up))
    assert up.state.pids == pids, "nothing was started anew"
    assert up.state.states["engine"] == "ready"
    with gy_client(up.state.ports["gy"]) as client:  # what is decided now is dated so
        assert client.ask(1, 0, "pgw1.example.net;later", IMSI, asked=MIB).result == 2001
        assert client.ask(3, 1, "pgw1.example.net;later", IMSI, used=MIB).result == 2001
    told(up, "audit")


def test_the_next_start_goes_on_from_there(up: RunningUp, tmp_path: Path) -> None:
    told(up, "clock", "advance", "2d12h")
    up.interrupt()
    data = str(up.folder.path)
    refused = farebox("up", "--data-dir", data, "--port", "0")
    assert refused.returncode == 2
    assert "is 2d12h ahead: start with --test-clock" in refused.stderr
    with running_up(up.folder.path, "--test-clock"):
        shown = json.loads(invoke("clock", "show", "--json", "--data-dir", data).stdout)
        assert shown["ahead_ns"] == 60 * 3600 * NS_PER_S

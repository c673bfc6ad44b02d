"""`farebox up --front-ends`: processes of their own share the Gy port; one that dies comes back on it."""

import os
import signal
import urllib.request
from pathlib import Path

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
        for name in FRONT_ENDS:
            with urllib.request.urlopen(f"http://127.0.0.1:{state.ports[f'{name}_metrics']}/metrics") as page:
                text = page.read().decode()
            assert {row.name for row in METRICS if row.process == "gy"} <= set(text.replace("{", " ").split())
            assert "farebox_gy_link_up 1.0" in text
        os.kill(state.pids["gy-1"], signal.SIGKILL)
        with gy_client(state.ports["gy"]) as client:  # the other takes it, or the first once it is back
            assert client.ask(1, 0, "pgw1.example.net;meanwhile", IMSI, asked=MIB).result == 2001
            after = up.wait_ready("gy-1", but_not=state.pids)
            assert client.ask(3, 1, "pgw1.example.net;meanwhile", IMSI, used=MIB).result == 2001
        assert after.ports["gy"] == state.ports["gy"]
        assert {name for name in after.pids if after.pids[name] == state.pids[name]} == {*ROLES, "gy-2", "store"}
        charge_session(up, "after")
        assert up.interrupt() == 0
        wait_until("nothing is left", lambda: not any(map(is_alive, after.pids.values())))

"""`farebox bss-web` as a process, without a store: APIs, their pages and the console; the first administrator gets in once, and
chooses a password.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from runtime.data_folder import DataFolder, take_first_login
from tests.runtime.running_up import wait_until

NO_STORE = "redis://127.0.0.1:1/0"
STOP_S = 30.0


class Web(NamedTuple):
    process: subprocess.Popen[bytes]
    url: str
    log: Path


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    folder = tmp_path_factory.mktemp("web")
    ready, log = folder / "ready", folder / "log"
    command = [sys.executable, "-m", "runtime.cli.main", "bss-web", "--data-dir", str(folder), "--store", NO_STORE]
    command += ["--metrics-port", "-1", "--ready-file", str(ready)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env={**os.environ, "FAREBOX_BSS_WEB_PORT": "0"}, stdout=output, stderr=output
        )
    try:
        wait_until("it serves", lambda: ready.exists() or process.poll() is not None, 90)
        assert ready.exists(), log.read_text()
        yield Web(process, f"http://127.0.0.1:{ready.read_text().split()[0]}", log)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(STOP_S)


@pytest.mark.timeout(150)
def test_apis_their_pages_and_the_console_are_served(web: Web) -> None:
    with httpx.Client(base_url=web.url, trust_env=False, timeout=20) as client:
        assert client.get("/docs").status_code == 200
        refused = client.get("/tmf-api/customerManagement/v4/customer")
        assert (refused.status_code, refused.json()["code"]) == (401, "noToken")
        assert client.get("/console").headers["location"] == "/console/login?to=/console"
        assert client.get("/nothing-here").status_code == 404


@pytest.mark.timeout(150)
def test_the_first_administrator_has_to_choose_a_password(web: Web) -> None:
    folder = DataFolder(web.log.parent)
    assert folder.first_login.stat().st_mode & 0o777 == 0o600
    found = take_first_login(folder)
    assert found is not None, web.log.read_text()
    assert take_first_login(folder) is None, "it is said once"
    assert found[1] not in web.log.read_text()
    fields = {"login": found[0], "password": found[1], "tenant": "default", "to": "/console/orders"}
    with httpx.Client(base_url=web.url, trust_env=False, timeout=20) as client:
        assert client.post("/console/login", data=fields).headers["location"] == "/console/password"
        assert "Not for you" in client.get("/console/orders").text, "a one-time password is good for one thing"


@pytest.mark.timeout(150)
def test_it_stops_when_it_is_told(web: Web) -> None:
    web.process.send_signal(signal.SIGTERM)
    assert web.process.wait(STOP_S) == 0, web.log.read_text()

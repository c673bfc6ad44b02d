"""Front ends of Gy and Nchf before two engines: connections are spread and counted, engines take over, all are started anew."""

import json
import os
import signal
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from zlib import crc32

import pytest

from tests.runtime.gy_client import GyClient, gy_client
from tests.runtime.open_sessions import GySession, NchfSession, OpenSession
from tests.runtime.running_up import RunningUp, farebox, invoke, open_account, running_up, wait_until

pytestmark = pytest.mark.timeout(300)

SEVERAL = ("--front-ends", "2", "--chf", "1", "--engines", "2")
ROLES = ("engine-1", "engine-2", "gy-1", "gy-2", "chf-1", "notifier", "archiver", "records", "store")
IMSIS = tuple(f"00101000000000{number}" for number in range(1, 5))
CONNECTIONS_MAX = 6


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningUp]:
    """Everything, with accounts in both partitions."""
    folder = tmp_path_factory.mktemp("several")
    (folder / "farebox.toml").write_text(f'[gy.peers.any]\norigin_hosts = ["*"]\nconnections_max = {CONNECTIONS_MAX}\n')
    with running_up(
        folder / "data", *SEVERAL, "--config", str(folder / "farebox.toml"), FAREBOX_CHF_PORT="0"
    ) as running:
        numbers = [open_account(running, imsi) for imsi in IMSIS]
        assert {number % 2 for number in numbers} == {0, 1}
        yield running


def metrics_of(up: RunningUp, role: str) -> dict[str, float]:
    """By name and labels."""
    with urllib.request.urlopen(f"http://127.0.0.1:{up.state.ports[f'{role}_metrics']}/metrics", timeout=10) as page:
        lines = page.read().decode().splitlines()
    return {
        name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if not line.startswith("#"))
    }


def octets_of(up: RunningUp, imsi: str) -> int:
    shown = json.loads(invoke("subscriber", "show", imsi, "--json", "--store", up.state.store_url).stdout)
    return sum(int(bucket["remaining"]) + int(bucket["reserved"]) for bucket in shown["buckets"] if bucket["unit"] == 1)


def owned(up: RunningUp, role: str) -> float:
    """How many partitions an engine decides for."""
    try:
        found = metrics_of(up, role)
    except (OSError, KeyError):
        return -1.0
    return sum(value for name, value in found.items() if name.startswith("farebox_partition_owned"))


def wait_shared(up: RunningUp) -> None:
    """Until each engine has its half, and all is ready."""
    wait_until("each engine has a partition", lambda: [owned(up, role) for role in ROLES[:2]] == [1.0, 1.0], 60)
    up.wait_ready(*ROLES)


def check(up: RunningUp, sessions: list[OpenSession], before: dict[str, int]) -> None:
    """Every request had its answer, everything that was reported is charged once, and the journal agrees."""
    for session in sessions:
        session.end()
    assert not [fault for session in sessions for fault in session.faults], up.text()[-6000:]
    charged = {imsi: before[imsi] - octets_of(up, imsi) for imsi in IMSIS}
    assert charged == {imsi: sum(session.reported for session in sessions if session.imsi == imsi) for imsi in IMSIS}
    audited = invoke("audit", "--store", up.state.store_url, "--data-dir", str(up.folder.path))
    assert audited.returncode == 0, audited.stdout + audited.stderr


def begin(up: RunningUp, name: str) -> tuple[list[OpenSession], dict[str, int]]:
    """Two sessions a subscriber, one over Gy and one over Nchf, and what each subscriber had."""
    before = {imsi: octets_of(up, imsi) for imsi in IMSIS}
    ports = up.state.ports
    sessions: list[OpenSession] = [GySession(ports["gy"], imsi, name) for imsi in IMSIS]
    sessions += [NchfSession(ports["chf"], imsi, crc32(name.encode())) for imsi in IMSIS]
    for session in sessions:
        session.start()
    wait_until("sessions are charged", lambda: all(session.number > 5 for session in sessions))
    return sessions, before


def test_connections_are_spread_evenly_and_counted_over_both_front_ends(up: RunningUp) -> None:
    wait_shared(up)
    assert set(up.state.pids) == set(ROLES)
    with ExitStack() as stack:
        for _ in range(CONNECTIONS_MAX):
            stack.enter_context(gy_client(up.state.ports["gy"]))
        counts = [metrics_of(up, role)['farebox_gy_connections{peer="any"}'] for role in ("gy-1", "gy-2")]
        assert counts == [CONNECTIONS_MAX / 2] * 2
        with pytest.raises(AssertionError):  # its capabilities are refused
            GyClient(up.state.ports["gy"])


def test_an_engine_hangs_and_is_killed_and_every_session_goes_on(up: RunningUp) -> None:
    """The other has its partition while it hangs; one that is killed alone is back before anybody misses it."""
    wait_shared(up)
    role = "engine-2"
    pids = up.state.pids
    sessions, before = begin(up, role)
    os.kill(pids[role], signal.SIGSTOP)
    wait_until("its partition is the other's", lambda: owned(up, "engine-1") == 2.0, 60)
    os.kill(pids[role], signal.SIGKILL)
    up.wait_ready(role, but_not=pids)
    wait_shared(up)
    assert "engines are silent" in (up.folder.logs / "engine-1.log").read_text()
    numbers = [session.number for session in sessions]
    wait_until("sessions go on", lambda: all(s.number > n + 3 for s, n in zip(sessions, numbers, strict=True)))
    check(up, sessions, before)
    assert {name for name in ROLES if up.state.pids[name] == pids[name]} == set(ROLES) - {role}


@pytest.mark.acceptance  # each process is started again, one after another: minutes on a busy machine
def test_all_are_started_anew_and_no_answer_is_missed(up: RunningUp) -> None:
    wait_shared(up)
    pids = up.state.pids
    sessions, before = begin(up, "anew")
    done = invoke("restart", "--data-dir", str(up.folder.path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()] == [
        "gy-1",
        "gy-2",
        "chf-1",
        "engine-1",
        "engine-2",
        "notifier",
        "archiver",
        "records",
    ]
    check(up, sessions, before)
    assert {name for name in ROLES if up.state.pids[name] == pids[name]} == {"store"}


def test_a_restart_of_nothing_is_refused(tmp_path: Path) -> None:
    done = invoke("restart", "--data-dir", str(tmp_path))
    assert (done.returncode, "no farebox up runs" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--engines", "3", "--front-ends", "1", "--partitions", "2"), "--engines 3: the store has 2 partitions"),
        (("--engines", "2"), "set front_ends to 1 or more"),
    ],
)
def test_engines_that_would_have_nothing_to_do_are_refused(
    tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    done = farebox("up", "--data-dir", str(tmp_path / "data"), "--port", "0", *arguments)
    assert done.returncode == 2
    assert words in done.stderr, done.stderr + done.stdout
    assert not (tmp_path / "data" / "up.json").exists()

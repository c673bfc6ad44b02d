"""Front ends that are started anew under 5G sessions: who follows good-byes has each answer, and the money is right."""

import json
import os
import signal
from pathlib import Path

import pytest

from tests.runtime.open_sessions import NchfSession
from tests.runtime.running_up import MIB, RunningUp, invoke, open_account, running_up, wait_until
from vocabulary.units import Unit

pytestmark = pytest.mark.timeout(240)

IMSIS = tuple(f"00101000000000{number}" for number in range(1, 5))
TOP_UP_EUR = 50_000
PRICE_MICROS_PER_MIB = 20_000
USED = 16 * MIB
"""More than is asked for at a time, so that the allowance is soon over and money pays."""


def left(up: RunningUp, imsi: str) -> dict[int, int]:
    """What a subscriber has by unit, held or free."""
    shown = json.loads(invoke("subscriber", "show", imsi, "--json", "--store", up.state.store_url).stdout)
    return {
        unit: sum(int(one["remaining"]) + int(one["reserved"]) for one in shown["buckets"] if one["unit"] == unit)
        for unit in (Unit.MONEY, Unit.OCTETS)
    }


def begin(up: RunningUp) -> tuple[list[NchfSession], dict[str, dict[int, int]]]:
    """Two consumers a subscriber, each with one short session after another; what each subscriber had."""
    for imsi in IMSIS:
        open_account(up, imsi)
        paid = invoke("subscriber", "top-up", imsi, "--money", str(TOP_UP_EUR), "--store", up.state.store_url)
        assert paid.returncode == 0, paid.stdout + paid.stderr
    before = {imsi: left(up, imsi) for imsi in IMSIS}
    sessions = [
        NchfSession(up.state.ports["chf"], imsi, number << 20, used=USED, updates_max=5)
        for number, imsi in enumerate(IMSIS * 2)
    ]
    for session in sessions:
        session.start()
    wait_until("sessions are charged", lambda: all(session.reported for session in sessions))
    return sessions, before


def check(up: RunningUp, sessions: list[NchfSession], before: dict[str, dict[int, int]]) -> None:
    """Each request was answered as it should be and charged once, by books of our own and by the journal."""
    for session in sessions:
        session.end()
    assert not [fault for session in sessions for fault in session.faults], up.text()[-6000:]
    assert [session.resent for session in sessions] == [0] * len(sessions), "what crosses a good-bye is answered"
    for imsi, had in before.items():
        reported = sum(session.reported for session in sessions if session.imsi == imsi)
        from_allowance = min(reported, had[Unit.OCTETS])
        paid_micros = (reported - from_allowance) // MIB * PRICE_MICROS_PER_MIB
        assert left(up, imsi) == {
            Unit.OCTETS: had[Unit.OCTETS] - from_allowance,
            Unit.MONEY: had[Unit.MONEY] - paid_micros,
        }
    audited = invoke("audit", "--store", up.state.store_url, "--data-dir", str(up.folder.path))
    assert audited.returncode == 0, audited.stdout + audited.stderr


def test_a_restart_in_turn_costs_no_5g_client_an_answer(tmp_path: Path) -> None:
    several = ("--front-ends", "1", "--chf", "2", "--engines", "2")
    with running_up(tmp_path / "data", *several, FAREBOX_CHF_PORT="0") as up:
        sessions, before = begin(up)
        pids = up.state.pids
        done = invoke("restart", "--data-dir", str(up.folder.path))
        assert done.returncode == 0, done.stdout + done.stderr
        check(up, sessions, before)
        assert {name for name in pids if up.state.pids[name] == pids[name]} == {"store"}
        assert all(session.connections > 1 for session in sessions), "each front end was left once"


def test_clients_of_the_only_front_end_wait_for_the_next_one(tmp_path: Path) -> None:
    with running_up(tmp_path / "data", "--chf", "1", FAREBOX_CHF_PORT="0") as up:
        sessions, before = begin(up)
        pids = up.state.pids
        os.kill(pids["chf-1"], signal.SIGTERM)
        up.wait_ready("chf-1", but_not=pids)
        reported = [session.reported for session in sessions]
        wait_until("sessions go on", lambda: all(s.reported > r for s, r in zip(sessions, reported, strict=True)))
        check(up, sessions, before)
        assert [session.connections for session in sessions] == [2] * len(sessions)
